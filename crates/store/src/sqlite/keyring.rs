//! The keyring at rest: sealed keys, and the fingerprint of the root key that opens them. The root key is never here.

use async_trait::async_trait;
use backstop_domain::{
    keyring::{KeyUse, Kid},
    ports::store::{Keys, StoreError, WrappedKey},
};
use rusqlite::{Connection, Row, params};

use super::{SqliteStore, fields::Fields, lookups};
use crate::error::Result;

/// The key of the fingerprint in `meta`.
const FINGERPRINT: &str = "root_fingerprint";

#[async_trait]
impl Keys for SqliteStore {
    async fn root_fingerprint(&self) -> std::result::Result<Option<String>, StoreError> {
        self.read(|connection| lookups::meta(connection, FINGERPRINT)).await
    }

    async fn initialize(
        &self,
        fingerprint: &str,
        keys: Vec<WrappedKey>,
    ) -> std::result::Result<bool, StoreError> {
        let fingerprint = fingerprint.to_owned();
        self.write(move |unit| {
            if lookups::meta(&unit.connection, FINGERPRINT)?.is_some() {
                return Ok(false);
            }
            unit.connection.execute(
                "INSERT INTO meta (key, value) VALUES (?1, ?2)",
                params![FINGERPRINT, fingerprint],
            )?;
            insert(&unit.connection, &keys)?;
            Ok(true)
        })
        .await
    }

    async fn ring(&self) -> std::result::Result<Vec<WrappedKey>, StoreError> {
        self.read(|connection| {
            let mut query = connection
                .prepare_cached("SELECT kid, key_use, wrapped, created_at FROM keyring ORDER BY kid")?;
            query.query_and_then([], wrapped)?.collect()
        })
        .await
    }

    async fn add_ring_keys(&self, keys: Vec<WrappedKey>) -> std::result::Result<(), StoreError> {
        self.write(move |unit| insert(&unit.connection, &keys)).await
    }
}

fn insert(connection: &Connection, keys: &[WrappedKey]) -> Result<()> {
    for key in keys {
        connection.execute(
            "INSERT INTO keyring (kid, key_use, wrapped, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![key.kid.0, key.key_use.as_str(), key.wrapped, key.created_at.as_millis()],
        )?;
    }
    Ok(())
}

fn wrapped(row: &Row<'_>) -> Result<WrappedKey> {
    let mut fields = Fields::of(row, "keyring", 1);
    let kid = Kid(fields.take("kid")?);
    let word: String = fields.take("key_use")?;
    let key_use = KeyUse::ALL.into_iter().find(|key_use| key_use.as_str() == word);
    Ok(WrappedKey {
        kid,
        key_use: key_use.ok_or_else(|| fields.bad("key_use", "no such use"))?,
        wrapped: fields.take("wrapped")?,
        created_at: fields.moment("created_at")?,
    })
}
