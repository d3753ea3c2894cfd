//! The keyring at rest: sealed keys, and the fingerprint of the root key that opens them. The root key is never here.

use std::slice;

use async_trait::async_trait;
use backstop_domain::{
    audit::NewRecord,
    ports::store::{Keys, StoreError, WrappedKey},
};

use super::{PostgresStore, audit, session::Session};
use crate::{error::Result, rows};

/// The key of the fingerprint in `meta`.
const FINGERPRINT: &str = "root_fingerprint";

#[async_trait]
impl Keys for PostgresStore {
    async fn root_fingerprint(&self) -> std::result::Result<Option<String>, StoreError> {
        self.run(Box::new(|session| {
            Box::pin(async move {
                let sql = "SELECT value FROM meta WHERE key = $1";
                let found = session.client().query_opt(sql, &[&FINGERPRINT]).await?;
                Ok(found.map(|row| row.try_get(0)).transpose()?)
            })
        }))
        .await
    }

    async fn initialize(
        &self,
        fingerprint: &str,
        keys: Vec<WrappedKey>,
    ) -> std::result::Result<bool, StoreError> {
        let fingerprint = fingerprint.to_owned();
        self.run(Box::new(move |session| {
            Box::pin(async move {
                session.begin().await?;
                // A node that does the same at the same time waits here, and then finds it done.
                let claim = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
                let first = session.client().execute(claim, &[&FINGERPRINT, &fingerprint]).await? == 1;
                if first {
                    insert(session, &keys).await?;
                }
                session.commit().await?;
                Ok(first)
            })
        }))
        .await
    }

    async fn ring(&self) -> std::result::Result<Vec<WrappedKey>, StoreError> {
        self.run(Box::new(|session| {
            Box::pin(async move {
                let sql = format!("SELECT {} FROM keyring ORDER BY kid", rows::RING_KEY);
                let found = session.client().query(&sql, &[]).await?;
                found.iter().map(rows::ring_key).collect()
            })
        }))
        .await
    }

    async fn add_ring_keys(
        &self,
        keys: Vec<WrappedKey>,
        record: NewRecord,
    ) -> std::result::Result<(), StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                session.begin().await?;
                insert(session, &keys).await?;
                audit::append(session, slice::from_ref(&record)).await?;
                session.commit().await
            })
        }))
        .await
    }
}

async fn insert(session: &mut Session, keys: &[WrappedKey]) -> Result<()> {
    let statement = session
        .prepare("INSERT INTO keyring (kid, key_use, wrapped, created_at) VALUES ($1, $2, $3, $4)")
        .await?;
    for key in keys {
        session
            .client()
            .execute(
                &statement,
                &[&i64::from(key.kid.0), &key.key_use.as_str(), &key.wrapped, &key.created_at.as_millis()],
            )
            .await?;
    }
    Ok(())
}
