//! The doctor with a person beside it: a real code through each provider alone, and the person types what arrived.
//!
//! A vendor that takes messages and loses them is found by nothing else. A code that did not come is canceled, so that the
//! next provider's is the only one under way.

use backstop_domain::{
    channel::Channel,
    id::VerificationId,
    ports::Clock,
    recipient::{EmailAddress, Recipient},
};

use super::{DoctorArguments, answer};
use crate::{
    cli::{Exit, providers::figures::seconds, screen::Screen},
    config::Config,
    control::{
        self,
        protocol::{ControlReply, ControlRequest, DoctorLine, DoctorReply, Level, Private, TestSend},
    },
    runtime::SystemClock,
};

/// How often a code may be typed.
const TRIES: usize = 3;

/// Looks at everything, and then goes through the providers.
pub(super) fn run(arguments: DoctorArguments, config: &Config, screen: &mut Screen) -> anyhow::Result<Exit> {
    let look = ControlRequest::Doctor { send_to_phone: None, send_to_email: None };
    let reply = control::call(config, look)?;
    let ControlReply::Doctor(mut found) = reply else { return refused(&reply, screen) };
    if let (Some(answer), false) =
        (answer(&ControlReply::Doctor(found.clone()), screen.style()), screen.json())
    {
        writeln!(screen.out(), "{}\n", answer.text)?;
    }
    let given = |given: Option<String>, question: &str, screen: &mut Screen| {
        given.filter(|text| !text.is_empty()).or_else(|| screen.ask(question)).filter(|text| !text.is_empty())
    };
    let phone = given(arguments.send_to_phone, "Send to which number? (nothing: to none)", screen);
    let email = given(arguments.send_to_email, "Send to which e-mail address? (nothing: to none)", screen);
    let reply = control::call(config, ControlRequest::Providers)?;
    let ControlReply::Providers(table) = reply else { return refused(&reply, screen) };
    let mut trials = Vec::new();
    for row in table.providers.iter().filter(|row| row.enabled && !row.switched_off) {
        for channel in &row.channels {
            let to = if channel_is_mail(*channel) { &email } else { &phone };
            if let Some(to) = to {
                trials.push(trial(config, screen, &row.name, *channel, to)?);
            }
        }
    }
    let worst = found.lines.iter().chain(&trials).map(|line| line.level).max();
    if trials.is_empty() {
        screen.say("nothing was sent");
    }
    if screen.json() {
        found.lines.append(&mut trials);
        trials = found.lines;
    }
    let reply = ControlReply::Doctor(DoctorReply { lines: trials });
    if let Some(answer) = answer(&reply, screen.style()) {
        screen.answer(&answer, &reply)?;
    }
    Ok(match worst {
        None | Some(Level::Well) => Exit::Well,
        Some(Level::Warning) => Exit::Warning,
        Some(Level::Broken) => Exit::Broken,
    })
}

fn refused(reply: &ControlReply, screen: &mut Screen) -> anyhow::Result<Exit> {
    match reply {
        ControlReply::Refused(refusal) => screen.answer(&crate::cli::refused(refusal), reply),
        _ => anyhow::bail!("the running service gave an answer to another question"),
    }
}

/// Whether an e-mail address is what a channel takes.
fn channel_is_mail(channel: Channel) -> bool {
    EmailAddress::parse("a@example.com").is_ok_and(|address| channel.reaches(&Recipient::Email(address)))
}

fn trial(
    config: &Config,
    screen: &mut Screen,
    provider: &str,
    channel: Channel,
    to: &str,
) -> anyhow::Result<DoctorLine> {
    let subject = format!("{channel} through {provider}");
    let line = |level, finding: String, fix: Option<&str>| DoctorLine {
        subject: subject.clone(),
        level,
        finding,
        fix: fix.map(str::to_owned),
    };
    let application = config.applications.first().map(|application| application.name.clone());
    let request = ControlRequest::TestProvider {
        name: provider.to_owned(),
        application: application.clone(),
        to: Some(Private::new(to)),
        channel: Some(channel),
    };
    let clock = SystemClock::default();
    let begun = clock.now();
    let sent = match control::call(config, request)? {
        ControlReply::TestProvider(reply) => reply.sent,
        ControlReply::Refused(refusal) => {
            return Ok(line(Level::Warning, refusal.problem, refusal.fix.as_deref()));
        }
        _ => None,
    };
    let Some(TestSend { accepted: true, verification: Some(id), answered_millis, .. }) = sent else {
        let finding = sent.map_or("not sent".to_owned(), |sent| sent.finding);
        return Ok(line(Level::Broken, finding, Some("see the lines above")));
    };
    let took = answered_millis.map_or(String::new(), |millis| format!(" after {}", seconds(millis)));
    screen.say(&format!("{subject}: accepted{took}"));
    for _ in 0..TRIES {
        let Some(code) =
            screen.ask("  The code that arrived? (nothing: none came)").filter(|code| !code.is_empty())
        else {
            break;
        };
        let waited = clock.now().since(begun);
        if is_right(config, application.clone(), id, code)? {
            let waited = seconds(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
            return Ok(line(Level::Well, format!("accepted{took}, arrived and typed within {waited}"), None));
        }
        screen.say("  That is not the code.");
    }
    let _ = control::call(config, ControlRequest::Cancel { application, id })?;
    let finding = format!("accepted{took}, and the code did not arrive");
    Ok(line(Level::Broken, finding, Some("see the vendor's own log of this message")))
}

fn is_right(
    config: &Config,
    application: Option<String>,
    id: VerificationId,
    code: String,
) -> anyhow::Result<bool> {
    let reply = control::call(config, ControlRequest::Verify { application, id, code: Private::new(code) })?;
    Ok(matches!(reply, ControlReply::Verify(checked) if checked.valid))
}
