//! What a crash left, and what ran out.
//!
//! A delivery whose lease has ended belongs to nobody. Recovery leases it anew and goes on where the rows stand: an
//! attempt that was being sent is `unknown`, and the plan takes the next route.

use std::{sync::Arc, time::Duration};

use backstop_domain::delivery::{LEASE, Lease};
use futures::future;

use super::courier;
use crate::Engine;

/// How often recovery looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many deliveries it takes over in one look.
const AT_ONCE: usize = 200;
/// How often the end of what ran out is written.
const EXPIRE_EVERY: Duration = Duration::from_secs(5);

impl Engine {
    pub(super) async fn recover_forever(self: Arc<Self>) {
        while !self.workload.is_stopping() {
            if !self.recover().await {
                future::select(self.tasks.sleep(LOOK_EVERY), self.workload.stopped()).await;
            }
        }
    }

    /// Takes over what nobody works on. Says whether there may be more.
    async fn recover(self: &Arc<Self>) -> bool {
        let room = self.workload.room().min(AT_ONCE);
        if room == 0 {
            return false;
        }
        let now = self.clock.now();
        let lease = Lease { holder: self.node, until: now + LEASE };
        let found = match self.store.recover(lease, now, u32::try_from(room).unwrap_or(u32::MAX)).await {
            Ok(found) => {
                self.workload.store_answers(true);
                found
            }
            Err(error) => {
                self.workload.store_answers(false);
                tracing::warn!(%error, "recovery cannot read the outbox");
                return false;
            }
        };
        let more = found.len() == room;
        for task in found {
            tracing::info!(verification.id = %task.verification.id, delivery.id = %task.delivery.id, "recovered");
            let Some(place) = self.workload.enter() else { return false };
            let engine = self.clone();
            self.tasks.spawn(Box::pin(async move {
                let _place = place;
                courier::deliver(engine, task).await;
            }));
        }
        more
    }

    pub(super) async fn expire_forever(self: Arc<Self>) {
        while !self.workload.is_stopping() {
            match self.store.expire(self.clock.now()).await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::warn!(%error, "the end of expired verifications cannot be written"),
            }
            future::select(self.tasks.sleep(EXPIRE_EVERY), self.workload.stopped()).await;
        }
    }
}
