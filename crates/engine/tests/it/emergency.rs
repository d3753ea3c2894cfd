//! Emergency access: whoever holds the key gets in for an hour, once where two have to agree, and nobody can shut the door.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use backstop_domain::{
    audit::Record,
    clock::Clock as _,
    delivery::Lease,
    emergency::{Emergency, request::RequestState, review::Verdict},
    id::SessionId,
    notice::{Audience, Endpoint, Line},
    ports::store::{Audit as _, Notices as _},
    recipient::Recipient,
    secret::SecretString,
    token::session::SessionKind,
    user::{Role, UserStatus},
};
use backstop_engine::{
    Caller, Engine,
    emergency::{ApproveError, EmergencyAnswer, EmergencyError, EmergencyKnock, ReviewError},
    manage::Manager,
    notify::NoticeSettings,
    sign_in::{Introspection, Tokens},
    users::{NewAddress, NewUser},
};
use futures::executor::block_on;

use crate::house::{ASHA, House, caller};

const KEY: &str = "uS2pTq8m1kQvZ0c5xY7wAgKj3mN9rTzB";
const RAVI: &str = "+919876543211";
const MINUTE: Duration = Duration::from_secs(60);

fn role(name: &str) -> Role {
    name.parse().unwrap()
}

/// A house with an admin, a driver, and an endpoint that operators hear by.
fn house(approvals: u8) -> (House, Arc<Engine>) {
    let mut house = House::new(11);
    house.emergency = Some(Emergency::new(&SecretString::new(KEY), vec![role("admin")], vec![], approvals));
    let endpoints = vec![Endpoint { name: "pager".into(), application: None, kinds: None }];
    house.notices = NoticeSettings {
        audience: Audience { endpoints, ..Audience::default() },
        ..NoticeSettings::default()
    };
    let engine = house.process("shop");
    for (phone, name, confirmed) in [(ASHA, "admin", true), (RAVI, "driver", true)] {
        add(&engine, phone, name, confirmed, UserStatus::Active);
    }
    (house, engine)
}

fn add(engine: &Arc<Engine>, phone: &str, name: &str, confirmed: bool, status: UserStatus) {
    let to = Recipient::parse(phone, None).unwrap();
    let new = NewUser {
        addresses: vec![NewAddress { to, confirmed }],
        role: role(name),
        status,
        ..NewUser::default()
    };
    block_on(engine.create_user(&Manager::command_line(caller(engine)), new, None)).unwrap();
}

fn knock(phone: &str, key: &str) -> EmergencyKnock {
    EmergencyKnock {
        phone: Recipient::parse(phone, None).unwrap(),
        master_key: SecretString::new(key),
        reason: "SMS is down".into(),
        request: None,
    }
}

fn from(engine: &Engine, ip: &str) -> Caller {
    Caller { network: Some(ip.parse::<IpAddr>().unwrap()), ..caller(engine) }
}

fn tried(engine: &Arc<Engine>, ip: &str, knock: EmergencyKnock) -> Result<EmergencyAnswer, EmergencyError> {
    block_on(engine.sign_in_emergency(&from(engine, ip), knock, None))
}

fn tokens(answer: Result<EmergencyAnswer, EmergencyError>) -> Tokens {
    match answer {
        Ok(EmergencyAnswer::Tokens(tokens)) => *tokens,
        other => panic!("{other:?}"),
    }
}

fn is_good(engine: &Engine, tokens: &Tokens) -> bool {
    let manager = Manager::application(caller(engine)).unwrap();
    matches!(
        block_on(engine.introspect(&manager, &tokens.access_token)).unwrap(),
        Introspection::Active { emergency: true, .. }
    )
}

fn records(house: &House, kind: &str) -> Vec<Record> {
    let all = block_on(house.store.audit_page(0, 1000)).unwrap();
    all.into_iter().filter(|record| record.body.contains(&format!(r#""kind":"{kind}""#))).collect()
}

#[test]
fn an_admin_is_in_for_an_hour_and_not_a_second_longer_without_a_refresh_token() {
    let (house, engine) = house(1);
    let tokens = tokens(tried(&engine, "192.0.2.1", knock(ASHA, KEY)));
    assert_eq!(tokens.session.kind, SessionKind::Emergency);
    assert!(tokens.refresh_token.is_none() && tokens.device_token.is_none());
    assert_eq!(tokens.expires_at.since(engine.now()), Duration::from_secs(3600));
    house.clock.manual.advance(Duration::from_secs(3599));
    assert!(is_good(&engine, &tokens));
    house.clock.manual.advance(Duration::from_secs(1));
    assert!(!is_good(&engine, &tokens));
}

#[test]
fn the_record_stands_with_the_words_that_callers_look_for_and_without_the_key() {
    let (house, engine) = house(1);
    tokens(tried(&engine, "192.0.2.1", knock(ASHA, KEY)));
    assert!(matches!(tried(&engine, "192.0.2.1", knock(ASHA, "wrong")), Err(EmergencyError::WrongKey)));
    assert!(records(&house, "emergency.used")[0].body.contains("EMERGENCY_LOGIN_USED"));
    assert!(records(&house, "emergency.refused")[0].body.contains("UNAUTHORIZED_EMERGENCY_LOGIN_ATTEMPT"));
    let details = block_on(house.store.audit_details(1, 1000)).unwrap();
    let reasons = details.iter().filter_map(|detail| {
        let record = block_on(house.store.audit_page(detail.seq - 1, 1)).unwrap().remove(0);
        record.open(detail, &house.ring()).ok()
    });
    let reasons: Vec<String> = reasons.map(|reason| reason.expose().to_owned()).collect();
    assert!(reasons.iter().any(|reason| reason == "from 192.0.2.0/24: SMS is down"), "{reasons:?}");
    assert!(reasons.iter().all(|reason| !reason.contains(KEY)));
}

#[test]
fn every_try_is_told_to_those_who_run_the_service() {
    let (house, engine) = house(1);
    for knock in [knock(ASHA, "wrong"), knock(ASHA, "wrong"), knock(ASHA, KEY), knock(RAVI, KEY)] {
        let _ = tried(&engine, "192.0.2.9", knock);
    }
    let line = Line::Webhook("pager".into());
    let lease = Lease { holder: engine.node(), until: engine.now() + MINUTE };
    let due = block_on(house.store.due_notices(line, lease, house.clock.now(), 100)).unwrap();
    let kinds: Vec<&str> = due.iter().map(|due| due.notice.kind.as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "emergency.tried").count(), 3, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "emergency.used").count(), 1, "{kinds:?}");
}

#[test]
fn the_key_opens_for_an_active_admin_with_a_confirmed_number_alone() {
    let (_house, engine) = house(1);
    let (unconfirmed, suspended) = ("+919876543212", "+919876543213");
    add(&engine, unconfirmed, "admin", false, UserStatus::Active);
    add(&engine, suspended, "admin", true, UserStatus::Suspended);
    for phone in [RAVI, unconfirmed, suspended, "+919876543214"] {
        assert!(
            matches!(tried(&engine, "192.0.2.1", knock(phone, KEY)), Err(EmergencyError::NotServed)),
            "{phone}"
        );
    }
    assert!(block_on(engine.emergency_sessions()).unwrap().is_empty());
}

#[test]
fn five_wrong_keys_lock_their_own_network_for_an_hour_and_no_other() {
    let (house, engine) = house(1);
    for _ in 0..5 {
        assert!(matches!(tried(&engine, "192.0.2.1", knock(ASHA, "wrong")), Err(EmergencyError::WrongKey)));
    }
    for key in ["wrong", KEY] {
        let locked = tried(&engine, "192.0.2.1", knock(RAVI, key));
        assert!(
            matches!(locked, Err(EmergencyError::Locked { .. })),
            "another person from there: {locked:?}"
        );
    }
    tokens(tried(&engine, "198.51.100.1", knock(ASHA, KEY)));
    house.clock.manual.advance(Duration::from_secs(3600));
    tokens(tried(&engine, "192.0.2.1", knock(ASHA, KEY)));
}

#[test]
fn while_the_store_is_down_nobody_gets_in() {
    let (house, engine) = house(1);
    house.around.full.store(true, Ordering::SeqCst);
    assert!(matches!(tried(&engine, "192.0.2.1", knock(ASHA, KEY)), Err(EmergencyError::Store(_))));
    house.around.full.store(false, Ordering::SeqCst);
    assert!(block_on(engine.emergency_sessions()).unwrap().is_empty());
    assert!(records(&house, "emergency.used").is_empty());
}

#[test]
fn right_keys_use_nothing_up() {
    let (_house, engine) = house(1);
    for _ in 0..20 {
        tokens(tried(&engine, "192.0.2.1", knock(ASHA, KEY)));
    }
}

#[test]
fn where_networks_are_named_the_key_opens_from_them_alone_and_a_wrong_key_learns_nothing() {
    let (mut house, _) = house(1);
    let networks = vec!["10.0.0.0/8".parse().unwrap()];
    house.emergency = Some(Emergency::new(&SecretString::new(KEY), vec![role("admin")], networks, 1));
    let engine = house.process("shop");
    assert!(matches!(tried(&engine, "192.0.2.1", knock(ASHA, KEY)), Err(EmergencyError::Network)));
    assert!(matches!(tried(&engine, "192.0.2.1", knock(ASHA, "wrong")), Err(EmergencyError::WrongKey)));
    tokens(tried(&engine, "10.1.2.3", knock(ASHA, KEY)));
}

#[test]
fn with_two_approvals_the_key_alone_opens_nothing_and_an_approved_request_opens_once() {
    let (house, engine) = house(2);
    let ask = |request| tried(&engine, "192.0.2.1", EmergencyKnock { request, ..knock(ASHA, KEY) });
    let Ok(EmergencyAnswer::Waiting { request }) = ask(None) else { panic!("let in") };
    assert!(matches!(ask(Some(request)), Ok(EmergencyAnswer::Waiting { request: same }) if same == request));
    assert!(block_on(engine.emergency_sessions()).unwrap().is_empty());
    block_on(engine.approve_emergency(None, request)).unwrap();
    assert!(matches!(
        block_on(engine.approve_emergency(None, request)),
        Err(ApproveError::NotWaiting(RequestState::Approved))
    ));
    let other = EmergencyKnock { request: Some(request), ..knock(RAVI, KEY) };
    assert!(matches!(tried(&engine, "192.0.2.1", other), Err(EmergencyError::NotServed)));
    let wrong = EmergencyKnock { request: Some(request), ..knock(ASHA, "wrong") };
    assert!(matches!(tried(&engine, "192.0.2.1", wrong), Err(EmergencyError::WrongKey)));
    tokens(ask(Some(request)));
    assert!(matches!(ask(Some(request)), Err(EmergencyError::RequestOver)));
    for kind in ["emergency.requested", "emergency.approved", "emergency.used"] {
        assert_eq!(records(&house, kind).len(), 1, "{kind}");
    }
}

#[test]
fn a_request_that_was_not_used_in_time_is_over() {
    let (house, engine) = house(2);
    let ask = |request| tried(&engine, "192.0.2.1", EmergencyKnock { request, ..knock(ASHA, KEY) });
    let Ok(EmergencyAnswer::Waiting { request }) = ask(None) else { panic!("let in") };
    block_on(engine.approve_emergency(None, request)).unwrap();
    house.clock.manual.advance(MINUTE * 15);
    assert!(matches!(ask(Some(request)), Err(EmergencyError::RequestOver)));
}

#[test]
fn a_key_that_was_used_is_marked_until_another_one_is_configured() {
    let (mut house, engine) = house(1);
    let used_at = |engine: &Engine| block_on(engine.emergency_status()).unwrap().key_used_at;
    assert_eq!(used_at(&engine), None);
    let _ = tried(&engine, "192.0.2.1", knock(RAVI, KEY));
    assert_eq!(used_at(&engine), None, "nobody got in");
    tokens(tried(&engine, "192.0.2.1", knock(ASHA, KEY)));
    assert_eq!(used_at(&house.process("shop")), Some(engine.now()), "on every node, over restarts");
    let other = SecretString::new("another key of more than 128 bits");
    house.emergency = Some(Emergency::new(&other, vec![role("admin")], vec![], 1));
    assert_eq!(used_at(&house.process("shop")), None);
}

#[test]
fn each_use_waits_for_a_review_by_somebody_else_and_the_way_in_for_a_drill() {
    let (house, engine) = house(1);
    let status = || block_on(engine.emergency_status()).unwrap();
    let overdue = || status().to_review.into_iter().map(|(_, overdue)| overdue).collect::<Vec<_>>();
    let review = |session, verdict, finding: &str| {
        block_on(engine.review_emergency(None, session, verdict, SecretString::new(finding)))
    };
    assert!(status().is_drill_due && status().to_review.is_empty());
    let (one, two) =
        (tried(&engine, "192.0.2.1", knock(ASHA, KEY)), tried(&engine, "192.0.2.1", knock(ASHA, KEY)));
    let (one, two) = (tokens(one).session.id, tokens(two).session.id);
    assert_eq!(overdue(), [false, false]);
    house.clock.manual.advance(Duration::from_secs(72 * 3600 + 1));
    assert_eq!(overdue(), [true, true]);

    let nobodys = SessionId::new(engine.now(), house.chance.as_ref());
    assert!(matches!(review(nobodys, Verdict::Use, "ticket 4711"), Err(ReviewError::NotFound)));
    assert!(matches!(review(one, Verdict::Use, " "), Err(ReviewError::Finding)));
    review(one, Verdict::Use, "ticket 4711").unwrap();
    assert!(matches!(review(one, Verdict::Drill, "again"), Err(ReviewError::Reviewed)));
    assert_eq!((overdue(), status().is_drill_due), (vec![true], true));
    review(two, Verdict::Drill, "in after 40 s").unwrap();
    assert_eq!((overdue(), status().is_drill_due), (vec![], false));
    assert_eq!(records(&house, "emergency.reviewed").len(), 2);
    assert!(records(&house, "emergency.reviewed").iter().all(|record| !record.body.contains("4711")));
    house.clock.manual.advance(Duration::from_secs(91 * 86_400));
    assert!(status().is_drill_due && status().last_drill.is_some());
}

#[test]
fn a_use_is_owed_its_review_also_when_emergency_access_was_switched_off() {
    let (mut house, engine) = house(1);
    let session = tokens(tried(&engine, "192.0.2.1", knock(ASHA, KEY))).session.id;
    house.emergency = None;
    let status = block_on(house.process("shop").emergency_status()).unwrap();
    assert!(!status.is_on && !status.is_drill_due && status.key_used_at.is_none());
    assert_eq!(status.to_review.iter().map(|(used, _)| used.session).collect::<Vec<_>>(), [session]);
}

#[test]
fn an_open_session_is_listed_and_ends_at_once_when_it_is_revoked() {
    let (house, engine) = house(1);
    let tokens = tokens(tried(&engine, "192.0.2.1", knock(ASHA, KEY)));
    let open = block_on(engine.emergency_sessions()).unwrap();
    assert_eq!((open.len(), open[0].session.id), (1, tokens.session.id));
    assert!(block_on(engine.end_emergency(tokens.session.id)).unwrap());
    assert!(!is_good(&engine, &tokens));
    assert!(!block_on(engine.end_emergency(tokens.session.id)).unwrap());
    assert_eq!(records(&house, "emergency.revoked").len(), 1);
}

#[test]
fn an_emergency_token_speaks_for_nobody_who_manages_their_factors() {
    let (_house, engine) = house(1);
    let tokens = tokens(tried(&engine, "192.0.2.1", knock(ASHA, KEY)));
    assert!(engine.person_of(tokens.access_token.expose()).is_none());
    let manager = engine.manager(caller(&engine), tokens.user, tokens.session.id);
    assert!(block_on(engine.generate_backup_codes(&manager, tokens.user)).is_err());
    assert!(block_on(engine.enrol_totp(&manager, tokens.user)).is_err());
}

#[test]
fn without_a_key_emergency_access_is_off_and_a_try_without_a_reason_changes_nothing() {
    let (mut house, engine) = house(1);
    let silent = EmergencyKnock { reason: " ".into(), ..knock(ASHA, KEY) };
    assert!(matches!(tried(&engine, "192.0.2.1", silent), Err(EmergencyError::OutOfBounds { .. })));
    house.emergency = None;
    let engine = house.process("shop");
    assert!(matches!(tried(&engine, "192.0.2.1", knock(ASHA, KEY)), Err(EmergencyError::Off)));
    assert!(records(&house, "emergency.used").is_empty());
}
