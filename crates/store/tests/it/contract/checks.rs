//! Submitted codes: counted, charged, and right only once.

use backstop_domain::{
    application::Authority,
    code::{Alphabet, Code, CodeForm},
    id::VerificationId,
    limit::{LimitExceeded, LimitName, Limits},
    ports::store::{CheckTarget, Checked, Once, Refusal, StoreError, SubmittedCheck},
    purpose::Purpose,
    verification::{CheckAnswer, Status},
};

use super::World;
use crate::setup::{APP, ASHA, OTHER_APP, at};

const fn answer(valid: bool, status: Status, checks_left: u32) -> CheckAnswer {
    CheckAnswer { valid, status, checks_left }
}

#[test]
fn a_code_works_once() {
    let world = World::new();
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    let code = world.code(id);
    assert_eq!(world.answer(id, &world.wrong(id), at(1)), answer(false, Status::Pending, 2));
    assert_eq!(world.answer(id, &code, at(2)), answer(true, Status::Approved, 0));
    assert_eq!(world.answer(id, &code, at(3)), answer(false, Status::Approved, 0));
    let row = world.view(id).verification;
    assert_eq!((row.status, row.checks_used, row.approved_at), (Status::Approved, 2, Some(at(2))));
}

#[test]
fn the_third_wrong_code_is_the_last() {
    let world = World::new();
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    let (code, wrong) = (world.code(id), world.wrong(id));
    assert_eq!(world.answer(id, &wrong, at(1)), answer(false, Status::Pending, 2));
    assert_eq!(world.answer(id, &wrong, at(2)), answer(false, Status::Pending, 1));
    assert_eq!(world.answer(id, &wrong, at(3)), answer(false, Status::MaxChecksReached, 0));
    assert_eq!(world.answer(id, &code, at(4)), answer(false, Status::MaxChecksReached, 0));
}

#[test]
fn a_code_that_came_too_late_is_not_charged() {
    let world = World::new();
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    assert_eq!(world.answer(id, &world.code(id), at(600)), answer(false, Status::Expired, 0));
    assert_eq!(world.number("SELECT count(*) FROM checks"), 0);
    assert_eq!(world.view(id).verification.checks_used, 0);
}

#[test]
fn a_code_of_the_wrong_length_is_not_charged() {
    let world = World::new();
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    for _ in 0..50 {
        assert_eq!(world.check(id, "1234", at(1)), Checked::WrongForm);
    }
    assert_eq!(world.answer(id, &world.code(id), at(2)), answer(true, Status::Approved, 0));
}

#[test]
fn nobody_checks_what_is_not_theirs() {
    let world = World::new();
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    let code = world.code(id);
    let mut foreign = world.submitted(id, &code, at(1));
    foreign.application = OTHER_APP;
    assert_eq!(world.try_check(foreign).unwrap(), Once::Done(Checked::NotFound));
    let nobody = VerificationId::new(at(0), &world.random);
    assert_eq!(world.check(nobody, &code, at(1)), Checked::NotFound);
    assert_eq!(world.view(id).verification.checks_used, 0);
}

#[test]
fn new_verifications_do_not_reset_the_budget_of_checks() {
    let world = World::with_limits(Limits { checks_per_hour: 4, ..Limits::default() });
    let (first, _) = world.start(&world.new_start(ASHA, at(0)));
    for second in 1..=3 {
        world.answer(first, &world.wrong(first), at(second));
    }
    let (second, _) = world.start(&world.new_start(ASHA, at(10)));
    world.answer(second, &world.wrong(second), at(11));
    let over = Refusal(LimitExceeded { limit: LimitName::ChecksPerHour, retry_at: at(3601) });
    assert_eq!(world.check(second, &world.code(second), at(12)), Checked::Refused(over));
    assert_eq!(world.view(second).verification.checks_used, 1, "the code was not looked at");
}

#[test]
fn a_stranger_cannot_use_up_a_persons_checks() {
    let world = World::with_limits(Limits { checks_per_hour: 4, ..Limits::default() });
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    let (theirs, _) = world.start(&world.new_start_with(ASHA, at(0), |row| {
        row.authority = Authority::Public;
        row.max_checks = 10;
    }));
    let public = || SubmittedCheck {
        authority: Authority::Public,
        ..world.submitted(theirs, &world.wrong(theirs), at(1))
    };
    for _ in 0..2 {
        assert!(matches!(world.try_check(public()).unwrap(), Once::Done(Checked::Answer { .. })));
    }
    assert!(matches!(world.try_check(public()).unwrap(), Once::Done(Checked::Refused(_))));
    assert_eq!(world.answer(id, &world.code(id), at(2)), answer(true, Status::Approved, 0));
}

#[test]
fn a_repeated_check_gets_the_first_answer_and_is_counted_once() {
    let world = World::new();
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    let keyed = |code: &str, key: &str, body: &str, second| {
        let mut check = world.submitted(id, code, at(second));
        check.idempotency = world.key(key, body);
        world.try_check(check).unwrap()
    };
    let wrong = Checked::Answer { verification: id, answer: answer(false, Status::Pending, 2) };
    assert_eq!(keyed(&world.wrong(id), "a", "wrong", 1), Once::Done(wrong.clone()));
    assert_eq!(keyed(&world.wrong(id), "a", "wrong", 60), Once::Before(wrong));
    assert_eq!(keyed(&world.code(id), "a", "right", 60), Once::OtherBody);
    let right = Checked::Answer { verification: id, answer: answer(true, Status::Approved, 0) };
    let code = world.code(id);
    assert_eq!(keyed(&code, "b", "right", 61), Once::Done(right.clone()));
    assert_eq!(keyed(&code, "b", "right", 62), Once::Before(right));
    assert_eq!(world.number("SELECT count(*) FROM checks"), 2);
}

fn by_recipient(world: &World, code: &str, purpose: Option<Purpose>, second: i64) -> Checked {
    let any = VerificationId::new(at(0), &world.random);
    let mut check = world.submitted(any, code, at(second));
    check.target = CheckTarget::Recipient { recipient: world.recipient(ASHA), purpose };
    match world.try_check(check).unwrap() {
        Once::Done(checked) => checked,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_code_for_a_recipient_approves_the_one_it_belongs_to_and_no_other() {
    let world = World::new();
    let ids: Vec<_> = (0..3).map(|second| world.start(&world.new_start(ASHA, at(second))).0).collect();
    let approved = Checked::Answer { verification: ids[1], answer: answer(true, Status::Approved, 0) };
    assert_eq!(by_recipient(&world, &world.code(ids[1]), None, 5), approved);
    let used: Vec<_> = ids.iter().map(|id| world.view(*id).verification.checks_used).collect();
    assert_eq!(used, [0, 1, 0]);
    assert_eq!(world.number("SELECT count(*) FROM checks WHERE charged"), 1);
}

#[test]
fn a_strangers_guess_for_a_recipient_never_counts_against_the_applications_own() {
    let world = World::new();
    let own = world.start(&world.new_start(ASHA, at(0))).0;
    let mut check = world.submitted(own, &world.code(own), at(1));
    check.target = CheckTarget::Recipient { recipient: world.recipient(ASHA), purpose: None };
    check.authority = Authority::Public;
    assert_eq!(world.try_check(check).unwrap(), Once::Done(Checked::NotFound));
    assert_eq!(world.view(own).verification.checks_used, 0);
}

#[test]
fn a_page_cannot_check_what_the_application_started() {
    let world = World::new();
    let own = world.start(&world.new_start(ASHA, at(0))).0;
    let mut check = world.submitted(own, &world.code(own), at(1));
    check.authority = Authority::Public;
    assert_eq!(world.try_check(check).unwrap(), Once::Done(Checked::NotFound));
    assert_eq!(world.view(own).verification.checks_used, 0);
}

#[test]
fn a_wrong_code_for_a_recipient_counts_on_every_live_one_and_is_charged_once() {
    let world = World::with_limits(Limits { checks_per_hour: 3, ..Limits::default() });
    let ids: Vec<_> = (0..2).map(|second| world.start(&world.new_start(ASHA, at(second))).0).collect();
    let codes: Vec<_> = ids.iter().map(|id| world.code(*id)).collect();
    let wrong = (0..).map(|number| format!("{number:06}")).find(|code| !codes.contains(code)).unwrap();
    for left in [2, 1] {
        let newest = Checked::Answer { verification: ids[1], answer: answer(false, Status::Pending, left) };
        assert_eq!(by_recipient(&world, &wrong, None, 5), newest);
    }
    let ended = Checked::Answer { verification: ids[1], answer: answer(false, Status::MaxChecksReached, 0) };
    assert_eq!(by_recipient(&world, &wrong, None, 6), ended);
    assert_eq!(by_recipient(&world, &codes[0], None, 7), Checked::NotFound, "none is live any more");
    assert_eq!(world.number("SELECT count(*) FROM checks"), 6);
    let world = world.reopened(at(8));
    let (id, _) = world.start(&world.new_start(ASHA, at(9)));
    assert!(
        matches!(world.check(id, &wrong, at(10)), Checked::Refused(_)),
        "three charges, before and after"
    );
}

#[test]
fn a_code_is_good_for_its_own_purpose_only() {
    let world = World::new();
    let (login, _) = world.start(&world.new_start(ASHA, at(0)));
    let code = world.code(login);
    let reset: Purpose = "password_reset".parse().unwrap();
    assert_eq!(by_recipient(&world, &code, Some(reset), 1), Checked::NotFound);
    let approved = Checked::Answer { verification: login, answer: answer(true, Status::Approved, 0) };
    assert_eq!(by_recipient(&world, &code, Some(Purpose::login()), 2), approved);
}

#[test]
fn a_wrong_form_for_one_live_verification_is_still_a_check_of_another() {
    let world = World::new();
    let (short, _) = world.start(&world.new_start_with(ASHA, at(0), |row| {
        row.form = CodeForm { length: 4, alphabet: Alphabet::Digits };
    }));
    let (long, _) = world.start(&world.new_start(ASHA, at(1)));
    assert_eq!(by_recipient(&world, "12345", None, 2), Checked::WrongForm);
    let wrong = world.wrong(short);
    let checked = Checked::Answer { verification: short, answer: answer(false, Status::Pending, 2) };
    assert_eq!(by_recipient(&world, &wrong, None, 3), checked);
    assert_eq!(world.view(long).verification.checks_used, 0);
}

#[test]
fn an_approval_gives_the_networks_charge_back_once() {
    let world = World::with_limits(Limits { network_per_hour: 2, ..Limits::default() });
    let start = |to: &str, second| {
        world.new_start_with(to, at(second), |row| row.network = Some(world.hash("network")))
    };
    let (id, _) = world.start(&start(ASHA, 0));
    world.start(&start("+919876500001", 1));
    assert_eq!(world.refused(&start("+919876500002", 2)).0.limit, LimitName::NetworkPerHour);
    world.answer(id, &world.code(id), at(3));
    world.start(&start("+919876500003", 4));
    assert_eq!(world.refused(&start("+919876500004", 5)).0.limit, LimitName::NetworkPerHour);
    assert_eq!(world.number("SELECT count(*) FROM deliveries WHERE given_back"), 1);
    let world = world.reopened(at(6));
    let start = world.new_start_with("+919876500005", at(6), |row| row.network = Some(world.hash("network")));
    assert_eq!(world.refused(&start).0.limit, LimitName::NetworkPerHour);
}

#[test]
fn an_ended_verification_keeps_no_custom_code() {
    let world = World::new();
    let mut new = world.new_start(ASHA, at(0));
    world.seal(&mut new.verification, ASHA, Some(&Code::custom("482913").unwrap()));
    let (id, _) = world.start(&new);
    world.answer(id, "000000", at(1));
    assert_eq!(world.number("SELECT count(*) FROM verifications WHERE custom_code IS NOT NULL"), 1);
    assert!(world.answer(id, "482913", at(2)).valid);
    assert_eq!(world.number("SELECT count(*) FROM verifications WHERE custom_code IS NOT NULL"), 0);
}

#[test]
fn a_damaged_row_is_named_and_does_not_stop_the_others() {
    let world = World::new();
    let (damaged, _) = world.start(&world.new_start(ASHA, at(0)));
    let (sound, _) = world.start(&world.new_start(ASHA, at(1)));
    let code = world.code(sound);
    world.execute(&format!("UPDATE verifications SET personal = salt WHERE id = '{damaged}'"));
    match world.try_check(world.submitted(damaged, "123456", at(2))) {
        Err(StoreError::BadRow { table: "verifications", column: "personal", key, .. }) => {
            assert_eq!(key, format!("{APP}/{damaged}"));
        }
        other => panic!("{other:?}"),
    }
    assert!(world.answer(sound, &code, at(3)).valid);
}
