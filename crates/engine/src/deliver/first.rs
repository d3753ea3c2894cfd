//! The first attempt of a new verification: chosen before anything is written, so that verification, delivery and
//! attempt are one act of the store, and the message leaves after one commit.
//!
//! It is the plan's own first step, taken early, and only where that step is plain: one free route, and nothing that the
//! store would have to count for it. In every other case the courier begins as it does with any delivery. What was
//! reserved is given back unless the attempt leaves, however the start ends. A crash between the commit and the sending
//! leaves an attempt `sending`, which recovery calls `unknown`, as it does for every attempt.

use std::sync::Arc;

use backstop_domain::{
    clock::Timestamp,
    delivery::Lease,
    id::AttemptId,
    plan::{Availability, Route, Step},
    ports::{provider::Message, store::NewAttempt},
    recipient::Region,
};

use super::courier::{Courier, FIRST_ROUND};
use crate::Engine;

/// A first attempt that may go out once it is written down.
pub(crate) struct First {
    pub(super) route: Route,
    pub(super) message: Message,
    pub(super) reserved: Reserved,
}

impl Courier {
    /// The first attempt and how it is written down, if the plan begins with a plain one.
    pub(crate) fn first(&self, lease: Lease, now: Timestamp) -> Option<(First, NewAttempt)> {
        let mut routes = self.routes(now);
        let Step::Send { routes: picked, round: FIRST_ROUND } = self.next(&routes, now) else { return None };
        let [index] = picked[..] else { return None };
        let route = routes.swap_remove(index);
        if route.availability != Availability::Free || self.engine.routes.is_counted_out(&route.provider) {
            return None;
        }
        let id = AttemptId::new(now, self.engine.random.as_ref());
        let message = self.message(id, &route, now)?;
        let reserved = self.reserve(&route, id, now)?;
        let row = self.row(id, &route, FIRST_ROUND, lease, now);
        Some((First { route, message, reserved }, row))
    }
}

/// What [`RouteTable::reserve`](super::routes::RouteTable::reserve) took for an attempt; given back when it is dropped.
pub(super) struct Reserved {
    taken: Option<(Arc<Engine>, String)>,
    attempt: AttemptId,
}

impl Reserved {
    /// Takes it, if it is there.
    pub(super) fn take(
        engine: &Arc<Engine>,
        route: &Route,
        region: Option<Region>,
        attempt: AttemptId,
        now: Timestamp,
    ) -> Option<Self> {
        let had = engine.routes.reserve(route, region, attempt, now);
        had.then(|| Self { taken: Some((engine.clone(), route.provider.clone())), attempt })
    }

    /// The attempt leaves: its outcome settles what was taken.
    pub(super) fn keep(mut self) {
        self.taken = None;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some((engine, provider)) = self.taken.take() {
            engine.routes.release(&provider, self.attempt);
        }
    }
}
