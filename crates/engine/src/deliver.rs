//! Delivering: what is owed goes out, over whichever route still works.
//!
//! Each delivery is one task. It asks the domain's plan for the next step, writes an attempt down, sends it, writes the
//! answer down, and asks again. Its lease is renewed while it works. If the process dies, the lease ends, and recovery
//! gives the delivery to a new task that asks the same plan about the same rows.

mod calls;
pub(crate) mod checkers;
pub(crate) mod choice;
mod courier;
mod first;
mod links;
mod receipts;
mod recovery;
pub mod routes;
pub(crate) mod workload;

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    application::ApplicationId,
    breaker::BreakerSettings,
    channel::Channel,
    id::{DeliveryId, VerificationId},
    limit::Pace,
    ports::{BoxFuture, Provider, StoreError},
    price::{Price, PriceList},
};
use futures::future::{self, Either};

pub use self::{calls::SpeakError, receipts::ReceiveError};
pub(crate) use self::{courier::Courier, first::First};

use self::workload::Place;
use crate::Engine;

/// A configured provider and how the engine treats it.
pub struct ProviderSettings {
    /// Its configured name.
    pub name: String,
    /// Its kind, for people.
    pub kind: String,
    /// What it serves.
    pub channels: Vec<Channel>,
    /// The way to it.
    pub provider: Arc<dyn Provider>,
    /// When its breaker opens and closes.
    pub breaker: BreakerSettings,
    /// How long a whole request may take; after that its outcome is unknown.
    pub timeout: Duration,
    /// How many messages it may get in a span, from all nodes together; all must hold.
    pub pace: Vec<Pace>,
    /// What a message costs, where the vendor does not say.
    pub price: PriceList,
    /// What a month may cost, and how the account's credit is watched.
    pub money: Money,
    /// Whether a text to India may go through it: it costs nothing, or is registered there.
    pub texts_india: bool,
}

/// What is watched of a provider's money.
#[derive(Debug, Clone, Default)]
pub struct Money {
    /// The most that a calendar month (UTC) may cost.
    pub monthly_spend_limit: Option<Price>,
    /// Messages of a month that the vendor does not charge.
    pub free_per_month: u32,
    /// Below this balance others go first; in millionths of the account's unit.
    pub credit_floor: Option<i64>,
}

impl std::fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Runs what goes on beside the calls: recovery of what a crash left, the end of what ran out, and the talk with the
    /// other nodes. Returns at once.
    pub fn run(self: &Arc<Self>) {
        let engine = self.clone();
        self.tasks.spawn(Box::pin(async move { engine.recover_forever().await }));
        let engine = self.clone();
        self.tasks.spawn(Box::pin(async move { engine.expire_forever().await }));
        let engine = self.clone();
        self.tasks.spawn(Box::pin(async move { engine.forget_forever().await }));
        let engine = self.clone();
        self.tasks.spawn(Box::pin(async move { engine.meet_forever().await }));
        let engine = self.clone();
        self.tasks.spawn(Box::pin(async move { engine.learn_forever().await }));
        let engine = self.clone();
        self.tasks.spawn(Box::pin(async move { engine.watch_accounts_forever().await }));
        let engine = self.clone();
        self.tasks.spawn(Box::pin(async move { engine.checkpoint_forever().await }));
        let engine = self.clone();
        self.tasks.spawn(Box::pin(async move { engine.watch_failures_forever().await }));
        self.tell();
    }

    /// Stops taking new work. What was sent is waited for by its tasks; what waits for another try stays in the outbox.
    pub fn stop(&self) {
        self.workload.stop();
    }

    /// Signs the end of the audit log, and lets others take over at once what this node leaves in the outbox. To be called when its tasks have ended. A store
    /// that does not answer keeps the leases until they end by themselves.
    pub async fn leave(&self) {
        if let Err(error) = self.checkpoint(true).await {
            tracing::warn!(%error, "the end of the audit log waits for its checkpoint");
        }
        if let Err(error) = self.store.release(self.node, self.clock.now()).await {
            tracing::warn!(%error, "what is left in the outbox waits for the end of its leases");
        }
    }

    /// Whether new work can be taken: the store could be written a second ago, the clock agrees with the store's, and
    /// nobody is stopping us.
    pub fn is_ready(&self) -> bool {
        self.workload.is_ready() && self.clock.is_reliable()
    }

    /// The result of writing to the store; a store that cannot be written makes this node not ready, until a probe can.
    pub(crate) fn noting<T>(&self, written: Result<T, StoreError>) -> Result<T, StoreError> {
        if written.as_ref().is_err_and(StoreError::passes) {
            self.workload.store_answers(false);
        }
        written
    }

    /// Ends once [`Engine::stop`] was called.
    pub async fn stopped(&self) {
        self.workload.stopped().await;
    }

    /// Takes a delivery into work, at a place that was taken before its lease was written. Without one it stays in the
    /// outbox, where recovery finds it.
    pub(crate) fn hand_over(
        self: &Arc<Self>,
        place: Place,
        application: ApplicationId,
        verification: VerificationId,
        delivery: DeliveryId,
    ) {
        let engine = self.clone();
        self.tasks.spawn(Box::pin(async move {
            let _place = place;
            match engine.store.task(application, verification, delivery, engine.node).await {
                Ok(Some(task)) => courier::deliver(engine, task).await,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(delivery.id = %delivery, %error, "a delivery stays in the outbox: it cannot be read");
                }
            }
        }));
    }

    /// Takes the first delivery of a verification into work, as it was just written; `first` if that is written down too.
    pub(crate) fn hand_over_new(&self, place: Place, courier: Courier, first: Option<First>) {
        self.tasks.spawn(Box::pin(async move {
            let _place = place;
            courier::deliver_new(courier, first).await;
        }));
    }

    /// The value, if it comes within `span`.
    pub(crate) async fn within<T: Send>(&self, span: Duration, value: BoxFuture<'_, Option<T>>) -> Option<T> {
        match future::select(value, self.tasks.sleep(span)).await {
            Either::Left((value, _)) => value,
            Either::Right(_) => None,
        }
    }
}
