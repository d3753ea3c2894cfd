//! The keyring at rest: sealed keys, and the fingerprint of the root key that opens them. The root key is never here.

use std::slice;

use async_trait::async_trait;
use backstop_domain::{
    audit::NewRecord,
    ports::store::{Keys, StoreError, WrappedKey},
};
use rusqlite::{Connection, params};

use super::{SqliteStore, audit, lookups};
use crate::{error::Result, rows};

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
            let sql = format!("SELECT {} FROM keyring ORDER BY kid", rows::RING_KEY);
            connection.prepare_cached(&sql)?.query_and_then([], |row| rows::ring_key(row))?.collect()
        })
        .await
    }

    async fn add_ring_keys(
        &self,
        keys: Vec<WrappedKey>,
        record: NewRecord,
    ) -> std::result::Result<(), StoreError> {
        self.write(move |unit| {
            insert(&unit.connection, &keys)?;
            audit::append(&unit.connection, slice::from_ref(&record))
        })
        .await
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
