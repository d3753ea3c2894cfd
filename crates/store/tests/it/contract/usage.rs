//! Counting attempts, against rows that were counted by hand.

use std::time::Duration;

use backstop_domain::{
    attempt::AttemptState,
    channel::Channel,
    id::{DeliveryId, VerificationId},
    ports::store::{AttemptResult, Deliveries as _, NewAttempt, Routing as _, Usage},
};

use super::World;
use crate::setup::{ASHA, OTHER_APP, RAVI, at, wait};

const HOUR: i64 = 3600;

impl World {
    /// An attempt that a vendor answered after so many milliseconds.
    fn answered(
        &self,
        (verification, delivery): (VerificationId, DeliveryId),
        (provider, second): (&str, i64),
        (state, millis): (AttemptState, u64),
    ) -> NewAttempt {
        let attempt = self.begin(verification, delivery, provider, at(second));
        let outcome = if state == AttemptState::Rejected { "unavailable" } else { "accepted" };
        let said = self.said(&attempt, state, outcome, at(second) + Duration::from_millis(millis));
        let price = (state == AttemptState::Accepted).then(|| "0.0079 USD".to_owned());
        wait(self.store.finish_attempt(AttemptResult { price, ..said })).unwrap();
        attempt
    }

    fn usage(&self, from: i64, to: i64) -> Vec<String> {
        let mut lines: Vec<_> = wait(self.store.usage(at(from), at(to))).unwrap().iter().map(line).collect();
        lines.sort();
        lines
    }
}

fn line(usage: &Usage) -> String {
    let Usage { provider, channel, state, outcome, approved, price, answered_within, count } = usage;
    let [outcome, price] = [outcome, price].map(|text| text.as_deref().unwrap_or("-"));
    let within = answered_within.map_or("-".into(), |within| format!("{}ms", within.as_millis()));
    let approved = if *approved { "approved" } else { "not" };
    format!("{count} {provider} {channel} {state} {outcome} {approved} {price} {within}")
}

#[test]
fn attempts_that_were_alike_are_counted_together_and_by_how_long_the_vendor_took() {
    let world = World::new();
    for (number, millis) in [0, 50, 51, 100, 101, 3_000, 6_500].into_iter().enumerate() {
        let started = world.start(&world.new_start(&format!("{ASHA}{number}"), at(0)));
        world.answered(started, ("one", 1), (AttemptState::Accepted, millis));
    }
    let (id, delivery) = world.start(&world.new_start(RAVI, at(0)));
    let email = NewAttempt { channel: Channel::Email, ..world.new_attempt(id, delivery, "mail", at(2)) };
    world.try_begin(email);
    world.answered((id, delivery), ("two", 3), (AttemptState::Rejected, 10));
    let mut counted = [
        "1 mail email sending - not - -",
        "2 one sms accepted accepted not 0.0079 USD 50ms",
        "2 one sms accepted accepted not 0.0079 USD 100ms",
        "1 one sms accepted accepted not 0.0079 USD 200ms",
        "1 one sms accepted accepted not 0.0079 USD 3200ms",
        "1 one sms accepted accepted not 0.0079 USD 12800ms",
        "1 two sms rejected unavailable not - 50ms",
    ];
    counted.sort_unstable();
    assert_eq!(world.usage(0, HOUR), counted);
}

#[test]
fn an_approval_counts_for_the_last_attempt_that_a_vendor_took_and_for_no_other() {
    let world = World::new();
    let started = world.start(&world.new_start(ASHA, at(0)));
    world.answered(started, ("one", 1), (AttemptState::Accepted, 1));
    world.answered(started, ("two", 2), (AttemptState::Accepted, 1));
    world.answered(started, ("three", 3), (AttemptState::Rejected, 1));
    assert!(world.usage(0, HOUR).iter().all(|line| line.contains(" not ")), "nobody got in yet");
    world.answer(started.0, &world.code(started.0), at(9));
    let failed = world.start(&world.new_start(RAVI, at(0)));
    world.answered(failed, ("two", 2), (AttemptState::Accepted, 1));
    assert_eq!(
        world.usage(0, HOUR),
        [
            "1 one sms accepted accepted not 0.0079 USD 50ms",
            "1 three sms rejected unavailable not - 50ms",
            "1 two sms accepted accepted approved 0.0079 USD 50ms",
            "1 two sms accepted accepted not 0.0079 USD 50ms",
        ]
    );
    // One that did not arrive was taken all the same.
    world.execute("UPDATE attempts SET state = 'undelivered' WHERE provider = 'two'");
    assert!(world.usage(0, HOUR).contains(&"1 two sms undelivered accepted approved 0.0079 USD 50ms".into()));
    world.execute("UPDATE attempts SET state = 'unknown' WHERE provider = 'two'");
    assert!(world.usage(0, HOUR).contains(&"1 one sms accepted accepted approved 0.0079 USD 50ms".into()));
}

#[test]
fn a_span_counts_what_was_written_down_in_it_however_old_the_verification_is() {
    let world = World::new();
    let long = world.new_start_with(ASHA, at(0), |row| row.expires_at = at(24 * HOUR));
    let started = world.start(&long);
    for second in [10, 20 * HOUR, 20 * HOUR + 1, 23 * HOUR] {
        let _ = world.begin(started.0, started.1, "one", at(second));
    }
    assert_eq!(world.usage(20 * HOUR, 20 * HOUR + 1), ["1 one sms sending - not - -"]);
    assert_eq!(world.usage(20 * HOUR, 24 * HOUR), ["3 one sms sending - not - -"]);
    assert_eq!(world.usage(0, 24 * HOUR), ["4 one sms sending - not - -"]);
    assert_eq!(world.usage(24 * HOUR, 48 * HOUR), [""; 0]);
}

#[test]
fn attempts_of_all_applications_are_counted_together() {
    let world = World::new();
    assert_eq!(world.usage(0, HOUR), [""; 0]);
    let started = world.start(&world.new_start(ASHA, at(0)));
    world.begin(started.0, started.1, "one", at(1));
    let (id, delivery) = world.start(&world.new_start_with(RAVI, at(0), |row| row.application = OTHER_APP));
    let attempt = NewAttempt { application: OTHER_APP, ..world.new_attempt(id, delivery, "one", at(1)) };
    world.try_begin(attempt);
    assert_eq!(world.usage(0, HOUR), ["2 one sms sending - not - -"]);
}

#[test]
fn verifications_are_counted_by_purpose_and_where_they_stand_in_the_span_they_were_started_in() {
    let world = World::new();
    let standings = |from, to| -> Vec<String> {
        let found = wait(world.store.standings(at(from), at(to))).unwrap();
        found.iter().map(|alike| format!("{} {} {}", alike.count, alike.purpose, alike.status)).collect()
    };
    assert_eq!(standings(0, HOUR), [""; 0]);
    let (first, _) = world.start(&world.new_start(ASHA, at(0)));
    world.start(&world.new_start(RAVI, at(1)));
    world.start(&world.new_start_with("+14155550199", at(2), |row| row.application = OTHER_APP));
    let reset = |row: &mut backstop_domain::verification::Verification| {
        row.purpose = "password_reset".parse().unwrap();
    };
    world.start(&world.new_start_with("+14155550198", at(HOUR), reset));
    world.answer(first, &world.code(first), at(9));
    assert_eq!(standings(0, HOUR), ["1 login approved", "2 login pending"]);
    assert_eq!(standings(0, HOUR + 1), ["1 login approved", "2 login pending", "1 password_reset pending"]);
    assert_eq!(standings(HOUR, HOUR + 1), ["1 password_reset pending"]);
}
