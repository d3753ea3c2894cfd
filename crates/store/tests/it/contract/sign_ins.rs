//! Verifications that sign a person in, and decoys.

use backstop_domain::{
    delivery::DeliveryState,
    id::UserId,
    ports::store::{Checked, Deliveries as _, Once, Redeemed, Verifications as _},
    verification::{NotRedeemable, Status, Subject},
};

use super::World;
use crate::setup::{APP, ASHA, RAVI, at, wait};

impl World {
    fn a_user(&self) -> Subject {
        Subject::User(UserId::new(at(0), &self.random))
    }
}

#[test]
fn whose_sign_in_it_is_reads_back_for_readers_and_workers() {
    let world = World::new();
    for (second, subject) in [(0, world.a_user()), (1, Subject::Nobody)] {
        let new = world.new_start_with(ASHA, at(second), |row| row.subject = Some(subject));
        let (id, delivery) = world.start(&new);
        assert_eq!(world.view(id).verification, new.verification);
        assert_eq!(world.view(id).verification.subject, Some(subject));
        let task = wait(world.store.task(APP, id, delivery, world.node)).unwrap().unwrap();
        assert_eq!(task.verification.subject, Some(subject));
    }
    assert_eq!(world.number("SELECT count(*) FROM verifications WHERE subject LIKE 'usr_%'"), 1);
    assert_eq!(world.number("SELECT count(*) FROM verifications WHERE subject = 'nobody'"), 1);
    let (plain, _) = world.start(&world.new_start(RAVI, at(2)));
    assert_eq!(world.view(plain).verification.subject, None);
}

#[test]
fn the_right_code_approves_a_sign_in_and_never_a_decoy() {
    let world = World::new();
    let start = |second, subject| {
        world.start(&world.new_start_with(ASHA, at(second), |row| row.subject = Some(subject))).0
    };
    let (real, decoy) = (start(0, world.a_user()), start(1, Subject::Nobody));
    let answer = world.answer(decoy, &world.code(decoy), at(2));
    assert_eq!((answer.valid, answer.status, answer.checks_left), (false, Status::Pending, 2));
    assert!(world.answer(real, &world.code(real), at(3)).valid);
    assert_eq!(world.view(decoy).verification.checks_used, 1, "it was counted");
    let redeemed = wait(world.store.redeem(APP, real, None, at(4))).unwrap();
    assert_eq!(redeemed, Redeemed::Refused(NotRedeemable::SignsIn));
    assert_eq!(world.view(real).verification.redeemed_at, None);
}

#[test]
fn the_checks_of_a_decoy_use_the_recipients_budget_up_like_any_other() {
    let world = World::new();
    let start = |second| {
        world.start(&world.new_start_with(ASHA, at(second), |row| row.subject = Some(Subject::Nobody))).0
    };
    let mut taken = 0;
    for second in [0, 60, 120, 180] {
        let id = start(second);
        for _ in 0..3 {
            let check = world.submitted(id, &world.code(id), at(second));
            match wait(world.store.check(check)).unwrap() {
                Once::Done(Checked::Answer { .. }) => taken += 1,
                Once::Done(Checked::Refused(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(taken, 10, "as many as an hour allows");
}

#[test]
fn a_decoy_that_a_crash_left_is_taken_over_as_one_and_ends() {
    let world = World::new();
    let new = world.new_start_with(ASHA, at(0), |row| row.subject = Some(Subject::Nobody));
    let (id, _) = world.start(&new);
    let other = world.another_node(100);
    let found = world.recover(other, 31);
    assert!(found[0].verification.is_decoy());
    wait(world.store.finish(&found[0].delivery, DeliveryState::Sent, other.holder, at(32))).unwrap();
    let view = world.view(id);
    assert_eq!((view.deliveries[0].state, view.deliveries[0].lease), (DeliveryState::Sent, None));
    assert!(view.attempts.is_empty());
    assert!(world.recover(world.another_node(200), 100).is_empty());
}
