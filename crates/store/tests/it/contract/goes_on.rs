//! A message that did not arrive: whether its delivery is open again, and for whom.

use backstop_domain::{
    attempt::AttemptState,
    delivery::{DeliveryState, Lease},
    id::{DeliveryId, VerificationId},
    ports::store::{Begun, Canceled, Deliveries as _, NewAttempt, NewReceipt, Noted, Verifications as _},
    receipt::ReceiptState::{self, Delivered, Failed, Undelivered},
    verification::Status,
};

use super::World;
use crate::setup::{APP, ASHA, at, together, wait};

impl World {
    /// A verification whose only message was accepted.
    fn taken(&self) -> (VerificationId, DeliveryId, NewAttempt) {
        let (id, delivery) = self.start(&self.new_start(ASHA, at(0)));
        let attempt = self.begin(id, delivery, "any", at(1));
        self.accepted(&attempt, at(2));
        (id, delivery, attempt)
    }

    /// Whether a receipt opens the delivery again.
    fn goes_on(&self, attempt: &NewAttempt, state: ReceiptState, second: i64) -> bool {
        opens(&self.note(&self.told(attempt, state, at(second))))
    }

    fn first_delivery(&self, id: VerificationId) -> (DeliveryState, Option<Lease>) {
        let delivery = &self.view(id).deliveries[0];
        (delivery.state, delivery.lease)
    }
}

fn opens(noted: &Noted) -> bool {
    match noted {
        Noted::Noted { news, goes_on, .. } => {
            assert!(*news || !goes_on, "only news open anything");
            *goes_on
        }
        Noted::Unknown => panic!("unknown"),
    }
}

#[test]
fn what_did_not_arrive_is_open_again_for_whoever_heard_of_it() {
    for state in [Undelivered, Failed] {
        let world = World::new();
        let (id, delivery, attempt) = world.taken();
        let lease = world.another_node(60);
        let told = NewReceipt { lease, ..world.told(&attempt, state, at(5)) };
        assert!(opens(&world.note(&told)));
        assert_eq!(world.first_delivery(id), (DeliveryState::Queued, Some(lease)));
        assert_eq!(world.try_begin(world.new_attempt(id, delivery, "other", at(6))), Begun::LeaseLost);
        let task = wait(world.store.task(APP, id, delivery, lease.holder)).unwrap().unwrap();
        assert_eq!(task.attempts[0].state, state.attempt().unwrap());
        let next = NewAttempt { lease, ..world.new_attempt(id, delivery, "other", at(6)) };
        assert_eq!(world.try_begin(next), Begun::Send);
    }
}

#[test]
fn an_attempt_opens_its_delivery_once() {
    let world = World::new();
    let (id, delivery, attempt) = world.taken();
    assert!(world.goes_on(&attempt, Undelivered, 3));
    assert!(!world.goes_on(&attempt, Undelivered, 4));
    assert!(!world.goes_on(&attempt, Failed, 5));
    let next = world.begin(id, delivery, "other", at(6));
    world.accepted(&next, at(7));
    assert!(!world.goes_on(&attempt, Undelivered, 8));
    assert_eq!(world.first_delivery(id), (DeliveryState::Sent, None));
    assert!(world.goes_on(&next, Undelivered, 9), "the next one may again");
}

#[test]
fn of_many_who_note_the_same_receipt_one_goes_on() {
    let world = World::new();
    for _ in 0..3 {
        let (id, _, attempt) = world.taken();
        let leases: Vec<_> = (0..20).map(|_| world.another_node(60)).collect();
        let answers = together(20, |number| {
            let told = NewReceipt { lease: leases[number], ..world.told(&attempt, Undelivered, at(5)) };
            opens(&world.note(&told))
        });
        let winners: Vec<_> = (0..20).filter(|number| answers[*number]).collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(world.first_delivery(id), (DeliveryState::Queued, Some(leases[winners[0]])));
        wait(world.store.cancel(APP, id, at(6))).unwrap();
    }
}

#[test]
fn only_the_latest_attempt_moves_a_delivery_on() {
    let world = World::new();
    let (id, delivery, first) = world.taken();
    assert!(world.goes_on(&first, Undelivered, 3));
    let second = world.begin(id, delivery, "other", at(4));
    world.accepted(&second, at(5));
    let resent = world.new_resend(id, ASHA, at(60));
    wait(world.store.resend(resent.clone())).unwrap();
    let third = world.begin(id, resent.delivery, "any", at(61));
    assert!(!world.goes_on(&second, Undelivered, 62), "there is a newer message, of another delivery");
    assert_eq!(world.view(id).attempts[1].state, AttemptState::Undelivered);
    world.accepted(&third, at(63));
    assert!(world.goes_on(&third, Undelivered, 64));
    assert_eq!(world.first_delivery(id).0, DeliveryState::Sent);
}

#[test]
fn nobody_goes_on_beside_a_message_that_is_on_its_way_or_there() {
    for beside in [AttemptState::Sending, AttemptState::Accepted, AttemptState::Delivered] {
        let world = World::new();
        let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
        let other = world.begin(id, delivery, "slow", at(1));
        let latest = world.begin(id, delivery, "quick", at(1));
        if beside != AttemptState::Sending {
            wait(world.store.finish_attempt(world.said(&other, beside, "accepted", at(2)))).unwrap();
        }
        world.accepted(&latest, at(3));
        assert!(!world.goes_on(&latest, Undelivered, 90), "{beside}");
        assert_eq!(world.first_delivery(id).0, DeliveryState::Sent);
    }
}

#[test]
fn a_worker_that_is_at_it_goes_on_by_itself_and_a_dead_ones_delivery_is_opened() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let attempt = world.begin(id, delivery, "any", at(1));
    assert!(!world.goes_on(&attempt, Undelivered, 30), "the lease runs until 31");
    assert_eq!(world.first_delivery(id), (DeliveryState::Queued, Some(world.lease(at(1)))));
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let attempt = world.begin(id, delivery, "any", at(1));
    assert!(world.goes_on(&attempt, Undelivered, 31));
    assert_eq!(world.first_delivery(id), (DeliveryState::Queued, Some(world.lease(at(31)))));
    assert!(world.recover(world.another_node(90), 60).iter().all(|task| task.verification.id != id));
}

#[test]
fn a_late_receipt_reopens_and_approves_nothing() {
    let end: [fn(&World, VerificationId); 4] = [
        |world, id| assert!(world.answer(id, &world.code(id), at(3)).valid),
        |world, id| {
            assert!(world.answer(id, &world.code(id), at(3)).valid);
            wait(world.store.redeem(APP, id, None, at(4))).unwrap();
        },
        |world, id| assert_eq!(wait(world.store.cancel(APP, id, at(3))).unwrap(), Canceled::Canceled),
        |world, _| assert_eq!(wait(world.store.expire(at(600))).unwrap(), 1),
    ];
    for (end, number) in end.iter().zip(0..) {
        for state in [Undelivered, Failed, Delivered] {
            let world = World::new();
            let (id, _, attempt) = world.taken();
            end(&world, id);
            let before = world.view(id);
            assert!(!world.goes_on(&attempt, state, 601), "{number}");
            let after = world.view(id);
            assert_eq!(after.verification, before.verification, "{number}");
            assert_eq!(after.attempts[0].state, state.attempt().unwrap(), "{number}");
            assert_eq!(after.deliveries[0].lease, None, "{number}");
            assert!(world.recover(world.another_node(700), 602).is_empty(), "{number}");
        }
    }
}

#[test]
fn a_verification_that_ran_out_is_not_sent_again_though_nobody_has_written_its_end() {
    let world = World::new();
    let (first, _, attempt) = world.taken();
    assert!(!world.goes_on(&attempt, Undelivered, 600));
    assert_eq!(world.first_delivery(first), (DeliveryState::Sent, None));
    let (_, _, attempt) = world.taken();
    assert!(world.goes_on(&attempt, Undelivered, 599));
}

#[test]
fn an_undeliverable_delivery_stays_so_whatever_its_receipts_say() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let attempt = world.begin(id, delivery, "any", at(1));
    wait(world.store.finish_attempt(world.said(&attempt, AttemptState::Unknown, "unknown", at(2)))).unwrap();
    let row = world.view(id).deliveries.remove(0);
    wait(world.store.finish(&row, DeliveryState::Undeliverable, world.node, at(3))).unwrap();
    assert!(!world.goes_on(&attempt, Undelivered, 4));
    assert_eq!(world.first_delivery(id), (DeliveryState::Undeliverable, None));
    assert!(!world.goes_on(&attempt, Delivered, 5));
    assert_eq!(world.first_delivery(id), (DeliveryState::Delivered, None));
}

#[test]
fn a_receipt_that_races_with_the_right_code_takes_nothing_from_it() {
    for _ in 0..8 {
        let world = World::new();
        let (id, delivery, attempt) = world.taken();
        let (code, told) = (world.code(id), world.told(&attempt, Undelivered, at(5)));
        let went_on = together(2, |number| match number {
            0 => opens(&world.note(&told)),
            _ => !world.answer(id, &code, at(5)).valid,
        });
        assert!(!went_on[1], "the code is right");
        let view = world.view(id);
        assert_eq!(view.verification.status, Status::Approved);
        assert_eq!(view.attempts[0].state, AttemptState::Undelivered);
        if went_on[0] {
            let next = world.new_attempt(id, delivery, "other", at(6));
            assert_eq!(world.try_begin(next), Begun::Ended, "nothing leaves after the approval");
        }
    }
}
