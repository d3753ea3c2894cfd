//! How much is being delivered, who waits for it, and whether we are stopping.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use backstop_domain::{channel::Channel, id::DeliveryId, ports::BoxFuture};
use futures::{
    FutureExt,
    channel::oneshot,
    future::{BoxFuture as StdBoxFuture, Shared},
};
use parking_lot::Mutex;

/// Deliveries in work at once. At 64 KiB for one, with its message and its connection, this is about 640 MiB; what does
/// not fit waits in the outbox.
const MOST: usize = 10_000;

type Taking = oneshot::Sender<Option<(Channel, String)>>;

/// See the module.
pub(crate) struct Workload {
    running: Arc<AtomicUsize>,
    awaiting_answer: Arc<AtomicUsize>,
    in_work: Arc<Mutex<BTreeSet<DeliveryId>>>,
    waiting: Mutex<BTreeMap<DeliveryId, Taking>>,
    store_is_silent: AtomicBool,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    stopped: Shared<StdBoxFuture<'static, ()>>,
}

impl Default for Workload {
    fn default() -> Self {
        let (stop, stopped) = oneshot::channel();
        Self {
            running: Arc::default(),
            awaiting_answer: Arc::default(),
            in_work: Arc::default(),
            waiting: Mutex::default(),
            store_is_silent: AtomicBool::new(false),
            stop: Mutex::new(Some(stop)),
            stopped: stopped.map(|_| ()).boxed().shared(),
        }
    }
}

/// A place in the workload; left when dropped.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A delivery that somebody here works on; given up when dropped.
pub(crate) struct InWork {
    all: Arc<Mutex<BTreeSet<DeliveryId>>>,
    delivery: DeliveryId,
}

impl Drop for InWork {
    fn drop(&mut self) {
        self.all.lock().remove(&self.delivery);
    }
}

impl Workload {
    /// Takes a delivery up, unless somebody here works on it: its lease can end under a worker that lives, when the
    /// clock steps or the store could not be written, and the lease does not tell two workers of one process apart.
    pub(crate) fn take_up(&self, delivery: DeliveryId) -> Option<InWork> {
        let fresh = self.in_work.lock().insert(delivery);
        fresh.then(|| InWork { all: self.in_work.clone(), delivery })
    }

    /// Whether one more delivery fits.
    pub(crate) fn has_room(&self) -> bool {
        self.room() > 0
    }

    /// How many more deliveries fit; none once we are stopping.
    pub(crate) fn room(&self) -> usize {
        if self.stop.lock().is_none() { 0 } else { MOST.saturating_sub(self.running.load(Ordering::Acquire)) }
    }

    /// Takes a place, if there is one.
    pub(crate) fn enter(&self) -> Option<Place> {
        if !self.has_room() {
            return None;
        }
        self.running.fetch_add(1, Ordering::AcqRel);
        Some(Place(self.running.clone()))
    }

    /// A place among the receipts that came before the answer which they need, if fewer than `most` wait.
    pub(crate) fn await_answer(&self, most: usize) -> Option<Place> {
        if self.is_stopping() || self.awaiting_answer.load(Ordering::Acquire) >= most {
            return None;
        }
        self.awaiting_answer.fetch_add(1, Ordering::AcqRel);
        Some(Place(self.awaiting_answer.clone()))
    }

    /// The route that takes this delivery, once one does; nothing if none will.
    pub(crate) fn await_taking(&self, delivery: DeliveryId) -> BoxFuture<'static, Option<(Channel, String)>> {
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().insert(delivery, sender);
        Box::pin(receiver.map(|taken| taken.ok().flatten()))
    }

    /// Tells whoever waits which route took the delivery, or that none did.
    pub(crate) fn taken(&self, delivery: DeliveryId, by: Option<(Channel, String)>) {
        if let Some(waiting) = self.waiting.lock().remove(&delivery) {
            // Nobody there any more is well: the caller gave up waiting.
            let _ = waiting.send(by);
        }
    }

    /// Ends every wait between two tries.
    pub(crate) fn stop(&self) {
        self.stop.lock().take();
    }

    /// Ends when we are stopping.
    pub(crate) fn stopped(&self) -> Shared<StdBoxFuture<'static, ()>> {
        self.stopped.clone()
    }

    /// Whether the store could not be written when it was last tried.
    pub(crate) fn store_is_silent(&self) -> bool {
        self.store_is_silent.load(Ordering::Acquire)
    }

    /// Notes whether the store could be written when it was last tried.
    pub(crate) fn store_answers(&self, answers: bool) {
        self.store_is_silent.store(!answers, Ordering::Release);
    }

    /// Whether new work can be taken: the store answers, and we are not stopping.
    pub(crate) fn is_ready(&self) -> bool {
        !self.is_stopping() && !self.store_is_silent()
    }

    /// Whether we are stopping.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.lock().is_none()
    }
}
