//! Canceling, redeeming, running out.

use backstop_domain::{
    attempt::AttemptState,
    channel::Channel,
    code::Code,
    id::VerificationId,
    ports::store::{Begun, Canceled, Deliveries as _, Redeemed, Verifications as _},
    purpose::Purpose,
    verification::{NotRedeemable, Status},
};

use super::World;
use crate::setup::{APP, ASHA, OTHER_APP, at, wait};

#[test]
fn a_canceled_verification_takes_no_code_and_frees_its_place() {
    let world = World::new();
    let ids: Vec<_> = (0..3).map(|second| world.start(&world.new_start(ASHA, at(second))).0).collect();
    let code = world.code(ids[0]);
    let cancel = |application, id, second| wait(world.store.cancel(application, id, at(second))).unwrap();
    assert_eq!(cancel(OTHER_APP, ids[0], 5), Canceled::NotFound);
    assert_eq!(cancel(APP, VerificationId::new(at(0), &world.random), 5), Canceled::NotFound);
    assert_eq!(cancel(APP, ids[0], 5), Canceled::Canceled);
    assert_eq!(cancel(APP, ids[0], 6), Canceled::Canceled, "asking twice is no error");
    assert_eq!(cancel(APP, ids[1], 700), Canceled::Ended(Status::Expired));
    let answer = world.answer(ids[0], &code, at(7));
    assert_eq!((answer.valid, answer.status), (false, Status::Canceled));
    world.start(&world.new_start(ASHA, at(8)));
}

#[test]
fn an_approved_verification_is_not_canceled() {
    let world = World::new();
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    world.answer(id, &world.code(id), at(1));
    assert_eq!(wait(world.store.cancel(APP, id, at(2))).unwrap(), Canceled::Ended(Status::Approved));
}

#[test]
fn a_proof_is_handed_over_once_in_time_and_for_its_purpose() {
    let world = World::new();
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    let redeem = |application, purpose: &str, second| {
        let expected = (!purpose.is_empty()).then(|| purpose.parse().unwrap());
        wait(world.store.redeem(application, id, expected, at(second))).unwrap()
    };
    assert_eq!(redeem(APP, "", 1), Redeemed::Refused(NotRedeemable::NotApproved));
    world.answer(id, &world.code(id), at(2));
    assert_eq!(redeem(OTHER_APP, "", 3), Redeemed::NotFound);
    assert_eq!(redeem(APP, "password_reset", 3), Redeemed::OtherPurpose);
    assert_eq!(redeem(APP, "login", 603), Redeemed::Refused(NotRedeemable::TooLate));
    match redeem(APP, "login", 602) {
        Redeemed::Redeemed { verification, weakest } => {
            assert_eq!((verification.redeemed_at, weakest), (Some(at(602)), None));
            assert_eq!(verification.open_personal(&world.ring).unwrap().to, ASHA);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(redeem(APP, "login", 602), Redeemed::Refused(NotRedeemable::Already));
}

#[test]
fn a_proof_is_as_weak_as_the_weakest_channel_that_ever_had_the_code() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    for (channel, state) in [
        (Channel::Whatsapp, AttemptState::Accepted),
        (Channel::Voice, AttemptState::Unknown),
        (Channel::Email, AttemptState::Rejected),
    ] {
        let mut attempt = world.new_attempt(id, delivery, "any", at(1));
        attempt.channel = channel;
        assert_eq!(wait(world.store.begin_attempt(attempt.clone())).unwrap(), Begun::Send);
        wait(world.store.finish_attempt(world.said(&attempt, state, "any", at(1)))).unwrap();
    }
    world.answer(id, &world.code(id), at(2));
    match wait(world.store.redeem(APP, id, Some(Purpose::login()), at(3))).unwrap() {
        Redeemed::Redeemed { weakest, .. } => assert_eq!(weakest, Some(Channel::Voice)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_ran_out_is_written_down_and_its_custom_code_wiped() {
    let world = World::new();
    let mut new = world.new_start(ASHA, at(0));
    world.seal(&mut new.verification, ASHA, Some(&Code::custom("482913").unwrap()));
    let (first, _) = world.start(&new);
    let (second, _) = world.start(&world.new_start(ASHA, at(1)));
    assert_eq!(wait(world.store.expire(at(599))).unwrap(), 0);
    assert_eq!(wait(world.store.expire(at(600))).unwrap(), 1);
    assert_eq!(world.view(first).verification.status, Status::Expired);
    assert_eq!(world.view(first).verification.custom_code, None);
    assert_eq!(world.view(second).verification.status, Status::Pending);
    assert_eq!(wait(world.store.expire(at(600))).unwrap(), 0);
}

#[test]
fn what_ran_out_while_the_program_was_down_for_days_is_still_ended() {
    let world = World::new();
    let (old, _) = world.start(&world.new_start(ASHA, at(0)));
    let days = 86_400;
    let world = world.reopened(at(3 * days));
    assert_eq!(wait(world.store.expire(at(3 * days))).unwrap(), 1);
    assert_eq!(world.view(old).verification.status, Status::Expired);
    let (young, _) = world.start(&world.new_start(ASHA, at(3 * days + 1)));
    let world = world.reopened(at(9 * days));
    assert_eq!(wait(world.store.expire(at(9 * days))).unwrap(), 1, "the mark moved, and not too far");
    assert_eq!(world.view(young).verification.status, Status::Expired);
}

#[test]
fn kept_answers_are_swept_after_a_minute() {
    let world = World::new();
    let mut new = world.new_start(ASHA, at(0));
    new.idempotency = world.key("key", "body");
    world.start(&new);
    wait(world.store.expire(at(59))).unwrap();
    assert_eq!(world.number("SELECT count(*) FROM idempotency"), 1);
    wait(world.store.expire(at(60))).unwrap();
    assert_eq!(world.number("SELECT count(*) FROM idempotency"), 0);
}

#[test]
fn old_answers_are_forgotten_as_fast_as_they_come() {
    let world = World::new();
    let mut new = world.new_start(ASHA, at(-3600));
    new.idempotency = world.key("key", "body");
    world.start(&new);
    world.execute(&format!(
        "INSERT INTO idempotency (at, key, body, answer) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4500) \
         SELECT i, CAST(CAST(i AS text) AS {}), body, answer FROM n, idempotency",
        World::bytes()
    ));
    let mut asked = 0;
    while wait(world.store.expire(at(0))).unwrap() > 0 {
        asked += 1;
    }
    assert_eq!((asked, world.number("SELECT count(*) FROM idempotency")), (2, 0));
}
