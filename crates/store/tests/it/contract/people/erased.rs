//! Erasing a person: no row names them any more, and what they had is free.

use backstop_domain::{
    factor::tries::Budget,
    notice::Target,
    ports::store::{File, Notices as _, PersonAct, Whom},
};
use serde_json::Value;

use super::{World, act};
use crate::setup::{ASHA, Database as _, RAVI, at, told, wait};

#[test]
fn erasing_leaves_no_row_that_names_the_person_and_none_of_anybody_else_less() {
    let world = World::new();
    let (asha, ravi) = (world.person_with(&[ASHA]), world.person_with(&[RAVI]));
    for user in [&asha, &ravi] {
        world.signed_in(user.id, 1, 600);
        let charge = |file: &mut File| {
            let _ = file.tries.charge(&Budget::TOTP, at(1)).unwrap();
            Value::Null
        };
        world.person(PersonAct { factor: Some("totp"), ..act(Whom::User(user.id), charge) });
        world.record_of(user.id, "from 192.0.2.0/24");
        let mut notice = world.new_notice(Target::Webhook("shop".into()), 1);
        notice.user = Some(user.id);
        wait(world.store.post_notices(vec![notice])).unwrap();
    }
    let tables = ["audit", "audit_details", "notices", "sessions", "tries", "user_lookups", "users"];
    let named = |user: String| world.database.tables_with(&user);
    assert_eq!(named(asha.id.to_string()), tables, "so the search below finds what there is");
    let erase = |file: &mut File| {
        let _ = file.tries.charge(&Budget::TOTP, at(1)).unwrap();
        file.user = None;
        file.records.push(told(2));
        Value::Null
    };
    world.person(PersonAct { factor: Some("totp"), ..act(Whom::User(asha.id), erase) });
    assert_eq!(named(asha.id.to_string()), ["audit"], "the chain keeps ids and nothing personal");
    assert_eq!(named(ravi.id.to_string()), tables);
    assert_eq!(world.verify().unwrap().head.seq, 3);
    assert_eq!((world.find(Whom::User(asha.id)), world.find(world.whoever_has(ASHA))), (None, None));
    let again = world.person_with(&[ASHA]);
    assert_eq!(world.find(world.whoever_has(ASHA)).unwrap().id, again.id);
}

#[test]
fn what_the_erasing_itself_has_to_tell_is_told() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let mut notice = world.new_notice(Target::Webhook("shop".into()), 1);
    notice.user = Some(user.id);
    world.person(act(Whom::User(user.id), move |file| {
        file.user = None;
        file.notices.push(notice.clone());
        Value::Null
    }));
    assert_eq!(world.number("SELECT count(*) FROM notices"), 1);
}

#[test]
fn a_session_of_an_erased_person_leads_to_nobody() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let session = world.signed_in(user.id, 1, 600);
    let erase = act(Whom::Session(session.id), |file| {
        file.user = None;
        Value::Null
    });
    world.person(erase);
    world.person(act(Whom::Session(session.id), |file| {
        assert!(file.user.is_none() && file.sessions.is_empty());
        Value::Null
    }));
    assert!(world.sessions_at(user.id, 2).is_empty());
}
