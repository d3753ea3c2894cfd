//! Failed tries to sign in, over all people of an application: when there are so many that somebody is guessing at many doors.
//!
//! One guess at each of a million people stays under the limits of each of them, and from many networks under those of each
//! network. What it cannot hide is that failures rise.

use std::time::Duration;

use crate::clock::Timestamp;

/// The span that is looked at.
pub const WINDOW: Duration = Duration::from_secs(600);
/// The span before it that says what is usual.
pub const USUAL: Duration = Duration::from_secs(7 * 86_400);
/// Fewer in a [`WINDOW`] are never told of: a small service has quiet weeks.
pub const LEAST: u64 = 100;
/// So many times the usual is a rise.
const TIMES: u64 = 5;

/// Failures of an application in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// When the first of them was.
    pub oldest: Option<Timestamp>,
}

/// So many failures in the [`USUAL`] span are so usual that `lately` is no rise, whatever more there are.
pub const fn enough(lately: u64) -> u64 {
    lately.saturating_mul(USUAL.as_secs() / WINDOW.as_secs()) / TIMES + 1
}

/// Whether failures rise: `lately` in the [`WINDOW`] that began at `began`, held against the mean of those `before` it. A service that is
/// new has no week yet, and its mean begins with its first failure.
pub fn are_rising(lately: u64, before: Failures, began: Timestamp) -> bool {
    let span = before.oldest.map_or(USUAL, |oldest| began.since(oldest));
    let windows = span.as_secs().div_ceil(WINDOW.as_secs()).max(1);
    lately >= LEAST && lately.saturating_mul(windows) >= before.count.saturating_mul(TIMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn before(count: u64, span: Duration) -> Failures {
        Failures { count, oldest: Some(BEGAN - span) }
    }

    #[test]
    fn failures_rise_at_a_hundred_in_ten_minutes_and_five_times_the_mean_of_the_week() {
        let none = Failures::default();
        assert!(are_rising(100, none, BEGAN) && !are_rising(99, none, BEGAN));
        // A thousand and eight windows a week: a mean of forty in each.
        let usual = before(40 * 1008, USUAL);
        assert!(are_rising(200, usual, BEGAN) && !are_rising(199, usual, BEGAN));
        assert!(!are_rising(200, before(enough(200), USUAL), BEGAN), "more need not be counted");
        assert!(are_rising(u64::MAX, before(u64::MAX, USUAL), BEGAN));
    }

    #[test]
    fn what_is_as_it_was_since_the_service_is_there_is_no_rise() {
        assert!(!are_rising(150, before(450, 3 * WINDOW), BEGAN));
        assert!(!are_rising(150, before(31, WINDOW / 2), BEGAN), "a mean is that of a window at the least");
        assert!(are_rising(150, before(30, WINDOW / 2), BEGAN));
    }
}
