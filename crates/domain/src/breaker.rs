//! The circuit breaker of one provider: closed, open, half-open.
//!
//! Consecutive failures open it; after a while one probe may pass; enough successful probes close it. An attempt that
//! is overdue counts as a failure at once, and if it is accepted after all, that failure is taken back, and with it the
//! opening that it helped to cause.

use std::time::Duration;

use crate::{clock::Timestamp, id::AttemptId};

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
    Open { until: Timestamp, failures: Vec<AttemptId> },
    HalfOpen { successes: u32, probe: Option<Probe> },
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
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: State::Closed { failures: Vec::new() } }
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
            State::Open { until, .. } if now >= *until => {
                self.state = State::HalfOpen { successes: 0, probe: next };
            }
            State::HalfOpen { probe, .. } if free => *probe = next,
            _ => {}
        }
    }

    /// The vendor took `attempt`.
    pub fn succeeded(&mut self, attempt: AttemptId) {
        match &mut self.state {
            State::Closed { failures } => failures.clear(),
            State::Open { failures, .. } if failures.contains(&attempt) => {
                self.state = State::Closed { failures: Vec::new() };
            }
            State::Open { .. } => {}
            State::HalfOpen { successes, probe } => {
                if probe.is_some_and(|probe| probe.attempt == attempt) {
                    *probe = None;
                }
                *successes += 1;
                if *successes >= self.settings.successes {
                    self.state = State::Closed { failures: Vec::new() };
                }
            }
        }
    }

    /// `attempt` failed, or is overdue. Counting the same attempt twice changes nothing. Says whether this opened it.
    pub fn failed(&mut self, attempt: AttemptId, now: Timestamp) -> bool {
        match &mut self.state {
            State::Closed { failures } => {
                if !failures.contains(&attempt) {
                    failures.push(attempt);
                }
                if failures.len() < self.settings.failures {
                    return false;
                }
                let failures = std::mem::take(failures);
                self.state = State::Open { until: now + self.settings.open_for, failures };
                true
            }
            State::Open { until, failures } => {
                if now >= *until && !failures.contains(&attempt) {
                    *until = now + self.settings.open_for;
                }
                false
            }
            State::HalfOpen { .. } => {
                self.state = State::Open { until: now + self.settings.open_for, failures: vec![attempt] };
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
        self.state = State::Open { until, failures: Vec::new() };
        was_closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::random::SeededRandom;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn ids(n: usize) -> Vec<AttemptId> {
        let random = SeededRandom::new(1);
        (0..n).map(|_| AttemptId::new(at(0), &random)).collect()
    }

    fn opened_by(ids: &[AttemptId]) -> Breaker {
        let mut breaker = Breaker::new(BreakerSettings::default());
        for id in ids {
            breaker.started(*id, at(0));
            breaker.failed(*id, at(0));
        }
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_starts_the_count_again() {
        let ids = ids(10);
        let mut breaker = opened_by(&ids[..4]);
        breaker.succeeded(ids[9]);
        for id in &ids[4..8] {
            assert!(!breaker.failed(*id, at(1)));
        }
        assert_eq!(breaker.passage(at(1)), Passage::Free);
        assert!(breaker.failed(ids[8], at(1)));
        assert_eq!(breaker.passage(at(1)), Passage::HeldBack(at(61)));
    }

    #[test]
    fn one_attempt_is_one_failure_however_often_it_is_reported() {
        let ids = ids(1);
        let mut breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..10 {
            breaker.failed(ids[0], at(0));
        }
        assert_eq!(breaker.passage(at(0)), Passage::Free);
    }

    #[test]
    fn after_a_minute_one_probe_at_a_time_and_two_successes_close_it() {
        let ids = ids(8);
        let mut breaker = opened_by(&ids[..5]);
        assert_eq!(breaker.passage(at(60)), Passage::Probe);
        breaker.started(ids[5], at(60));
        assert!(matches!(breaker.passage(at(60)), Passage::HeldBack(_)), "one probe at a time");
        breaker.succeeded(ids[5]);
        assert_eq!(breaker.passage(at(61)), Passage::Probe);
        breaker.started(ids[6], at(61));
        breaker.succeeded(ids[6]);
        assert_eq!(breaker.passage(at(61)), Passage::Free);
    }

    #[test]
    fn a_failed_probe_opens_it_again_and_a_neutral_one_lets_the_next_try() {
        let ids = ids(8);
        let mut breaker = opened_by(&ids[..5]);
        breaker.started(ids[5], at(60));
        breaker.neutral(ids[5]);
        assert_eq!(breaker.passage(at(60)), Passage::Probe);
        breaker.started(ids[6], at(60));
        assert!(breaker.failed(ids[6], at(70)));
        assert_eq!(breaker.passage(at(71)), Passage::HeldBack(at(130)));
    }

    #[test]
    fn a_probe_that_never_comes_back_does_not_keep_the_provider_out_for_ever() {
        let ids = ids(8);
        let mut breaker = opened_by(&ids[..5]);
        breaker.started(ids[5], at(60));
        assert_eq!(breaker.passage(at(100)), Passage::HeldBack(at(120)));
        assert_eq!(breaker.passage(at(120)), Passage::Probe);
        breaker.started(ids[6], at(120));
        assert_eq!(breaker.passage(at(121)), Passage::HeldBack(at(180)), "one probe at a time");
        breaker.neutral(ids[5]);
        assert_eq!(
            breaker.passage(at(121)),
            Passage::HeldBack(at(180)),
            "the lost one frees nothing any more"
        );
    }

    #[test]
    fn a_late_word_of_the_vendor_does_not_shorten_a_longer_opening() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        breaker.open(at(0), Some(Duration::from_secs(3600)));
        breaker.open(at(1), Some(Duration::from_secs(1)));
        assert_eq!(breaker.passage(at(3)), Passage::HeldBack(at(3600)));
    }

    #[test]
    fn a_late_acceptance_takes_its_failure_back_and_the_opening_with_it() {
        let ids = ids(5);
        let mut breaker = opened_by(&ids);
        breaker.succeeded(ids[2]);
        assert_eq!(breaker.passage(at(1)), Passage::Free);
    }

    #[test]
    fn a_late_success_does_not_close_a_breaker_that_opened_for_another_reason() {
        let ids = ids(1);
        let mut breaker = Breaker::new(BreakerSettings::default());
        assert!(breaker.open(at(0), Some(Duration::from_secs(300))));
        breaker.succeeded(ids[0]);
        assert_eq!(breaker.passage(at(1)), Passage::HeldBack(at(300)));
    }
}
