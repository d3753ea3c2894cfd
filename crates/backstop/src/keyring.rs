//! Opening the keyring of a store, or making its first one.

use anyhow::bail;
use backstop_domain::{
    audit::NewRecord,
    clock::Timestamp,
    event::{Actor, Event, EventKind},
    keyring::{KeyUse, Keyring, Kid, RootKey, generate},
    ports::{
        Random,
        store::{Keys, StoreError, WrappedKey},
    },
};

/// How often the first signing key is tried to be added: another start or a rotation may take its number.
const TRIES: usize = 3;

/// Opens the keyring that the store holds. An empty store gets its first keys and the root key's fingerprint, in one act; one
/// that was made before there were tokens gets its first signing key.
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
    Ok(root.open_ring(&with_a_signing_key(store, root, random, now).await?)?)
}

/// The ring, with a signing key in it. Nodes that start together want the same next number, and whoever came first has it:
/// there is never a second one.
async fn with_a_signing_key(
    store: &dyn Keys,
    root: &RootKey,
    random: &dyn Random,
    now: Timestamp,
) -> Result<Vec<WrappedKey>, StoreError> {
    let mut refused = None;
    for _ in 0..TRIES {
        let ring = store.ring().await?;
        if ring.iter().any(|entry| entry.key_use == KeyUse::Sign) {
            return Ok(ring);
        }
        let kid = next(&ring);
        let first = wrap(root, kid, KeyUse::Sign, random, now);
        let added = Event::new(now, EventKind::KeyringRotated, Actor::System).with_object(kid.0.to_string());
        let opened = root.open_ring(&ring).map_err(|error| StoreError::Internal(error.to_string()))?;
        refused = store.add_ring_keys(vec![first], NewRecord::of(&added, &opened, random)).await.err();
    }
    match refused {
        Some(error) => Err(error),
        None => store.ring().await,
    }
}

/// Adds one key for each use that has newer ones. New work takes them once every running node has loaded them; what the old
/// ones made still opens.
///
/// # Errors
/// If the store cannot be written.
pub(crate) async fn rotate(
    store: &dyn Keys,
    root: &RootKey,
    random: &dyn Random,
    now: Timestamp,
    record: impl FnOnce(&[Kid]) -> NewRecord,
) -> anyhow::Result<Vec<(Kid, KeyUse)>> {
    let first = next(&store.ring().await?).0;
    let added: Vec<_> = (first..).map(Kid).zip(KeyUse::ROTATING).collect();
    let wrapped = added.iter().map(|(kid, key_use)| wrap(root, *kid, *key_use, random, now));
    let kids: Vec<Kid> = added.iter().map(|(kid, _)| *kid).collect();
    store.add_ring_keys(wrapped.collect(), record(&kids)).await?;
    Ok(added)
}

fn next(ring: &[WrappedKey]) -> Kid {
    Kid(ring.iter().map(|entry| entry.kid.0).max().unwrap_or(0) + 1)
}

fn wrap(root: &RootKey, kid: Kid, key_use: KeyUse, random: &dyn Random, now: Timestamp) -> WrappedKey {
    WrappedKey { kid, key_use, wrapped: root.wrap(kid, key_use, &generate(random), random), created_at: now }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use backstop_domain::ports::random::SeededRandom;
    use backstop_store::SqliteStore;
    use parking_lot::Mutex;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    /// The record of nothing in particular.
    fn told(_: &[Kid]) -> NewRecord {
        NewRecord { at: NOW, body: "{}".into(), detail: None }
    }

    /// A store where somebody else adds a key just before this node does.
    struct Crowded {
        store: SqliteStore,
        ahead: Mutex<Vec<Vec<WrappedKey>>>,
    }

    #[async_trait]
    impl Keys for Crowded {
        async fn root_fingerprint(&self) -> Result<Option<String>, StoreError> {
            self.store.root_fingerprint().await
        }
        async fn initialize(&self, fingerprint: &str, keys: Vec<WrappedKey>) -> Result<bool, StoreError> {
            self.store.initialize(fingerprint, keys).await
        }
        async fn ring(&self) -> Result<Vec<WrappedKey>, StoreError> {
            self.store.ring().await
        }
        async fn add_ring_keys(&self, keys: Vec<WrappedKey>, record: NewRecord) -> Result<(), StoreError> {
            let ahead = self.ahead.lock().pop();
            self.store.add_ring_keys(ahead.unwrap_or_default(), record.clone()).await?;
            self.store.add_ring_keys(keys, record).await
        }
    }

    fn root() -> RootKey {
        RootKey::new([7; 32])
    }

    /// The store of a program that knew no tokens.
    async fn of_before(ahead: Vec<Vec<(u32, KeyUse)>>) -> Crowded {
        let random = SeededRandom::new(1);
        let store = SqliteStore::inline_in_memory(NOW).unwrap();
        let wrapped = |keys: Vec<(u32, KeyUse)>| -> Vec<WrappedKey> {
            keys.into_iter().map(|(kid, key_use)| wrap(&root(), Kid(kid), key_use, &random, NOW)).collect()
        };
        let first = vec![(1, KeyUse::Code), (2, KeyUse::Seal), (3, KeyUse::Lookup)];
        store.initialize(&root().fingerprint(), wrapped(first)).await.unwrap();
        Crowded { store, ahead: Mutex::new(ahead.into_iter().rev().map(wrapped).collect()) }
    }

    async fn open_twice(store: &Crowded) -> (Keyring, Vec<(u32, KeyUse)>) {
        let random = SeededRandom::new(2);
        open(store, &root(), &random, NOW).await.unwrap();
        let ring = open(store, &root(), &random, NOW).await.unwrap();
        let keys = store.ring().await.unwrap();
        (ring, keys.iter().map(|entry| (entry.kid.0, entry.key_use)).collect())
    }

    #[tokio::test]
    async fn an_installation_of_before_there_were_tokens_gets_one_signing_key() {
        let (ring, keys) = open_twice(&of_before(vec![]).await).await;
        assert_eq!(keys[3..], [(4, KeyUse::Sign)]);
        assert!(ring.signing_key().is_ok());
    }

    #[tokio::test]
    async fn of_two_nodes_that_start_together_one_adds_the_signing_key_and_both_have_it() {
        let store = of_before(vec![vec![(4, KeyUse::Sign)]]).await;
        let (ring, keys) = open_twice(&store).await;
        assert_eq!(keys[3..], [(4, KeyUse::Sign)]);
        let theirs = root().open_ring(&store.ring().await.unwrap()).unwrap();
        assert_eq!(ring.signing_key(), theirs.signing_key());
    }

    #[tokio::test]
    async fn a_rotation_at_the_same_moment_does_not_keep_the_signing_key_out() {
        let store = of_before(vec![vec![(4, KeyUse::Code), (5, KeyUse::Seal)]]).await;
        let (_, keys) = open_twice(&store).await;
        assert_eq!(keys[3..], [(4, KeyUse::Code), (5, KeyUse::Seal), (6, KeyUse::Sign)]);
    }

    #[tokio::test]
    async fn a_new_installation_has_a_key_for_every_use_and_a_rotation_follows_all_but_the_look_up_key() {
        let (store, random) = (SqliteStore::inline_in_memory(NOW).unwrap(), SeededRandom::new(3));
        let ring = open(&store, &root(), &random, NOW).await.unwrap();
        assert_eq!(store.ring().await.unwrap().len(), KeyUse::ALL.len());
        let added = rotate(&store, &root(), &random, NOW, told).await.unwrap();
        assert_eq!(added, [(Kid(5), KeyUse::Code), (Kid(6), KeyUse::Seal), (Kid(7), KeyUse::Sign)]);
        let rotated = open(&store, &root(), &random, NOW).await.unwrap();
        assert_ne!(rotated.signing_key(), ring.signing_key());
    }
}
