//! Starting, joining, sending again, and the keys that make it safe to ask twice.

use backstop_domain::{
    application::Authority,
    channel::Channel,
    code::Code,
    id::VerificationId,
    limit::{LimitExceeded, LimitName, Limits},
    ports::store::{Deliveries as _, Once, Opened, OptOuts, Refusal, Resent, Verifications as _},
    verification::Status,
};

use super::World;
use crate::setup::{APP, ASHA, OTHER_APP, RAVI, at, seconds, wait};

fn refusal(limit: LimitName, retry_at: i64) -> Refusal {
    Refusal(LimitExceeded { limit, retry_at: at(retry_at) })
}

#[test]
fn a_start_is_read_back_as_it_was_written() {
    let world = World::new();
    let mut new = world.new_start_with(ASHA, at(0), |row| {
        row.authority = Authority::Public;
        row.join = Some(world.hash("session"));
        row.network = Some(world.hash("network"));
        row.locale = Some("hi".into());
        row.purpose = "own_word".parse().unwrap();
    });
    world.seal(&mut new.verification, ASHA, Some(&Code::custom("4829K3").unwrap()));
    let (id, delivery) = world.start(&new);
    let view = world.view(id);
    assert_eq!(view.verification, new.verification);
    assert_eq!(view.deliveries.len(), 1);
    assert_eq!((view.deliveries[0].id, view.deliveries[0].lease), (delivery, Some(new.lease)));
    assert_eq!(world.code(id), "4829K3");
    let task = wait(world.store.task(APP, id, delivery, world.node)).unwrap().unwrap();
    assert_eq!((task.verification, task.delivery), (view.verification, view.deliveries[0].clone()));
}

#[test]
fn a_fourth_live_verification_waits_until_the_first_has_expired() {
    let world = World::new();
    for second in 0..3 {
        world.start(&world.new_start(ASHA, at(second)));
    }
    let fourth = |second| world.new_start(ASHA, at(second));
    assert_eq!(world.refused(&fourth(10)), refusal(LimitName::LiveVerifications, 600));
    assert_eq!(world.refused(&fourth(599)), refusal(LimitName::LiveVerifications, 600));
    world.start(&world.new_start(RAVI, at(599)));
    world.start(&world.new_start_with(ASHA, at(599), |row| row.purpose = "registration".parse().unwrap()));
    world.start(&fourth(600));
}

#[test]
fn a_stranger_leaves_the_third_place_to_the_application() {
    let world = World::new();
    let public = |second| world.new_start_with(ASHA, at(second), |row| row.authority = Authority::Public);
    world.start(&public(0));
    world.start(&public(1));
    assert_eq!(world.refused(&public(2)), refusal(LimitName::LiveVerifications, 600));
    world.start(&world.new_start(ASHA, at(3)));
    assert_eq!(world.refused(&world.new_start(ASHA, at(4))), refusal(LimitName::LiveVerifications, 600));
}

#[test]
fn a_second_start_from_the_same_browser_sends_the_same_code_again() {
    let world = World::new();
    let joining =
        |second| world.new_start_with(ASHA, at(second), |row| row.join = Some(world.hash("session")));
    let (first, _) = world.start(&joining(0));
    assert_eq!(world.refused(&joining(59)), refusal(LimitName::ResendAfter, 60));
    let second = joining(60);
    assert_eq!(world.start(&second), (first, second.delivery));
    assert_eq!(world.refused(&joining(119)), refusal(LimitName::ResendAfter, 120));
    let mut third = joining(120);
    third.verification.ladder = vec![Channel::Whatsapp];
    world.start(&third);
    let ladders: Vec<_> = world.view(first).deliveries.into_iter().map(|delivery| delivery.ladder).collect();
    assert_eq!(ladders, [None, None, Some(vec![Channel::Whatsapp])]);
    assert!(wait(world.store.get(APP, second.verification.id)).unwrap().is_none(), "nothing was inserted");
}

#[test]
fn nothing_joins_across_applications_recipients_purposes_or_the_end() {
    let world = World::new();
    let session = world.hash("session");
    let (first, _) = world.start(&world.new_start_with(ASHA, at(0), |row| row.join = Some(session)));
    let others = [
        world.new_start_with(ASHA, at(70), |row| (row.application, row.join) = (OTHER_APP, Some(session))),
        world.new_start_with(RAVI, at(70), |row| row.join = Some(session)),
        world.new_start_with(ASHA, at(70), |row| {
            (row.purpose, row.join) = ("registration".parse().unwrap(), Some(session));
        }),
        world.new_start_with(ASHA, at(70), |row| row.join = Some(world.hash("another session"))),
        world.new_start_with(ASHA, at(70), |_| {}),
        world.new_start_with(ASHA, at(601), |row| row.join = Some(session)),
    ];
    for new in others {
        assert_ne!(world.start(&new).0, first);
    }
}

#[test]
fn a_refused_start_leaves_no_trace_not_even_its_key() {
    let world = World::with_limits(Limits { recipient_per_hour: 1, ..Limits::default() });
    world.start(&world.new_start(ASHA, at(0)));
    let mut refused = world.new_start(ASHA, at(10));
    refused.idempotency = world.key("key", "body");
    assert_eq!(world.refused(&refused), refusal(LimitName::RecipientPerHour, 3600));
    assert_eq!(world.number("SELECT count(*) FROM verifications"), 1);
    assert_eq!(world.number("SELECT count(*) FROM deliveries"), 1);
    assert_eq!(world.number("SELECT count(*) FROM idempotency WHERE answer IS NOT NULL"), 0);
    let mut again = world.new_start(ASHA, at(3600));
    again.idempotency = world.key("key", "another body");
    world.start(&again);
}

#[test]
fn the_same_key_within_a_minute_gets_the_first_answer_and_is_not_charged() {
    let world = World::with_limits(Limits { recipient_per_hour: 2, ..Limits::default() });
    let keyed = |second, body| {
        let mut new = world.new_start(ASHA, at(second));
        new.idempotency = world.key("key", body);
        new
    };
    let (verification, delivery) = world.start(&keyed(0, "body"));
    for second in [1, 30, 59] {
        let before = Once::Before(Opened::Opened {
            verification,
            delivery,
            opted_out: OptOuts::default(),
            begun: false,
        });
        assert_eq!(world.open(&keyed(second, "body")), before);
    }
    assert_eq!(world.open(&keyed(59, "another body")), Once::OtherBody);
    assert_ne!(world.start(&keyed(60, "another body")).0, verification);
    assert_eq!(world.number("SELECT count(*) FROM deliveries"), 2);
}

#[test]
fn a_resend_is_one_more_delivery_of_the_same_verification() {
    let world = World::new();
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    let resend = |second| wait(world.store.resend(world.new_resend(id, ASHA, at(second)))).unwrap();
    assert_eq!(resend(59), Once::Done(Resent::Refused(refusal(LimitName::ResendAfter, 60))));
    let mut new = world.new_resend(id, ASHA, at(60));
    (new.ladder, new.idempotency) = (Some(vec![Channel::Voice]), world.key("key", "body"));
    let queued = Resent::Queued(new.delivery);
    assert_eq!(wait(world.store.resend(new.clone())).unwrap(), Once::Done(queued.clone()));
    assert_eq!(wait(world.store.resend(new.clone())).unwrap(), Once::Before(queued));
    new.idempotency = world.key("key", "another body");
    assert_eq!(wait(world.store.resend(new)).unwrap(), Once::OtherBody);
    let view = world.view(id);
    assert_eq!(view.deliveries.len(), 2);
    assert_eq!(view.deliveries[1].ladder, Some(vec![Channel::Voice]));
    assert_eq!(resend(119), Once::Done(Resent::Refused(refusal(LimitName::ResendAfter, 120))));
}

#[test]
fn a_resend_is_refused_by_every_limit_and_by_the_end() {
    let world =
        World::with_limits(Limits { resend_after: seconds(0), recipient_per_hour: 2, ..Limits::default() });
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    let resend = |id, second| wait(world.store.resend(world.new_resend(id, ASHA, at(second)))).unwrap();
    assert!(matches!(resend(id, 1), Once::Done(Resent::Queued(_))));
    let refused = Resent::Refused(refusal(LimitName::RecipientPerHour, 3600));
    assert_eq!(resend(id, 2), Once::Done(refused));
    assert_eq!(resend(id, 600), Once::Done(Resent::Ended(Status::Expired)));
    let nobody = VerificationId::new(at(0), &world.random);
    assert_eq!(resend(nobody, 2), Once::Done(Resent::NotFound));
    let mut foreign = world.new_resend(id, ASHA, at(3));
    foreign.application = OTHER_APP;
    assert_eq!(wait(world.store.resend(foreign)).unwrap(), Once::Done(Resent::NotFound));
    assert_eq!(world.view(id).deliveries.len(), 2);
}

#[test]
fn another_application_sees_nothing() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    assert!(wait(world.store.get(OTHER_APP, id)).unwrap().is_none());
    assert!(wait(world.store.task(OTHER_APP, id, delivery, world.node)).unwrap().is_none());
    let filter =
        backstop_domain::ports::store::VerificationFilter { limit: 10, now: at(1), ..Default::default() };
    assert!(wait(world.store.list(OTHER_APP, filter)).unwrap().is_empty());
}
