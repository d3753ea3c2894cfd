//! Sessions, tries and what counts once: there while they count, gone afterwards, and nothing else with them.

use backstop_domain::{
    factor::tries::Budget,
    ports::store::{File, People as _, PersonAct, Whom},
    token::session::EndReason,
};
use serde_json::{Value, json};

use super::{DAY, World, act};
use crate::setup::{ASHA, RAVI, at, wait};

impl World {
    fn forget_old(&self, now: i64) {
        wait(self.store.forget_people(at(now))).unwrap();
    }

    /// A try of this factor and network; `right`: it succeeds.
    fn tried(&self, whom: Whom, right: bool, network: Option<&str>) {
        let rule = move |file: &mut File| {
            let charge = file.tries.charge(&Budget::TOTP, at(0)).unwrap();
            if right {
                file.tries.succeeded(charge);
                // Two within the window, as after a success between failures.
                let _ = file.tries.charge(&Budget::TOTP, at(0)).unwrap();
                let charge = file.tries.charge(&Budget::TOTP, at(1)).unwrap();
                file.tries.succeeded(charge);
            }
            Value::Null
        };
        self.person(PersonAct { factor: Some("totp"), now: at(0), ..act(whom, rule) });
        if let Some(network) = network.map(|network| self.hash(network)) {
            let rule = |file: &mut File| {
                let _ = file.network.charge(&Budget::NETWORK, at(0)).unwrap();
                Value::Null
            };
            self.person(PersonAct { network: Some(network), now: at(0), ..act(whom, rule) });
        }
    }
}

#[test]
fn sessions_are_loaded_while_they_have_not_run_out_ended_ones_too_and_oldest_first() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let sessions = [(1, 100), (2, 50), (3, 200)].map(|(now, life)| world.signed_in(user.id, now, life));
    let first = sessions[0].id;
    world.person(act(Whom::User(user.id), move |file| {
        file.sessions.iter_mut().find(|one| one.id == first).unwrap().end(EndReason::SignedOut, at(4));
        Value::Null
    }));
    let ids = sessions.map(|session| session.id);
    assert_eq!(world.sessions_at(user.id, 51), ids);
    assert_eq!(world.sessions_at(user.id, 52), [ids[0], ids[2]], "it ends at that very moment");
    let seen = act(Whom::Session(ids[1]), move |file| {
        json!(file.sessions.iter().map(|one| (one.id, one.ended.is_some())).collect::<Vec<_>>())
    });
    let seen = world.person(PersonAct { now: at(52), ..seen });
    assert_eq!(seen, json!([(ids[0], true), (ids[2], false)]));
    assert!(world.sessions_at(user.id, 203).is_empty());
}

#[test]
fn what_ran_out_is_forgotten_and_nothing_else() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let (short, long) = (world.signed_in(user.id, 1, 60), world.signed_in(user.id, 1, 600));
    let spend = |name: &str, until, now| PersonAct {
        once: Some((world.hash(name), at(until))),
        idempotency: world.key(name, "body"),
        now: at(now),
        ..act(Whom::User(user.id), |file| {
            file.use_up = true;
            Value::Null
        })
    };
    world.person(spend("short", 61, 1));
    world.person(spend("long", 601, 40));
    world.forget_old(60);
    assert_eq!(world.sessions_at(user.id, 2), [short.id, long.id]);
    assert_eq!(world.number("SELECT count(*) FROM used_once"), 2);
    assert_eq!(world.number("SELECT count(*) FROM person_answers"), 2);
    world.forget_old(61);
    assert_eq!(world.sessions_at(user.id, 2), [long.id]);
    assert_eq!(world.number("SELECT count(*) FROM used_once WHERE until > 1800000061000"), 1);
    assert_eq!(world.number("SELECT count(*) FROM used_once"), 1);
    assert_eq!(world.number("SELECT count(*) FROM person_answers"), 1);
    world.forget_old(400 * DAY);
    let left = ["sessions", "used_once", "person_answers", "users", "user_lookups"]
        .map(|table| world.number(&format!("SELECT count(*) FROM {table}")));
    assert_eq!(left, [0, 0, 0, 1, 1], "a person is never forgotten");
}

#[test]
fn tries_that_count_nothing_any_more_go_after_two_days_and_a_row_of_failures_after_forty() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    world.tried(Whom::User(user.id), true, Some("network"));
    assert_eq!(world.number("SELECT count(*) FROM tries"), 2);
    world.forget_old(2 * DAY - 1);
    assert_eq!(world.number("SELECT count(*) FROM tries"), 2);
    world.forget_old(2 * DAY);
    assert_eq!(world.number("SELECT count(*) FROM tries"), 0);
    // As long for nobody as for a person: who is forgotten sooner would be told apart.
    world.tried(Whom::User(user.id), false, None);
    world.tried(world.whoever_has(RAVI), false, None);
    world.forget_old(40 * DAY - 1);
    assert_eq!(world.number("SELECT count(*) FROM tries"), 2);
    world.forget_old(40 * DAY);
    assert_eq!(world.number("SELECT count(*) FROM tries"), 0);
}

#[test]
fn housekeeping_takes_some_of_each_and_comes_to_an_end() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let sessions: Vec<_> = (0..1500).map(|_| world.session_of(user.id, 1, 60)).collect();
    world.person(act(Whom::User(user.id), move |file| {
        file.sessions.extend(sessions.iter().cloned());
        Value::Null
    }));
    let left = || world.number("SELECT count(*) FROM sessions");
    world.forget_old(100);
    assert_eq!(left(), 500);
    world.forget_old(100);
    assert_eq!(left(), 0);
}
