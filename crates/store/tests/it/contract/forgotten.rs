//! Forgetting what is old, and nothing that still counts.

use backstop_domain::{
    limit::{LimitName, Limits},
    ports::store::{Applications as _, Begun, Verifications as _},
    verification::Verification,
};

use super::World;
use crate::setup::{APP, ASHA, OTHER_APP, RAVI, at, seconds, wait};

const DAY: i64 = 86_400;

impl World {
    /// With both applications on record, as they are before anything is started.
    fn with_applications() -> Self {
        let world = Self::new();
        for (name, id) in [("shop", APP), ("fleet", OTHER_APP)] {
            assert_eq!(wait(world.store.application(name, at(0))).unwrap(), id);
        }
        world
    }

    /// Forgets until there is nothing left to forget. Says how many.
    fn forget(&self, before: i64, now: i64) -> u64 {
        let step = || wait(self.store.forget(at(before), at(now))).unwrap();
        std::iter::repeat_with(step).take_while(|count| *count > 0).sum()
    }

    fn rows(&self) -> [i64; 4] {
        ["verifications", "deliveries", "attempts", "checks"]
            .map(|table| self.number(&format!("SELECT count(*) FROM {table}")))
    }
}

/// One that was sent, and checked wrongly.
fn whole(world: &World, to: &str, second: i64) -> Verification {
    let (id, delivery) = world.start(&world.new_start(to, at(second)));
    world.begin(id, delivery, "any", at(second));
    world.answer(id, &world.wrong(id), at(second + 1));
    world.view(id).verification
}

#[test]
fn what_is_old_goes_with_all_that_belongs_to_it() {
    let world = World::with_applications();
    let old = whole(&world, ASHA, 0);
    let young = whole(&world, ASHA, 40 * DAY);
    world.start(&world.new_start_with(RAVI, at(0), |row| row.application = OTHER_APP));
    assert_eq!(world.rows(), [3, 3, 2, 2]);
    assert_eq!(world.forget(30 * DAY, 40 * DAY + 2), 2);
    assert_eq!(world.rows(), [1, 1, 1, 1]);
    let read = |row: &Verification| wait(world.store.get(row.application, row.id)).unwrap();
    assert!(read(&old).is_none());
    assert_eq!(read(&young).unwrap().verification, young);
    assert!(world.answer(young.id, &world.code(young.id), at(40 * DAY + 3)).valid);
}

#[test]
fn what_was_set_aside_for_an_attempt_goes_with_it_and_not_before() {
    let world = World::with_applications();
    for second in [0, 40 * DAY] {
        let attempt = world.costing(0, "1 USD", second);
        assert_eq!(world.try_begin(attempt), Begun::Send);
    }
    let set_aside = || world.number("SELECT count(*) FROM reservations");
    assert_eq!((set_aside(), world.forget(30 * DAY, 40 * DAY + 2)), (2, 1));
    assert_eq!(set_aside(), 1);
}

#[test]
fn the_edge_is_where_it_was_said_to_be() {
    let world = World::with_applications();
    whole(&world, ASHA, 0);
    let kept = whole(&world, ASHA, 100);
    assert_eq!(world.forget(100, 50 * DAY), 1);
    assert_eq!(world.view(kept.id).verification, kept);
    assert_eq!(world.forget(101, 50 * DAY), 1);
}

#[test]
fn what_still_counts_is_not_forgotten_however_early_one_asks() {
    let limits = Limits { recipient_per_day: 2, resend_after: seconds(0), ..Limits::default() };
    let world = World { limits, ..World::with_applications() };
    whole(&world, ASHA, 0);
    whole(&world, ASHA, 1);
    assert_eq!(world.forget(DAY, DAY - 1), 0);
    let world = world.reopened(at(DAY - 1));
    let refusal = world.refused(&world.new_start(ASHA, at(DAY - 1))).0;
    assert_eq!((refusal.limit, refusal.retry_at), (LimitName::RecipientPerDay, at(DAY)));
    world.start(&world.new_start(ASHA, at(DAY)));
    assert_eq!(world.refused(&world.new_start(ASHA, at(DAY))).0.retry_at, at(DAY + 1));
}

#[test]
fn much_is_forgotten_in_steps() {
    let world = World::with_applications();
    for number in 0..450 {
        world.start(&world.new_start(&format!("+9198765{number:05}"), at(number)));
    }
    let kept = whole(&world, ASHA, 20 * DAY);
    let first = wait(world.store.forget(at(10 * DAY), at(20 * DAY + 2))).unwrap();
    assert!(first > 0, "0 means that nothing is left");
    assert_eq!(first + world.forget(10 * DAY, 20 * DAY + 2), 450);
    assert_eq!(world.rows(), [1, 1, 1, 1]);
    assert_eq!(world.view(kept.id).verification, kept);
}
