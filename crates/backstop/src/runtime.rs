//! The ports that the machine itself offers: clock, chance, tasks. Nothing else reads the time.

mod store_clock;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use backstop_domain::{
    clock::{Clock, Timestamp},
    ports::{BoxFuture, Random, Tasks},
};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

pub(crate) use store_clock::StoreClock;

/// The system clock. On SQLite it is also the store's clock; a step backwards is held until it is caught up, so that
/// nothing that expired lives again.
#[derive(Debug, Default)]
pub(crate) struct SystemClock {
    latest: AtomicI64,
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that all others are told of")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.latest.fetch_max(now, Ordering::AcqRel).max(now))
    }
}

/// The operating system's random source.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct OsRandom;

impl Random for OsRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the random source that all others are told of")]
    #[expect(clippy::expect_used, reason = "without randomness nothing here is safe to go on")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Tasks on the tokio runtime, counted so that a shutdown can wait for them.
#[derive(Debug, Clone)]
pub(crate) struct TokioTasks {
    tracker: TaskTracker,
    cores: Arc<Semaphore>,
}

impl Default for TokioTasks {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { tracker: TaskTracker::new(), cores: Arc::new(Semaphore::new(cores)) }
    }
}

impl TokioTasks {
    /// Waits until every task has ended, `limit` at the most. Says whether they have.
    #[expect(clippy::disallowed_methods, reason = "the port's own sleep would be a task to wait for")]
    pub(crate) async fn drain(&self, limit: Duration) -> bool {
        self.tracker.close();
        tokio::select! {
            () = self.tracker.wait() => true,
            () = tokio::time::sleep(limit) => false,
        }
    }
}

impl Tasks for TokioTasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.tracker.spawn(task);
    }

    fn compute(&self, work: Box<dyn FnOnce() + Send>) {
        let (cores, tracker) = (self.cores.clone(), self.tracker.clone());
        self.tracker.spawn(async move {
            // Each may take tens of megabytes: a crowd waits here instead of in memory.
            let Ok(core) = cores.acquire_owned().await else { return };
            tracker.spawn_blocking(move || {
                work();
                drop(core);
            });
        });
    }

    #[expect(clippy::disallowed_methods, reason = "this is the sleep that all others are told of")]
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_runs_backwards() {
        let clock = SystemClock::default();
        let ahead = clock.now() + Duration::from_secs(3600);
        clock.latest.store(ahead.as_millis(), Ordering::Release);
        assert_eq!(clock.now(), ahead, "a step back of an hour is held");
    }
}
