//! A start that writes its first attempt down in the same act, so that it can leave at once.

use backstop_domain::{
    attempt::AttemptState,
    id::AttemptId,
    ports::store::{Begun, Deliveries as _, NewVerification, Once, Opened},
};

use super::World;
use crate::setup::{APP, ASHA, at, wait};

impl World {
    /// A start whose first attempt goes through this provider.
    fn sending(&self, provider: &str, second: i64) -> NewVerification {
        let mut new = self.new_start_with(ASHA, at(second), |row| row.join = Some(self.hash("session")));
        let (id, delivery) = (new.verification.id, new.delivery);
        new.first_attempt = Some(self.new_attempt(id, delivery, provider, at(second)));
        new
    }

    /// Whether the first attempt may leave.
    fn began(&self, new: &NewVerification) -> bool {
        match self.open(new) {
            Once::Done(Opened::Opened { begun, .. }) | Once::Before(Opened::Opened { begun, .. }) => begun,
            other => panic!("{other:?}"),
        }
    }

    fn first_attempt(new: &NewVerification) -> AttemptId {
        new.first_attempt.as_ref().unwrap().id
    }
}

#[test]
fn the_first_attempt_is_a_row_before_it_leaves() {
    let world = World::new();
    let new = world.sending("any", 0);
    assert!(world.began(&new));
    let view = world.view(new.verification.id);
    let first = &view.attempts[0];
    assert_eq!((first.id, first.state), (World::first_attempt(&new), AttemptState::Sending));
    assert_eq!((first.delivery, first.provider.as_str(), first.started_at), (new.delivery, "any", at(0)));
    assert_eq!(view.deliveries[0].lease, Some(new.lease));
    let next = world.begin(new.verification.id, new.delivery, "other", at(1));
    let order: Vec<_> = world.view(new.verification.id).attempts.iter().map(|attempt| attempt.id).collect();
    assert_eq!(order, [first.id, next.id]);
}

#[test]
fn the_first_attempt_of_a_crash_is_unknown_and_never_sent_again() {
    let world = World::new();
    let new = world.sending("any", 0);
    assert!(world.began(&new));
    let taken = world.recover(world.another_node(100), 31);
    assert_eq!(taken[0].attempts[0].state, AttemptState::Unknown);
    let attempt = new.first_attempt.clone().unwrap();
    assert_eq!(world.try_begin(attempt), Begun::LeaseLost);
}

#[test]
fn a_replayed_start_sends_nothing() {
    let world = World::new();
    let keyed =
        |second| NewVerification { idempotency: world.key("key", "body"), ..world.sending("any", second) };
    assert!(world.began(&keyed(0)));
    assert!(!world.began(&keyed(1)));
    assert_eq!(world.number("SELECT count(*) FROM attempts"), 1);
}

#[test]
fn a_joining_start_leaves_the_choice_to_its_delivery() {
    let world = World::new();
    let first = world.sending("any", 0);
    assert!(world.began(&first));
    assert!(!world.began(&world.sending("any", 60)));
    assert_eq!(world.number("SELECT count(*) FROM attempts"), 1);
    assert_eq!(world.view(first.verification.id).deliveries.len(), 2);
}

#[test]
fn nothing_goes_through_a_provider_that_the_person_opted_out_of() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let attempt = world.begin(id, delivery, "stopped", at(1));
    let mut said = world.said(&attempt, AttemptState::Rejected, "opted_out", at(2));
    said.opt_out = true;
    wait(world.store.finish_attempt(said)).unwrap();
    let stopped = world.sending("stopped", 10);
    assert!(!world.began(&stopped));
    assert!(world.view(stopped.verification.id).attempts.is_empty());
    let other = world.new_start_with(ASHA, at(11), |row| row.purpose = "other".parse().unwrap());
    let (id, delivery) = (other.verification.id, other.delivery);
    let first = world.new_attempt(id, delivery, "any", at(11));
    assert!(world.began(&NewVerification { first_attempt: Some(first), ..other }));
    assert_eq!(
        wait(world.store.task(APP, id, delivery, world.node)).unwrap().unwrap().opted_out.providers,
        ["stopped"]
    );
}

#[test]
fn the_reason_for_a_choice_is_kept_with_the_attempt() {
    let world = World::new();
    let new = world.new_start(ASHA, at(0));
    let mut first = world.new_attempt(new.verification.id, new.delivery, "any", at(0));
    first.decision = Some("{\"why\":\"first\"}".into());
    let (id, delivery) = world.start(&NewVerification { first_attempt: Some(first), ..new });
    let mut second = world.new_attempt(id, delivery, "other", at(1));
    second.decision = Some("{\"why\":\"second\"}".into());
    world.try_begin(second);
    world.begin(id, delivery, "third", at(2));
    let kept: Vec<_> = world.view(id).attempts.into_iter().map(|attempt| attempt.decision).collect();
    assert_eq!(kept, [Some("{\"why\":\"first\"}".into()), Some("{\"why\":\"second\"}".into()), None]);
}
