//! What the outside must offer. The engine reaches clock, chance, store, providers, tasks and sleeps only through these,
//! so the same code runs in production, in tests, and in a seeded simulation on one thread.

pub mod inbox;
pub mod notifier;
pub mod provider;
pub mod random;
pub mod store;
pub mod tasks;
pub mod witness;

pub use crate::clock::Clock;
pub use inbox::Inbox;
pub use notifier::Notifier;
pub use provider::Provider;
pub use random::Random;
pub use store::{Store, StoreError};
pub use tasks::{BoxFuture, Tasks};
pub use witness::Witness;
