//! Carrying out what a command asks for.

use std::sync::Arc;

use backstop_domain::{
    application::{Application, Authority},
    code::SubmittedCode,
    id::{ApiKeyId, VerificationId},
    keyring::KeyUse,
    ports::{Random, store::ApiKey},
    purpose::Purpose,
    recipient::Recipient,
};
use backstop_engine::{
    Caller, Credential,
    access::Grant,
    verify::{CheckRequest, Selection, StartRequest},
};
use zeroize::Zeroizing;

use super::{
    doctor,
    protocol::{
        BackupReply, ControlReply, ControlRequest, KeyReply, KeyRow, KeysReply, Private, ProviderRow,
        ProvidersReply, RevokeReply, RotateReply, RotatedKey, SendReply, VerifyReply,
    },
    refused,
};
use crate::{keyring, wiring::Installation};

/// Random bytes of a new key: as many as its hash can tell apart.
const KEY_BYTES: usize = 32;

/// Does it and says what came of it. Whatever goes wrong is a refusal with its reason.
pub(super) async fn carry_out(installation: &Installation, request: ControlRequest) -> ControlReply {
    let done = match request {
        ControlRequest::Send { application, to, channel, purpose, wait } => {
            let request = move |caller: &Caller| {
                let to = Recipient::parse(to.expose(), caller.application.default_region)?;
                let mut request = StartRequest::new(to, purpose.unwrap_or_else(Purpose::login));
                request.wait = wait;
                request.selection = channel.map_or(Selection::Ladder, Selection::Only);
                Ok(request)
            };
            send(installation, application.as_deref(), request).await
        }
        ControlRequest::Verify { application, id, code } => {
            verify(installation, application.as_deref(), id, &code).await
        }
        ControlRequest::CreateKey { application, publishable } => {
            create_key(installation, &application, publishable).await
        }
        ControlRequest::ListKeys => list_keys(installation).await,
        ControlRequest::RevokeKey { id } => revoke_key(installation, id).await,
        ControlRequest::RotateKeyring => rotate(installation).await,
        ControlRequest::Backup { to } => backup(installation, to).await,
        ControlRequest::Providers => Ok(providers(installation)),
        ControlRequest::Doctor { send_to_phone, send_to_email } => {
            Ok(ControlReply::Doctor(doctor::examine(installation, send_to_phone, send_to_email).await))
        }
    };
    done.unwrap_or_else(|error| refused(format!("{error:#}"), None))
}

async fn send(
    installation: &Installation,
    application: Option<&str>,
    request: impl FnOnce(&Caller) -> anyhow::Result<StartRequest>,
) -> anyhow::Result<ControlReply> {
    let caller = caller(installation, application)?;
    let started = installation.engine.start(&caller, request(&caller)?, None).await?;
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

async fn verify(
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

/// The terminal speaks for the application, as its secret key would.
pub(super) fn caller(installation: &Installation, application: Option<&str>) -> anyhow::Result<Caller> {
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

fn find(installation: &Installation, name: Option<&str>) -> anyhow::Result<Arc<Application>> {
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

async fn create_key(
    installation: &Installation,
    application: &str,
    publishable: bool,
) -> anyhow::Result<ControlReply> {
    let application = find(installation, Some(application))?;
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    installation.random.fill(&mut *bytes);
    let kind = if publishable { "pk" } else { "sk" };
    let key = Zeroizing::new(format!("{kind}_{}_{}", application.name, hex::encode(*bytes)));
    let authority = if publishable { Authority::Public } else { Authority::Secret };
    let (now, credential) = (installation.clock.now(), Credential::of(&key));
    let id = ApiKeyId::new(now, installation.random.as_ref());
    let row = ApiKey {
        id,
        application: application.id,
        authority,
        hash: credential.0,
        hint: format!("{kind}_{}_…{}", application.name, &key[key.len() - 4..]),
        created_at: now,
        revoked_at: None,
    };
    installation.store.add_key(row).await?;
    let grant = Grant { application: application.clone(), authority, key: Some(id) };
    installation.engine.access().admit(credential, grant);
    let application = application.name.clone();
    Ok(ControlReply::CreateKey(KeyReply { id, application, publishable, key: Private::new(key.as_str()) }))
}

async fn list_keys(installation: &Installation) -> anyhow::Result<ControlReply> {
    let name = |key: &ApiKey| {
        let mut applications = installation.engine.applications();
        applications
            .find(|application| application.id == key.application)
            .map(|application| application.name.clone())
    };
    let row = |key: ApiKey| KeyRow {
        id: key.id,
        application: name(&key).unwrap_or_else(|| "no longer configured".into()),
        publishable: key.authority.is_public(),
        hint: key.hint,
        created_at: key.created_at.to_rfc3339(),
        revoked_at: key.revoked_at.map(|at| at.to_rfc3339()),
    };
    let keys = installation.store.keys().await?.into_iter().map(row).collect();
    Ok(ControlReply::ListKeys(KeysReply { keys }))
}

async fn revoke_key(installation: &Installation, id: ApiKeyId) -> anyhow::Result<ControlReply> {
    let revoked = installation.store.revoke_key(id, installation.clock.now()).await?;
    installation.engine.access().revoke(id);
    Ok(ControlReply::RevokeKey(RevokeReply { id, revoked }))
}

async fn rotate(installation: &Installation) -> anyhow::Result<ControlReply> {
    let random = installation.random.as_ref();
    let now = installation.clock.now();
    let kids = keyring::rotate(installation.store.as_ref(), &installation.root, random, now).await?;
    installation.engine.meet().await?;
    let uses = [KeyUse::Code, KeyUse::Seal];
    let keys = kids.into_iter().zip(uses).map(|(kid, key_use)| RotatedKey { kid: kid.0, key_use }).collect();
    Ok(ControlReply::RotateKeyring(RotateReply { keys }))
}

async fn backup(installation: &Installation, to: std::path::PathBuf) -> anyhow::Result<ControlReply> {
    installation.backing.backup(&to).await?;
    let bytes = std::fs::metadata(&to)?.len();
    Ok(ControlReply::Backup(BackupReply { file: to, bytes }))
}

fn providers(installation: &Installation) -> ControlReply {
    let health = installation.engine.routes().health(installation.clock.now());
    let row = |settings: &crate::config::ProviderSettings| {
        let health = health.iter().find(|health| health.name == settings.config.name);
        ProviderRow {
            name: settings.config.name.clone(),
            kind: settings.config.kind.clone(),
            channels: settings.config.channels.clone(),
            breaker: health.map_or("closed", |health| health.breaker.as_str()).to_owned(),
            consecutive_failures: health.map_or(0, |health| health.consecutive_failures as u64),
            last_success: health.and_then(|health| health.last_success).map(|at| at.to_rfc3339()),
            last_error: health
                .and_then(|health| health.last_error)
                .map(|(at, what)| format!("{what} at {}", at.to_rfc3339())),
            enabled: settings.enabled,
        }
    };
    ControlReply::Providers(ProvidersReply {
        providers: installation.config.providers.iter().map(row).collect(),
    })
}
