//! One process per database: what is leased when it starts belongs to a process that is dead.

use backstop_domain::{attempt::AttemptState, delivery::DeliveryState, ports::store::Deliveries as _};

use super::World;
use crate::setup::{ASHA, RAVI, at, wait};

#[test]
fn the_leases_of_a_dead_process_end_at_once_and_the_oldest_delivery_comes_first() {
    let world = World::new();
    let (first, _) = world.start(&world.new_start(ASHA, at(0)));
    let (second, _) = world.start(&world.new_start(RAVI, at(5)));
    let world = world.reopened(at(6));
    assert!(world.recover(world.another_node(100), 6).is_empty());
    assert_eq!(wait(world.store.release_leases()).unwrap(), 2);
    let node = world.another_node(100);
    let one = wait(world.store.recover(node, at(6), 1)).unwrap();
    assert_eq!(one[0].verification.id, first);
    assert_eq!(world.recover(node, 6)[0].verification.id, second);
    assert!(world.recover(node, 6).is_empty());
}

#[test]
fn a_crash_between_two_hedged_answers_leaves_no_attempt_sending_for_ever() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let (_lost, quick) =
        (world.begin(id, delivery, "lost", at(1)), world.begin(id, delivery, "quick", at(2)));
    let mut taken = world.said(&quick, AttemptState::Accepted, "accepted", at(3));
    taken.delivery_state = Some(DeliveryState::Sent);
    wait(world.store.finish_attempt(taken)).unwrap();
    let world = world.reopened(at(4));
    let node = world.another_node(100);
    let (open, _) = world.start(&world.new_start(RAVI, at(4)));
    wait(world.store.release_leases()).unwrap();
    let tasks = world.recover(node, 4);
    assert_eq!(tasks.iter().map(|task| task.verification.id).collect::<Vec<_>>(), [id, open]);
    assert_eq!(tasks[0].attempts[0].state, AttemptState::Unknown);
    assert_eq!((tasks[0].delivery.state, tasks[0].delivery.lease), (DeliveryState::Sent, Some(node)));
    wait(world.store.finish(&tasks[0].delivery, DeliveryState::Sent, node.holder, at(5))).unwrap();
    let view = world.view(id);
    assert_eq!((view.deliveries[0].state, view.deliveries[0].lease), (DeliveryState::Sent, None));
}

#[test]
fn a_clock_that_stepped_back_while_nobody_served_leaves_no_delivery_behind() {
    let world = World::new();
    let (id, _) = world.start(&world.new_start(ASHA, at(3600)));
    let world = world.reopened(at(60));
    assert_eq!(wait(world.store.release_leases()).unwrap(), 1);
    assert_eq!(world.recover(world.another_node(100), 60)[0].verification.id, id);
}

#[test]
fn what_rests_goes_on_resting_through_a_restart() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let attempt = world.begin(id, delivery, "any", at(1));
    let mut said = world.said(&attempt, AttemptState::Accepted, "accepted", at(2));
    (said.delivery_state, said.silent_at) = (Some(DeliveryState::Sent), Some(at(40)));
    wait(world.store.finish_attempt(said)).unwrap();
    let world = world.reopened(at(5));
    assert_eq!(wait(world.store.release_leases()).unwrap(), 0);
    assert!(world.recover(world.another_node(90), 39).is_empty());
    assert_eq!(world.recover(world.another_node(90), 40)[0].verification.id, id);
}
