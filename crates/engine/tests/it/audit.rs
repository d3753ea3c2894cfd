//! The audit log over time: when it is signed, who reads it, and what is not done when it cannot be written.

use std::{sync::atomic::Ordering, time::Duration};

use backstop_domain::{
    audit::Verified,
    clock::Clock,
    event::{Actor, Event, EventKind},
    id::UserId,
    ports::store::{Audit, Routing},
    secret::SecretString,
};
use backstop_engine::Engine;
use futures::executor::block_on;

use crate::house::House;

const SECOND: Duration = Duration::from_secs(1);

fn event(house: &House) -> Event {
    Event::new(house.clock.now(), EventKind::SignInFailed, Actor::Anonymous)
}

fn verified(engine: &Engine) -> Verified {
    block_on(engine.verify_audit()).unwrap().unwrap()
}

#[test]
fn the_log_is_signed_within_five_minutes_or_a_thousand_records_and_only_when_something_is_new() {
    let mut house = House::new(1);
    let node = house.process("shop");
    house.pass(SECOND);
    let made_by_the_house = verified(&node).head.seq;
    house.pass(400 * SECOND);
    assert_eq!(verified(&node).checkpoints, 1);
    house.pass(3600 * SECOND);
    assert_eq!(verified(&node).checkpoints, 1, "nothing is new");
    block_on(node.record(&event(&house))).unwrap();
    house.pass(280 * SECOND);
    assert_eq!(verified(&node).checkpoints, 1);
    house.pass(40 * SECOND);
    assert_eq!(verified(&node).checkpoints, 2);
    let many = (0..1000).map(|_| node.new_record(&event(&house))).collect();
    block_on(house.store.record(many)).unwrap();
    house.pass(11 * SECOND);
    let verified = verified(&node);
    assert_eq!((verified.checkpoints, verified.head.seq), (3, made_by_the_house + 1001));
}

#[test]
fn reading_what_is_personal_is_recorded_before_it_is_read() {
    let house = House::new(2);
    let node = house.process("shop");
    let user = UserId::new(house.clock.now(), house.chance.as_ref());
    let told =
        Event { subject: Some(user), detail: Some(SecretString::new("192.0.2.0/24")), ..event(&house) };
    block_on(node.record(&told)).unwrap();
    let records = block_on(house.store.audit_page(0, 100)).unwrap();
    let details = block_on(node.read_audit_details(&records, Actor::CommandLine)).unwrap();
    assert_eq!(details.values().map(SecretString::expose).collect::<Vec<_>>(), ["192.0.2.0/24"]);
    let last = block_on(house.store.audit_page(records.len() as u64, 100)).unwrap();
    assert!(last[0].body.contains("audit.detail_read"), "{}", last[0].body);
    house.around.full.store(true, Ordering::SeqCst);
    assert!(block_on(node.read_audit_details(&records, Actor::CommandLine)).is_err());
    house.around.full.store(false, Ordering::SeqCst);
    block_on(house.store.erase_audit_details(user)).unwrap();
    assert!(block_on(node.read_audit_details(&records, Actor::CommandLine)).unwrap().is_empty());
    verified(&node);
}

#[test]
fn what_an_operator_switches_is_recorded_with_who_did_it() {
    let house = House::new(3);
    let node = house.process("shop");
    let before = block_on(house.store.audit_head()).unwrap().seq;
    block_on(node.switch("text", Some(false), None, Actor::System)).unwrap();
    let records = block_on(house.store.audit_page(before, 10)).unwrap();
    assert_eq!(
        records.iter().map(|record| record.body.as_str()).collect::<Vec<_>>(),
        [
            r#"{"actor":"system","kind":"provider.switched","method":"disabled","object":"text","result":"done"}"#
        ]
    );
    assert_eq!(block_on(house.store.switches()).unwrap().len(), 1);
}
