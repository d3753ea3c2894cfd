//! The running processes on one store, and what they tell each other.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::{clock::Timestamp, id::NodeId, keyring::Kid};

/// How long a node counts as running after its last report.
pub const NODE_IS_GONE_AFTER: std::time::Duration = std::time::Duration::from_secs(10);

/// A provider that a node has stopped asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBreaker {
    /// Its configured name.
    pub provider: String,
    /// Until when.
    pub until: Timestamp,
}

/// What a running node tells the others, about once a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeReport {
    /// Who.
    pub node: NodeId,
    /// When it told.
    pub seen_at: Timestamp,
    /// The newest key that it has loaded: a key is used once every running node has it.
    pub newest_kid: Kid,
    /// The breakers that it holds open by what itself has seen.
    pub open_breakers: Vec<OpenBreaker>,
}

/// The running processes on one store.
#[async_trait]
pub trait Nodes: Send + Sync {
    /// Whether there can be other nodes at all.
    fn is_shared(&self) -> bool;

    /// Writes this node's report and reads those of the others that run. A store for one process answers nothing.
    async fn report(&self, own: NodeReport) -> Result<Vec<NodeReport>, StoreError>;

    /// Writes a mark, to see whether the store can be written: reading may work when writing does not.
    async fn probe(&self, now: Timestamp) -> Result<(), StoreError>;
}
