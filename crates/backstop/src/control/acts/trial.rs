//! A look at one provider and, if asked, a real message through it alone.
//!
//! The message is a verification like any other, of an application that knows this provider only: limits, prices and
//! breakers count it. One that was not taken is canceled, so that nothing goes out later.

use std::sync::Arc;

use backstop_domain::{
    application::Application, channel::Channel, ports::Tasks, purpose::Purpose, recipient::Recipient,
};
use backstop_engine::{
    AttemptReport, Caller,
    verify::{Selection, StartRequest},
};
use futures::future::{self, Either};

use super::{
    codes::caller,
    providers::{is_taken, millis},
    switches::{finding, usable},
};
use crate::{
    config::ProviderSettings,
    control::{
        protocol::{ControlReply, Finding, Private, TestReply, TestSend},
        refused,
    },
    wiring::Installation,
};

/// Looks, and sends.
pub(super) async fn test(
    installation: &Installation,
    name: &str,
    application: Option<&str>,
    to: Option<&Private>,
    channel: Option<Channel>,
) -> anyhow::Result<ControlReply> {
    let (settings, provider) = match usable(installation, name) {
        Ok(found) => found,
        Err(refusal) => return Ok(ControlReply::Refused(refusal)),
    };
    let goal = match to {
        Some(to) => {
            let caller = only(&caller(installation, application)?, name);
            let to = Recipient::parse(to.expose(), caller.application.default_region)?;
            let serving = &settings.config.channels;
            let over = serving.iter().find(|c| c.reaches(&to) && channel.is_none_or(|only| only == **c));
            let Some(over) = over.copied() else {
                let channels = serving.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(", ");
                let fix = format!("it serves {channels}");
                return Ok(refused(format!("{name} does not reach this recipient that way"), Some(&fix)));
            };
            Some((caller, to, over))
        }
        None => None,
    };
    let alarm = installation.tasks.sleep(settings.config.timeout);
    let checkup = match future::select(provider.check_up(), alarm).await {
        Either::Left((checkup, _)) => finding(checkup),
        Either::Right(_) => silent(settings),
    };
    let sent = match goal {
        Some((caller, to, over)) => Some(send(installation, name, &caller, to, over).await),
        None => None,
    };
    Ok(ControlReply::TestProvider(TestReply { provider: name.to_owned(), checkup, sent }))
}

/// What a provider that does not answer a look is like.
pub(in crate::control) fn silent(settings: &ProviderSettings) -> Finding {
    Finding {
        well: false,
        finding: format!("no answer in {} s", settings.config.timeout.as_secs_f32()),
        fix: Some("check the network and the vendor's status page".to_owned()),
    }
}

/// The same caller, of an application that this provider alone serves.
fn only(caller: &Caller, provider: &str) -> Caller {
    let application =
        Application { providers: Some(vec![provider.to_owned()]), ..Application::clone(&caller.application) };
    Caller { application: Arc::new(application), ..caller.clone() }
}

async fn send(
    installation: &Installation,
    name: &str,
    caller: &Caller,
    to: Recipient,
    over: Channel,
) -> TestSend {
    let engine = &installation.engine;
    let nothing = TestSend {
        verification: None,
        to: to.masked(),
        channel: over,
        accepted: false,
        finding: String::new(),
        answered_millis: None,
    };
    let purpose = Purpose::login();
    let why = engine.explain(&caller.application, &to, &purpose, &[over]).into_iter().next();
    let mut request = StartRequest::new(to, purpose);
    request.selection = Selection::Only(over);
    request.wait = true;
    let started = match engine.start(caller, request, None).await {
        Ok(started) => started.verification,
        Err(error) => return TestSend { finding: format!("not sent: {error}"), ..nothing },
    };
    let report = match engine.read(caller, started.id).await {
        Ok(report) => report,
        Err(error) => return TestSend { finding: error.to_string(), ..nothing },
    };
    let last = report.attempts.last();
    let accepted = last.is_some_and(|attempt| is_taken(attempt.state));
    if !accepted {
        // If it ended meanwhile, nothing goes out any more either.
        let _ = engine.cancel(caller, started.id).await;
    }
    let why = why.and_then(|explained| {
        explained.decision.candidates.into_iter().find(|one| one.provider == name)?.why
    });
    TestSend {
        verification: accepted.then_some(started.id),
        accepted,
        finding: match last {
            Some(attempt) => said(attempt),
            None => format!("not sent: {}", why.as_deref().unwrap_or("no route was free in 8 s")),
        },
        answered_millis: last
            .and_then(|attempt| Some(millis(attempt.finished_at?.since(attempt.started_at)))),
        ..nothing
    }
}

/// In our words, and in the vendor's.
fn said(attempt: &AttemptReport) -> String {
    let outcome = attempt.outcome.as_deref().unwrap_or("no answer in 8 s");
    match &attempt.vendor_response {
        Some(response) if !response.success => format!("{outcome}: {}", response.response),
        _ => outcome.to_owned(),
    }
}
