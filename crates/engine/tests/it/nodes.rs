//! Several nodes on one store: what one learns, the others know within a second.

use std::{sync::atomic::Ordering, time::Duration};

use backstop_domain::{
    application::Authority,
    breaker::BreakerState,
    clock::Clock,
    delivery::LEASE,
    id::{ApiKeyId, NodeId},
    keyring::{KeyUse, Kid},
    ports::{
        StoreError,
        store::{ApiKey, Applications, NodeReport, OpenBreaker},
    },
};
use backstop_engine::{Credential, access::Grant, verify::StartError};
use futures::executor::block_on;

use crate::house::{ASHA, House, RETENTION, breaker, caller, request};

const SECOND: Duration = Duration::from_secs(1);
const PEOPLE: [&str; 5] =
    ["+919876543211", "+919876543212", "+919876543213", "+919876543214", "+919876543215"];

#[test]
fn a_vendor_that_one_node_stopped_asking_is_asked_by_none_within_a_second() {
    for seed in 0..10 {
        let mut house = House::new(seed);
        let nodes = [house.process("shop"), house.process("shop"), house.process("shop")];
        house.pass(SECOND);
        house.refuses.store(true, Ordering::SeqCst);
        house.start(&nodes[0], &PEOPLE);
        house.pass(SECOND);
        for node in &nodes {
            assert_eq!(breaker(node, "text"), BreakerState::Open, "seed {seed}");
        }
        let told = house.around.reports().into_iter().filter(|report| !report.open_breakers.is_empty());
        assert_eq!(told.map(|report| report.node).collect::<Vec<_>>(), [nodes[0].node()], "no echo");
    }
}

#[test]
fn a_vendor_that_one_node_found_well_again_is_asked_by_all_within_a_second() {
    let mut house = House::new(1);
    let nodes = [house.process("shop"), house.process("shop"), house.process("shop")];
    house.refuses.store(true, Ordering::SeqCst);
    house.start(&nodes[0], &PEOPLE);
    house.pass(SECOND);
    assert_eq!(breaker(&nodes[2], "text"), BreakerState::Open);
    house.refuses.store(false, Ordering::SeqCst);
    house.pass(Duration::from_secs(60));
    assert_eq!(breaker(&nodes[2], "text"), BreakerState::HalfOpen);
    house.start(&nodes[0], &["+919876543216"]);
    house.start(&nodes[0], &["+919876543217"]);
    assert_eq!(breaker(&nodes[0], "text"), BreakerState::Closed);
    house.pass(SECOND);
    for node in &nodes {
        assert_eq!(breaker(node, "text"), BreakerState::Closed);
    }
}

#[test]
fn a_store_that_answers_no_reports_changes_nothing() {
    let mut house = House::new(1);
    let node = house.process("shop");
    let until = house.clock.now() + Duration::from_secs(3_600);
    let other = another(&house, Kid(3), vec![OpenBreaker { provider: "text".into(), until }]);
    house.around.say(other);
    house.pass(SECOND);
    assert_eq!(breaker(&node, "text"), BreakerState::Open);
    house.around.mute.store(true, Ordering::SeqCst);
    house.pass(Duration::from_secs(60));
    assert_eq!(breaker(&node, "text"), BreakerState::Open);
}

/// What a node that is not here says.
fn another(house: &House, newest_kid: Kid, open_breakers: Vec<OpenBreaker>) -> NodeReport {
    let now = house.clock.now();
    NodeReport { node: NodeId::new(now, house.chance.as_ref()), seen_at: now, newest_kid, open_breakers }
}

/// The key that a code started at `engine` is derived with.
fn kid_of_a_start(house: &mut House, engine: &std::sync::Arc<backstop_engine::Engine>, to: &str) -> Kid {
    let id = house.start(engine, &[to])[0];
    house.view(id).unwrap().verification.kid
}

#[test]
fn a_new_key_is_used_once_every_running_node_has_loaded_it() {
    let mut house = House::new(1);
    let (one, two) = (house.process("shop"), house.process("shop"));
    let slow = another(&house, Kid(4), vec![]);
    house.around.say(slow.clone());
    house.pass(SECOND);
    house.add_ring_key(Kid(5), KeyUse::Code);
    house.add_ring_key(Kid(6), KeyUse::Seal);
    block_on(one.meet()).unwrap();
    house.pass(SECOND);
    let newest = |house: &House| house.around.reports().into_iter().map(|r| r.newest_kid).max();
    assert_eq!(newest(&house), Some(Kid(6)));
    for (engine, to) in [(&one, PEOPLE[0]), (&two, PEOPLE[1])] {
        assert_eq!(kid_of_a_start(&mut house, engine, to), Kid(1), "one node does not have it");
    }
    house.around.say(NodeReport { newest_kid: Kid(6), seen_at: house.clock.now(), ..slow });
    house.pass(SECOND);
    for (engine, to) in [(&one, PEOPLE[2]), (&two, PEOPLE[3])] {
        assert_eq!(kid_of_a_start(&mut house, engine, to), Kid(5));
    }
}

#[test]
fn nobody_waits_with_a_new_key_for_a_node_that_is_gone() {
    let mut house = House::new(1);
    let one = house.process("shop");
    house.around.say(another(&house, Kid(4), vec![]));
    house.add_ring_key(Kid(5), KeyUse::Code);
    house.pass(Duration::from_secs(8));
    assert_eq!(kid_of_a_start(&mut house, &one, PEOPLE[0]), Kid(1));
    house.pass(Duration::from_secs(3));
    assert_eq!(kid_of_a_start(&mut house, &one, PEOPLE[1]), Kid(5));
}

#[test]
fn a_node_alone_takes_a_new_key_at_once() {
    let mut house = House::new(1);
    let one = house.process("shop");
    house.add_ring_key(Kid(5), KeyUse::Code);
    block_on(one.meet()).unwrap();
    assert_eq!(kid_of_a_start(&mut house, &one, ASHA), Kid(5));
}

#[test]
fn an_api_key_made_or_revoked_at_one_node_opens_or_shuts_at_all_within_a_second() {
    let mut house = House::new(1);
    let nodes = [house.process("shop"), house.process("shop")];
    let application = nodes[0].applications().next().unwrap().clone();
    let configured = Grant { application: application.clone(), authority: Authority::Secret, key: None };
    nodes[1].access().admit(Credential::of("sk_configured"), configured);
    house.pass(SECOND);
    let now = house.clock.now();
    let id = ApiKeyId::new(now, house.chance.as_ref());
    let key = ApiKey {
        id,
        application: application.id,
        authority: Authority::Public,
        hash: Credential::of("pk_made").0,
        hint: "pk".into(),
        created_at: now,
        revoked_at: None,
    };
    block_on(house.store.add_key(key, house.record())).unwrap();
    house.pass(SECOND);
    for node in &nodes {
        let (_, grant) = node.access().grant("pk_made").unwrap();
        assert_eq!((grant.authority, grant.key), (Authority::Public, Some(id)));
    }
    block_on(house.store.revoke_key(id, house.record(), house.clock.now())).unwrap();
    house.pass(SECOND);
    for node in &nodes {
        assert!(node.access().grant("pk_made").is_none());
    }
    assert!(nodes[1].access().grant("sk_configured").is_some(), "what the configuration says stays");
}

#[test]
fn what_a_dead_node_left_is_shared_by_those_that_run() {
    let mut house = House::new(1);
    house.delay = Duration::from_secs(600);
    let dead = house.process("shop");
    let people: Vec<_> = (0..900).map(|n| format!("+9198765{n:05}")).collect();
    house.start(&dead, &people.iter().map(String::as_str).collect::<Vec<_>>());
    house.executor.crash();
    house.delay = Duration::ZERO;
    let nodes = [house.process("shop"), house.process("shop")];
    house.pass(LEASE - Duration::from_millis(200));
    let reached = |house: &House| house.sent().iter().filter(|sent| **sent == "chat").count();
    assert_eq!(reached(&house), 0, "the leases hold");
    house.pass(Duration::from_millis(1_200));
    assert_eq!(reached(&house), 900, "all within a second of their end");
    for node in nodes {
        let taken = house.around.taken_over_by(node.node());
        assert!(taken >= 300, "{taken} of 900");
    }
}

#[test]
fn a_start_that_a_full_store_does_not_take_is_answered_at_once_and_the_node_says_so() {
    let mut house = House::new(1);
    let node = house.process("shop");
    house.pass(SECOND);
    assert!(node.is_ready());
    house.around.full.store(true, Ordering::SeqCst);
    let refused = block_on(node.start(&caller(&node), request(ASHA), None));
    assert!(matches!(refused, Err(StartError::Store(StoreError::Unavailable(_)))), "{refused:?}");
    house.pass(SECOND);
    assert!(!node.is_ready());
    house.around.full.store(false, Ordering::SeqCst);
    house.pass(SECOND);
    assert!(node.is_ready());
    assert_eq!(house.start(&node, &[ASHA]).len(), 1);
}

#[test]
fn a_verification_is_forgotten_when_its_retention_has_ended() {
    let mut house = House::new(1);
    let node = house.process("shop");
    let old = house.start(&node, &[ASHA])[0];
    house.clock.manual.advance(RETENTION - Duration::from_secs(120));
    let young = house.start(&node, &[ASHA])[0];
    house.pass(Duration::from_secs(30));
    assert!(house.view(old).is_some());
    house.pass(Duration::from_secs(180));
    assert!(house.view(old).is_none());
    assert!(house.view(young).is_some());
}
