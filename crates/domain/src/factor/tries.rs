//! Budgets of guesses: how often a factor of a person, or anything from one network, may be tried.
//!
//! A try is charged before it is compared, so parallel guesses, errors and crashes refund nothing; only its own success
//! takes it back. Windows are exact: never more failures than the number in any span. What is kept is a short list of
//! times, written with the person in one act. A success on one factor never touches the tries of another.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// The first wait of a factor that slows down.
const FIRST_DELAY: Duration = Duration::from_secs(30);
/// The longest.
const LAST_DELAY: Duration = HOUR;
/// Failures in a row that disable a factor until it is bound again.
const DISABLED_AFTER: u32 = 50;

/// How often something may be tried in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// So many in such a span.
    pub within: &'static [(u32, Duration)],
    /// From so many failures in a row on, each next one waits twice as long as the one before.
    pub slows_after: Option<u32>,
    /// So many failures in a row end it until [`Tries::reset`].
    pub disabled_after: Option<u32>,
}

impl Budget {
    /// Codes of an authenticator app.
    pub const TOTP: Self = Self::of(&[(5, MINUTE.saturating_mul(15))]);
    /// Backup codes.
    pub const BACKUP_CODE: Self = Self::of(&[(5, HOUR)]);
    /// Passwords.
    pub const PASSWORD: Self = Self { slows_after: Some(5), ..Self::of(&[(10, HOUR)]) };
    /// Device PINs, over all devices of a person.
    pub const PIN: Self = Self::of(&[(9, DAY)]);
    /// Tokens and proofs of trusted devices, over all devices of a person. Nobody guesses what they hold, and no act binds all of
    /// them anew, so they are slowed and never disabled.
    pub const TRUSTED_DEVICE: Self = Self { disabled_after: None, ..Self::of(&[(20, HOUR)]) };
    /// Whatever is tried from one network, over all people: five guesses at each of a million accounts stay under every
    /// other budget.
    pub const NETWORK: Self = Self { disabled_after: None, ..Self::of(&[(30, HOUR)]) };

    /// Keys of emergency access from one network: they have 128 bits or more, so this only keeps the noise down. It is never
    /// charged to more than one network, or strangers could shut the last way in.
    pub const EMERGENCY: Self = Self { disabled_after: None, ..Self::of(&[(5, HOUR)]) };

    const fn of(within: &'static [(u32, Duration)]) -> Self {
        Self { within, slows_after: None, disabled_after: Some(DISABLED_AFTER) }
    }

    /// What no window of this budget can see any more.
    fn horizon(&self, now: Timestamp) -> Timestamp {
        now - self.within.iter().map(|(_, span)| *span).max().unwrap_or_default()
    }
}

/// No try is taken now. Nothing was charged, and nothing may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Locked {
    /// From this moment on the next one is taken.
    #[error("too many tries, the next one at {0:?}")]
    Until(Timestamp),
    /// None, until the factor is bound again.
    #[error("disabled after too many failures in a row")]
    UntilReset,
}

/// A try that was charged. Keep it to take it back if the try succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "a charge that succeeds must be taken back"]
pub struct Charge(Timestamp);

/// The tries of one factor of one person, or of one network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tries {
    /// When the charges that still count were made, oldest first.
    charged: Vec<Timestamp>,
    /// Charges since the last success.
    in_a_row: u32,
}

impl Tries {
    /// Charges one try, before it is compared.
    ///
    /// # Errors
    /// [`Locked`] if the budget is used up; the longest wait of its rules.
    pub fn charge(&mut self, budget: &Budget, now: Timestamp) -> Result<Charge, Locked> {
        if self.is_disabled(budget) {
            return Err(Locked::UntilReset);
        }
        // A charge from a clock that ran ahead counts as made now: it locks for its span, not for the jump as well.
        for at in &mut self.charged {
            *at = (*at).min(now);
        }
        let windows = budget.within.iter().filter_map(|(most, span)| self.frees_at(*most, *span));
        let until = windows.chain(self.slowed_until(budget)).max();
        if let Some(until) = until.filter(|until| *until > now) {
            return Err(Locked::Until(until));
        }
        let horizon = budget.horizon(now);
        self.charged.retain(|at| *at > horizon);
        self.charged.push(now);
        self.in_a_row = self.in_a_row.saturating_add(1);
        Ok(Charge(now))
    }

    /// The try of this charge succeeded: it is taken back, and the row of failures ends. Other failures stay in their
    /// windows, so whoever guesses between two sign-ins of the owner gains nothing.
    pub fn succeeded(&mut self, charge: Charge) {
        if let Some(place) = self.charged.iter().rposition(|at| *at == charge.0) {
            self.charged.remove(place);
        }
        self.in_a_row = 0;
    }

    /// The factor was bound again with another one: it starts afresh.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether it is disabled until [`Tries::reset`].
    pub fn is_disabled(&self, budget: &Budget) -> bool {
        budget.disabled_after.is_some_and(|most| self.in_a_row >= most)
    }

    /// Whether there is nothing to keep at `now`: equal to new tries.
    pub fn is_idle(&self, budget: &Budget, now: Timestamp) -> bool {
        self.in_a_row == 0 && self.charged.iter().all(|at| *at <= budget.horizon(now))
    }

    /// When the oldest of the last `most` charges leaves the window.
    fn frees_at(&self, most: u32, span: Duration) -> Option<Timestamp> {
        let index = usize::try_from(most).unwrap_or(usize::MAX).checked_sub(1)?;
        self.charged.iter().rev().nth(index).map(|at| *at + span)
    }

    /// When a factor that slows down takes the next try.
    fn slowed_until(&self, budget: &Budget) -> Option<Timestamp> {
        let doublings = self.in_a_row.checked_sub(budget.slows_after?)?;
        let delay = FIRST_DELAY.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX));
        self.charged.last().map(|at| *at + delay.min(LAST_DELAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000 + seconds * 1000)
    }

    /// Charges at each of these seconds; how many were taken.
    fn taken(tries: &mut Tries, budget: &Budget, seconds: impl IntoIterator<Item = i64>) -> usize {
        seconds.into_iter().filter(|second| tries.charge(budget, at(*second)).is_ok()).count()
    }

    #[test]
    fn the_sixth_totp_in_a_quarter_of_an_hour_is_refused_until_the_first_has_left() {
        let mut tries = Tries::default();
        assert_eq!(taken(&mut tries, &Budget::TOTP, 0..5), 5);
        let refused = tries.charge(&Budget::TOTP, at(5));
        assert_eq!(refused, Err(Locked::Until(at(900))));
        assert_eq!(
            tries.charge(&Budget::TOTP, at(900) - Duration::from_millis(1)),
            refused.map(|_| Charge(at(0)))
        );
        assert_eq!(tries.charge(&Budget::TOTP, at(900)), Ok(Charge(at(900))));
        assert_eq!(tries.charge(&Budget::TOTP, at(900)), Err(Locked::Until(at(901))));
    }

    #[test]
    fn a_refused_try_charges_nothing() {
        let mut tries = Tries::default();
        assert_eq!(taken(&mut tries, &Budget::BACKUP_CODE, 0..5), 5);
        let before = tries.clone();
        assert_eq!(taken(&mut tries, &Budget::BACKUP_CODE, 5..3000), 0);
        assert_eq!(tries, before);
    }

    #[test]
    fn each_budget_takes_its_number_and_not_one_more() {
        let cases = [
            (Budget::TOTP, 5, 900),
            (Budget::BACKUP_CODE, 5, 3600),
            (Budget::PIN, 9, 86_400),
            (Budget::TRUSTED_DEVICE, 20, 3600),
            (Budget::NETWORK, 30, 3600),
            (Budget::EMERGENCY, 5, 3600),
        ];
        for (budget, most, seconds) in cases {
            let mut tries = Tries::default();
            assert_eq!(taken(&mut tries, &budget, std::iter::repeat_n(0, 100)), most, "{budget:?}");
            assert_eq!(tries.charge(&budget, at(0)), Err(Locked::Until(at(seconds))), "{budget:?}");
        }
    }

    #[test]
    fn four_devices_with_three_wrong_pins_each_are_stopped_at_nine() {
        let mut tries = Tries::default();
        assert_eq!(
            taken(&mut tries, &Budget::PIN, (0..4).flat_map(|device| (0..3).map(move |n| device * 60 + n))),
            9
        );
    }

    #[test]
    fn after_five_wrong_passwords_each_next_one_waits_twice_as_long_up_to_an_hour() {
        let mut tries = Tries::default();
        assert_eq!(taken(&mut tries, &Budget::PASSWORD, [0; 5]), 5);
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..10 {
            let Err(Locked::Until(until)) = tries.charge(&Budget::PASSWORD, at(now)) else { panic!("taken") };
            waits.push(until.since(at(now)).as_secs());
            assert!(tries.charge(&Budget::PASSWORD, until - Duration::from_millis(1)).is_err());
            assert!(tries.charge(&Budget::PASSWORD, until).is_ok());
            now += i64::try_from(until.since(at(now)).as_secs()).unwrap();
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 2670, 1920, 3600, 3600, 3600], "10 an hour hold as well");
    }

    #[test]
    fn a_success_takes_its_own_charge_back_and_leaves_the_failures_in_their_window() {
        let mut tries = Tries::default();
        assert_eq!(taken(&mut tries, &Budget::TOTP, 0..4), 4);
        for second in 10..60 {
            let charge = tries.charge(&Budget::TOTP, at(second)).unwrap();
            tries.succeeded(charge);
        }
        assert_eq!(taken(&mut tries, &Budget::TOTP, 60..100), 1);
    }

    #[test]
    fn a_success_that_is_told_late_does_not_take_back_the_failure_of_another() {
        let mut tries = Tries::default();
        let right = tries.charge(&Budget::TOTP, at(0)).unwrap();
        assert_eq!(taken(&mut tries, &Budget::TOTP, 100..104), 4);
        tries.succeeded(right);
        assert_eq!(tries.charge(&Budget::TOTP, at(200)), Ok(Charge(at(200))));
        assert_eq!(tries.charge(&Budget::TOTP, at(201)), Err(Locked::Until(at(1000))));
        tries.succeeded(right);
        assert_eq!(
            tries.charge(&Budget::TOTP, at(201)),
            Err(Locked::Until(at(1000))),
            "one charge is taken back once"
        );
    }

    #[test]
    fn fifty_failures_in_a_row_disable_until_the_factor_is_bound_again() {
        let mut tries = Tries::default();
        let days = (0..).step_by(86_400);
        assert_eq!(taken(&mut tries, &Budget::TOTP, days.take(49)), 49);
        assert!(!tries.is_disabled(&Budget::TOTP));
        assert_eq!(taken(&mut tries, &Budget::TOTP, [50 * 86_400]), 1);
        assert!(tries.is_disabled(&Budget::TOTP));
        assert_eq!(tries.charge(&Budget::TOTP, at(900 * 86_400)), Err(Locked::UntilReset));
        tries.reset();
        assert_eq!(taken(&mut tries, &Budget::TOTP, [900 * 86_400]), 1);
    }

    #[test]
    fn the_fiftieth_try_may_still_be_right_and_ends_the_row() {
        let mut tries = Tries::default();
        assert_eq!(taken(&mut tries, &Budget::TOTP, (0..).step_by(86_400).take(49)), 49);
        let charge = tries.charge(&Budget::TOTP, at(49 * 86_400)).unwrap();
        tries.succeeded(charge);
        assert!(!tries.is_disabled(&Budget::TOTP));
        assert!(tries.charge(&Budget::TOTP, at(50 * 86_400)).is_ok());
    }

    #[test]
    fn a_network_and_a_device_are_slowed_and_never_disabled() {
        for budget in [Budget::NETWORK, Budget::TRUSTED_DEVICE] {
            assert_eq!(taken(&mut Tries::default(), &budget, (0..).step_by(3600).take(1000)), 1000);
        }
    }

    #[test]
    fn a_clock_that_ran_ahead_and_came_back_locks_for_the_span_and_not_for_the_jump() {
        let mut tries = Tries::default();
        let ten_years = 10 * 365 * 86_400;
        assert_eq!(taken(&mut tries, &Budget::TOTP, [ten_years; 5]), 5);
        assert_eq!(tries.charge(&Budget::TOTP, at(0)), Err(Locked::Until(at(900))));
        assert_eq!(taken(&mut tries, &Budget::TOTP, [899, 900]), 1);
    }

    #[test]
    fn tries_survive_their_own_document_and_idle_ones_need_none() {
        let mut tries = Tries::default();
        assert!(tries.is_idle(&Budget::TOTP, at(0)));
        let charge = tries.charge(&Budget::TOTP, at(0)).unwrap();
        assert!(!tries.is_idle(&Budget::TOTP, at(10_000)), "the row of failures is to be kept");
        let document = serde_json::to_string(&tries).unwrap();
        assert_eq!(serde_json::from_str::<Tries>(&document).unwrap(), tries);
        tries.succeeded(charge);
        assert!(tries.is_idle(&Budget::TOTP, at(0)));
        assert_eq!(serde_json::from_str::<Tries>("{}").unwrap(), Tries::default());
    }

    proptest! {
        #[test]
        fn no_span_ever_holds_more_failures_than_the_budget_and_little_is_kept(
            steps in prop::collection::vec((0_i64..400, 0_u8..4), 1..300),
            which in 0_usize..6,
        ) {
            let budget = [Budget::TOTP, Budget::BACKUP_CODE, Budget::PASSWORD, Budget::PIN, Budget::TRUSTED_DEVICE, Budget::NETWORK][which];
            let (mut tries, mut now, mut failed) = (Tries::default(), 0, Vec::new());
            for (step, outcome) in steps {
                now += step;
                match tries.charge(&budget, at(now)) {
                    Ok(charge) if outcome == 0 => tries.succeeded(charge),
                    Ok(_) => failed.push(now),
                    Err(Locked::Until(until)) => prop_assert!(until > at(now) && until <= at(now) + DAY),
                    Err(Locked::UntilReset) => prop_assert!(failed.len() >= 50),
                }
                prop_assert!(tries.charged.len() <= 30);
            }
            for (most, span) in budget.within {
                let span = i64::try_from(span.as_secs()).unwrap();
                for start in &failed {
                    let within = failed.iter().filter(|t| (*start..start + span).contains(*t)).count();
                    prop_assert!(within <= usize::try_from(*most).unwrap());
                }
            }
        }

        #[test]
        fn whatever_the_clock_does_the_number_holds_for_what_it_says_and_no_lock_outlasts_its_span(
            jumps in prop::collection::vec(-100_000_i64..100_000, 1..100),
        ) {
            let (mut tries, mut now) = (Tries::default(), 0_i64);
            for jump in jumps {
                now += jump;
                let mut granted = 0;
                loop {
                    match tries.charge(&Budget::NETWORK, at(now)) {
                        Ok(_) => granted += 1,
                        Err(Locked::Until(until)) => { prop_assert!(until <= at(now) + HOUR); break }
                        Err(Locked::UntilReset) => prop_assert!(false, "never disabled"),
                    }
                }
                prop_assert!(granted <= 30 && tries.charged.len() == 30);
            }
        }
    }
}
