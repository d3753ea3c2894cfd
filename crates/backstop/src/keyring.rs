//! Opening the keyring of a store, or making its first one.

use anyhow::bail;
use backstop_domain::{
    clock::Timestamp,
    keyring::{KeyUse, Keyring, Kid, RootKey, generate},
    ports::{
        Random,
        store::{Keys, WrappedKey},
    },
};

/// Opens the keyring that the store holds. An empty store gets its first keys and the root key's fingerprint, in one act.
///
/// # Errors
/// If the store belongs to another root key, or its keys do not open.
pub(crate) async fn open(
    store: &dyn Keys,
    root: &RootKey,
    random: &dyn Random,
    now: Timestamp,
) -> anyhow::Result<Keyring> {
    if store.root_fingerprint().await?.is_none() {
        let first =
            KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| wrap(root, Kid(kid), key_use, random, now));
        store.initialize(&root.fingerprint(), first.collect()).await?;
    }
    let known = store.root_fingerprint().await?;
    if known.as_deref() != Some(root.fingerprint().as_str()) {
        bail!(
            "the store belongs to another root key\n  fix: give store.root_key_file the key that this store was made \
             with; it is not in a backup and cannot be made again"
        );
    }
    Ok(root.open_ring(&store.ring().await?)?)
}

/// Adds one key for codes and one for sealing. New work takes them once every running node has loaded them; what the old
/// ones made still opens.
///
/// # Errors
/// If the store cannot be written.
pub(crate) async fn rotate(
    store: &dyn Keys,
    root: &RootKey,
    random: &dyn Random,
    now: Timestamp,
) -> anyhow::Result<Vec<Kid>> {
    let next = store.ring().await?.iter().map(|entry| entry.kid.0).max().unwrap_or(0) + 1;
    let kids = vec![Kid(next), Kid(next + 1)];
    let added = [KeyUse::Code, KeyUse::Seal].into_iter().zip(&kids);
    store.add_ring_keys(added.map(|(key_use, kid)| wrap(root, *kid, key_use, random, now)).collect()).await?;
    Ok(kids)
}

fn wrap(root: &RootKey, kid: Kid, key_use: KeyUse, random: &dyn Random, now: Timestamp) -> WrappedKey {
    WrappedKey { kid, key_use, wrapped: root.wrap(kid, key_use, &generate(random), random), created_at: now }
}
