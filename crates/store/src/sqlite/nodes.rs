//! One process alone has nobody to tell and nobody to hear from: the exclusive lock says so.

use async_trait::async_trait;
use backstop_domain::ports::store::{NodeReport, Nodes, StoreError};

use super::SqliteStore;

#[async_trait]
impl Nodes for SqliteStore {
    async fn report(&self, _own: NodeReport) -> Result<Vec<NodeReport>, StoreError> {
        Ok(Vec::new())
    }
}
