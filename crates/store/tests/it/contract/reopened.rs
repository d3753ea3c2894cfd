//! A store that was closed and opened refuses what it refused before, and grants what it granted.

use backstop_domain::{
    application::Authority,
    limit::{LimitName, Limits},
    ports::store::{Once, Opened, OptOuts},
};

use super::World;
use crate::setup::{ASHA, at};

#[test]
fn no_charge_and_no_place_is_lost_at_a_restart() {
    let world = World::with_limits(Limits { recipient_per_hour: 3, ..Limits::default() });
    for second in 0..3 {
        world.start(&world.new_start(ASHA, at(second)));
    }
    let before = world.refused(&world.new_start(ASHA, at(5)));
    assert_eq!(before.0.limit, LimitName::LiveVerifications);
    let other_purpose = |world: &World, second| {
        world.new_start_with(ASHA, at(second), |row| row.purpose = "registration".parse().unwrap())
    };
    let hourly = world.refused(&other_purpose(&world, 5));
    assert_eq!(hourly.0.limit, LimitName::RecipientPerHour);
    let world = world.reopened(at(6));
    assert_eq!(world.refused(&world.new_start(ASHA, at(6))), before);
    assert_eq!(world.refused(&other_purpose(&world, 6)), hourly);
    world.start(&other_purpose(&world, 3600));
}

#[test]
fn a_key_used_before_a_restart_gets_its_answer_after_it() {
    let world = World::new();
    let keyed = |world: &World, body| {
        let mut new = world.new_start(ASHA, at(30));
        new.idempotency = world.key("key", body);
        new
    };
    let (verification, delivery) = world.start(&keyed(&world, "body"));
    let world = world.reopened(at(40));
    assert_eq!(
        world.open(&keyed(&world, "body")),
        Once::Before(Opened::Opened { verification, delivery, opted_out: OptOuts::default(), begun: false })
    );
    assert_eq!(world.open(&keyed(&world, "another")), Once::OtherBody);
}

#[test]
fn a_joinable_verification_is_still_joined_after_a_restart() {
    let world = World::new();
    let joining = |world: &World, second| {
        world.new_start_with(ASHA, at(second), |row| row.join = Some(world.hash("session")))
    };
    let (id, _) = world.start(&joining(&world, 0));
    let world = world.reopened(at(30));
    assert_eq!(world.refused(&joining(&world, 59)).0.limit, LimitName::ResendAfter);
    assert_eq!(world.start(&joining(&world, 60)).0, id);
}

#[test]
fn the_public_share_is_still_the_public_share_after_a_restart() {
    let world = World::new();
    let public = |world: &World, second| {
        world.new_start_with(ASHA, at(second), |row| row.authority = Authority::Public)
    };
    world.start(&public(&world, 0));
    world.start(&public(&world, 1));
    let world = world.reopened(at(2));
    assert_eq!(world.refused(&public(&world, 2)).0.limit, LimitName::LiveVerifications);
    world.start(&world.new_start(ASHA, at(3)));
}
