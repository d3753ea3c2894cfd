//! Sign-ins and decoys: what strangers hear is the same for a person and for nobody, and nobody gets nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use backstop_domain::{
    application::Authority,
    channel::Channel,
    clock::Clock,
    code::SubmittedCode,
    delivery::{DeliveryState, LEASE},
    id::{UserId, VerificationId},
    ports::{Random, Tasks},
    purpose::Purpose,
    recipient::Recipient,
    verification::{CheckAnswer, Status, Subject},
};
use backstop_engine::{
    Caller, Engine, VerificationReport,
    verify::{CheckRequest, ResendRequest, Selection, SignInStart, StartError, StartRequest, Started},
};

use crate::{
    checkers::call,
    house::{ASHA, House, caller, request},
};

mod ways;

const NOBODY: &str = "+919876543219";
const MAILBOX: &str = "asha@example.com";
const SHORT: Duration = Duration::from_millis(100);
const LADDER: [Channel; 3] = [Channel::Sms, Channel::Whatsapp, Channel::Email];

fn house() -> (House, Arc<Engine>) {
    let mut house = House::new(1);
    house.ladder = LADDER.to_vec();
    let engine = house.process("shop");
    (house, engine)
}

fn stranger(engine: &Engine) -> Caller {
    Caller { authority: Authority::Public, ..caller(engine) }
}

fn address(text: &str) -> Recipient {
    Recipient::parse(text, None).unwrap()
}

/// A sign-in by somebody with a confirmed mail address beside the number.
fn person(house: &House, to: &str) -> SignInStart {
    let user = UserId::new(house.clock.now(), house.chance.as_ref() as &dyn Random);
    SignInStart {
        subject: Subject::User(user),
        fallback_to: BTreeMap::from([(Channel::Email, address(MAILBOX)), (Channel::Sms, address(ASHA))]),
        ..nobody(to)
    }
}

fn nobody(to: &str) -> SignInStart {
    SignInStart {
        to: address(to),
        subject: Subject::Nobody,
        fallback_to: BTreeMap::new(),
        selection: Selection::Ladder,
        purpose: Purpose::login(),
        locale: None,
        transaction: None,
        session: None,
        wait: false,
    }
}

fn start(
    house: &mut House,
    engine: &Arc<Engine>,
    caller: Caller,
    request: SignInStart,
) -> Result<Started, StartError> {
    let engine = engine.clone();
    call(house, SHORT, async move { engine.start_sign_in(&caller, request, None).await }).unwrap()
}

fn started(house: &mut House, engine: &Arc<Engine>, request: SignInStart) -> VerificationReport {
    let caller = stranger(engine);
    start(house, engine, caller, request).unwrap().verification
}

/// Each of the two acts, one right after the other, at one moment.
fn both<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    house: &mut House,
    ids: [VerificationId; 2],
    act: impl Fn(VerificationId) -> F,
) -> [T; 2] {
    let (one, two) = (act(ids[0]), act(ids[1]));
    call(house, SHORT, async move { [one.await, two.await] }).unwrap()
}

/// What is left of a report when it is no longer known whose it is.
fn without_name(mut report: VerificationReport, as_if: &VerificationReport) -> VerificationReport {
    report.id = as_if.id;
    report.to = as_if.to.clone();
    report
}

/// Reads both and holds them against each other.
fn read_alike(house: &mut House, engine: &Arc<Engine>, ids: [VerificationId; 2]) -> VerificationReport {
    let reading = |id| {
        let (engine, caller) = (engine.clone(), stranger(engine));
        async move { engine.read(&caller, id).await.unwrap() }
    };
    let [real, decoy] = both(house, ids, reading);
    assert_eq!(without_name(decoy, &real), real);
    real
}

fn start_both(house: &mut House, engine: &Arc<Engine>) -> [VerificationId; 2] {
    let (real, decoy) = (person(house, ASHA), nobody(NOBODY));
    let (engine, caller) = (engine.clone(), stranger(engine));
    let [real, decoy] = call(house, SHORT, async move {
        let real = engine.start_sign_in(&caller, real, None).await.unwrap();
        [real, engine.start_sign_in(&caller, decoy, None).await.unwrap()]
    })
    .unwrap();
    assert_eq!((&real.used, &decoy.used), (&None, &None));
    let (real, decoy) = (real.verification, decoy.verification);
    assert_eq!(decoy.to, "+91••••••••19", "masked from what was given");
    let ids = [real.id, decoy.id];
    assert_eq!(without_name(decoy, &real), real);
    assert_eq!(real.channels, LADDER);
    ids
}

#[test]
fn a_stranger_hears_the_same_of_a_person_and_of_nobody() {
    let (mut house, engine) = house();
    let ids = start_both(&mut house, &engine);
    let report = read_alike(&mut house, &engine, ids);
    assert_eq!((report.delivery, report.channel), (DeliveryState::Sent, Channel::Sms));
    assert!(report.attempts.is_empty());

    for channel in [None, Some(Channel::Whatsapp), Some(Channel::Email), Some(Channel::Voice)] {
        house.pass(Duration::from_secs(60));
        let resending = |id| {
            let (engine, caller) = (engine.clone(), stranger(&engine));
            async move { engine.resend(&caller, ResendRequest { id, channel }, None).await }
        };
        match both(&mut house, ids, resending) {
            [Ok(real), Ok(decoy)] => {
                assert_eq!(without_name(decoy, &real), real);
                assert_eq!(real.channel, channel.unwrap_or(Channel::Sms));
            }
            [real, decoy] => assert_eq!(format!("{real:?}"), format!("{decoy:?}"), "{channel:?}"),
        }
        read_alike(&mut house, &engine, ids);
    }

    for left in [2, 1, 0, 0, 0] {
        let checking = |id| {
            let (engine, caller) = (engine.clone(), stranger(&engine));
            let request = CheckRequest::Id(id, SubmittedCode::parse("000000").unwrap());
            async move { engine.check(&caller, request, None).await.unwrap().answer }
        };
        let [real, decoy] = both(&mut house, ids, checking);
        assert_eq!((real, real.checks_left), (decoy, left));
        read_alike(&mut house, &engine, ids);
    }
    assert_eq!(read_alike(&mut house, &engine, ids).status, Status::MaxChecksReached);
    let view = house.view(ids[1]).unwrap();
    assert_eq!((view.deliveries.len() > 1, view.attempts.len()), (true, 0), "resent, and nothing sent");
}

#[test]
fn a_stranger_hears_the_same_until_the_code_dies_whatever_vendors_do() {
    let (mut house, engine) = house();
    house.refuses.store(true, Ordering::SeqCst);
    let ids = start_both(&mut house, &engine);
    let mut heard = Vec::new();
    for _ in 0..70 {
        house.pass(Duration::from_secs(10));
        let report = read_alike(&mut house, &engine, ids);
        heard.push((report.status, report.delivery, report.channel));
    }
    assert_eq!(heard.last(), Some(&(Status::Expired, DeliveryState::Sent, Channel::Sms)));
    assert!(heard.iter().any(|(_, delivery, _)| *delivery == DeliveryState::Undeliverable), "{heard:?}");
    assert_eq!(house.view(ids[1]).unwrap().attempts, []);
}

#[test]
fn nothing_is_sent_for_nobody_and_every_start_is_charged() {
    let (mut house, engine) = house();
    let count = |house: &mut House, request: SignInStart| {
        let mut taken = 0;
        loop {
            match start(house, &engine, stranger(&engine), request.clone()) {
                Ok(_) => taken += 1,
                Err(StartError::Limited(limit)) => return (taken, limit.limit),
                Err(other) => panic!("{other}"),
            }
            house.pass(Duration::from_secs(600));
        }
    };
    let decoys = count(&mut house, nobody(NOBODY));
    assert_eq!(house.sent(), Vec::<&str>::new());
    let real = person(&house, ASHA);
    assert_eq!(count(&mut house, real), decoys);
    assert!(decoys.0 > 0 && !house.sent().is_empty());
    for view in house.all().iter().filter(|view| view.verification.is_decoy()) {
        assert_eq!((view.attempts.len(), view.deliveries[0].state), (0, DeliveryState::Sent));
        assert_eq!(view.deliveries[0].lease, None, "nobody has to look at it again");
    }
}

#[test]
fn the_right_guess_of_a_decoys_code_is_as_wrong_as_any_other() {
    let (mut house, engine) = house();
    let [real, decoy] = start_both(&mut house, &engine);
    let mut guess = |id| -> CheckAnswer {
        let (row, ring) = (house.view(id).unwrap().verification, house.ring());
        let code = row.code(&ring, &row.open_personal(&ring).unwrap()).unwrap();
        let request = CheckRequest::Id(id, SubmittedCode::parse(code.expose()).unwrap());
        let (engine, caller) = (engine.clone(), stranger(&engine));
        let checked =
            call(&mut house, SHORT, async move { engine.check(&caller, request, None).await.unwrap() });
        checked.unwrap().answer
    };
    let wrong = CheckAnswer { valid: false, status: Status::Pending, checks_left: 2 };
    assert_eq!(guess(decoy), wrong);
    assert!(guess(real).valid, "the same guess of a person's code is right");
}

#[test]
fn recovery_ends_a_decoy_that_a_crash_left_and_sends_nothing() {
    let (mut house, engine) = house();
    let starting = engine.clone();
    house.executor.tasks().spawn(Box::pin(async move {
        starting.start_sign_in(&stranger(&starting), nobody(NOBODY), None).await.unwrap();
    }));
    while house.all().is_empty() {
        house.executor.step(house.clock.now());
    }
    house.executor.crash();
    let id = house.all()[0].verification.id;
    assert_eq!(house.delivery(id).state, DeliveryState::Queued);
    let _next = house.process("shop");
    house.pass(LEASE + Duration::from_secs(2));
    assert_eq!((house.delivery(id).state, house.delivery(id).lease), (DeliveryState::Sent, None));
    assert_eq!((house.view(id).unwrap().attempts, house.sent()), (vec![], vec![]));
}

#[test]
fn an_equal_start_joins_only_the_same_persons_sign_in() {
    let (mut house, engine) = house();
    let with_session = |request| SignInStart { session: Some("browser".into()), ..request };
    let real = with_session(person(&house, ASHA));
    let decoy = with_session(nobody(ASHA));
    let mut ids = Vec::new();
    for request in [real.clone(), decoy.clone()] {
        ids.push(started(&mut house, &engine, request).id);
        house.pass(Duration::from_secs(60));
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(started(&mut house, &engine, real).id, ids[0]);
    let plain = StartRequest { session: Some("browser".into()), ..request(ASHA) };
    let (starting, secret) = (engine.clone(), caller(&engine));
    let plain = call(&mut house, SHORT, async move { starting.start(&secret, plain, None).await.unwrap() });
    assert!(!ids.contains(&plain.unwrap().verification.id));
    house.pass(Duration::from_secs(60));
    assert_eq!(house.sent(), ["text", "text", "text"], "the person's two and the plain one");
}

#[test]
fn the_application_reads_the_truth_and_a_stranger_may_not_wait_for_it() {
    let (mut house, engine) = house();
    let secret = caller(&engine);
    let waiting = |request| SignInStart { wait: true, ..request };
    let refused = start(&mut house, &engine, stranger(&engine), waiting(nobody(NOBODY))).unwrap_err();
    assert!(matches!(refused, StartError::NeedsSecretKey("wait")), "{refused}");
    let real = waiting(person(&house, ASHA));
    let real = start(&mut house, &engine, secret.clone(), real).unwrap();
    assert_eq!(real.used, Some((Channel::Sms, "text".into())));
    assert_eq!(real.verification.attempts.len(), 1);
    let decoy = start(&mut house, &engine, secret, waiting(nobody(NOBODY))).unwrap();
    assert_eq!((decoy.used, decoy.verification.delivery), (None, DeliveryState::Sent));
    assert_eq!(decoy.verification.attempts, []);
}
