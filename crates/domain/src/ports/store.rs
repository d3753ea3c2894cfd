//! The port that facts are kept behind. One method is one atomic act: what it says it did is durable when it returns,
//! and what it refused left no trace.

mod applications;
mod audit;
mod deliveries;
mod keys;
mod nodes;
mod notices;
mod once;
mod operators;
mod people;
mod routing;
mod verifications;

pub use applications::*;
pub use audit::*;
pub use deliveries::*;
pub use keys::*;
pub use nodes::*;
pub use notices::*;
pub use once::*;
pub use operators::*;
pub use people::*;
pub use routing::*;
pub use verifications::*;

/// What can go wrong in a store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It cannot be written or read now: full, locked, gone, overloaded. Nothing was changed.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// It was written, and whether that will stand is not known: the store went away over the answer.
    #[error("the store went away before it answered: {0}")]
    Undecided(String),
    /// A row holds what no version of this program writes.
    #[error("bad row in {table}.{column} ({key}): {problem}")]
    BadRow {
        /// Where.
        table: &'static str,
        /// In which column.
        column: &'static str,
        /// Which row.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A statement failed in a way that only a mistake of ours explains.
    #[error("the store failed: {0}")]
    Internal(String),
}

impl StoreError {
    /// Whether the trouble is the store's own and passes: nothing is wrong with what was asked.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Undecided(_))
    }
}

/// The whole store.
pub trait Store:
    Verifications + Deliveries + Applications + Keys + Nodes + Routing + People + Audit + Notices + Operators
{
}
impl<
    T: Verifications + Deliveries + Applications + Keys + Nodes + Routing + People + Audit + Notices + Operators,
> Store for T
{
}
