//! Carrying out what a command asks for: one file for each group of commands.

mod audit;
mod codes;
mod costs;
mod emergency;
mod keys;
pub(crate) mod operators;
mod people;
mod providers;
mod route;
mod stats;
mod switches;
mod trial;

pub(super) use codes::caller;
pub(super) use providers::amount;
pub(super) use trial::silent;

use super::{
    doctor,
    protocol::{BackupReply, ControlReply, ControlRequest},
    refused,
};
use crate::wiring::Installation;

/// Whether the process that carries a request out is the service, or only the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seat {
    /// It is the service.
    Service,
    /// It opened the store for this one request.
    Alone,
}

/// Does it and says what came of it. Whatever goes wrong is a refusal with its reason.
pub(super) async fn carry_out(
    installation: &Installation,
    seat: Seat,
    request: ControlRequest,
) -> ControlReply {
    let done = match request {
        ControlRequest::Send { application, to, channel, purpose, wait } => {
            codes::send(installation, application.as_deref(), (&to, channel, purpose), wait).await
        }
        ControlRequest::Verify { application, id, code } => {
            codes::verify(installation, application.as_deref(), id, &code).await
        }
        ControlRequest::Cancel { application, id } => {
            codes::cancel(installation, application.as_deref(), id).await
        }
        ControlRequest::CreateKey { application, publishable } => {
            keys::create_key(installation, &application, publishable).await
        }
        ControlRequest::ListKeys => keys::list_keys(installation).await,
        ControlRequest::RevokeKey { id } => keys::revoke_key(installation, id).await,
        ControlRequest::RotateKeyring => keys::rotate(installation).await,
        ControlRequest::Backup { to } => backup(installation, to).await,
        ControlRequest::Providers => providers::table(installation, seat).await,
        ControlRequest::SwitchProvider { name, enabled } => {
            switches::switch(installation, &name, enabled).await
        }
        ControlRequest::SetSpendLimit { name, amount, currency } => {
            switches::set_spend_limit(installation, &name, &amount, currency.as_deref()).await
        }
        ControlRequest::VerifySender { name, address } => {
            switches::verify_sender(installation, &name, &address).await
        }
        ControlRequest::TestProvider { name, application, to, channel } => {
            trial::test(installation, &name, application.as_deref(), to.as_ref(), channel).await
        }
        ControlRequest::Route { to, application, purpose, channel } => {
            route::explain(installation, application.as_deref(), &to, purpose, channel)
        }
        ControlRequest::Recorded { id } => route::recorded(installation, id).await,
        ControlRequest::Costs { month } => costs::costs(installation, month.as_deref()).await,
        ControlRequest::Stats { since_seconds } => stats::stats(installation, since_seconds).await,
        ControlRequest::AuditVerify => audit::verify(installation).await,
        ControlRequest::AuditExport { with_details } => audit::begin_export(installation, with_details).await,
        ControlRequest::AuditPage { after, until, with_details } => {
            audit::page(installation, after, until, with_details).await
        }
        ControlRequest::AuditTail { count } => audit::tail(installation, count).await,
        ControlRequest::People { application, act } => {
            people::carry_out(installation, application.as_deref(), act).await
        }
        ControlRequest::ListOperators => operators::list(installation).await,
        ControlRequest::InviteOperator { owner } => operators::invite(installation, owner).await,
        ControlRequest::RemoveOperator { who } => operators::remove(installation, &who).await,
        ControlRequest::EmergencyStatus => emergency::status(installation).await,
        ControlRequest::EmergencyRequests => emergency::requests(installation).await,
        ControlRequest::ApproveEmergency { id, operator } => {
            emergency::approve(installation, id, operator.as_deref()).await
        }
        ControlRequest::EmergencySessions => emergency::sessions(installation).await,
        ControlRequest::RevokeEmergency { id } => emergency::revoke(installation, id).await,
        ControlRequest::ReviewEmergency { id, operator, drill, finding } => {
            emergency::review(installation, (id, operator.as_deref()), drill, &finding).await
        }
        ControlRequest::Doctor { send_to_phone, send_to_email } => {
            Ok(ControlReply::Doctor(doctor::examine(installation, send_to_phone, send_to_email).await))
        }
    };
    done.unwrap_or_else(|error| refused(format!("{error:#}"), None))
}

async fn backup(installation: &Installation, to: std::path::PathBuf) -> anyhow::Result<ControlReply> {
    installation.backing.backup(&to).await?;
    let bytes = std::fs::metadata(&to)?.len();
    Ok(ControlReply::Backup(BackupReply { file: to, bytes }))
}
