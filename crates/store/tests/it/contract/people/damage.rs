//! A damaged row is named, table, column and key, and nothing of it is told or changed.

use backstop_domain::{
    factor::tries::Budget,
    ports::store::{File, People as _, PersonAct, StoreError, UserFilter, Whom},
};
use serde_json::Value;

use super::{World, act, count};
use crate::setup::{APP, ASHA, at, wait};

/// What is told of a damaged row: table, column and key.
fn told<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> (&'static str, &'static str, String) {
    match answer {
        Err(StoreError::BadRow { table, column, key, problem }) => {
            assert!(!problem.contains("broken"), "{problem}");
            (table, column, key)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_broken_document_is_a_bad_row_with_its_name_wherever_it_is_read() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let id = user.id;
    world.execute("UPDATE users SET profile = '{\"addresses\": \"broken'");
    let named = ("users", "profile", format!("{APP}/{id}"));
    assert_eq!(told(wait(world.store.find(APP, Whom::User(id)))), named);
    assert_eq!(told(wait(world.store.find(APP, world.whoever_has(ASHA)))), named);
    let page = UserFilter { limit: 5, ..UserFilter::default() };
    assert_eq!(told(wait(world.store.users(APP, page))), named);
    assert_eq!(told(world.try_person(act(Whom::User(id), count))), named);
    let other = world.person_with(&[]);
    world.person(act(Whom::User(other.id), count));
}

#[test]
fn a_broken_session_or_count_or_kept_answer_is_named_and_lets_nobody_in() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let session = world.signed_in(user.id, 1, 600);
    let everything = || PersonAct {
        factor: Some("totp"),
        idempotency: world.key("key", "body"),
        ..act(Whom::User(user.id), |file: &mut File| {
            let _ = file.tries.charge(&Budget::TOTP, at(1)).unwrap();
            count(file)
        })
    };
    world.person(everything());
    world.execute("UPDATE person_answers SET answer = 'broken'");
    let key = world.key("key", "body").unwrap().key.to_hex();
    assert_eq!(told(world.try_person(everything())), ("person_answers", "answer", key));
    world.execute("DELETE FROM person_answers");
    world.execute("UPDATE tries SET body = '[broken'");
    let key = format!("{APP}/totp/{}", user.id);
    assert_eq!(told(world.try_person(everything())), ("tries", "body", key));
    world.execute("DELETE FROM tries");
    world.execute("UPDATE sessions SET body = '{\"id\":\"broken\"}'");
    let key = format!("{APP}/{}", session.id);
    assert_eq!(told(world.try_person(everything())), ("sessions", "body", key.clone()));
    assert_eq!(told(wait(world.store.sessions(APP, user.id, at(1)))), ("sessions", "body", key));
    assert_eq!(world.find(Whom::User(user.id)).unwrap().profile.notices, 1);
}

#[test]
fn a_look_up_that_leads_to_no_user_is_nobody_and_one_with_no_id_is_named() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let session = world.signed_in(user.id, 1, 600);
    world.execute("DELETE FROM users");
    for whom in [world.whoever_has(ASHA), Whom::Session(session.id)] {
        assert_eq!(world.find(whom), None);
        world.person(act(whom, |file| {
            assert!(file.user.is_none());
            Value::Null
        }));
    }
    world.execute("UPDATE user_lookups SET user_id = 'broken'");
    world.execute("UPDATE sessions SET user_id = 'broken'");
    let by_address = told(wait(world.store.find(APP, world.whoever_has(ASHA))));
    assert_eq!(by_address, ("user_lookups", "user_id", format!("{APP}/address")));
    let by_session = told(wait(world.store.find(APP, Whom::Session(session.id))));
    assert_eq!(by_session, ("sessions", "user_id", format!("{APP}/{}", session.id)));
}
