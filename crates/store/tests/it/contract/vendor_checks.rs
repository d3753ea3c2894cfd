//! Codes that a vendor made: charged before it is asked, and approved by nothing but its answer to this very check.

use backstop_domain::{
    code::SubmittedCode,
    id::VerificationId,
    limit::{LimitName, Limits},
    ports::store::{
        Canceled, CheckTarget, Checked, Conclusion, Once, Redeemed, SubmittedCheck, Verifications as _,
    },
    recipient::Recipient,
    verification::{CheckAnswer, Checking, Judge, Status},
};

use super::World;
use crate::setup::{APP, ASHA, RAVI, at, together, wait};

const fn answer(valid: bool, status: Status, checks_left: u32) -> CheckAnswer {
    CheckAnswer { valid, status, checks_left }
}

/// One that the provider `verify` makes the code of.
fn vendors(world: &World, to: &str, second: i64) -> VerificationId {
    world.start(&world.new_start_with(to, at(second), |row| row.vendor_check = Some("verify".into()))).0
}

/// A check that is to be asked about.
fn asked(world: &World, id: VerificationId, code: &str, second: i64) -> Checking {
    asked_as(world, world.submitted(id, code, at(second)), id)
}

fn asked_as(world: &World, check: SubmittedCheck, id: VerificationId) -> Checking {
    match world.try_check(check).unwrap() {
        Once::Done(Checked::Ask { verification, provider, checking }) => {
            assert_eq!((verification, provider.as_str()), (id, "verify"));
            checking
        }
        other => panic!("{other:?}"),
    }
}

fn keyed(world: &World, id: VerificationId, code: &str, key: &str, second: i64) -> SubmittedCheck {
    SubmittedCheck { idempotency: world.key(key, code), ..world.submitted(id, code, at(second)) }
}

fn conclude(
    world: &World,
    id: VerificationId,
    checking: Checking,
    right: Option<bool>,
    second: i64,
) -> Once<Checked> {
    let conclusion = Conclusion { application: APP, verification: id, checking, right, now: at(second) };
    wait(world.store.conclude(conclusion)).unwrap()
}

fn told(id: VerificationId, answer: CheckAnswer) -> Checked {
    Checked::Answer { verification: id, answer }
}

#[test]
fn a_vendors_code_is_charged_before_it_is_asked_and_works_once() {
    let world = World::new();
    let id = vendors(&world, ASHA, 0);
    let checking = asked(&world, id, "111111", 1);
    let row = world.view(id).verification;
    assert_eq!((row.status, row.checks_used, row.checking), (Status::Pending, 1, Some(checking)));
    assert_eq!(world.number("SELECT count(*) FROM checks"), 1);
    let wrong = told(id, answer(false, Status::Pending, 2));
    assert_eq!(conclude(&world, id, checking, Some(false), 2), Once::Done(wrong));
    assert_eq!(world.view(id).verification.checking, None);

    let checking = asked(&world, id, "222222", 3);
    let right = told(id, answer(true, Status::Approved, 0));
    assert_eq!(conclude(&world, id, checking, Some(true), 4), Once::Done(right));
    let row = world.view(id).verification;
    assert_eq!((row.status, row.checks_used, row.approved_at), (Status::Approved, 2, Some(at(4))));
    assert_eq!(world.number("SELECT count(*) FROM checks WHERE verdict = 'right'"), 1);
    let again = told(id, answer(false, Status::Approved, 0));
    assert_eq!(conclude(&world, id, checking, Some(true), 5), Once::Done(again));
    assert!(matches!(wait(world.store.redeem(APP, id, None, at(5))).unwrap(), Redeemed::Redeemed { .. }));
}

#[test]
fn our_own_code_opens_nothing_that_a_vendor_made_the_code_of() {
    let world = World::new();
    let id = vendors(&world, ASHA, 0);
    let checking = asked(&world, id, &world.code(id), 1);
    assert_eq!(world.view(id).verification.status, Status::Pending);
    let wrong = told(id, answer(false, Status::Pending, 2));
    assert_eq!(conclude(&world, id, checking, Some(false), 2), Once::Done(wrong));
}

#[test]
fn the_third_wrong_code_of_a_vendors_is_the_last() {
    let world = World::new();
    let id = vendors(&world, ASHA, 0);
    for (second, status, left) in
        [(1, Status::Pending, 2), (2, Status::Pending, 1), (3, Status::MaxChecksReached, 0)]
    {
        let checking = asked(&world, id, "111111", second);
        let wrong = told(id, answer(false, status, left));
        assert_eq!(conclude(&world, id, checking, Some(false), second), Once::Done(wrong));
    }
    assert_eq!(world.answer(id, "111111", at(4)), answer(false, Status::MaxChecksReached, 0));
    assert_eq!(world.number("SELECT count(*) FROM checks"), 3);
}

#[test]
fn what_no_vendor_could_have_made_is_not_charged() {
    let world = World::new();
    let id = vendors(&world, ASHA, 0);
    assert_eq!(world.check(id, "ABCDEF", at(1)), Checked::WrongForm);
    assert_eq!(world.number("SELECT count(*) FROM checks"), 0);
}

#[test]
fn a_vendors_checks_use_up_the_same_budget() {
    let world = World::with_limits(Limits { checks_per_hour: 2, ..Limits::default() });
    let id = vendors(&world, ASHA, 0);
    for second in [1, 2] {
        let checking = asked(&world, id, "111111", second);
        conclude(&world, id, checking, Some(false), second);
    }
    let Checked::Refused(refusal) = world.check(id, "111111", at(3)) else { panic!("a third was asked") };
    assert_eq!(refusal.0.limit, LimitName::ChecksPerHour);
    assert_eq!(world.view(id).verification.checks_used, 2);
}

#[test]
fn a_vendor_is_asked_one_thing_at_a_time_and_whoever_waits_is_not_charged() {
    let world = World::new();
    let id = vendors(&world, ASHA, 0);
    let first = asked(&world, id, "111111", 1);
    assert_eq!(world.check(id, "222222", at(2)), Checked::Busy { until: first.until });
    assert_eq!(world.view(id).verification.checks_used, 1);
    // Nobody concluded it: after its time the next one is taken, and the first one has lost its say.
    let second = asked(&world, id, "222222", 6);
    assert_eq!(conclude(&world, id, first, Some(true), 7), Once::Done(Checked::Busy { until: second.until }));
    assert_eq!(world.view(id).verification.status, Status::Pending);
    let right = told(id, answer(true, Status::Approved, 0));
    assert_eq!(conclude(&world, id, second, Some(true), 7), Once::Done(right));
}

#[test]
fn whoever_got_no_answer_asks_again_with_the_same_key_uncharged() {
    let world = World::new();
    let id = vendors(&world, ASHA, 0);
    let first = asked_as(&world, keyed(&world, id, "111111", "one", 1), id);
    let busy = Once::Done(Checked::Busy { until: first.until });
    assert_eq!(world.try_check(keyed(&world, id, "111111", "one", 2)).unwrap(), busy);
    assert_eq!(conclude(&world, id, first, None, 4), Once::Done(Checked::Busy { until: at(4) }));

    assert_eq!(world.try_check(keyed(&world, id, "222222", "one", 4)).unwrap(), Once::OtherBody);
    let again = asked_as(&world, keyed(&world, id, "111111", "one", 4), id);
    assert_eq!(world.view(id).verification.checks_used, 1);
    assert_eq!(world.number("SELECT count(*) FROM checks"), 1);
    let right = told(id, answer(true, Status::Approved, 0));
    assert_eq!(conclude(&world, id, again, Some(true), 5), Once::Done(right.clone()));
    let replayed = world.try_check(keyed(&world, id, "111111", "one", 6)).unwrap();
    assert_eq!(replayed, Once::Before(right), "the conclusion is what the key gets again");
    assert_eq!(world.try_check(keyed(&world, id, "222222", "one", 6)).unwrap(), Once::OtherBody);
}

#[test]
fn another_key_after_no_answer_is_charged_again() {
    let world = World::new();
    let id = vendors(&world, ASHA, 0);
    let first = asked_as(&world, keyed(&world, id, "111111", "one", 1), id);
    conclude(&world, id, first, None, 1);
    let second = asked_as(&world, keyed(&world, id, "111111", "two", 1), id);
    assert_eq!(world.view(id).verification.checks_used, 2);
    conclude(&world, id, second, None, 1);
    // And so is the first one, whose place was taken.
    asked_as(&world, keyed(&world, id, "111111", "one", 1), id);
    assert_eq!(world.view(id).verification.checks_used, 3);
}

#[test]
fn a_last_check_without_an_answer_can_only_be_asked_again_by_whoever_paid_it() {
    for right in [true, false] {
        let world = World::new();
        let new = world.new_start_with(ASHA, at(0), |row| {
            (row.vendor_check, row.max_checks) = (Some("verify".into()), 1);
        });
        let (id, _) = world.start(&new);
        let first = asked_as(&world, keyed(&world, id, "111111", "one", 1), id);
        conclude(&world, id, first, None, 2);
        assert_eq!(world.view(id).verification.checks_left(at(2)), 0);
        if right {
            let again = asked_as(&world, keyed(&world, id, "111111", "one", 3), id);
            let right = told(id, answer(true, Status::Approved, 0));
            assert_eq!(conclude(&world, id, again, Some(true), 4), Once::Done(right));
        } else {
            assert_eq!(world.answer(id, "222222", at(3)), answer(false, Status::MaxChecksReached, 0));
            assert_eq!(world.number("SELECT count(*) FROM checks"), 1);
        }
    }
}

#[test]
fn a_vendors_word_that_comes_after_the_end_approves_nothing() {
    let world = World::new();
    let canceled = vendors(&world, ASHA, 0);
    let checking = asked(&world, canceled, "111111", 1);
    assert_eq!(wait(world.store.cancel(APP, canceled, at(2))).unwrap(), Canceled::Canceled);
    let late = told(canceled, answer(false, Status::Canceled, 0));
    assert_eq!(conclude(&world, canceled, checking, Some(true), 3), Once::Done(late));

    let expired = vendors(&world, RAVI, 0);
    let checking = asked(&world, expired, "111111", 599);
    let late = told(expired, answer(false, Status::Expired, 0));
    assert_eq!(conclude(&world, expired, checking, Some(true), 600), Once::Done(late.clone()));
    wait(world.store.expire(at(601))).unwrap();
    assert_eq!(conclude(&world, expired, checking, Some(true), 601), Once::Done(late));
    assert_eq!(world.number("SELECT count(*) FROM verifications WHERE status = 'approved'"), 0);
}

#[test]
fn a_crash_between_charge_and_verdict_leaves_it_pending_charged_and_checkable() {
    let world = World::with_limits(Limits { checks_per_hour: 2, ..Limits::default() });
    let id = vendors(&world, ASHA, 0);
    let lost = asked_as(&world, keyed(&world, id, "111111", "one", 1), id);
    let world = world.reopened(at(2));
    let row = world.view(id).verification;
    assert_eq!((row.status, row.checks_used, row.checking), (Status::Pending, 1, Some(lost)));
    assert_eq!(world.check(id, "111111", at(2)), Checked::Busy { until: lost.until });
    let again = asked_as(&world, keyed(&world, id, "111111", "one", 6), id);
    let wrong = told(id, answer(false, Status::Pending, 2));
    assert_eq!(conclude(&world, id, again, Some(false), 6), Once::Done(wrong));
    let second = asked(&world, id, "222222", 7);
    conclude(&world, id, second, Some(false), 7);
    assert!(matches!(world.check(id, "333333", at(8)), Checked::Refused(_)), "the budget forgot the first");
}

#[test]
fn a_hundred_checks_at_once_are_asked_once() {
    let world = World::new();
    let id = vendors(&world, ASHA, 0);
    let answers = together(100, |_| world.check(id, "111111", at(1)));
    assert_eq!(answers.iter().filter(|checked| matches!(checked, Checked::Ask { .. })).count(), 1);
    assert_eq!(answers.iter().filter(|checked| matches!(checked, Checked::Busy { .. })).count(), 99);
    assert_eq!(world.view(id).verification.checks_used, 1);
}

#[test]
fn fifty_conclusions_and_cancels_at_once_approve_at_most_once() {
    let world = World::new();
    let id = vendors(&world, ASHA, 0);
    let checking = asked(&world, id, "111111", 1);
    let won = together(50, |number| {
        if number % 2 == 0 {
            let concluded = conclude(&world, id, checking, Some(true), 2);
            matches!(concluded, Once::Done(Checked::Answer { answer, .. }) if answer.valid)
        } else {
            wait(world.store.cancel(APP, id, at(2))).unwrap() == Canceled::Canceled
        }
    });
    let row = world.view(id).verification;
    let approved = (0..50).filter(|number| number % 2 == 0 && won[*number]).count();
    assert_eq!(approved, usize::from(row.status == Status::Approved), "{row:?}");
    assert!(matches!(row.status, Status::Approved | Status::Canceled));
}

#[test]
fn a_check_by_recipient_asks_a_vendor_only_if_none_of_ours_is_live() {
    let world = World::new();
    let id = vendors(&world, ASHA, 0);
    let by_recipient = |code: &str, second| SubmittedCheck {
        target: CheckTarget::Recipient { recipient: world.recipient(ASHA), purpose: None },
        judge: Judge::new(world.ring.clone(), SubmittedCode::parse(code).unwrap())
            .only_for(Recipient::restore(ASHA.into())),
        ..world.submitted(id, code, at(second))
    };
    let checking = asked_as(&world, by_recipient("111111", 1), id);
    conclude(&world, id, checking, Some(false), 1);

    let (ours, _) = world.start(&world.new_start(ASHA, at(61)));
    let code = world.code(ours);
    let wrong = told(ours, answer(false, Status::Pending, 2));
    assert_eq!(world.try_check(by_recipient(&world.wrong(ours), 62)).unwrap(), Once::Done(wrong));
    let right = told(ours, answer(true, Status::Approved, 0));
    assert_eq!(world.try_check(by_recipient(&code, 63)).unwrap(), Once::Done(right));
    assert_eq!(world.view(id).verification.checks_used, 1, "the vendor's was not counted");
    asked_as(&world, by_recipient(&code, 64), id);
}

#[test]
fn conclusions_of_nothing_are_refused() {
    let world = World::new();
    let id = vendors(&world, ASHA, 0);
    let checking = Checking::begins(None, at(1));
    assert_eq!(conclude(&world, id, checking, Some(true), 1), Once::Done(Checked::Busy { until: at(1) }));
    let ours = world.start(&world.new_start(RAVI, at(0))).0;
    assert_eq!(conclude(&world, ours, checking, Some(true), 1), Once::Done(Checked::Busy { until: at(1) }));
    let nobody = VerificationId::new(at(0), &world.random);
    assert_eq!(conclude(&world, nobody, checking, Some(true), 1), Once::Done(Checked::NotFound));
    assert_eq!(world.number("SELECT count(*) FROM verifications WHERE status = 'approved'"), 0);
}
