//! One seeded thread: tasks in random order, time that jumps, and a crash wherever the seed says.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use backstop_domain::{
    clock::{Clock, ManualClock, Timestamp},
    ports::{BoxFuture, Tasks, random::SeededRandom},
};

/// Whether a task wants to be polled.
struct Ready(AtomicBool);

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Task {
    future: BoxFuture<'static, ()>,
    ready: Arc<Ready>,
}

#[derive(Default)]
struct Shared {
    spawned: Vec<BoxFuture<'static, ()>>,
    timers: BTreeMap<(Timestamp, u64), Waker>,
    next_timer: u64,
}

/// The `Tasks` port of a simulation. A new one for each life of the process: what a dead process slept on wakes nobody.
pub(crate) struct SimulatedTasks {
    clock: Arc<ManualClock>,
    shared: Arc<Mutex<Shared>>,
}

impl Tasks for SimulatedTasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.shared.lock().unwrap().spawned.push(task);
    }

    fn compute(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(Sleep {
            until: self.clock.now() + span,
            clock: self.clock.clone(),
            shared: self.shared.clone(),
        })
    }
}

struct Sleep {
    until: Timestamp,
    clock: Arc<ManualClock>,
    shared: Arc<Mutex<Shared>>,
}

impl Future for Sleep {
    type Output = ();
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.until {
            return Poll::Ready(());
        }
        let mut shared = self.shared.lock().unwrap();
        shared.next_timer += 1;
        let key = (self.until, shared.next_timer);
        shared.timers.insert(key, context.waker().clone());
        Poll::Pending
    }
}

/// What a step of the simulation did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Did {
    /// A task moved on.
    Polled,
    /// Time passed.
    Slept,
    /// Nothing is left to do.
    Nothing,
}

/// Runs the tasks of one simulated process.
pub(crate) struct Executor {
    clock: Arc<ManualClock>,
    chance: Arc<SeededRandom>,
    shared: Arc<Mutex<Shared>>,
    tasks: Vec<Task>,
}

impl Executor {
    pub(crate) fn new(clock: Arc<ManualClock>, chance: Arc<SeededRandom>) -> Self {
        Self { clock, chance, shared: Arc::default(), tasks: Vec::new() }
    }

    pub(crate) fn tasks(&self) -> Arc<SimulatedTasks> {
        Arc::new(SimulatedTasks { clock: self.clock.clone(), shared: self.shared.clone() })
    }

    /// The process dies: whatever it was doing is gone, between two polls.
    pub(crate) fn crash(&mut self) {
        self.tasks.clear();
        self.shared = Arc::default();
    }

    /// One step: polls one ready task, chosen by chance, or lets time pass to the next timer, but not past `horizon`.
    pub(crate) fn step(&mut self, horizon: Timestamp) -> Did {
        let spawned = std::mem::take(&mut self.shared.lock().unwrap().spawned);
        self.tasks.extend(
            spawned.into_iter().map(|future| Task { future, ready: Arc::new(Ready(AtomicBool::new(true))) }),
        );
        let ready: Vec<usize> =
            (0..self.tasks.len()).filter(|index| self.tasks[*index].ready.0.load(Ordering::SeqCst)).collect();
        if ready.is_empty() {
            return self.pass_time(horizon);
        }
        let index = ready[usize::try_from(self.chance.below(ready.len() as u64)).unwrap()];
        let task = &mut self.tasks[index];
        task.ready.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(task.ready.clone());
        if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            drop(self.tasks.swap_remove(index));
        }
        Did::Polled
    }

    fn pass_time(&mut self, horizon: Timestamp) -> Did {
        let mut shared = self.shared.lock().unwrap();
        let next = shared.timers.keys().next().map(|(at, _)| *at).filter(|at| *at <= horizon);
        let Some(next) = next else {
            drop(shared);
            self.clock.set(horizon);
            return Did::Nothing;
        };
        self.clock.set(next);
        let later = shared.timers.split_off(&(next, u64::MAX));
        let due = std::mem::replace(&mut shared.timers, later);
        drop(shared);
        for waker in due.into_values() {
            waker.wake();
        }
        Did::Slept
    }
}
