//! One process alone has nobody to tell and nobody to hear from: the exclusive lock says so.

use async_trait::async_trait;
use backstop_domain::{
    clock::Timestamp,
    ports::store::{NodeReport, Nodes, StoreError},
};

use super::SqliteStore;

#[async_trait]
impl Nodes for SqliteStore {
    fn is_shared(&self) -> bool {
        false
    }

    async fn report(&self, _own: NodeReport) -> Result<Vec<NodeReport>, StoreError> {
        Ok(Vec::new())
    }

    async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |unit| {
            unit.connection
                .prepare_cached(
                    "INSERT INTO meta (key, value) VALUES ('probed_at', ?1) \
                     ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                )?
                .execute([now.as_millis().to_string()])?;
            Ok(())
        })
        .await
    }
}
