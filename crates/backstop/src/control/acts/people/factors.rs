//! Backup codes, trusted devices and sessions of a user.

use backstop_domain::id::{DeviceId, SessionId};
use backstop_engine::{
    manage::{Denied, ManageError},
    sign_in::SessionReport,
};

use super::Person;
use crate::{
    control::protocol::{
        CodesReply, ControlReply, CountReply, DeviceRow, DevicesReply, EndedReply, Private, SessionRow,
        SessionsReply,
    },
    wiring::Installation,
};

pub(super) async fn generate(
    installation: &Installation,
    Person { manager, user }: Person,
) -> anyhow::Result<ControlReply> {
    let codes = installation.engine.generate_backup_codes(&manager, user).await?;
    Ok(ControlReply::Codes(CodesReply {
        user,
        brand: manager.caller.application.brand.clone(),
        generated_at: installation.clock.now().to_rfc3339(),
        codes: codes.iter().map(|code| Private::new(code.expose())).collect(),
    }))
}

pub(super) async fn count(
    installation: &Installation,
    Person { manager, user }: Person,
) -> anyhow::Result<ControlReply> {
    let (left, generated_at) = match installation.engine.backup_codes(&manager, user).await {
        Ok(report) => (Some(report.left), Some(report.generated_at.to_rfc3339())),
        Err(ManageError::NotHeld) => (None, None),
        Err(error) => return Err(error.into()),
    };
    Ok(ControlReply::CodesLeft(CountReply { user, left, generated_at }))
}

pub(super) async fn revoke_codes(
    installation: &Installation,
    Person { manager, user }: Person,
) -> anyhow::Result<ControlReply> {
    let count = held(installation.engine.revoke_backup_codes(&manager, user).await)?;
    Ok(ControlReply::Ended(EndedReply { user, what: "backup_codes".into(), count }))
}

pub(super) async fn devices(
    installation: &Installation,
    Person { manager, user }: Person,
) -> anyhow::Result<ControlReply> {
    let devices = installation.engine.devices(&manager, user).await?;
    let devices = devices.into_iter().map(|device| DeviceRow {
        id: device.id,
        name: Private::new(device.name.as_str()),
        created_at: device.created_at.to_rfc3339(),
        trusted_until: device.trusted_until.to_rfc3339(),
        last_seen_at: device.last_seen_at.to_rfc3339(),
        pin: device.pin.is_some(),
    });
    Ok(ControlReply::Devices(DevicesReply { user, devices: devices.collect() }))
}

pub(super) async fn revoke_devices(
    installation: &Installation,
    Person { manager, user }: Person,
    device: Option<DeviceId>,
) -> anyhow::Result<ControlReply> {
    let engine = &installation.engine;
    let which = match device {
        Some(device) => vec![device],
        None => engine.devices(&manager, user).await?.iter().map(|device| device.id).collect(),
    };
    let mut count = 0;
    for device in which {
        // One that went away meanwhile is no device of theirs any more, which is what was wanted.
        count += held(engine.revoke_device(&manager, user, device).await)?;
    }
    Ok(ControlReply::Ended(EndedReply { user, what: "devices".into(), count }))
}

pub(super) async fn sessions(
    installation: &Installation,
    Person { manager, user }: Person,
) -> anyhow::Result<ControlReply> {
    let sessions = installation.engine.sessions(&manager, user).await?.into_iter().map(session).collect();
    Ok(ControlReply::Sessions(SessionsReply { user, sessions }))
}

pub(super) async fn revoke_sessions(
    installation: &Installation,
    Person { manager, user }: Person,
    which: Option<SessionId>,
) -> anyhow::Result<ControlReply> {
    let count = match installation.engine.end_sessions(&manager, user, which).await {
        // The user was there a moment ago: it is the session that is not.
        Err(ManageError::Denied(Denied::NotFound)) => 0,
        ended => ended?,
    };
    Ok(ControlReply::Ended(EndedReply { user, what: "sessions".into(), count }))
}

fn held(ended: Result<(), ManageError>) -> Result<u32, ManageError> {
    match ended {
        Ok(()) => Ok(1),
        Err(ManageError::NotHeld) => Ok(0),
        Err(error) => Err(error),
    }
}

fn session(SessionReport { session, is_live }: SessionReport) -> SessionRow {
    SessionRow {
        id: session.id,
        live: is_live,
        kind: session.kind.as_str().to_owned(),
        created_at: session.created_at.to_rfc3339(),
        last_used_at: session.last_used_at.to_rfc3339(),
        expires_at: session.expires_at.to_rfc3339(),
        amr: session.amr,
        acr: session.acr.as_str().to_owned(),
        network: session.network.map(Private::new),
        ended: session.ended.map(|ended| ended.why.as_str().to_owned()),
    }
}
