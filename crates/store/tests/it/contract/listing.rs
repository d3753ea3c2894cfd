//! Pages of verifications; applications, their keys, and the keyring.

use backstop_domain::{
    application::{ApplicationId, Authority},
    id::{ApiKeyId, VerificationId},
    keyring::KeyUse,
    ports::store::{ApiKey, Applications as _, Keys as _, VerificationFilter, Verifications as _},
    verification::Status,
};

use super::World;
use crate::setup::{APP, ASHA, OTHER_APP, RAVI, at, ring_key, told, wait};

fn ids(world: &World, filter: VerificationFilter) -> Vec<VerificationId> {
    let page = wait(world.store.list(APP, filter)).unwrap();
    page.into_iter().map(|view| view.verification.id).collect()
}

fn all(now: i64) -> VerificationFilter {
    VerificationFilter { limit: 100, now: at(now), ..VerificationFilter::default() }
}

#[test]
fn a_page_is_newest_first_and_goes_on_behind_its_last() {
    let world = World::new();
    let started: Vec<_> = (0..5)
        .map(|number| world.start(&world.new_start(&format!("+9198765{number:05}"), at(number))).0)
        .collect();
    world.start(&world.new_start_with(ASHA, at(9), |row| row.application = OTHER_APP));
    let newest_first: Vec<_> = started.into_iter().rev().collect();
    assert_eq!(ids(&world, all(10)), newest_first);
    let first = ids(&world, VerificationFilter { limit: 2, ..all(10) });
    assert_eq!(first, newest_first[..2]);
    let next = VerificationFilter { before: first.last().copied(), limit: 2, ..all(10) };
    assert_eq!(ids(&world, next), newest_first[2..4]);
}

#[test]
fn a_filter_by_status_knows_what_has_run_out_unswept() {
    let world = World::new();
    let (old, _) = world.start(&world.new_start(ASHA, at(0)));
    let (young, _) = world.start(&world.new_start(RAVI, at(100)));
    let (approved, _) = world.start(&world.new_start(ASHA, at(100)));
    world.answer(approved, &world.code(approved), at(101));
    let with = |status| VerificationFilter { status: Some(status), ..all(600) };
    assert_eq!(ids(&world, with(Status::Pending)), [young]);
    assert_eq!(ids(&world, with(Status::Expired)), [old]);
    assert_eq!(ids(&world, with(Status::Approved)), [approved]);
    assert!(ids(&world, with(Status::Canceled)).is_empty());
}

#[test]
fn filters_by_recipient_and_purpose_hold_together() {
    let world = World::new();
    let (login, _) = world.start(&world.new_start(ASHA, at(0)));
    let reset = |row: &mut backstop_domain::verification::Verification| {
        row.purpose = "password_reset".parse().unwrap();
    };
    let (password, _) = world.start(&world.new_start_with(ASHA, at(1), reset));
    world.start(&world.new_start_with(RAVI, at(2), reset));
    let of_asha = VerificationFilter { recipient: Some(world.recipient(ASHA)), ..all(5) };
    assert_eq!(ids(&world, of_asha.clone()), [password, login]);
    let both = VerificationFilter { purpose: Some("password_reset".parse().unwrap()), ..of_asha };
    assert_eq!(ids(&world, both), [password]);
}

#[test]
fn an_application_keeps_its_number() {
    let world = World::new();
    let number = |name| wait(world.store.application(name, at(0))).unwrap();
    let (shop, fleet) = (number("shop"), number("fleet"));
    assert_ne!(shop, fleet);
    assert_eq!(number("shop"), shop);
    let world = world.reopened(at(1));
    assert_eq!(wait(world.store.application("shop", at(1))).unwrap(), shop);
}

#[test]
fn a_revoked_key_stays_revoked() {
    let world = World::new();
    let key = |number: u8, seconds| ApiKey {
        id: ApiKeyId::new(at(seconds), &world.random),
        application: ApplicationId(1),
        authority: Authority::Public,
        hash: [number; 32],
        hint: "pk_…9f".into(),
        created_at: at(seconds),
        revoked_at: None,
    };
    let (first, second) = (key(1, 0), key(2, 1));
    wait(world.store.add_key(second.clone(), told(1))).unwrap();
    wait(world.store.add_key(first.clone(), told(2))).unwrap();
    assert!(
        wait(world.store.add_key(ApiKey { hash: [1; 32], ..key(3, 2) }, told(3))).is_err(),
        "one key, one row"
    );
    assert_eq!(wait(world.store.keys()).unwrap(), [first.clone(), second.clone()]);
    assert!(wait(world.store.revoke_key(first.id, told(5), at(5))).unwrap());
    assert!(!wait(world.store.revoke_key(first.id, told(6), at(6))).unwrap());
    let keys = wait(world.store.keys()).unwrap();
    assert_eq!((keys[0].revoked_at, keys[1].revoked_at), (Some(at(5)), None));
}

#[test]
fn a_store_belongs_to_one_root_key() {
    let world = World::new();
    assert_eq!(wait(world.store.root_fingerprint()).unwrap(), None);
    let first = vec![ring_key(1, KeyUse::Code), ring_key(2, KeyUse::Seal)];
    assert!(wait(world.store.initialize("fingerprint", first.clone())).unwrap());
    assert!(!wait(world.store.initialize("another", vec![ring_key(9, KeyUse::Code)])).unwrap());
    wait(world.store.add_ring_keys(vec![ring_key(3, KeyUse::Lookup)], told(1))).unwrap();
    assert!(
        wait(world.store.add_ring_keys(vec![ring_key(3, KeyUse::Code)], told(2))).is_err(),
        "no key is replaced"
    );
    assert_eq!(wait(world.store.root_fingerprint()).unwrap().as_deref(), Some("fingerprint"));
    let sign = ring_key(4, KeyUse::Sign);
    wait(world.store.add_ring_keys(vec![sign.clone()], told(3))).unwrap();
    assert_eq!(wait(world.store.ring()).unwrap(), [first, vec![ring_key(3, KeyUse::Lookup), sign]].concat());
}
