//! Deliveries that a vendor took and that rest until somebody looks at the silence.

use backstop_domain::{
    attempt::AttemptState,
    delivery::DeliveryState,
    id::{DeliveryId, VerificationId},
    ports::store::{AttemptResult, Begun, Deliveries as _, NewAttempt, Noted},
    receipt::ReceiptState,
};

use super::World;
use crate::setup::{APP, ASHA, RAVI, at, wait};

impl World {
    /// An answer after which silence is looked at in the 40th second.
    fn accepted_quietly(&self, attempt: &NewAttempt) {
        let mut said = self.said(attempt, AttemptState::Accepted, "accepted", at(2));
        (said.delivery_state, said.silent_at) = (Some(DeliveryState::Sent), Some(at(40)));
        wait(self.store.finish_attempt(said)).unwrap();
    }

    fn resting(&self, to: &str) -> (VerificationId, DeliveryId, NewAttempt) {
        let (id, delivery) = self.start(&self.new_start(to, at(0)));
        let attempt = self.begin(id, delivery, "any", at(1));
        self.accepted_quietly(&attempt);
        (id, delivery, attempt)
    }

    fn is_done(&self, id: VerificationId, state: DeliveryState) -> bool {
        let delivery = &self.view(id).deliveries[0];
        (delivery.state, delivery.lease) == (state, None)
    }
}

#[test]
fn silence_is_looked_at_when_its_time_has_come_and_not_before() {
    let world = World::new();
    let (id, delivery, _) = world.resting(ASHA);
    let node = world.another_node(90);
    assert!(world.recover(node, 39).is_empty());
    let tasks = world.recover(node, 40);
    assert_eq!(tasks.len(), 1);
    assert_eq!((tasks[0].delivery.state, tasks[0].delivery.lease), (DeliveryState::Sent, Some(node)));
    assert_eq!(tasks[0].attempts[0].state, AttemptState::Accepted);
    assert!(world.recover(world.another_node(90), 41).is_empty(), "it is looked at once");
    let next = NewAttempt { lease: node, ..world.new_attempt(id, delivery, "other", at(41)) };
    assert_eq!(world.try_begin(next.clone()), Begun::Send);
    world.accepted(&next, at(42));
    assert!(world.is_done(id, DeliveryState::Sent));
}

#[test]
fn whoever_finds_nothing_wrong_with_silence_ends_the_delivery() {
    let world = World::new();
    let (id, ..) = world.resting(ASHA);
    let node = world.another_node(90);
    let task = world.recover(node, 40).remove(0);
    wait(world.store.finish(&task.delivery, DeliveryState::Sent, node.holder, at(41))).unwrap();
    assert!(world.is_done(id, DeliveryState::Sent));
    assert!(world.recover(world.another_node(200), 100).is_empty());
}

#[test]
fn silence_is_none_once_a_receipt_came() {
    let world = World::new();
    let (arrived, _, attempt) = world.resting(ASHA);
    world.note(&world.told(&attempt, ReceiptState::Delivered, at(5)));
    assert!(world.is_done(arrived, DeliveryState::Delivered));
    let (lost, _, attempt) = world.resting(RAVI);
    let told = world.note(&world.told(&attempt, ReceiptState::Undelivered, at(20)));
    assert!(matches!(told, Noted::Noted { goes_on: true, .. }));
    assert!(world.recover(world.another_node(90), 45).is_empty(), "whoever heard of it works until 50");
    assert_eq!(world.recover(world.another_node(90), 50)[0].verification.id, lost);
}

#[test]
fn silence_is_none_after_a_receipt_that_came_before_the_answer() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let attempt = world.begin(id, delivery, "any", at(1));
    world.note(&world.told(&attempt, ReceiptState::Delivered, at(1)));
    world.accepted_quietly(&attempt);
    assert!(world.is_done(id, DeliveryState::Delivered));
}

#[test]
fn silence_is_none_once_the_code_came() {
    let world = World::new();
    let (id, ..) = world.resting(ASHA);
    assert!(world.answer(id, &world.code(id), at(10)).valid);
    assert!(world.recover(world.another_node(90), 40).is_empty());
    assert!(world.is_done(id, DeliveryState::Sent));
}

#[test]
fn silence_that_nobody_minds_does_not_hide_what_is_owed() {
    let world = World::new();
    for number in 0..60 {
        let (id, ..) = world.resting(&format!("+9198765{number:05}"));
        world.answer(id, &world.code(id), at(3));
    }
    let (owed, _) = world.start(&world.new_start(ASHA, at(11)));
    let (silent, ..) = world.resting(RAVI);
    let taken = wait(world.store.recover(world.another_node(90), at(41), 2)).unwrap();
    let mut ids: Vec<_> = taken.iter().map(|task| task.verification.id).collect();
    ids.sort_unstable();
    let mut wanted = [owed, silent];
    wanted.sort_unstable();
    assert_eq!(ids, wanted);
    assert_eq!(world.number("SELECT count(*) FROM deliveries WHERE lease_until IS NOT NULL"), 2);
}

#[test]
fn nobody_works_on_what_rests() {
    let world = World::new();
    let (id, delivery, _) = world.resting(ASHA);
    assert_eq!(world.try_begin(world.new_attempt(id, delivery, "other", at(3))), Begun::LeaseLost);
    assert_eq!(wait(world.store.task(APP, id, delivery, world.node)).unwrap(), None);
    let mine = vec![(APP, id, delivery)];
    assert_eq!(wait(world.store.renew(mine, world.lease(at(20)))).unwrap(), [delivery]);
    let row = world.view(id).deliveries.remove(0);
    wait(world.store.finish(&row, DeliveryState::Undeliverable, world.node, at(4))).unwrap();
    wait(world.store.release(world.node, at(5))).unwrap();
    assert!(world.recover(world.another_node(90), 39).is_empty(), "a node that leaves does not end its rest");
    assert_eq!(world.recover(world.another_node(90), 40).len(), 1);
}

#[test]
fn a_delivery_rests_only_when_none_of_its_attempts_is_being_sent() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let (slow, quick) = (world.begin(id, delivery, "slow", at(1)), world.begin(id, delivery, "quick", at(1)));
    world.accepted_quietly(&quick);
    assert_eq!(world.view(id).deliveries[0].lease, Some(world.lease(at(1))), "an answer is still owed");
    let mut refused = world.said(&slow, AttemptState::Rejected, "unavailable", at(3));
    refused.silent_at = Some(at(40));
    wait(world.store.finish_attempt(refused)).unwrap();
    assert!(world.recover(world.another_node(90), 39).is_empty());
    assert_eq!(world.recover(world.another_node(90), 40)[0].delivery.state, DeliveryState::Sent);
}

#[test]
fn a_late_answer_does_not_take_the_delivery_from_whoever_looks_at_the_silence() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let (slow, quick) = (world.begin(id, delivery, "slow", at(1)), world.begin(id, delivery, "quick", at(1)));
    world.accepted_quietly(&quick);
    let node = world.another_node(90);
    assert_eq!(world.recover(node, 31)[0].attempts[0].state, AttemptState::Unknown);
    let late = world.said(&slow, AttemptState::Rejected, "unavailable", at(32));
    wait(world.store.finish_attempt(late)).unwrap();
    assert_eq!(world.view(id).deliveries[0].lease, Some(node));
}

#[test]
fn silence_that_turns_out_to_be_a_loss_is_not_taken_for_done() {
    let world = World::new();
    let (id, _, attempt) = world.resting(ASHA);
    let node = world.another_node(70);
    let task = world.recover(node, 40).remove(0);
    let told = world.note(&world.told(&attempt, ReceiptState::Undelivered, at(41)));
    assert!(matches!(told, Noted::Noted { news: true, goes_on: false, .. }), "somebody is just looking");
    wait(world.store.finish(&task.delivery, DeliveryState::Sent, node.holder, at(42))).unwrap();
    assert_eq!(world.recover(world.another_node(100), 70)[0].verification.id, id, "it is still owed");
}

#[test]
fn whoever_follows_silence_goes_on_after_a_refusal() {
    let world = World::new();
    let (id, delivery, _) = world.resting(ASHA);
    let node = world.another_node(90);
    assert_eq!(world.recover(node, 40).len(), 1);
    let next = NewAttempt { lease: node, ..world.new_attempt(id, delivery, "other", at(41)) };
    assert_eq!(world.try_begin(next.clone()), Begun::Send);
    let refused = world.said(&next, AttemptState::Rejected, "not_on_channel", at(42));
    wait(world.store.finish_attempt(AttemptResult { goes_on: true, ..refused })).unwrap();
    let third = NewAttempt { lease: node, ..world.new_attempt(id, delivery, "third", at(42)) };
    assert_eq!(world.try_begin(third), Begun::Send);
}
