//! API keys of applications, and the keyring.

use backstop_domain::{
    application::Authority,
    event::{Actor, Event, EventKind},
    id::ApiKeyId,
    keyring::Kid,
    ports::{Random, store::ApiKey},
};
use backstop_engine::{Credential, access::Grant};
use zeroize::Zeroizing;

use super::codes::find;
use crate::{
    control::protocol::{
        ControlReply, KeyReply, KeyRow, KeysReply, Private, RevokeReply, RotateReply, RotatedKey,
    },
    keyring,
    wiring::Installation,
};

/// Random bytes of a new key: as many as its hash can tell apart.
const KEY_BYTES: usize = 32;

pub(super) async fn create_key(
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
    let made = Event::new(now, EventKind::KeyCreated, Actor::CommandLine).with_object(id.to_string());
    let method = Some(if publishable { "publishable" } else { "secret" }.to_owned());
    let made = Event { application: Some(application.id), method, ..made };
    installation.store.add_key(row, installation.engine.new_record(&made)).await?;
    let grant = Grant { application: application.clone(), authority, key: Some(id) };
    installation.engine.access().admit(credential, grant);
    let application = application.name.clone();
    Ok(ControlReply::CreateKey(KeyReply { id, application, publishable, key: Private::new(key.as_str()) }))
}

pub(super) async fn list_keys(installation: &Installation) -> anyhow::Result<ControlReply> {
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

pub(super) async fn revoke_key(installation: &Installation, id: ApiKeyId) -> anyhow::Result<ControlReply> {
    let now = installation.clock.now();
    let ended = Event::new(now, EventKind::KeyRevoked, Actor::CommandLine).with_object(id.to_string());
    let record = installation.engine.new_record(&ended);
    let revoked = installation.store.revoke_key(id, record, now).await?;
    installation.engine.access().revoke(id);
    Ok(ControlReply::RevokeKey(RevokeReply { id, revoked }))
}

pub(super) async fn rotate(installation: &Installation) -> anyhow::Result<ControlReply> {
    let random = installation.random.as_ref();
    let now = installation.clock.now();
    let record = |kids: &[Kid]| {
        let names: Vec<String> = kids.iter().map(|kid| kid.0.to_string()).collect();
        let rotated = Event::new(now, EventKind::KeyringRotated, Actor::CommandLine);
        installation.engine.new_record(&rotated.with_object(names.join(",")))
    };
    let added = keyring::rotate(installation.store.as_ref(), &installation.root, random, now, record).await?;
    installation.engine.meet().await?;
    let keys = added.into_iter().map(|(kid, key_use)| RotatedKey { kid: kid.0, key_use });
    Ok(ControlReply::RotateKeyring(RotateReply { keys: keys.collect() }))
}
