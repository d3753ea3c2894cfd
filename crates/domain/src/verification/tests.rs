use super::*;
use crate::{
    code::Alphabet,
    keyring::{KeyUse, generate},
    ports::random::SeededRandom,
};
use proptest::prelude::*;
use std::sync::Arc;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn ring() -> Arc<Keyring> {
    let random = SeededRandom::new(1);
    let keys = KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)));
    Arc::new(Keyring::new(keys).unwrap())
}

fn personal(to: &str) -> Personal {
    Personal {
        to: to.into(),
        fallback_to: BTreeMap::new(),
        transaction: None,
        metadata: None,
        client_ip: None,
        user_agent: None,
    }
}

fn verification(ring: &Keyring, custom: Option<&Code>) -> Verification {
    let random = SeededRandom::new(2);
    let mut row = Verification {
        id: VerificationId::new(at(0), &random),
        application: ApplicationId(1),
        authority: Authority::Secret,
        created_at: at(0),
        expires_at: at(600),
        status: Status::Pending,
        purpose: Purpose::login(),
        ladder: vec![Channel::Sms],
        recipient: ring.lookup("recipient", b"+919876543210"),
        masked: "+91••••••••10".into(),
        personal: Sealed::from_bytes(vec![]),
        kid: ring.code_kid(),
        salt: [7; 16],
        form: CodeForm { length: 6, alphabet: Alphabet::Digits },
        custom_code: None,
        join: None,
        network: None,
        locale: None,
        vendor_check: None,
        checking: None,
        subject: None,
        max_checks: 3,
        checks_used: 0,
        approved_at: None,
        redeemed_at: None,
    };
    row.seal(ring, &personal("+919876543210"), custom, &random);
    row
}

fn verdict(row: &Verification, ring: &Arc<Keyring>, typed: &str) -> Verdict {
    Judge::new(ring.clone(), SubmittedCode::parse(typed).unwrap()).judge(row).unwrap()
}

#[test]
fn a_code_works_once() {
    let ring = ring();
    let mut row = verification(&ring, None);
    let code = row.code(&ring, &row.open_personal(&ring).unwrap()).unwrap();
    let right = verdict(&row, &ring, code.expose());
    let first = row.take_check(right, at(1));
    assert_eq!(first, CheckAnswer { valid: true, status: Status::Approved, checks_left: 0 });
    assert!(!row.take_check(Verdict::Right, at(2)).valid);
}

#[test]
fn the_third_wrong_code_is_the_last() {
    let ring = ring();
    let mut row = verification(&ring, None);
    let left: Vec<_> = (0..3).map(|_| row.take_check(Verdict::Wrong, at(1)).checks_left).collect();
    assert_eq!(left, [2, 1, 0]);
    assert_eq!(row.take_check(Verdict::Right, at(1)).status, Status::MaxChecksReached);
}

#[test]
fn at_its_last_instant_a_code_is_dead_whether_or_not_a_sweeper_ran() {
    let ring = ring();
    let mut row = verification(&ring, None);
    assert_eq!(row.status_at(Timestamp::from_millis(599_999)), Status::Pending);
    assert_eq!(
        row.take_check(Verdict::Right, at(600)),
        CheckAnswer { valid: false, status: Status::Expired, checks_left: 0 }
    );
    assert!(row.clone().take_check(Verdict::Right, Timestamp::from_millis(599_999)).valid);
}

#[test]
fn a_code_of_the_wrong_form_costs_nothing() {
    let ring = ring();
    let mut row = verification(&ring, None);
    let short = verdict(&row, &ring, "12345");
    assert_eq!(short, Verdict::WrongForm);
    assert_eq!(row.take_check(short, at(1)).checks_left, 3);
}

#[test]
fn no_code_of_a_decoy_is_right_and_each_is_counted_like_any_other() {
    let ring = ring();
    let mut row = verification(&ring, None);
    let code = row.code(&ring, &row.open_personal(&ring).unwrap()).unwrap();
    assert_eq!(verdict(&row, &ring, code.expose()), Verdict::Right);
    row.subject = Some(Subject::Nobody);
    assert_eq!(verdict(&row, &ring, "12345"), Verdict::WrongForm);
    for left in [2, 1, 0] {
        let verdict = verdict(&row, &ring, code.expose());
        let answer = row.take_check(verdict, at(1));
        assert_eq!((answer.valid, answer.checks_left), (false, left));
    }
    assert_eq!(row.status, Status::MaxChecksReached);
}

#[test]
fn what_signs_a_person_in_is_approved_and_never_redeemed() {
    let ring = ring();
    let mut row = verification(&ring, None);
    let code = row.code(&ring, &row.open_personal(&ring).unwrap()).unwrap();
    let user = crate::id::UserId::new(at(0), &SeededRandom::new(3));
    row.subject = Some(Subject::User(user));
    assert_eq!(row.redeem(at(1)), Err(NotRedeemable::SignsIn));
    assert!(row.take_check(verdict(&row, &ring, code.expose()), at(1)).valid);
    assert_eq!((row.redeem(at(1)), row.redeemed_at), (Err(NotRedeemable::SignsIn), None));
}

#[test]
fn a_custom_code_is_sealed_and_wiped_at_the_end() {
    let ring = ring();
    let mut row = verification(&ring, Some(&Code::custom("SESAME").unwrap()));
    assert!(!row.custom_code.as_ref().unwrap().as_bytes().windows(6).any(|part| part == b"SESAME"));
    let right = verdict(&row, &ring, "sesame");
    assert!(row.take_check(right, at(1)).valid);
    assert_eq!(row.custom_code, None);
}

#[test]
fn a_row_moved_under_another_id_does_not_open() {
    let ring = ring();
    let mut row = verification(&ring, None);
    row.id = VerificationId::new(at(5), &SeededRandom::new(9));
    assert!(row.open_personal(&ring).is_err());
}

#[test]
fn an_approval_is_redeemed_once_and_within_ten_minutes() {
    let ring = ring();
    let mut row = verification(&ring, None);
    assert_eq!(row.redeem(at(1)), Err(NotRedeemable::NotApproved));
    row.take_check(Verdict::Right, at(1));
    assert_eq!(row.clone().redeem(at(602)), Err(NotRedeemable::TooLate));
    assert_eq!(row.redeem(at(601)), Ok(()));
    assert_eq!(row.redeem(at(601)), Err(NotRedeemable::Already));
}

#[test]
fn two_transactions_never_share_a_digest() {
    let digest = |amount: &str, payee: &str| {
        let transaction = Some(Transaction { amount: amount.into(), payee: payee.into() });
        Personal { transaction, ..personal("+919876543210") }.transaction_digest()
    };
    assert_ne!(digest("12", "3x"), digest("123", "x"));
    assert!(personal("+919876543210").transaction_digest().is_empty());
}

/// The state machine as a table, written another way than the code: what a verification must do.
#[derive(Debug, Default)]
struct Model {
    wrong: u32,
    approved_at: Option<i64>,
    canceled: bool,
    redeemed: bool,
}

impl Model {
    fn open(&self, now: i64) -> bool {
        self.approved_at.is_none() && !self.canceled && self.wrong < 3 && now < 600
    }
}

#[derive(Debug, Clone)]
enum Act {
    Wrong,
    Right,
    WrongForm,
    Cancel,
    Redeem,
    Wait(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => Just(Act::Wrong),
        1 => Just(Act::Right),
        1 => Just(Act::WrongForm),
        1 => Just(Act::Cancel),
        1 => Just(Act::Redeem),
        3 => (0_i64..400).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn the_state_machine_does_what_the_reference_model_does(acts in acts()) {
        let row = TEMPLATE.with(Clone::clone);
        let (mut row, mut model, mut now) = (row, Model::default(), 0);
        for act in acts {
            let was_open = model.open(now);
            match act {
                Act::Wait(span) => now += span,
                Act::WrongForm => prop_assert!(!row.take_check(Verdict::WrongForm, at(now)).valid),
                Act::Wrong => {
                    prop_assert!(!row.take_check(Verdict::Wrong, at(now)).valid);
                    if was_open { model.wrong += 1; }
                }
                Act::Right => {
                    prop_assert_eq!(row.take_check(Verdict::Right, at(now)).valid, was_open);
                    if was_open { model.approved_at = Some(now); }
                }
                Act::Cancel => {
                    prop_assert_eq!(row.cancel(at(now)), was_open);
                    if was_open { model.canceled = true; }
                }
                Act::Redeem => {
                    let may = model.approved_at.is_some_and(|at| now - at <= 600) && !model.redeemed;
                    prop_assert_eq!(row.redeem(at(now)).is_ok(), may);
                    model.redeemed |= may;
                }
            }
            prop_assert_eq!(row.status_at(at(now)) == Status::Pending, model.open(now));
            prop_assert_eq!(row.checks_left(at(now)), if model.open(now) { 3 - model.wrong } else { 0 });
        }
    }
}

thread_local! {
    static TEMPLATE: Verification = verification(&ring(), None);
}
