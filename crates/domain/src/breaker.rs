//! The circuit breaker of one provider: closed, open, half-open.
//!
//! Consecutive failures open it; after a while one probe may pass; enough successful probes close it. An attempt that
//! is overdue counts as a failure at once, and if it is accepted after all, that failure is taken back, and with it the
//! opening that it helped to cause.
//!
//! Every node has its own, and tells the others what it has seen itself. What another node holds open opens here too,
//! until the same moment, but is not told on, so no rumour outlives its source. When the other's closes, so does ours,
//! unless we have seen failures enough ourselves. Once our own probes have succeeded, a node that still says otherwise is
//! not believed until it has said closed: one node that lost its own way to a vendor must not take it from all.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    clock::Timestamp,
    id::{AttemptId, NodeId},
};

/// When a breaker opens and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Consecutive failures that open it.
    pub failures: usize,
    /// How long it stays open before a probe may pass.
    pub open_for: Duration,
    /// Consecutive successful probes that close it.
    pub successes: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, open_for: Duration::from_secs(60), successes: 2 }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Closed { failures: Vec<AttemptId> },
    Open { until: Timestamp, failures: Vec<AttemptId>, source: Source },
    HalfOpen { opened_until: Timestamp, successes: u32, probe: Option<Probe>, source: Source },
}

/// Whose word an opening is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// This node has seen it.
    Own,
    /// Another node has told.
    Told,
}

/// What another node said last.
#[derive(Debug, Clone, Copy)]
struct Word {
    until: Timestamp,
    believed: bool,
}

/// The attempt that tries a half-open breaker, and since when. One that never comes back blocks nobody for longer than the
/// breaker would have stayed open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Probe {
    attempt: AttemptId,
    since: Timestamp,
}

/// What a breaker says to a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// Closed: go.
    Free,
    /// Half open: one attempt may go, with another route beside it.
    Probe,
    /// Open until then, or a probe is under way.
    HeldBack(Timestamp),
}

/// A breaker's state in a word, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Traffic flows.
    Closed,
    /// Nothing flows.
    Open,
    /// Probes flow.
    HalfOpen,
}

impl BreakerState {
    /// The word in JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// The circuit breaker of one provider.
#[derive(Debug, Clone)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
    heard: BTreeMap<NodeId, Word>,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: State::Closed { failures: Vec::new() }, heard: BTreeMap::new() }
    }

    /// Whether an attempt may go now.
    pub fn passage(&self, now: Timestamp) -> Passage {
        match &self.state {
            State::Closed { .. } => Passage::Free,
            State::Open { until, .. } if now < *until => Passage::HeldBack(*until),
            State::Open { .. } | State::HalfOpen { probe: None, .. } => Passage::Probe,
            State::HalfOpen { probe: Some(probe), .. } => match probe.since + self.settings.open_for {
                until if now < until => Passage::HeldBack(until),
                _ => Passage::Probe,
            },
        }
    }

    /// The state in a word.
    pub fn state(&self, now: Timestamp) -> BreakerState {
        match &self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until, .. } if now < *until => BreakerState::Open,
            State::Open { .. } | State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Consecutive failures while closed or open.
    pub fn consecutive_failures(&self) -> usize {
        match &self.state {
            State::Closed { failures } | State::Open { failures, .. } => failures.len(),
            State::HalfOpen { .. } => 0,
        }
    }

    /// Notes that `attempt` goes out. An attempt through an open breaker (because no other route was left) changes
    /// nothing until its outcome is known.
    pub fn started(&mut self, attempt: AttemptId, now: Timestamp) {
        let free = self.passage(now) == Passage::Probe;
        let next = Some(Probe { attempt, since: now });
        match &mut self.state {
            State::Open { until, source, .. } if now >= *until => {
                let (opened_until, source) = (*until, *source);
                self.state = State::HalfOpen { opened_until, successes: 0, probe: next, source };
            }
            State::HalfOpen { probe, .. } if free => *probe = next,
            _ => {}
        }
    }

    /// The vendor took `attempt`.
    pub fn succeeded(&mut self, attempt: AttemptId) {
        match &mut self.state {
            State::Closed { failures } => failures.clear(),
            State::Open { failures, source: Source::Own, .. } if failures.contains(&attempt) => {
                self.state = State::Closed { failures: Vec::new() };
            }
            State::Open { source: Source::Own, .. } => {}
            State::Open { failures, source: Source::Told, .. } => failures.clear(),
            State::HalfOpen { successes, probe, .. } => {
                if probe.is_some_and(|probe| probe.attempt == attempt) {
                    *probe = None;
                }
                *successes += 1;
                if *successes >= self.settings.successes {
                    self.state = State::Closed { failures: Vec::new() };
                    self.heard.values_mut().for_each(|word| word.believed = false);
                }
            }
        }
    }

    /// `attempt` failed, or is overdue. Counting the same attempt twice changes nothing. Says whether this opened it.
    pub fn failed(&mut self, attempt: AttemptId, now: Timestamp) -> bool {
        let until = now + self.settings.open_for;
        match &mut self.state {
            State::Closed { failures } | State::Open { failures, source: Source::Told, .. } => {
                if !failures.contains(&attempt) {
                    failures.push(attempt);
                }
                if failures.len() < self.settings.failures {
                    return false;
                }
                let failures = std::mem::take(failures);
                self.state = State::Open { until, failures, source: Source::Own };
                true
            }
            State::Open { until, failures, source: Source::Own } => {
                if now >= *until && !failures.contains(&attempt) {
                    *until = now + self.settings.open_for;
                }
                false
            }
            State::HalfOpen { .. } => {
                self.state = State::Open { until, failures: vec![attempt], source: Source::Own };
                true
            }
        }
    }

    /// `attempt` ended in a way that says nothing about the provider.
    pub fn neutral(&mut self, attempt: AttemptId) {
        if let State::HalfOpen { probe, .. } = &mut self.state
            && probe.is_some_and(|probe| probe.attempt == attempt)
        {
            *probe = None;
        }
    }

    /// Opens at once: wrong credentials, no credit, or the vendor's own "not before". One that is open for longer stays
    /// so: a late "not before" does not shorten it. Says whether it was closed.
    pub fn open(&mut self, now: Timestamp, span: Option<Duration>) -> bool {
        let wanted = now + span.unwrap_or(self.settings.open_for);
        let (until, was_closed) = match &self.state {
            State::Open { until, .. } => (wanted.max(*until), false),
            State::Closed { .. } => (wanted, true),
            State::HalfOpen { .. } => (wanted, false),
        };
        self.state = State::Open { until, failures: Vec::new(), source: Source::Own };
        was_closed
    }

    /// What the other nodes are told: until when it was opened by what this node has seen, while it is not closed again.
    /// The moment is past where it is half open.
    pub fn seen_open(&self) -> Option<Timestamp> {
        match &self.state {
            State::Open { until, source: Source::Own, .. } => Some(*until),
            State::HalfOpen { opened_until, source: Source::Own, .. } => Some(*opened_until),
            _ => None,
        }
    }

    /// What each of the other running nodes has seen, as [`Breaker::seen_open`] says it there. Says whether this opened
    /// it.
    pub fn hear(&mut self, others: &BTreeMap<NodeId, Option<Timestamp>>, now: Timestamp) -> bool {
        let closed = self.heard.keys().any(|node| others.get(node) == Some(&None));
        self.heard.retain(|node, _| matches!(others.get(node), Some(Some(_))));
        for (node, until) in others.iter().filter_map(|(node, until)| Some((*node, (*until)?))) {
            self.heard.entry(node).or_insert(Word { until, believed: true }).until = until;
        }
        let open = |word: &&Word| word.believed && now < word.until;
        let open = self.heard.values().filter(open).map(|word| word.until).max();
        match (&mut self.state, open) {
            (State::Closed { failures }, Some(until)) => {
                let failures = std::mem::take(failures);
                self.state = State::Open { until, failures, source: Source::Told };
                return true;
            }
            (State::Open { until, source: Source::Told, .. }, Some(later)) => *until = later.max(*until),
            (State::Open { failures, source: Source::Told, .. }, None) if closed => {
                self.state = State::Closed { failures: std::mem::take(failures) };
            }
            // Our own wait is over: another node's successful probes are as good as ours.
            (State::HalfOpen { .. }, None) if closed => self.state = State::Closed { failures: Vec::new() },
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests;
