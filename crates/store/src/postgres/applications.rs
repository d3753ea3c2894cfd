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

use super::{PostgresStore, audit};
use crate::{rows, words};

#[async_trait]
impl Applications for PostgresStore {
    async fn application(&self, name: &str, now: Timestamp) -> Result<ApplicationId, StoreError> {
        let name = name.to_owned();
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let client = session.client();
                let add = "INSERT INTO applications (name, created_at) SELECT $1, $2 \
                           WHERE NOT EXISTS (SELECT 1 FROM applications WHERE name = $1) ON CONFLICT DO NOTHING";
                client.execute(add, &[&name, &now.as_millis()]).await?;
                let row = client.query_one("SELECT id FROM applications WHERE name = $1", &[&name]).await?;
                Ok(ApplicationId(row.try_get(0)?))
            })
        }))
        .await
    }

    async fn add_key(&self, key: ApiKey, record: NewRecord) -> Result<(), StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let add = "INSERT INTO api_keys (id, application_id, authority, hash, hint, created_at, revoked_at) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7)";
                session.begin().await?;
                session
                    .client()
                    .execute(
                        add,
                        &[
                            &key.id.to_string(),
                            &key.application.0,
                            &words::authority(key.authority),
                            &key.hash.as_slice(),
                            &key.hint,
                            &key.created_at.as_millis(),
                            &key.revoked_at.map(Timestamp::as_millis),
                        ],
                    )
                    .await?;
                audit::append(session, slice::from_ref(&record)).await?;
                session.commit().await
            })
        }))
        .await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.run(Box::new(|session| {
            Box::pin(async move {
                let sql = format!("SELECT {} FROM api_keys ORDER BY id", rows::API_KEY);
                let found = session.client().query(&sql, &[]).await?;
                found.iter().map(rows::api_key).collect()
            })
        }))
        .await
    }

    async fn revoke_key(&self, id: ApiKeyId, record: NewRecord, now: Timestamp) -> Result<bool, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let revoke = "UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
                session.begin().await?;
                let changed = session.client().execute(revoke, &[&id.to_string(), &now.as_millis()]).await?;
                if changed == 1 {
                    audit::append(session, slice::from_ref(&record)).await?;
                }
                session.commit().await?;
                Ok(changed == 1)
            })
        }))
        .await
    }
}
