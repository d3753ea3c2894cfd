//! The clock where several nodes share a store: monotonic time and its offset to the store's clock.
//!
//! It is measured every second, as long as [`StoreClock::follow`]'s handle lives, and fed to [`Offset`], which holds the rule. What it says never runs
//! backwards: when the store's clock was set back, the time stands still until that is caught up, so that nothing that
//! expired lives again.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use backstop_domain::{
    clock::{
        Clock, Timestamp,
        offset::{LONGEST_ROUND_TRIP, Measurement, Offset, Taken},
    },
    ports::{BoxFuture, store::StoreError},
};
use parking_lot::RwLock;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;

/// How often the store is asked.
const EVERY: Duration = Duration::from_secs(1);

/// Asks the store what time it is.
type Ask = dyn Fn() -> BoxFuture<'static, Result<Timestamp, StoreError>> + Send + Sync;

/// The store's time, told by this node.
pub(crate) struct StoreClock {
    ask: Box<Ask>,
    monotonic: Monotonic,
    offset: RwLock<Offset>,
    latest: AtomicI64,
}

impl StoreClock {
    /// Asks the store for the first time.
    ///
    /// # Errors
    /// If it does not answer.
    pub(crate) async fn new(ask: Box<Ask>) -> Result<Self, StoreError> {
        let monotonic = Monotonic::start();
        let first = monotonic.measure(&ask).await?;
        Ok(Self { ask, monotonic, offset: RwLock::new(Offset::new(first)), latest: AtomicI64::new(i64::MIN) })
    }

    /// How long the store takes to tell the time.
    ///
    /// # Errors
    /// If it does not answer.
    pub(crate) async fn round_trip(&self) -> Result<Duration, StoreError> {
        let Measurement { asked, answered, .. } = self.monotonic.measure(&self.ask).await?;
        Ok(answered.saturating_sub(asked))
    }

    /// Measures as long as the handle lives. A store that does not answer is a silence, and the rule knows what that
    /// means.
    #[expect(
        clippy::disallowed_methods,
        reason = "nobody waits for the clock at the end: it goes with its handle"
    )]
    pub(crate) fn follow(self: &Arc<Self>) -> AbortOnDropHandle<()> {
        let clock = self.clone();
        AbortOnDropHandle::new(tokio::spawn(async move { clock.measure_every_second().await }))
    }

    async fn measure_every_second(&self) {
        let mut seconds = interval(EVERY);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_reliable = true;
        loop {
            seconds.tick().await;
            let taken = self.monotonic.measure(&self.ask).await.map(|found| self.offset.write().take(found));
            let is_reliable = self.is_reliable();
            if was_reliable && !is_reliable {
                let drift = match taken {
                    Ok(Taken::Doubted { drift }) => Some(drift),
                    _ => None,
                };
                let error = taken.err().map(tracing::field::display);
                tracing::warn!(clock.drift_ms = drift, error, "the time cannot be relied on: not ready");
            } else if let (false, Ok(Taken::Settled { moved })) = (was_reliable, taken) {
                tracing::info!(clock.moved_ms = moved, "the time can be relied on again");
            }
            was_reliable = is_reliable;
        }
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        let now = self.offset.read().at(self.monotonic.now()).as_millis();
        Timestamp::from_millis(self.latest.fetch_max(now, Ordering::AcqRel).max(now))
    }

    fn is_reliable(&self) -> bool {
        self.offset.read().is_reliable(self.monotonic.now())
    }
}

impl fmt::Debug for StoreClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreClock").field("offset", &self.offset).finish_non_exhaustive()
    }
}

/// Time that only goes on.
#[derive(Debug)]
struct Monotonic(Instant);

impl Monotonic {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that all others are told of")]
    fn start() -> Self {
        Self(Instant::now())
    }

    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn measure(&self, ask: &Ask) -> Result<Measurement, StoreError> {
        let asked = self.now();
        let silent = |_| StoreError::Unavailable("it does not say what time it is".into());
        let store = timeout(LONGEST_ROUND_TRIP, ask()).await.map_err(silent)??;
        Ok(Measurement { asked, answered: self.now(), store })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_time_is_the_stores_and_never_runs_backwards() {
        let store = Arc::new(AtomicI64::new(5_000));
        let told = store.clone();
        let ask = move || -> BoxFuture<'static, _> {
            let time = Timestamp::from_millis(told.load(Ordering::Relaxed));
            Box::pin(async move { Ok(time) })
        };
        let clock = StoreClock::new(Box::new(ask)).await.unwrap();
        let before = clock.now();
        assert!(before.as_millis() >= 5_000 && before.as_millis() < 6_000, "{before:?}");
        store.store(1_000, Ordering::Relaxed);
        for _ in 0..4 {
            let found = clock.monotonic.measure(&clock.ask).await.unwrap();
            clock.offset.write().take(found);
        }
        assert!(clock.is_reliable(), "three measurements agree");
        assert!(clock.offset.read().at(clock.monotonic.now()) < before, "the store's clock was set back");
        assert!(clock.now() >= before, "ours stands still");
    }

    #[tokio::test]
    async fn a_store_that_does_not_tell_the_time_is_an_error() {
        let ask =
            || -> BoxFuture<'static, _> { Box::pin(async { Err(StoreError::Unavailable("gone".into())) }) };
        assert!(StoreClock::new(Box::new(ask)).await.is_err());
    }
}
