//! What ran out, and what is old enough to be forgotten.
//!
//! Both go in small steps, so that traffic does not wait: a step ends or deletes a few hundred verifications, and after
//! a step of deleting there is a pause. A crash between two steps loses nothing; the next step finds the rest. Every node
//! does both, unless its clock has drifted.

use std::{sync::Arc, time::Duration};

use futures::future;

use crate::Engine;

/// How often the end of what ran out is written.
const EXPIRE_EVERY: Duration = Duration::from_secs(5);
/// How often the store is asked whether anything is old enough.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// The pause after a step of deleting, while there is more.
const FORGET_PAUSE: Duration = Duration::from_millis(50);

impl Engine {
    pub(crate) async fn expire_forever(self: Arc<Self>) {
        while !self.workload.is_stopping() {
            if self.clock.is_reliable() {
                match self.store.expire(self.clock.now()).await {
                    Ok(0) => {}
                    Ok(_) => continue,
                    Err(error) => {
                        tracing::warn!(%error, "the end of expired verifications cannot be written");
                    }
                }
            }
            future::select(self.tasks.sleep(EXPIRE_EVERY), self.workload.stopped()).await;
        }
    }

    pub(crate) async fn forget_forever(self: Arc<Self>) {
        while !self.workload.is_stopping() {
            let more = self.clock.is_reliable() && self.forget().await;
            let pause = if more { FORGET_PAUSE } else { FORGET_EVERY };
            future::select(self.tasks.sleep(pause), self.workload.stopped()).await;
        }
    }

    /// Deletes some of what is older than the retention. Says whether there may be more.
    async fn forget(&self) -> bool {
        let now = self.clock.now();
        if let Err(error) = self.store.forget_people(now).await {
            tracing::warn!(%error, "ended sessions and old tries cannot be deleted");
        }
        if let Err(error) = self.store.forget_operators(now).await {
            tracing::warn!(%error, "old invitations and requests cannot be deleted");
        }
        let notices = self.store.forget_notices(now - self.retention).await;
        let verifications = self.store.forget(now - self.retention, now).await;
        let more = |(forgotten, what)| match forgotten {
            Ok(forgotten) => forgotten > 0,
            Err(error) => {
                tracing::warn!(%error, "old {what} cannot be deleted");
                false
            }
        };
        // Both are asked, whatever the first one says.
        [(notices, "notices"), (verifications, "verifications")].map(more).contains(&true)
    }
}
