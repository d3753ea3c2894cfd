//! What vendors say, in whatever order it comes.

use backstop_domain::{
    attempt::AttemptState::{self, Accepted, Delivered, Rejected, Undelivered, Unknown},
    delivery::{DeliveryState, Lease},
    id::{DeliveryId, VerificationId},
    outcome::VendorResponse,
    ports::store::{Deliveries as _, NewAttempt},
};

use super::World;
use crate::setup::{ASHA, at, wait};

impl World {
    fn opened(&self) -> (VerificationId, DeliveryId) {
        self.start(&self.new_start(ASHA, at(0)))
    }

    fn state(&self, id: VerificationId) -> (DeliveryState, Option<Lease>) {
        let delivery = &self.view(id).deliveries[0];
        (delivery.state, delivery.lease)
    }

    /// Writes an answer down that may change the delivery too.
    fn hears(&self, attempt: &NewAttempt, state: AttemptState, delivery: Option<DeliveryState>, second: i64) {
        let mut said = self.said(attempt, state, "any", at(second));
        said.delivery_state = delivery;
        wait(self.store.finish_attempt(said)).unwrap();
    }
}

#[test]
fn the_same_answer_twice_is_one_answer() {
    let world = World::new();
    let (id, delivery) = world.opened();
    let attempt = world.begin(id, delivery, "any", at(1));
    world.hears(&attempt, Accepted, Some(DeliveryState::Sent), 2);
    let once = world.view(id);
    world.hears(&attempt, Accepted, Some(DeliveryState::Sent), 9);
    assert_eq!(world.view(id), once);
}

#[test]
fn an_older_answer_after_a_newer_one_changes_nothing() {
    let world = World::new();
    let (id, delivery) = world.opened();
    let (first, second) = (world.begin(id, delivery, "one", at(1)), world.begin(id, delivery, "two", at(2)));
    world.hears(&second, Delivered, Some(DeliveryState::Delivered), 3);
    world.hears(&first, Accepted, Some(DeliveryState::Sent), 4);
    let states: Vec<_> = world.view(id).attempts.iter().map(|attempt| attempt.state).collect();
    assert_eq!(states, [Accepted, Delivered]);
    assert_eq!(world.state(id), (DeliveryState::Delivered, None));
}

#[test]
fn what_the_first_worker_hears_after_the_second_gave_up_is_still_a_fact() {
    let world = World::new();
    let (id, delivery) = world.opened();
    let first = world.begin(id, delivery, "slow", at(1));
    let lease = world.another_node(100);
    assert_eq!(world.recover(lease, 31).len(), 1);
    let second = NewAttempt { lease, ..world.new_attempt(id, delivery, "other", at(32)) };
    wait(world.store.begin_attempt(second.clone())).unwrap();
    world.hears(&second, Rejected, Some(DeliveryState::Undeliverable), 33);
    assert_eq!(world.state(id), (DeliveryState::Undeliverable, None));
    world.hears(&first, Accepted, Some(DeliveryState::Sent), 34);
    let view = world.view(id);
    assert_eq!((view.attempts[0].state, view.attempts[1].state), (Accepted, Rejected));
    assert_eq!(world.state(id), (DeliveryState::Sent, None));
}

#[test]
fn an_attempt_moves_forward_only() {
    let world = World::new();
    for (first, then, ends) in [
        (Unknown, Accepted, Accepted),
        (Unknown, Rejected, Rejected),
        (Accepted, Unknown, Accepted),
        (Accepted, Rejected, Accepted),
        (Accepted, Delivered, Delivered),
        (Accepted, Undelivered, Undelivered),
        (Rejected, Accepted, Rejected),
        (Unknown, Delivered, Delivered),
        (Delivered, Accepted, Delivered),
        (Delivered, Undelivered, Delivered),
        (Undelivered, Accepted, Undelivered),
        (Delivered, Rejected, Delivered),
    ] {
        let number = world.number("SELECT count(*) FROM verifications");
        let (id, delivery) = world.start(&world.new_start(&format!("+9198765{number:05}"), at(0)));
        let attempt = world.begin(id, delivery, "any", at(1));
        wait(world.store.finish_attempt(world.said(&attempt, first, "first", at(2)))).unwrap();
        let mut late = world.said(&attempt, then, "then", at(3));
        late.vendor_response = Some(VendorResponse::new(true, "late words"));
        wait(world.store.finish_attempt(late)).unwrap();
        let row = world.view(id).attempts.remove(0);
        assert_eq!(row.state, ends, "{first} and then {then}");
        assert_eq!(row.outcome.as_deref(), Some(if ends == first { "first" } else { "then" }));
        assert_eq!(row.vendor_response.unwrap().response, "late words");
    }
}

#[test]
fn a_delivery_that_was_taken_is_never_undeliverable() {
    let world = World::new();
    let (id, delivery) = world.opened();
    let (slow, quick) = (world.begin(id, delivery, "slow", at(1)), world.begin(id, delivery, "quick", at(2)));
    let mut taken = world.said(&quick, Accepted, "accepted", at(3));
    taken.delivery_state = Some(DeliveryState::Sent);
    wait(world.store.finish_attempt(taken)).unwrap();
    assert_eq!(world.state(id), (DeliveryState::Sent, Some(world.lease(at(2)))), "an answer is still owed");
    let mut refused = world.said(&slow, Rejected, "unavailable", at(4));
    refused.delivery_state = Some(DeliveryState::Undeliverable);
    wait(world.store.finish_attempt(refused)).unwrap();
    assert_eq!(world.state(id), (DeliveryState::Sent, None));
}

#[test]
fn an_undeliverable_delivery_can_still_turn_out_sent() {
    let world = World::new();
    let (id, delivery) = world.opened();
    let attempt = world.begin(id, delivery, "slow", at(1));
    let row = world.view(id).deliveries.remove(0);
    wait(world.store.finish(&row, DeliveryState::Undeliverable, world.node, at(2))).unwrap();
    let kept = Some(world.lease(at(1)));
    assert_eq!(world.state(id), (DeliveryState::Undeliverable, kept), "an answer is still owed");
    let mut late = world.said(&attempt, Accepted, "accepted", at(3));
    late.delivery_state = Some(DeliveryState::Sent);
    wait(world.store.finish_attempt(late)).unwrap();
    assert_eq!(world.state(id), (DeliveryState::Sent, None));
}
