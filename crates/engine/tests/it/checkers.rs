//! A provider that makes and checks its own codes: the plan's only route, or none of its routes.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use backstop_domain::{
    channel::Channel,
    code::{Code, SubmittedCode},
    delivery::DeliveryState,
    id::VerificationId,
    outcome::{Outcome, Reason},
    ports::{
        Provider, Tasks,
        provider::{Checker, Checkup, Message, Sent, VendorCheck, VendorVerdict},
    },
    template::Transaction,
    verification::Status,
};
use backstop_engine::{
    Engine, IdempotencyKey,
    verify::{
        ChannelRefused, CheckError, CheckReport, CheckRequest, ResendError, ResendRequest, StartError,
        StartRequest,
    },
};
use futures::future;

use crate::house::{ASHA, House, caller, request};

/// The scripted checker; its name is `verify`.
#[derive(Default)]
pub(crate) struct Verify {
    refuses: AtomicBool,
    sent: Mutex<Vec<Channel>>,
    /// What it says next; `None`: nothing, ever.
    verdicts: Mutex<VecDeque<Option<VendorVerdict>>>,
    asked: Mutex<Vec<VendorCheck>>,
}

#[async_trait]
impl Provider for Verify {
    async fn send(&self, message: &Message) -> Sent {
        self.sent.lock().unwrap().push(message.channel);
        let taken = Outcome::Accepted { vendor_id: Some("VE1".into()) };
        let refused = Outcome::rejected(Reason::Unavailable);
        Sent::new(if self.refuses.load(Ordering::SeqCst) { refused } else { taken }, "said")
    }

    async fn check_up(&self) -> Checkup {
        Checkup { well: true, finding: "there".into(), fix: None }
    }

    fn checker(&self) -> Option<&dyn Checker> {
        Some(self)
    }
}

#[async_trait]
impl Checker for Verify {
    async fn check(&self, check: &VendorCheck) -> VendorVerdict {
        self.asked.lock().unwrap().push(check.clone());
        let verdict = self.verdicts.lock().unwrap().pop_front().expect("a verdict for every question");
        match verdict {
            Some(verdict) => verdict,
            None => future::pending().await,
        }
    }
}

impl Verify {
    fn says(&self, verdicts: impl IntoIterator<Item = Option<VendorVerdict>>) {
        self.verdicts.lock().unwrap().extend(verdicts);
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(crate) fn sent(&self) -> Vec<Channel> {
        self.sent.lock().unwrap().clone()
    }
}

/// A house in which the checker stands at `place` among the providers.
fn house(place: usize) -> (House, Arc<Engine>, Arc<Verify>) {
    let verify = Arc::new(Verify::default());
    let mut house = House::new(1);
    house.verify = Some((place, verify.clone()));
    let engine = house.process("shop");
    (house, engine, verify)
}

/// Runs a call while `span` passes; `None` if it has not answered by then.
pub(crate) fn call<T: Send + 'static>(
    house: &mut House,
    span: Duration,
    future: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let answer = Arc::new(Mutex::new(None));
    let place = answer.clone();
    house.executor.tasks().spawn(Box::pin(async move {
        let answer = future.await;
        *place.lock().unwrap() = Some(answer);
    }));
    house.pass(span);
    answer.lock().unwrap().take()
}

fn start(
    house: &mut House,
    engine: &Arc<Engine>,
    request: StartRequest,
) -> Result<VerificationId, StartError> {
    let engine = engine.clone();
    let started = call(house, Duration::from_millis(100), async move {
        engine.start(&caller(&engine), request, None).await.map(|started| started.verification.id)
    });
    started.unwrap()
}

fn check(
    house: &mut House,
    engine: &Arc<Engine>,
    id: VerificationId,
    key: Option<&str>,
    span: Duration,
) -> Option<Result<CheckReport, CheckError>> {
    let engine = engine.clone();
    let key =
        key.map(|key| IdempotencyKey { key: key.into(), route: "check".into(), body: b"482913".to_vec() });
    call(house, span, async move {
        let request = CheckRequest::Id(id, SubmittedCode::parse("482913").unwrap());
        engine.check(&caller(&engine), request, key.as_ref()).await
    })
}

fn resend(
    house: &mut House,
    engine: &Arc<Engine>,
    id: VerificationId,
    channel: Option<Channel>,
) -> Result<(), ResendError> {
    let engine = engine.clone();
    house.pass(Duration::from_secs(60));
    let resent = call(house, Duration::from_millis(100), async move {
        engine.resend(&caller(&engine), ResendRequest { id, channel }, None).await.map(drop)
    });
    resent.unwrap()
}

const SHORT: Duration = Duration::from_millis(100);

#[test]
fn a_provider_that_makes_its_own_codes_is_the_only_route_of_what_begins_with_it() {
    let (mut house, engine, verify) = house(0);
    verify.refuses.store(true, Ordering::SeqCst);
    let id = start(&mut house, &engine, request(ASHA)).unwrap();
    house.pass(Duration::from_secs(20));
    let row = house.view(id).unwrap().verification;
    assert_eq!((row.vendor_check.as_deref(), row.ladder), (Some("verify"), vec![Channel::Sms]));
    assert!(house.sent().is_empty(), "our code went out beside the vendor's: {:?}", house.sent());
    assert!(verify.sent().len() > 1, "the only route is tried again");
    assert!(verify.sent().iter().all(|channel| *channel == Channel::Sms));
    house.pass(Duration::from_secs(600));
    assert_eq!(house.delivery(id).state, DeliveryState::Undeliverable);
}

#[test]
fn one_that_does_not_come_first_is_never_tried_however_all_others_fail() {
    for place in [1, 2] {
        let (mut house, engine, verify) = house(place);
        house.refuses.store(true, Ordering::SeqCst);
        let id = start(&mut house, &engine, request(ASHA)).unwrap();
        house.pass(Duration::from_secs(60));
        assert_eq!(house.view(id).unwrap().verification.vendor_check, None);
        assert!(house.sent().contains(&"text") && house.sent().contains(&"chat"), "{:?}", house.sent());
        assert_eq!(verify.sent(), [], "place {place}");
    }
}

#[test]
fn what_the_callers_own_words_bind_the_code_to_never_goes_out_as_a_vendors_code() {
    let transaction = Transaction { amount: "10 EUR".into(), payee: "Ravi".into() };
    let custom = StartRequest { custom_code: Some(Code::custom("482913").unwrap()), ..request(ASHA) };
    let bound = StartRequest { transaction: Some(transaction), ..request(ASHA) };
    for (request, field) in [(custom, "custom_code"), (bound, "transaction")] {
        let (mut house, engine, verify) = house(0);
        start(&mut house, &engine, request.clone()).unwrap();
        assert_eq!((house.sent(), verify.sent()), (vec!["text"], vec![]), "{field}");
        // Where nobody else serves the channel, it is refused.
        let voice = StartRequest {
            selection: backstop_engine::verify::Selection::Only(Channel::Voice),
            ..request.clone()
        };
        let refused = start(&mut house, &engine, voice).unwrap_err();
        assert!(
            matches!(refused, StartError::OutOfBounds { field: named, .. } if named == field),
            "{refused}"
        );
        assert_eq!(verify.sent(), []);
    }
}

#[test]
fn a_resend_of_a_vendors_code_goes_through_that_vendor_and_one_of_ours_never_does() {
    let (mut house, engine, verify) = house(0);
    let id = start(&mut house, &engine, request(ASHA)).unwrap();
    resend(&mut house, &engine, id, None).unwrap();
    resend(&mut house, &engine, id, Some(Channel::Voice)).unwrap();
    assert_eq!(verify.sent(), [Channel::Sms, Channel::Sms, Channel::Voice]);
    let refused = resend(&mut house, &engine, id, Some(Channel::Whatsapp)).unwrap_err();
    assert!(matches!(refused, ResendError::Channel(ChannelRefused::NotConfigured(Channel::Whatsapp))));
    assert_eq!(house.sent(), Vec::<&str>::new());

    let (mut house, engine, verify) = super::checkers::house(1);
    let id = start(&mut house, &engine, request(ASHA)).unwrap();
    let refused = resend(&mut house, &engine, id, Some(Channel::Voice)).unwrap_err();
    assert!(matches!(refused, ResendError::Channel(ChannelRefused::NotConfigured(Channel::Voice))));
    assert_eq!(verify.sent(), []);
}

#[test]
fn one_that_is_down_is_passed_over_while_anybody_else_works() {
    let (mut house, engine, verify) = house(0);
    verify.refuses.store(true, Ordering::SeqCst);
    start(&mut house, &engine, request(ASHA)).unwrap();
    house.pass(Duration::from_secs(60));
    let before = verify.sent().len();
    let id = start(&mut house, &engine, request("+919876543211")).unwrap();
    assert_eq!(house.view(id).unwrap().verification.vendor_check, None, "its breaker is open");
    assert_eq!((house.sent(), verify.sent().len()), (vec!["text"], before));
}

#[test]
fn the_vendors_word_approves_and_is_asked_about_its_own_message() {
    let (mut house, engine, verify) = house(0);
    let id = start(&mut house, &engine, request(ASHA)).unwrap();
    verify.says([Some(VendorVerdict::Wrong), Some(VendorVerdict::Gone), Some(VendorVerdict::Right)]);
    for (valid, status, left) in
        [(false, Status::Pending, 2), (false, Status::Pending, 1), (true, Status::Approved, 0)]
    {
        let report = check(&mut house, &engine, id, None, SHORT).unwrap().unwrap();
        assert_eq!(
            (report.answer.valid, report.answer.status, report.answer.checks_left),
            (valid, status, left)
        );
    }
    let asked = verify.asked.lock().unwrap();
    assert!(asked.iter().all(|check| check.vendor_id.as_deref() == Some("VE1") && check.to.expose() == ASHA));
}

#[test]
fn no_answer_within_three_seconds_is_no_verdict_and_the_same_key_asks_again_uncharged() {
    for silent in [None, Some(VendorVerdict::Unknown("down".into()))] {
        let (mut house, engine, verify) = house(0);
        let id = start(&mut house, &engine, request(ASHA)).unwrap();
        let span = if silent.is_some() { SHORT } else { Duration::from_millis(3100) };
        verify.says([silent.clone(), silent.clone(), Some(VendorVerdict::Right)]);
        for _ in 0..2 {
            let answer = check(&mut house, &engine, id, Some("key"), span).unwrap();
            assert!(matches!(answer, Err(CheckError::NoAnswer)), "{answer:?}");
            assert_eq!(house.view(id).unwrap().verification.checks_used, 1);
        }
        for _ in 0..2 {
            let report = check(&mut house, &engine, id, Some("key"), SHORT).unwrap().unwrap();
            assert!(report.answer.valid, "the second is the first one's answer");
        }
        assert_eq!((verify.asked(), house.view(id).unwrap().verification.checks_used), (3, 1));
    }
}

#[test]
fn a_second_check_waits_its_turn_uncharged() {
    let (mut house, engine, verify) = house(0);
    let id = start(&mut house, &engine, request(ASHA)).unwrap();
    verify.says([None, Some(VendorVerdict::Wrong)]);
    assert!(check(&mut house, &engine, id, None, SHORT).is_none(), "the vendor has not answered");
    let second = check(&mut house, &engine, id, None, SHORT).unwrap();
    assert!(matches!(second, Err(CheckError::Busy { .. })), "{second:?}");
    assert_eq!((verify.asked(), house.view(id).unwrap().verification.checks_used), (1, 1));
    house.pass(Duration::from_secs(3));
    check(&mut house, &engine, id, None, SHORT).unwrap().unwrap();
    assert_eq!((verify.asked(), house.view(id).unwrap().verification.checks_used), (2, 2));
}

#[test]
fn a_process_that_dies_while_the_vendor_is_asked_leaves_it_charged_and_checkable() {
    let (mut house, engine, verify) = house(0);
    let id = start(&mut house, &engine, request(ASHA)).unwrap();
    verify.says([None, Some(VendorVerdict::Right)]);
    check(&mut house, &engine, id, Some("key"), SHORT);
    house.executor.crash();
    let engine = house.process("shop");
    let early = check(&mut house, &engine, id, Some("key"), SHORT).unwrap();
    assert!(matches!(early, Err(CheckError::Busy { .. })), "{early:?}");
    house.pass(Duration::from_secs(5));
    let report = check(&mut house, &engine, id, Some("key"), SHORT).unwrap().unwrap();
    assert!(report.answer.valid);
    assert_eq!(house.view(id).unwrap().verification.checks_used, 1);
}

#[test]
fn a_code_that_the_vendor_never_sent_is_wrong_and_nobody_is_asked() {
    let (mut house, engine, verify) = house(0);
    verify.refuses.store(true, Ordering::SeqCst);
    let id = start(&mut house, &engine, request(ASHA)).unwrap();
    let report = check(&mut house, &engine, id, None, SHORT).unwrap().unwrap();
    assert_eq!((report.answer.valid, report.answer.checks_left, verify.asked()), (false, 2, 0));
}
