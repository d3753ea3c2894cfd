//! Applications by name, and the hashes of their keys.

use std::slice;

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    audit::NewRecord,
    clock::Timestamp,
    id::ApiKeyId,
    ports::store::{ApiKey, Applications, StoreError},
};
use rusqlite::{OptionalExtension, params};

use super::{SqliteStore, audit};
use crate::{rows, words};

#[async_trait]
impl Applications for SqliteStore {
    async fn application(
        &self,
        name: &str,
        now: Timestamp,
    ) -> std::result::Result<ApplicationId, StoreError> {
        let name = name.to_owned();
        self.write(move |unit| {
            let connection = &unit.connection;
            let mut query = connection.prepare_cached("SELECT id FROM applications WHERE name = ?1")?;
            if let Some(id) = query.query_row([&name], |row| row.get(0)).optional()? {
                return Ok(ApplicationId(id));
            }
            connection.execute(
                "INSERT INTO applications (name, created_at) VALUES (?1, ?2)",
                params![name, now.as_millis()],
            )?;
            Ok(ApplicationId(connection.last_insert_rowid()))
        })
        .await
    }

    async fn add_key(&self, key: ApiKey, record: NewRecord) -> std::result::Result<(), StoreError> {
        self.write(move |unit| {
            unit.connection.execute(
                "INSERT INTO api_keys (id, application_id, authority, hash, hint, created_at, revoked_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    key.id.to_string(),
                    key.application.0,
                    words::authority(key.authority),
                    key.hash,
                    key.hint,
                    key.created_at.as_millis(),
                    key.revoked_at.map(Timestamp::as_millis),
                ],
            )?;
            audit::append(&unit.connection, slice::from_ref(&record))
        })
        .await
    }

    async fn keys(&self) -> std::result::Result<Vec<ApiKey>, StoreError> {
        self.read(|connection| {
            let sql = format!("SELECT {} FROM api_keys ORDER BY id", rows::API_KEY);
            connection.prepare_cached(&sql)?.query_and_then([], |row| rows::api_key(row))?.collect()
        })
        .await
    }

    async fn revoke_key(
        &self,
        id: ApiKeyId,
        record: NewRecord,
        now: Timestamp,
    ) -> std::result::Result<bool, StoreError> {
        self.write(move |unit| {
            let changed = unit.connection.execute(
                "UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
                params![id.to_string(), now.as_millis()],
            )?;
            if changed == 1 {
                audit::append(&unit.connection, slice::from_ref(&record))?;
            }
            Ok(changed == 1)
        })
        .await
    }
}
