//! Codes that are sent, checked and ended from the terminal.

use std::sync::Arc;

use backstop_domain::{
    application::{Application, Authority},
    channel::Channel,
    code::SubmittedCode,
    id::VerificationId,
    purpose::Purpose,
    recipient::Recipient,
};
use backstop_engine::{
    Caller, Credential,
    verify::{CheckRequest, Selection, StartRequest},
};

use crate::{
    control::protocol::{CancelReply, ControlReply, Private, SendReply, VerifyReply},
    wiring::Installation,
};

pub(super) async fn send(
    installation: &Installation,
    application: Option<&str>,
    (to, channel, purpose): (&Private, Option<Channel>, Option<Purpose>),
    wait: bool,
) -> anyhow::Result<ControlReply> {
    let caller = caller(installation, application)?;
    let to = Recipient::parse(to.expose(), caller.application.default_region)?;
    let mut request = StartRequest::new(to, purpose.unwrap_or_else(Purpose::login));
    request.wait = wait;
    request.selection = channel.map_or(Selection::Ladder, Selection::Only);
    let started = installation.engine.start(&caller, request, None).await?;
    let (channel_used, provider) = started.used.unzip();
    Ok(ControlReply::Send(SendReply {
        id: started.verification.id,
        status: started.verification.status,
        channel_used,
        provider,
        to: started.verification.to,
        expires_at: started.verification.expires_at.to_rfc3339(),
    }))
}

pub(super) async fn verify(
    installation: &Installation,
    application: Option<&str>,
    id: VerificationId,
    code: &Private,
) -> anyhow::Result<ControlReply> {
    let caller = caller(installation, application)?;
    let submitted = SubmittedCode::parse(code.expose())?;
    let report = installation.engine.check(&caller, CheckRequest::Id(id, submitted), None).await?;
    let answer = report.answer;
    Ok(ControlReply::Verify(VerifyReply {
        valid: answer.valid,
        status: answer.status,
        checks_left: answer.checks_left,
    }))
}

pub(super) async fn cancel(
    installation: &Installation,
    application: Option<&str>,
    id: VerificationId,
) -> anyhow::Result<ControlReply> {
    let caller = caller(installation, application)?;
    let ended = installation.engine.cancel(&caller, id).await?;
    Ok(ControlReply::Cancel(CancelReply { id, status: ended.status }))
}

/// The terminal speaks for the application, as its secret key would.
pub(in crate::control) fn caller(
    installation: &Installation,
    application: Option<&str>,
) -> anyhow::Result<Caller> {
    let application = find(installation, application)?;
    Ok(Caller {
        application,
        authority: Authority::Secret,
        credential: Credential::of("terminal"),
        network: None,
        origin: None,
        surface: None,
    })
}

pub(super) fn find(installation: &Installation, name: Option<&str>) -> anyhow::Result<Arc<Application>> {
    let engine = &installation.engine;
    let all: Vec<_> = engine.applications().map(|application| application.name.clone()).collect();
    let found = match (name, all.as_slice()) {
        (Some(name), _) => engine.application(name),
        (None, [only]) => engine.application(only),
        (None, _) => {
            anyhow::bail!("there are {} applications\n  fix: name one with --application", all.len())
        }
    };
    found.ok_or_else(|| anyhow::anyhow!("no application of that name\n  fix: name one of {}", all.join(", ")))
}
