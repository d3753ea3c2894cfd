//! A node's time where several nodes share a store: its monotonic clock and the offset of that to the store's clock.
//!
//! The offset is measured every second, and each measurement moves it as far as its round trip proves and no further. A
//! measurement that moves it by more than [`MOST_DRIFT`], or that comes after a silence of [`LONGEST_SILENCE`], is
//! doubted: something jumped (the store's clock, or this node, which was suspended), and one measurement does not say
//! what. Until [`RUN`] of them in a row agree the old offset goes on and the node is not to be relied on; then the new one
//! holds. The node's wall clock is never asked. A pure rule: the program measures and feeds it.

use std::time::Duration;

use super::Timestamp;

/// The store's clock and ours never part faster than this between two measurements, unless one of them jumped.
pub const MOST_DRIFT: Duration = Duration::from_secs(2);
/// After this long without a measurement nobody knows.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(5);
/// A longer round trip says too little about the moment in its middle.
pub const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(2);
/// How many measurements in a row must agree after a doubt.
pub const RUN: usize = 3;
/// How far apart they may be.
pub const AGREEMENT: Duration = Duration::from_millis(100);

/// One look at the store's clock, between two looks at our monotonic one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measurement {
    /// When it was asked, in monotonic time.
    pub asked: Duration,
    /// When it had answered.
    pub answered: Duration,
    /// What it said.
    pub store: Timestamp,
}

impl Measurement {
    fn round_trip(&self) -> Duration {
        self.answered.saturating_sub(self.asked)
    }

    /// The offset if the store looked at its clock in the middle of the round trip.
    fn offset(&self) -> i64 {
        self.store.as_millis() - millis(self.asked + self.round_trip() / 2)
    }
}

/// What became of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The offset follows it.
    Followed,
    /// It took too long to mean anything.
    TooSlow,
    /// It is doubted, or comes while another is: the old offset goes on.
    Doubted {
        /// How far it is from the offset, in milliseconds.
        drift: i64,
    },
    /// Enough of them agree: the new offset holds.
    Settled {
        /// How far the offset moved, in milliseconds.
        moved: i64,
    },
}

/// The offset of the monotonic clock to the store's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offset {
    millis: i64,
    measured: Duration,
    /// Since a doubt: the latest measurements that agree with each other.
    doubted: Option<Vec<i64>>,
}

impl Offset {
    /// The first measurement: there is nothing that it could contradict.
    pub fn new(first: Measurement) -> Self {
        Self { millis: first.offset(), measured: first.answered, doubted: None }
    }

    /// The time at a monotonic moment.
    pub fn at(&self, moment: Duration) -> Timestamp {
        Timestamp::from_millis(millis(moment).saturating_add(self.millis))
    }

    /// Whether [`Offset::at`] can be relied on at a monotonic moment.
    pub fn is_reliable(&self, moment: Duration) -> bool {
        self.doubted.is_none() && moment.saturating_sub(self.measured) <= LONGEST_SILENCE
    }

    /// Takes a measurement in; they come in the order in which they were made.
    pub fn take(&mut self, measurement: Measurement) -> Taken {
        if measurement.round_trip() > LONGEST_ROUND_TRIP {
            return Taken::TooSlow;
        }
        let silence = measurement.answered.saturating_sub(self.measured);
        self.measured = measurement.answered;
        let found = measurement.offset();
        let drift = found - self.millis;
        if silence > LONGEST_SILENCE {
            // What agreed before the silence says nothing about what comes after it.
            self.doubted = Some(Vec::new());
        }
        let Some(run) = &mut self.doubted else {
            let proven = beyond(drift, millis(measurement.round_trip() / 2));
            if proven.abs() <= millis(MOST_DRIFT) {
                self.millis += proven;
                return Taken::Followed;
            }
            self.doubted = Some(vec![found]);
            return Taken::Doubted { drift };
        };
        run.push(found);
        let agree = |run: &[i64]| {
            let (least, most) = (run.iter().min(), run.iter().max());
            least.zip(most).is_none_or(|(least, most)| most - least <= millis(AGREEMENT))
        };
        while !agree(run) {
            run.remove(0);
        }
        if run.len() < RUN {
            return Taken::Doubted { drift };
        }
        self.doubted = None;
        self.millis = found;
        Taken::Settled { moved: drift }
    }
}

/// What is left of `drift` once `uncertainty` is taken off it.
fn beyond(drift: i64, uncertainty: i64) -> i64 {
    drift.signum() * (drift.abs() - uncertainty).max(0)
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
