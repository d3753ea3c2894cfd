//! The outbox: leases, attempts, late answers, what a crash left.

use std::time::Duration;

use backstop_domain::{
    attempt::AttemptState,
    delivery::{DeliveryState, Lease},
    id::{DeliveryId, VerificationId},
    outcome::{Reason, Rejection, Scope, VendorResponse},
    ports::store::{Begun, Deliveries as _, OptOuts, Verifications as _},
};

use super::World;
use crate::setup::{APP, ASHA, RAVI, at, wait};

impl World {
    fn delivery(&self, id: VerificationId) -> (DeliveryState, Option<Lease>) {
        let delivery = &self.view(id).deliveries[0];
        (delivery.state, delivery.lease)
    }

    fn attempt_state(&self, id: VerificationId) -> AttemptState {
        self.view(id).attempts[0].state
    }

    fn started(&self) -> (VerificationId, DeliveryId) {
        self.start(&self.new_start(ASHA, at(0)))
    }
}

#[test]
fn an_attempt_is_written_down_before_it_leaves_and_its_answer_after() {
    let world = World::new();
    let (id, delivery) = world.started();
    let attempt = world.begin(id, delivery, "twilio-main", at(1));
    let row = world.view(id).attempts.remove(0);
    assert_eq!(
        (row.id, row.state, row.started_at, row.finished_at),
        (attempt.id, AttemptState::Sending, at(1), None)
    );
    assert_eq!(world.delivery(id).1, Some(world.lease(at(1))), "the lease was renewed with it");

    let mut said = world.said(&attempt, AttemptState::Rejected, "rate_limited", at(2));
    said.rejection = Some(Rejection {
        reason: Reason::RateLimited,
        scope: Scope::Provider,
        retry_after: Some(Duration::from_secs(30)),
    });
    said.vendor_response = Some(VendorResponse::new(false, "429 \"slow down\""));
    said.price = Some("0.0079 USD".into());
    wait(world.store.finish_attempt(said.clone())).unwrap();
    let row = world.view(id).attempts.remove(0);
    assert_eq!((row.state, row.outcome.as_deref()), (AttemptState::Rejected, Some("rate_limited")));
    assert_eq!((row.rejection, row.vendor_response), (said.rejection, said.vendor_response));
    assert_eq!((row.price, row.finished_at), (said.price, Some(at(2))));
    assert_eq!(world.delivery(id), (DeliveryState::Queued, Some(world.lease(at(1)))));
}

#[test]
fn attempts_of_one_millisecond_come_back_in_their_order() {
    let world = World::new();
    let (id, delivery) = world.started();
    let written: Vec<_> = (0..6).map(|_| world.begin(id, delivery, "any", at(1)).id).collect();
    let read: Vec<_> = world.view(id).attempts.into_iter().map(|attempt| attempt.id).collect();
    assert_eq!(read, written);
}

#[test]
fn nobody_gets_a_seventh_message_however_many_deliveries_there_are() {
    let world = World::new();
    let (id, first) = world.started();
    let second = world.new_resend(id, ASHA, at(60));
    wait(world.store.resend(second.clone())).unwrap();
    let refused = world.begin(id, first, "twilio-main", at(61));
    wait(world.store.finish_attempt(world.said(&refused, AttemptState::Rejected, "unavailable", at(61))))
        .unwrap();
    for number in 0..6 {
        let delivery = if number % 2 == 0 { first } else { second.delivery };
        world.begin(id, delivery, "twilio-main", at(62));
    }
    let seventh = world.new_attempt(id, second.delivery, "twilio-main", at(63));
    assert_eq!(world.try_begin(seventh), Begun::Ended, "a refusal does not count, the six do");
}

#[test]
fn a_taken_message_ends_the_delivery_and_its_lease() {
    let world = World::new();
    let (id, delivery) = world.started();
    let attempt = world.begin(id, delivery, "twilio-main", at(1));
    let mut said = world.said(&attempt, AttemptState::Accepted, "accepted", at(2));
    said.delivery_state = Some(DeliveryState::Sent);
    wait(world.store.finish_attempt(said)).unwrap();
    assert_eq!(world.delivery(id), (DeliveryState::Sent, None));
    assert!(wait(world.store.task(APP, id, delivery, world.node)).unwrap().is_none());
    let late = world.new_attempt(id, delivery, "other", at(3));
    assert_eq!(world.try_begin(late), Begun::LeaseLost);
    assert!(world.recover(world.another_node(200), 100).is_empty());
}

#[test]
fn nothing_leaves_for_a_verification_that_has_ended() {
    let world = World::new();
    let (id, delivery) = world.started();
    world.answer(id, &world.code(id), at(1));
    assert_eq!(world.try_begin(world.new_attempt(id, delivery, "any", at(2))), Begun::Ended);
    let (late, delivery) = world.start(&world.new_start(RAVI, at(0)));
    assert_eq!(world.try_begin(world.new_attempt(late, delivery, "any", at(600))), Begun::Ended);
    assert_eq!(world.number("SELECT count(*) FROM attempts"), 0);
}

#[test]
fn a_worker_that_was_only_paused_cannot_go_on_with_old_work() {
    let world = World::new();
    let (id, delivery) = world.started();
    let attempt = world.begin(id, delivery, "any", at(1));
    let other = world.another_node(100);
    assert!(world.recover(other, 30).is_empty(), "the lease still runs");
    let taken = world.recover(other, 31);
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].delivery.lease, Some(other));
    assert_eq!(taken[0].attempts[0].state, AttemptState::Unknown);
    assert_eq!(taken[0].attempts[0].finished_at, Some(at(31)));

    assert_eq!(world.try_begin(world.new_attempt(id, delivery, "any", at(32))), Begun::LeaseLost);
    assert!(wait(world.store.task(APP, id, delivery, world.node)).unwrap().is_none());
    let mine = vec![(APP, id, delivery)];
    assert_eq!(wait(world.store.renew(mine.clone(), world.lease(at(32)))).unwrap(), [delivery]);
    assert!(wait(world.store.renew(mine, other)).unwrap().is_empty());
    let old = taken[0].delivery.clone();
    wait(world.store.finish(&old, DeliveryState::Undeliverable, world.node, at(33))).unwrap();
    assert_eq!(world.delivery(id), (DeliveryState::Queued, Some(other)));

    let mut said = world.said(&attempt, AttemptState::Accepted, "accepted", at(34));
    said.delivery_state = Some(DeliveryState::Sent);
    wait(world.store.finish_attempt(said)).unwrap();
    assert_eq!(world.attempt_state(id), AttemptState::Accepted, "that the vendor has it is a fact");
    assert_eq!(world.delivery(id), (DeliveryState::Sent, None));
}

#[test]
fn a_lease_that_ran_out_and_that_nobody_took_is_still_its_holders() {
    let world = World::new();
    let (id, delivery) = world.started();
    assert_eq!(world.try_begin(world.new_attempt(id, delivery, "any", at(300))), Begun::Send);
    assert_eq!(world.delivery(id).1, Some(world.lease(at(300))));
}

#[test]
fn recovery_touches_the_attempts_of_its_own_delivery_only() {
    let world = World::new();
    let (id, first) = world.started();
    let second = world.new_resend(id, ASHA, at(60));
    wait(backstop_domain::ports::store::Verifications::resend(&world.store, second.clone())).unwrap();
    world.begin(id, first, "one", at(60));
    world.begin(id, second.delivery, "two", at(80));
    let taken = world.recover(world.another_node(200), 91);
    assert_eq!(taken.len(), 1);
    let states: Vec<_> = taken[0].attempts.iter().map(|attempt| attempt.state).collect();
    assert_eq!(states, [AttemptState::Unknown, AttemptState::Sending]);
}

#[test]
fn a_person_who_opted_out_of_a_provider_is_remembered_for_the_next_time() {
    let world = World::new();
    let (id, delivery) = world.started();
    let attempt = world.begin(id, delivery, "twilio-main", at(1));
    let mut said = world.said(&attempt, AttemptState::Rejected, "opted_out", at(2));
    said.opt_out = true;
    wait(world.store.finish_attempt(said.clone())).unwrap();
    wait(world.store.finish_attempt(said)).unwrap();
    let opted_out = |to: &str| {
        let (id, delivery) = world.start(&world.new_start(to, at(10)));
        wait(world.store.task(APP, id, delivery, world.node)).unwrap().unwrap().opted_out
    };
    assert_eq!(opted_out(ASHA).providers, ["twilio-main"]);
    assert_eq!(opted_out(RAVI), OptOuts::default());
}

#[test]
fn an_attempt_id_is_written_once() {
    let world = World::new();
    let (id, delivery) = world.started();
    let attempt = world.begin(id, delivery, "any", at(1));
    assert!(wait(world.store.begin_attempt(attempt.clone())).is_err());
    assert_eq!(world.view(id).attempts.len(), 1);
    let unknown = world.new_attempt(id, delivery, "any", at(2));
    let said = world.said(&unknown, AttemptState::Accepted, "accepted", at(2));
    assert!(wait(world.store.finish_attempt(said)).is_err(), "never written down");
}

#[test]
fn one_damaged_row_does_not_keep_the_others_from_being_taken_over() {
    let world = World::new();
    let (damaged, delivery) = world.started();
    world.begin(damaged, delivery, "any", at(1));
    let (whole, _) = world.start(&world.new_start(RAVI, at(2)));
    world.execute("UPDATE attempts SET channel = 'pigeon'");
    let taken = world.recover(world.another_node(200), 100);
    assert_eq!(taken.iter().map(|task| task.verification.id).collect::<Vec<_>>(), [whole]);
    assert!(world.recover(world.another_node(200), 101).is_empty(), "it is left alone for a lease");
}

#[test]
fn a_node_that_leaves_gives_its_leases_up_and_nobody_elses() {
    let world = World::new();
    let (id, delivery) = world.started();
    world.begin(id, delivery, "twilio-main", at(1));
    let (other, _) = world.start(&world.new_start(RAVI, at(1)));
    let stranger = world.another_node(60);
    wait(world.store.release(stranger.holder, at(2))).unwrap();
    assert!(wait(world.store.recover(stranger, at(2), 10)).unwrap().is_empty(), "the leases hold");
    wait(world.store.release(world.lease(at(2)).holder, at(2))).unwrap();
    let tasks = wait(world.store.recover(stranger, at(2), 10)).unwrap();
    let mut taken: Vec<_> = tasks.iter().map(|task| task.verification.id).collect();
    taken.sort();
    assert_eq!(taken, [id, other]);
    assert_eq!(world.attempt_state(id), AttemptState::Unknown);
    wait(world.store.release(world.lease(at(3)).holder, at(3))).unwrap();
    assert_eq!(world.delivery(id).1, Some(stranger), "what was taken over is the other's");
}
