//! The port that tasks and sleeps go through, so that production runs on threads and a simulation on one, seeded.

use std::{future::Future, pin::Pin, time::Duration};

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs tasks and lets time pass.
pub trait Tasks: Send + Sync {
    /// Runs `task` beside the caller until it ends.
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// Runs `work`, which computes for long (a slow hash), beside everything else; as much at once as the machine has cores,
    /// and the rest waits its turn.
    fn compute(&self, work: Box<dyn FnOnce() + Send>);

    /// Ends after `span`.
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()>;
}
