//! What is believed of one arm: how likely each share of approvals is, as weights over a grid.
//!
//! The weights are those of a hidden state that mostly stands still and now and then jumps to anywhere. So there is no
//! window length to choose: while the arm is steady all its attempts count, and after a jump the old ones lose their
//! weight as fast as the new ones contradict them. A pending attempt of some age says just what such an age can say: if
//! a tenth of the people have come back by then, its silence is a tenth of an answer.

use super::{
    delay::{Delay, HORIZON_MILLIS, millis},
    observation::End,
    window::Row,
};
use crate::clock::Timestamp;

const CELLS: usize = 64;
/// How long an arm stays as it is on average: in time, and in attempts of its own.
const STEADY_MILLIS: f32 = 6.0 * 3_600_000.0;
const STEADY_ATTEMPTS: f32 = 50_000.0;

/// After so many attempts the chance of a jump is worked in; for speed.
const STRIDE: u32 = 4;

/// Weights over the shares of approvals, together 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Belief([f32; CELLS]);

/// A belief, and how many whole answers it rests on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Learned {
    pub(super) belief: Belief,
    pub(super) weight: f64,
    pub(super) last: Option<Timestamp>,
}

#[expect(clippy::cast_precision_loss, reason = "a small count")]
fn share(cell: usize) -> f32 {
    (cell as f32 + 0.5) / CELLS as f32
}

impl Belief {
    /// Nothing is known, but most providers get more people in than not. Not hopeful: an unknown arm is worse than a good one.
    pub(super) fn anything() -> Self {
        let weight = |cell: usize| 0.1 + share(cell);
        let sum: f32 = (0..CELLS).map(weight).sum();
        Self(std::array::from_fn(|cell| weight(cell) / sum))
    }

    /// Partly this, partly that.
    pub(super) fn mixed(&self, other: &Self, part: f32) -> Self {
        Self(std::array::from_fn(|cell| self.0[cell] * (1.0 - part) + other.0[cell] * part))
    }

    /// The expected share.
    pub(super) fn mean(&self) -> f64 {
        f64::from(self.0.iter().enumerate().map(|(cell, weight)| weight * share(cell)).sum::<f32>())
    }

    /// The chance that the share is below `at`.
    pub(super) fn below(&self, at: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let place = at.clamp(0.0, 1.0) * CELLS as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 64")]
        let whole = place as usize;
        let sum = f64::from(self.0[..whole].iter().sum::<f32>());
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let part = place - whole as f64;
        sum + self.0.get(whole).map_or(0.0, |weight| f64::from(*weight) * part)
    }

    /// Shares and their weights.
    pub(super) fn cells(&self) -> impl Iterator<Item = (f64, f64)> {
        self.0.iter().enumerate().map(|(cell, weight)| (f64::from(share(cell)), f64::from(*weight)))
    }

    /// What is believed after time in which nobody looked.
    pub(super) fn aged(&self, idle_millis: i64, prior: &Self) -> Self {
        self.mixed(prior, jumped(idle_millis, 0))
    }
}

/// The chance that an arm jumped meanwhile.
#[expect(clippy::cast_precision_loss, reason = "a rough chance")]
fn jumped(millis: i64, attempts: u32) -> f32 {
    1.0 - (-(millis as f32 / STEADY_MILLIS + attempts as f32 / STEADY_ATTEMPTS)).exp()
}

/// Follows an arm through its attempts, oldest first. `prior`: what is believed before any, and after a jump.
pub(super) fn follow<'a>(
    rows: impl Iterator<Item = &'a Row>,
    prior: &Belief,
    delay: &Delay,
    now: Timestamp,
) -> Learned {
    let (mut weights, mut answers, mut last) = (prior.0, 0.0, None);
    let (mut since, mut attempts) = (None, 0);
    for row in rows {
        attempts += 1;
        if attempts >= STRIDE {
            let part = jumped(since.map_or(0, |since| millis(since, row.sent_at)), attempts);
            jump(&mut weights, prior, part);
            (since, attempts) = (Some(row.sent_at), 0);
        }
        since = since.or(Some(row.sent_at));
        last = last.max(Some(row.sent_at));
        let silence = match row.end {
            Some((End::Approved, _)) => {
                answers += 1.0;
                for (cell, weight) in weights.iter_mut().enumerate() {
                    *weight *= share(cell);
                }
                continue;
            }
            Some((End::Refused | End::Undelivered, _)) => 1.0,
            Some((End::Censored, at)) => delay.by(millis(row.sent_at, at.min(now))),
            None => delay.by(millis(row.sent_at, now).min(HORIZON_MILLIS)),
        };
        answers += silence;
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
        let silence = silence as f32;
        for (cell, weight) in weights.iter_mut().enumerate() {
            *weight *= 1.0 - share(cell) * silence;
        }
    }
    jump(&mut weights, prior, 0.0);
    Learned { belief: Belief(weights), weight: answers, last }
}

/// Makes the weights sum to 1 again and moves a part of them to anywhere.
fn jump(weights: &mut [f32; CELLS], prior: &Belief, part: f32) {
    let sum: f32 = weights.iter().sum();
    let scale = (1.0 - part) / sum.max(f32::MIN_POSITIVE);
    for (weight, prior) in weights.iter_mut().zip(prior.0) {
        *weight = *weight * scale + prior * part;
    }
}
