//! How much is being delivered, who waits for it, and whether we are stopping.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use backstop_domain::{
    attempt::{Attempt, AttemptState},
    channel::Channel,
    id::{AttemptId, DeliveryId},
    outcome::Rejection,
    ports::BoxFuture,
};
use futures::{
    FutureExt,
    channel::oneshot,
    future::{BoxFuture as StdBoxFuture, Shared},
};
use parking_lot::Mutex;

/// Deliveries in work at once. At 64 KiB for one, with its message and its connection, this is about 640 MiB; what does
/// not fit waits in the outbox.
const MOST: usize = 10_000;

/// Where a receipt has put an attempt whose delivery is in work.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) attempt: AttemptId,
    pub(crate) state: AttemptState,
    pub(crate) rejection: Option<Rejection>,
}

/// The deliveries in work here, each with the words that its courier has not heard yet.
type Words = BTreeMap<DeliveryId, Vec<Word>>;
type Taking = oneshot::Sender<Option<(Channel, String)>>;

/// See the module.
pub(crate) struct Workload {
    running: Arc<AtomicUsize>,
    awaiting_answer: Arc<AtomicUsize>,
    in_work: Arc<Mutex<Words>>,
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
    all: Arc<Mutex<Words>>,
    delivery: DeliveryId,
}

impl InWork {
    /// What receipts said of its attempts since it was last asked.
    pub(crate) fn words(&self) -> Vec<Word> {
        self.all.lock().get_mut(&self.delivery).map(std::mem::take).unwrap_or_default()
    }

    /// Gives the delivery up, unless there are words that nobody has heard. Says whether it did.
    pub(crate) fn leave(&self) -> bool {
        let mut all = self.all.lock();
        let unheard = all.get(&self.delivery).is_some_and(|words| !words.is_empty());
        if !unheard {
            all.remove(&self.delivery);
        }
        !unheard
    }
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
        let mut all = self.in_work.lock();
        if all.contains_key(&delivery) {
            return None;
        }
        all.insert(delivery, Vec::new());
        Some(InWork { all: self.in_work.clone(), delivery })
    }

    /// Tells whoever works on the attempt's delivery here where a receipt has put it. Says whether there is somebody.
    pub(crate) fn tell(&self, attempt: &Attempt) -> bool {
        let word = Word { attempt: attempt.id, state: attempt.state, rejection: attempt.rejection };
        self.in_work.lock().get_mut(&attempt.delivery).map(|words| words.push(word)).is_some()
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
