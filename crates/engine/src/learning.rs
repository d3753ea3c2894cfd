//! What the ranking learns from, on this node and from the others.
//!
//! A courier tells what it sent and how it ended, receipts what arrived, checks who got in. Each is an observation: it goes to
//! this node's ranker at once, and once a second into the store, from where every node reads what the others saw. A crash
//! loses a second of them. No more than about [`ENOUGH`] verifications a second are watched at a node, picked by their id, so that
//! learning costs the same however much is sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use backstop_domain::{
    application::ApplicationId,
    attempt::Attempt,
    clock::Timestamp,
    id::{AttemptId, VerificationId},
    outcome::{Outcome, Reason},
    ports::StoreError,
    price::Price,
    ranking::{Decision, End, Event, Observation, Ranker, Request},
    receipt::ReceiptState,
};
use futures::future;
use parking_lot::Mutex;

use crate::Engine;

/// How often observations are exchanged.
const EXCHANGE_EVERY: Duration = Duration::from_secs(1);
/// Verifications a second that are enough to learn from.
const ENOUGH: u32 = 20;
/// How far back a node reads when it starts.
const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an attempt can still end in a way that teaches something: the longest life of a code that people wait for.
const OPEN_FOR: Duration = Duration::from_secs(30 * 60);
/// The most attempts that are remembered as open.
const MOST_OPEN: usize = 50_000;
/// The most observations that wait for a store that does not answer.
const MOST_WAITING: usize = 10_000;

/// See the module.
pub(crate) struct Learning {
    ranker: Mutex<Ranker>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// What was sent and is watched. The ids sort by time.
    open: BTreeMap<AttemptId, Observation>,
    waiting: Vec<Observation>,
    read_until: Timestamp,
    meter: Meter,
}

/// How much is sent, and which part of it is watched.
#[derive(Default)]
struct Meter {
    second: i64,
    count: u32,
    /// One verification of two to the power of this is watched.
    level: u32,
}

impl Meter {
    fn count(&mut self, now: Timestamp) {
        let second = now.as_millis().div_euclid(1000);
        if second != self.second {
            let needed = (self.count / ENOUGH.max(1)).checked_ilog2().map_or(0, |power| power + 1);
            // Up at once, down a step a second: a lull of one second is no lull.
            self.level = needed.max(self.level.saturating_sub(1));
            (self.second, self.count) = (second, 0);
        }
        self.count = self.count.saturating_add(1);
    }

    fn watches(&self, verification: VerificationId, level: u32) -> bool {
        let bytes = verification.as_bytes();
        let chance = u32::from_be_bytes([bytes[18], bytes[19], bytes[20], bytes[21]]);
        chance <= u32::MAX.checked_shr(level).unwrap_or(0)
    }
}

impl Learning {
    pub(crate) fn new(lost_person: Option<Price>) -> Self {
        Self { ranker: Mutex::new(Ranker::new(lost_person)), memory: Mutex::default() }
    }

    /// Orders the providers of a channel.
    pub(crate) fn order(&self, request: &Request<'_>) -> Decision {
        self.ranker.lock().order(request)
    }

    /// A verification's first message leaves.
    pub(crate) fn sent(&self, verification: VerificationId, sent: Observation) {
        let mut memory = self.memory.lock();
        memory.meter.count(sent.sent_at);
        if !memory.meter.watches(verification, memory.meter.level) {
            return;
        }
        memory.open.insert(sent.attempt, sent.clone());
        memory.wait(sent.clone());
        drop(memory);
        self.ranker.lock().observe(&sent);
    }

    /// A vendor answered. A refusal for the recipient's sake says nothing of the provider.
    pub(crate) fn answered(&self, attempt: AttemptId, outcome: &Outcome, now: Timestamp) {
        match outcome {
            Outcome::Accepted { .. } => {}
            Outcome::Unknown => self.ended(attempt, End::Refused, now),
            Outcome::Rejected(rejection) => match rejection.reason {
                Reason::InvalidRecipient | Reason::OptedOut | Reason::NotOnChannel => self.drop(attempt),
                _ => self.ended(attempt, End::Refused, now),
            },
        }
    }

    /// A receipt came.
    pub(crate) fn told(&self, attempt: &Attempt, state: ReceiptState, now: Timestamp) {
        match state {
            ReceiptState::OnItsWay => {}
            ReceiptState::Delivered => {
                self.see(attempt.id, |seen| seen.delivered_at = Some(now));
            }
            ReceiptState::Undelivered | ReceiptState::Failed => {
                let recipients = attempt.rejection.is_some_and(|rejection| {
                    matches!(
                        rejection.reason,
                        Reason::InvalidRecipient | Reason::OptedOut | Reason::NotOnChannel
                    )
                });
                if recipients { self.drop(attempt.id) } else { self.ended(attempt.id, End::Undelivered, now) }
            }
        }
    }

    /// An attempt ended.
    pub(crate) fn ended(&self, attempt: AttemptId, end: End, now: Timestamp) {
        self.see(attempt, |seen| seen.end = Some((end, now)));
    }

    /// It taught nothing after all: nobody can say what its end means.
    pub(crate) fn drop(&self, attempt: AttemptId) {
        let now = self.memory.lock().open.get(&attempt).map(|seen| seen.sent_at);
        if let Some(sent_at) = now {
            self.ended(attempt, End::Censored, sent_at);
        }
    }

    fn see(&self, attempt: AttemptId, change: impl FnOnce(&mut Observation)) {
        let mut memory = self.memory.lock();
        let Some(open) = memory.open.get_mut(&attempt) else { return };
        change(open);
        let seen = open.clone();
        if seen.end.is_some() {
            memory.open.remove(&attempt);
        }
        memory.wait(seen.clone());
        drop(memory);
        self.ranker.lock().observe(&seen);
    }

    /// Whether this node would watch a verification; rather too many are said to be watched, since another node may watch
    /// more.
    fn may_watch(&self, verification: VerificationId) -> bool {
        let memory = self.memory.lock();
        memory.meter.watches(verification, memory.meter.level.saturating_sub(2))
    }

    /// What operators should hear, each once.
    fn events(&self) -> Vec<Event> {
        self.ranker.lock().events()
    }
}

impl Memory {
    fn wait(&mut self, seen: Observation) {
        if self.waiting.len() < MOST_WAITING {
            self.waiting.push(seen);
        }
    }

    fn prune(&mut self, now: Timestamp) {
        while self.open.len() > MOST_OPEN
            || self.open.first_key_value().is_some_and(|(_, seen)| seen.sent_at + OPEN_FOR < now)
        {
            self.open.pop_first();
        }
    }
}

impl Engine {
    /// A code was right: whichever attempt brought it worked, if there was only one that can have.
    pub(crate) fn learn_approval(self: &Arc<Self>, application: ApplicationId, verification: VerificationId) {
        if !self.learning.may_watch(verification) {
            return;
        }
        let (engine, now) = (self.clone(), self.clock.now());
        self.tasks.spawn(Box::pin(async move {
            let Ok(Some(view)) = engine.store.get(application, verification).await else { return };
            let mut reached = view.attempts.iter().filter(|attempt| attempt.state.may_have_reached());
            if let (Some(only), None) = (reached.next(), reached.next()) {
                engine.learning.ended(only.id, End::Approved, now);
            }
        }));
    }

    pub(crate) async fn learn_forever(self: Arc<Self>) {
        let mut was_silent = false;
        while !self.workload.is_stopping() {
            let exchanged = self.exchange_observations().await;
            if let (Err(error), false) = (&exchanged, was_silent) {
                tracing::warn!(%error, "what the ranking learns cannot be kept");
            }
            was_silent = exchanged.is_err();
            for event in self.learning.events() {
                let region = event.region.as_deref().unwrap_or("everywhere");
                let (delivered, approved, others) = (event.delivered, event.approved, event.others);
                if event.suspect {
                    tracing::error!(provider.name = %event.provider, channel = %event.channel, region, delivered, approved, others, "demoted: its receipts say delivered, and nobody signs in");
                } else {
                    tracing::warn!(provider.name = %event.provider, channel = %event.channel, region, approved, others, "no longer suspect");
                }
            }
            future::select(self.tasks.sleep(EXCHANGE_EVERY), self.workload.stopped()).await;
        }
    }

    /// Writes down what was seen here, and reads what was seen elsewhere.
    pub(crate) async fn exchange_observations(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (mine, since) = {
            let mut memory = self.learning.memory.lock();
            memory.prune(now);
            (std::mem::take(&mut memory.waiting), memory.read_until.max(now - WINDOW))
        };
        let own: BTreeSet<AttemptId> = mine.iter().map(|seen| seen.attempt).collect();
        let read = match self.store.observe(mine.clone(), since, now).await {
            Ok(read) => read,
            Err(error) => {
                let mut memory = self.learning.memory.lock();
                for seen in mine {
                    memory.wait(seen);
                }
                return Err(error);
            }
        };
        let mut memory = self.learning.memory.lock();
        memory.read_until = now;
        let mut ranker = self.learning.ranker.lock();
        for seen in read {
            if !own.contains(&seen.attempt) {
                ranker.observe(&seen);
            }
            // A receipt or check of another node's message may come here.
            if seen.end.is_none() && seen.sent_at + OPEN_FOR > now {
                memory.open.entry(seen.attempt).or_insert(seen);
            } else {
                memory.open.remove(&seen.attempt);
            }
        }
        Ok(())
    }
}
