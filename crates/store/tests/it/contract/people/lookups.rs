//! What leads to one user alone: told to whoever claims it, given away once, free again when it was taken away.

use backstop_domain::{
    factor::passkey::Passkeys,
    ports::store::{File, Lookup, People as _, PersonAct, Whom},
};
use serde_json::Value;

use super::{World, act, is_internal};
use crate::setup::{APP, ASHA, OTHER_APP, RAVI, at, wait};

#[test]
fn a_confirmed_address_leads_to_one_user_alone_and_an_unconfirmed_one_to_nobody() {
    let world = World::new();
    let mut user = world.new_user(&[ASHA]);
    user.profile.addresses.push(world.address_of(user.id, RAVI, false));
    world.make(&user);
    assert_eq!(world.find(world.whoever_has(ASHA)).unwrap().id, user.id);
    assert_eq!(world.find(world.whoever_has(RAVI)), None);
    world.person(act(world.whoever_has(RAVI), |file| {
        assert!(file.user.is_none() && file.sessions.is_empty());
        Value::Null
    }));
    // Somebody else may show that they hold it, and then the first one cannot any more.
    let other = world.person_with(&[RAVI]);
    assert_eq!(world.find(world.whoever_has(RAVI)).unwrap().id, other.id);
    let confirm = act(Whom::User(user.id), |file| {
        file.user.as_mut().unwrap().profile.addresses[1].confirmed_at = Some(at(1));
        Value::Null
    });
    assert!(is_internal(&world.try_person(PersonAct { claims: vec![world.lookup(RAVI)], ..confirm })));
    assert_eq!(world.find(Whom::User(user.id)), Some(user));
    assert_eq!(wait(world.store.find(OTHER_APP, world.whoever_has(RAVI))).unwrap(), None);
}

#[test]
fn whose_a_claimed_thing_is_is_told_to_the_rule() {
    let world = World::new();
    let (asha, ravi) = (world.person_with(&[ASHA]), world.person_with(&[RAVI]));
    let claims: Vec<Lookup> = [ASHA, RAVI, "nobody@example.com"].map(|to| world.lookup(to)).to_vec();
    let owners = vec![(claims[0], asha.id), (claims[1], ravi.id)];
    let rule = move |file: &mut File| {
        assert_eq!(file.owners, owners);
        Value::Null
    };
    world.person(PersonAct { claims, ..act(Whom::User(asha.id), rule) });
}

#[test]
fn a_rule_that_gives_away_what_it_did_not_claim_or_what_somebody_has_changes_nothing() {
    let world = World::new();
    let (user, _) = (world.person_with(&[ASHA]), world.person_with(&[RAVI]));
    let records = world.records().len();
    for (to, claims) in [("new@example.com", vec![]), (RAVI, vec![world.lookup(RAVI)])] {
        let taken = world.address_of(user.id, to, true);
        let rule = move |file: &mut File| {
            file.user.as_mut().unwrap().profile.addresses.push(taken.clone());
            file.records.push(crate::setup::told(1));
            Value::Null
        };
        let answer = world.try_person(PersonAct { claims, ..act(Whom::User(user.id), rule) });
        assert!(is_internal(&answer), "{to}: {answer:?}");
    }
    assert_eq!(world.find(Whom::User(user.id)), Some(user));
    assert_eq!((world.number("SELECT count(*) FROM user_lookups"), world.records().len()), (2, records));
}

#[test]
fn an_address_or_a_passkey_that_is_taken_away_is_free_for_another() {
    let world = World::new();
    let mut user = world.new_user(&[ASHA, RAVI]);
    Passkeys::add(&mut user.profile.ways.passkeys, world.passkey(1)).unwrap();
    world.make(&user);
    let passkey = world.passkey(1).passkey.id;
    let gone = passkey.clone();
    world.person(act(Whom::User(user.id), move |file| {
        let profile = &mut file.user.as_mut().unwrap().profile;
        profile.addresses.pop();
        profile.ways.passkeys.as_mut().unwrap().remove(&gone).unwrap();
        Value::Null
    }));
    assert_eq!(world.find(world.whoever_has(RAVI)), None);
    assert_eq!(world.find(Whom::Passkey(passkey.lookup())), None);
    assert_eq!(world.find(world.whoever_has(ASHA)).unwrap().id, user.id, "the other stays");
    let mut next = world.new_user(&[RAVI]);
    Passkeys::add(&mut next.profile.ways.passkeys, world.passkey(1)).unwrap();
    world.make(&next);
    for whom in [world.whoever_has(RAVI), Whom::Passkey(passkey.lookup())] {
        assert_eq!(world.find(whom).unwrap().id, next.id);
    }
}

#[test]
fn no_act_reaches_a_person_of_another_application() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let session = world.signed_in(user.id, 1, 60);
    for whom in [Whom::User(user.id), world.whoever_has(ASHA), Whom::Session(session.id)] {
        let mut theirs = act(whom, |file| {
            assert!(file.user.is_none() && file.sessions.is_empty());
            Value::Null
        });
        theirs.application = OTHER_APP;
        world.person(theirs);
        assert!(wait(world.store.find(OTHER_APP, whom)).unwrap().is_none());
    }
    assert!(wait(world.store.sessions(OTHER_APP, user.id, at(2))).unwrap().is_empty());
    let theirs = world.new_user(&[RAVI]);
    let rule = move |file: &mut File| {
        file.user = Some(theirs.clone());
        Value::Null
    };
    let mut across = act(Whom::Address(world.hash("any")), rule);
    (across.application, across.claims) = (OTHER_APP, vec![world.lookup(RAVI)]);
    assert!(is_internal(&world.try_person(across)), "a user of {APP} was made in {OTHER_APP}");
}
