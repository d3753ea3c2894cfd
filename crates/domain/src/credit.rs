//! How long a provider's prepaid credit will last, so that traffic shifts before it ends and not after.
//!
//! A fold over readings of the balance, at most so many and no older than a day. Money burns between two readings where
//! the second is lower; where it is higher somebody paid in or got something back, and that stretch says nothing. Of the last
//! hour's rate and the day's the faster counts: a shift too early costs less than one too late. Readings may come in any
//! order; of two for one moment the lower counts. Nothing is kept over a crash: the next readings tell it anew.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::clock::Timestamp;

/// Older readings are forgotten, counted from the newest.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// The stretch that shows a rush.
const LATELY: Duration = Duration::from_secs(3600);
/// No more readings than these are kept: one every five minutes of a day.
const MOST: usize = 288;
/// Without a new reading the last one is carried on for so long at most; a clock that jumped empties no account.
const CARRIED_ON: Duration = Duration::from_secs(3600);

/// When traffic shifts away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditRule {
    /// At or below this balance, in millionths.
    pub floor_micros: i64,
    /// When the credit is forecast to end within this.
    pub horizon: Duration,
}

/// Where the credit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// What is thought to be left, in millionths; below zero on accounts that may be overdrawn.
    pub balance_micros: i64,
    /// What goes in an hour, in millionths.
    pub burn_per_hour: i64,
    /// When nothing is left; `None`: nothing burns.
    pub empty_at: Option<Timestamp>,
}

/// Why traffic shifts away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// The balance is at the floor.
    AtFloor,
    /// The credit ends at that moment.
    RunsOut(Timestamp),
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtFloor => f.write_str("the credit is at its floor"),
            Self::RunsOut(at) => write!(f, "the credit is forecast to end at {}", at.to_rfc3339()),
        }
    }
}

/// The balance readings of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credit(BTreeMap<Timestamp, i64>);

impl Credit {
    /// Takes a reading of the balance, in millionths of the account's currency.
    pub fn read(&mut self, balance_micros: i64, at: Timestamp) {
        self.0.entry(at).and_modify(|known| *known = (*known).min(balance_micros)).or_insert(balance_micros);
        if let Some((newest, _)) = self.0.last_key_value() {
            let oldest = *newest - REMEMBERED;
            self.0.retain(|at, _| *at >= oldest);
        }
        while self.0.len() > MOST {
            self.0.pop_first();
        }
    }

    /// Where the credit stands. `spent_since`: what our own book says has gone since the last reading, in millionths.
    /// `None` before the first reading.
    pub fn forecast(&self, spent_since: u64, now: Timestamp) -> Option<Forecast> {
        let (at, balance) = self.0.last_key_value()?;
        let burn = self.burn(*at - LATELY).max(self.burn(*at - REMEMBERED));
        let unread = now.since(*at).min(CARRIED_ON);
        let gone = i128::from(spent_since).max(burn.over(unread));
        let left = i128::from(*balance) - gone;
        let empty_at = (burn.micros > 0).then(|| {
            let millis = left.max(0) * burn.millis / burn.micros;
            now + Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
        });
        Some(Forecast { balance_micros: clamped(left), burn_per_hour: clamped(burn.over(LATELY)), empty_at })
    }

    /// Whether traffic should shift away, and why. Without a reading nobody knows, and nothing shifts.
    pub fn shift(&self, rule: CreditRule, spent_since: u64, now: Timestamp) -> Option<Shift> {
        let forecast = self.forecast(spent_since, now)?;
        if forecast.balance_micros <= rule.floor_micros {
            return Some(Shift::AtFloor);
        }
        forecast.empty_at.filter(|empty| *empty <= now + rule.horizon).map(Shift::RunsOut)
    }

    /// What burned from `from` on.
    fn burn(&self, from: Timestamp) -> Burn {
        let readings = self.0.range(from..);
        let mut burn = Burn { micros: 0, millis: 0 };
        for ((at, before), (later, after)) in readings.clone().zip(readings.skip(1)) {
            if after <= before {
                burn.micros += i128::from(*before) - i128::from(*after);
                burn.millis += i128::from(later.as_millis()) - i128::from(at.as_millis());
            }
        }
        burn
    }
}

/// So much in such a time.
#[derive(Debug, Clone, Copy)]
struct Burn {
    micros: i128,
    millis: i128,
}

impl Burn {
    /// The faster of two.
    fn max(self, other: Self) -> Self {
        let faster = self.micros * other.millis.max(1) >= other.micros * self.millis.max(1);
        if faster { self } else { other }
    }

    fn over(self, span: Duration) -> i128 {
        let span = i128::try_from(span.as_millis()).unwrap_or(i128::MAX);
        self.micros.saturating_mul(span) / self.millis.max(1)
    }
}

fn clamped(micros: i128) -> i64 {
    i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests;
