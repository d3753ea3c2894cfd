//! What a crash left.
//!
//! A delivery whose lease has ended belongs to nobody. Recovery leases it anew and goes on where the rows stand: an
//! attempt that was being sent is `unknown`, and the plan takes the next route. Every node looks, so what a dead one
//! left is taken over within a second of its lease's end. A node whose clock has drifted does not look: to it, leases
//! that hold may seem to have ended.

use std::{sync::Arc, time::Duration};

use backstop_domain::delivery::{LEASE, Lease};
use futures::future;

use super::courier;
use crate::Engine;

/// How often recovery looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many deliveries it takes over in one look.
const AT_ONCE: usize = 200;
/// How long it waits between two full looks while other nodes run, so that they get their share.
const SHARE_PAUSE: Duration = Duration::from_millis(100);

impl Engine {
    pub(super) async fn recover_forever(self: Arc<Self>) {
        while !self.workload.is_stopping() {
            let more = self.clock.is_reliable() && self.recover().await;
            let pause = match more {
                true if self.nodes.is_alone() => continue,
                true => SHARE_PAUSE,
                false => LOOK_EVERY,
            };
            future::select(self.tasks.sleep(pause), self.workload.stopped()).await;
        }
    }

    /// Takes over what nobody works on. Says whether there may be more.
    async fn recover(self: &Arc<Self>) -> bool {
        let room = self.workload.room().min(AT_ONCE);
        if room == 0 {
            return false;
        }
        let now = self.clock.now();
        if self.workload.store_is_silent() {
            if let Err(error) = self.store.probe(now).await {
                tracing::warn!(%error, "the store still cannot be written");
                return false;
            }
            self.workload.store_answers(true);
        }
        let lease = Lease { holder: self.node, until: now + LEASE };
        let found = match self.store.recover(lease, now, u32::try_from(room).unwrap_or(u32::MAX)).await {
            Ok(found) => found,
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
}
