//! One act: all of it or nothing, once for one key, and nothing that its rule was not given.

use backstop_domain::{
    factor::tries::Budget,
    id::UserId,
    notice::Target,
    ports::store::{File, Once, PersonAct, Whom},
    user::User,
};
use serde_json::{Value, json};

use super::{World, act, count, is_internal};
use crate::setup::{ASHA, RAVI, at, told};

/// Rows that an act on people writes.
const WRITTEN: &str = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM user_lookups) \
     + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM tries) + (SELECT count(*) FROM used_once) \
     + (SELECT count(*) FROM person_answers) + (SELECT count(*) FROM notices) + (SELECT count(*) FROM audit)";

impl World {
    /// An act that writes a row of each kind, for a user who is new.
    fn everything(&self, user: &User, spoil: impl Fn(&mut File) + Send + Sync + 'static) -> PersonAct {
        let (new, session) = (user.clone(), self.session_of(user.id, 1, 60));
        let notice = self.new_notice(Target::Webhook("shop".into()), 1);
        let rule = move |file: &mut File| {
            file.user = Some(new.clone());
            file.sessions.push(session.clone());
            let _ = file.tries.charge(&Budget::TOTP, at(1)).unwrap();
            let _ = file.network.charge(&Budget::NETWORK, at(1)).unwrap();
            file.use_up = true;
            file.records.push(told(1));
            file.notices.push(notice.clone());
            spoil(file);
            json!({ "made": new.id })
        };
        PersonAct {
            factor: Some("totp"),
            network: Some(self.hash("network")),
            claims: user.lookups().into_iter().collect(),
            once: Some((self.hash("proof"), at(600))),
            idempotency: self.key("key", "body"),
            ..act(Whom::User(user.id), rule)
        }
    }
}

#[test]
fn an_act_writes_user_session_tries_records_and_notices_together_or_nothing() {
    let world = World::new();
    let user = world.new_user(&[ASHA]);
    let stranger = world.session_of(UserId::new(at(0), &world.random), 1, 60);
    let (theirs, mine) = (stranger.clone(), world.session_of(user.id, 1, 60));
    let spoilt = [
        // Before anything is written.
        world.everything(&user, move |file| file.sessions = vec![theirs.clone(), stranger.clone()]),
        world.everything(&user, move |file| {
            let mut across = mine.clone();
            across.application = crate::setup::OTHER_APP;
            file.sessions.push(across);
        }),
        // As the last thing but one: the same notice twice.
        world.everything(&user, |file| file.notices.extend(file.notices.clone())),
    ];
    for act in spoilt {
        let answer = world.try_person(act);
        assert!(is_internal(&answer), "{answer:?}");
        assert_eq!(world.number(WRITTEN), 0);
    }
    assert!(matches!(world.try_person(world.everything(&user, |_| ())), Ok(Once::Done(_))));
    assert_eq!(world.number(WRITTEN), 9, "two of them are tries");
    assert_eq!(world.verify().unwrap().head.seq, 1);
}

#[test]
fn a_session_of_somebody_else_is_not_overwritten_by_one_of_the_same_id() {
    let world = World::new();
    let (asha, ravi) = (world.person_with(&[ASHA]), world.person_with(&[RAVI]));
    let session = world.signed_in(asha.id, 1, 60);
    let mut same = session.clone();
    (same.user, same.generation) = (ravi.id, 9);
    let rule = move |file: &mut File| {
        file.sessions.push(same.clone());
        count(file)
    };
    assert!(is_internal(&world.try_person(act(Whom::User(ravi.id), rule))));
    assert_eq!(world.find(Whom::User(ravi.id)), Some(ravi));
    world.person(act(Whom::Session(session.id), move |file| {
        assert_eq!(file.sessions, std::slice::from_ref(&session));
        Value::Null
    }));
}

#[test]
fn a_rule_that_counts_what_its_act_did_not_ask_for_is_an_error_and_no_free_guess() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let rules: [fn(&mut File); 3] = [
        |file| _ = file.tries.charge(&Budget::TOTP, at(1)),
        |file| _ = file.network.charge(&Budget::NETWORK, at(1)),
        |file| file.use_up = true,
    ];
    for rule in rules {
        let counted = act(Whom::User(user.id), move |file| {
            rule(file);
            count(file)
        });
        assert!(is_internal(&world.try_person(counted)));
    }
    assert_eq!(world.find(Whom::User(user.id)), Some(user));
}

#[test]
fn a_rule_makes_nobody_but_whom_its_act_named_and_puts_nobody_in_anothers_place() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    for whom in [Whom::User(UserId::new(at(0), &world.random)), Whom::User(user.id)] {
        let other = world.new_user(&[]);
        let swap = act(whom, move |file| {
            file.user = Some(other.clone());
            Value::Null
        });
        assert!(is_internal(&world.try_person(swap)));
    }
    assert_eq!(world.number("SELECT count(*) FROM users"), 1);
}

#[test]
fn a_change_moves_updated_at_and_an_act_that_changed_nothing_leaves_it() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let updated = || world.find(Whom::User(user.id)).unwrap().updated_at;
    world.person(PersonAct { now: at(5), ..act(Whom::User(user.id), |_| Value::Null) });
    assert_eq!(updated(), at(1));
    world.person(PersonAct { now: at(5), ..act(Whom::User(user.id), count) });
    assert_eq!(updated(), at(5));
    world.person(PersonAct { now: at(3), ..act(Whom::User(user.id), count) });
    assert_eq!(updated(), at(5), "a clock behind takes nothing back");
}

#[test]
fn one_key_is_one_act_for_a_minute_and_another_body_is_told() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let keyed = |body, now| PersonAct {
        idempotency: world.key("key", body),
        now,
        ..act(Whom::User(user.id), |file| {
            count(file);
            json!({ "count": file.user.as_ref().unwrap().profile.notices })
        })
    };
    let (first, minute) = (json!({ "count": 1 }), std::time::Duration::from_secs(60));
    assert_eq!(world.try_person(keyed("body", at(1))).unwrap(), Once::Done(first.clone()));
    assert_eq!(world.try_person(keyed("body", at(2))).unwrap(), Once::Before(first.clone()));
    assert_eq!(world.try_person(keyed("other", at(2))).unwrap(), Once::OtherBody);
    let millisecond = std::time::Duration::from_millis(1);
    let last = at(1) + minute - millisecond;
    assert_eq!(world.try_person(keyed("body", last)).unwrap(), Once::Before(first));
    let world_count = || world.find(Whom::User(user.id)).unwrap().profile.notices;
    assert_eq!(world_count(), 1);
    assert_eq!(world.try_person(keyed("other", at(1) + minute)).unwrap(), Once::Done(json!({ "count": 2 })));
    assert_eq!(world_count(), 2);
}

#[test]
fn what_counts_once_is_told_as_used_afterwards_and_until_it_is_forgotten() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let proof = |used| PersonAct {
        once: Some((world.hash("proof"), at(600))),
        ..act(Whom::User(user.id), move |file| {
            file.use_up = used;
            json!(file.used_before)
        })
    };
    assert_eq!(world.person(proof(false)), json!(false), "looking uses nothing up");
    assert_eq!(world.person(proof(true)), json!(false));
    assert_eq!(world.person(proof(true)), json!(true));
    let mut theirs = proof(true);
    (theirs.application, theirs.whom) = (crate::setup::OTHER_APP, Whom::Address(world.hash("any")));
    assert_eq!(world.person(theirs), json!(false), "another application's is another");
}

#[test]
fn tries_belong_to_the_person_however_it_was_found_and_to_one_factor() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let charge = |whom, factor| PersonAct {
        factor: Some(factor),
        ..act(whom, |file| json!(file.tries.charge(&Budget::TOTP, at(1)).is_ok()))
    };
    let mut taken = 0;
    for _ in 0..4 {
        for whom in [Whom::User(user.id), world.whoever_has(ASHA)] {
            taken += usize::from(world.person(charge(whom, "totp")) == json!(true));
        }
    }
    assert_eq!(taken, 5);
    assert_eq!(world.person(charge(Whom::User(user.id), "pin")), json!(true));
    assert_eq!(world.person(charge(world.whoever_has(RAVI), "totp")), json!(true), "nobody's own");
    assert_eq!(world.number("SELECT count(*) FROM tries"), 3);
}
