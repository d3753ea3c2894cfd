//! Failed tries to sign in, over all people of an application: when there are so many that somebody is guessing at many doors.
//!
//! One guess at each of a million people stays under the limits of each of them, and from many networks under those of each
//! network. What it cannot hide is that failures rise.

use std::time::Duration;

/// The span that is looked at.
pub const WINDOW: Duration = Duration::from_secs(600);
/// The span before it that says what is usual.
pub const USUAL: Duration = Duration::from_secs(7 * 86_400);
/// Fewer in a [`WINDOW`] are never told of: a small service has quiet weeks.
pub const LEAST: u64 = 100;
/// So many times the usual is a rise.
const TIMES: u64 = 5;

/// Whether failures rise: `lately` in the last [`WINDOW`], `before` in the [`USUAL`] span before it.
pub const fn are_rising(lately: u64, before: u64) -> bool {
    let windows = USUAL.as_secs() / WINDOW.as_secs();
    lately >= LEAST && lately.saturating_mul(windows) >= before.saturating_mul(TIMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_rise_at_a_hundred_in_ten_minutes_and_five_times_the_mean_of_the_week() {
        assert!(are_rising(100, 0) && !are_rising(99, 0));
        // A thousand and eight windows a week: a mean of forty in each.
        let usual = 40 * 1008;
        assert!(are_rising(200, usual) && !are_rising(199, usual));
        assert!(are_rising(u64::MAX, u64::MAX));
    }
}
