//! How long people take: the share of those who will come back that has come back by a given age.
//!
//! Learned from approvals alone, over all providers of a channel. An approval is seen only if it came before now, so
//! young attempts show the fast people only; the estimate corrects for that (Lynden-Bell's, for data cut off on the
//! right): going down from the longest delay, each step asks only attempts old enough to have shown a later one. Nothing
//! about how many come back at all goes in, so a provider that loses everything does not make people look slow.

use super::window::Row;
use crate::clock::Timestamp;

use super::observation::End;

/// Past this age nobody comes back: a pending attempt counts as a failure. The usual life of a code.
pub(super) const HORIZON_MILLIS: i64 = 600_000;

/// Upper edges of the steps in seconds.
const EDGES: [i64; 40] = [
    2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 33, 36, 40, 45, 50, 55, 60, 70, 80, 90, 100, 110,
    120, 140, 160, 180, 200, 220, 240, 270, 300, 360, 420, 500, 600,
];
/// What is believed before anything was seen: seconds and the share that has come back by then.
const BEFORE: [(f64, f64); 8] = [
    (4.0, 0.01),
    (10.0, 0.2),
    (20.0, 0.45),
    (30.0, 0.6),
    (60.0, 0.77),
    (120.0, 0.87),
    (300.0, 0.98),
    (600.0, 1.0),
];
/// How many approvals that belief weighs.
const BEFORE_WEIGHT: f64 = 20.0;

/// The share of those who come back that has come back by an age: at every whole second.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Delay(Box<[f64]>);

impl Delay {
    /// Learns from the rows of every arm of a channel.
    pub(super) fn learn<'a>(rows: impl Iterator<Item = &'a Row>, now: Timestamp) -> Self {
        // How many came at each step, by the last step that their age could have shown in whole.
        let mut came = [[0_u32; EDGES.len() + 1]; EDGES.len()];
        for row in rows {
            let Some((End::Approved, at)) = row.end else { continue };
            let step = step(millis(row.sent_at, at));
            // The step that its age lies in has not been seen to the end.
            let shown = self::step(millis(row.sent_at, now));
            if step < shown {
                came[step][shown] += 1;
            }
        }
        let mut shares = [1.0; EDGES.len() + 1];
        for step in (0..EDGES.len()).rev() {
            let edge = |step: usize| before(EDGES[step]);
            let below = if step == 0 { 0.0 } else { edge(step - 1) };
            let here = f64::from(came[step][step + 1..].iter().sum::<u32>());
            let asked: u32 = came[..=step].iter().flat_map(|row| &row[step + 1..]).sum();
            let here = here + BEFORE_WEIGHT * (edge(step) - below);
            let asked = f64::from(asked) + BEFORE_WEIGHT * edge(step);
            shares[step] = shares[step + 1] * (1.0 - here / asked).max(0.0);
        }
        let by = |second: i64| {
            let step = self::step(second * 1000);
            let Some(edge) = EDGES.get(step) else { return 1.0 };
            let from = if step == 0 { 0 } else { EDGES[step - 1] };
            shares[step] + (shares[step + 1] - shares[step]) * ratio(second - from, edge - from)
        };
        Self((0..=HORIZON_MILLIS / 1000).map(by).collect())
    }

    /// The share that has come back by this age.
    pub(super) fn by(&self, millis: i64) -> f64 {
        let millis = millis.max(0);
        let second = usize::try_from(millis / 1000).unwrap_or(usize::MAX);
        match (self.0.get(second), self.0.get(second.saturating_add(1))) {
            (Some(low), Some(high)) => low + (high - low) * ratio(millis % 1000, 1000),
            _ => 1.0,
        }
    }
}

/// Whole milliseconds from one moment to another, none if it is not later.
pub(super) fn millis(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millis().saturating_sub(from.as_millis()).max(0)
}

/// The step that an age lies in; past the last edge, the number of steps.
fn step(millis: i64) -> usize {
    EDGES.partition_point(|edge| edge * 1000 <= millis)
}

#[expect(clippy::cast_precision_loss, reason = "at most ten minutes")]
fn ratio(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

fn before(seconds: i64) -> f64 {
    let at = ratio(seconds, 1);
    let (mut from, mut low) = (0.0, 0.0);
    for (to, high) in BEFORE {
        if at <= to {
            return low + (high - low) * (at - from) / (to - from);
        }
        (from, low) = (to, high);
    }
    1.0
}
