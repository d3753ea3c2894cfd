//! Acts on people by two nodes, and connections that end in the middle of one.

use std::thread;

use backstop_domain::{
    limit::Limits,
    ports::store::{Once, PersonAct, StoreError, Whom},
};
use serde_json::{Value, json};

use super::{
    World,
    contract::people::{act, count, races},
    nodes::nodes,
};
use crate::setup::{ASHA, Database as _, at, told};

fn two() -> [World; 2] {
    nodes(Limits::default())
}

#[test]
fn two_nodes_lose_no_update_of_one_person_and_leave_no_gap_in_the_log() {
    races::no_update_is_lost(&two());
}

#[test]
fn what_counts_once_is_used_up_once_by_two_nodes() {
    races::once_is_once(&two());
}

#[test]
fn a_networks_budget_is_one_however_many_nodes_charge_it() {
    races::a_networks_budget_is_one(&two());
}

#[test]
fn one_key_at_two_nodes_is_one_act() {
    races::one_key_is_one_act(&two());
}

#[test]
fn acts_of_two_nodes_that_claim_what_each_other_have_never_block_each_other() {
    races::claims_of_each_other_never_block(&two());
}

impl World {
    /// Has the server do this whenever a row of `table` is written: at once, or at the end of the transaction.
    fn plant(&self, table: &str, at_the_end: bool, statement: &str) {
        let deferred = if at_the_end { "DEFERRABLE INITIALLY DEFERRED" } else { "" };
        self.execute(&format!(
            "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN NULL; END $$; \
             CREATE CONSTRAINT TRIGGER planted AFTER INSERT OR UPDATE ON {table} {deferred} \
             FOR EACH ROW EXECUTE FUNCTION planted()"
        ));
    }

    fn take_out(&self) {
        self.execute("DROP FUNCTION planted CASCADE");
    }

    /// An act that writes into many tables, with records last of all.
    fn wide(&self, whom: Whom) -> PersonAct {
        let session = match whom {
            Whom::User(user) => self.session_of(user, 1, 600),
            _ => unreachable!(),
        };
        let idempotency = self.key("key", "body");
        let rule = move |file: &mut backstop_domain::ports::store::File| {
            file.sessions.push(session.clone());
            file.records.push(told(1));
            count(file)
        };
        PersonAct { idempotency, ..act(whom, rule) }
    }
}

const KILL: &str = "PERFORM pg_terminate_backend(pg_backend_pid())";
const WRITTEN: &str = "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM person_answers) \
     + (SELECT count(*) FROM audit)";

#[test]
fn a_connection_that_ends_in_the_middle_leaves_nothing_half_written_and_the_next_act_goes_on() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    for table in ["users", "sessions", "person_answers", "audit"] {
        world.plant(table, false, KILL);
        let answer = world.try_person(world.wide(Whom::User(user.id)));
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{table}: {answer:?}");
        world.take_out();
        assert_eq!(world.number(WRITTEN), 0, "{table}");
        assert_eq!(world.find(Whom::User(user.id)).as_ref(), Some(&user), "{table}");
    }
    assert_eq!(world.try_person(world.wide(Whom::User(user.id))).unwrap(), Once::Done(Value::Null));
    assert_eq!(world.number(WRITTEN), 3);
}

#[test]
fn a_commit_whose_connection_ended_is_undecided() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    world.plant("users", true, KILL);
    let answer = world.try_person(world.wide(Whom::User(user.id)));
    assert!(matches!(answer, Err(StoreError::Undecided(_))), "{answer:?}");
    world.take_out();
    assert_eq!(world.number(WRITTEN), 0, "this time it was not done");
}

#[test]
fn a_commit_that_is_not_answered_in_time_is_undecided_and_may_be_done() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    world.plant("users", true, "PERFORM pg_sleep(6)");
    let answer = world.try_person(world.wide(Whom::User(user.id)));
    assert!(matches!(answer, Err(StoreError::Undecided(_))), "{answer:?}");
    // The server goes on with it: dropping the trigger waits for its end.
    world.take_out();
    assert_eq!(world.number(WRITTEN), 3);
    let again = world.try_person(world.wide(Whom::User(user.id))).unwrap();
    assert_eq!(again, Once::Before(Value::Null), "the key tells what became of it");
}

#[test]
fn a_commit_that_the_server_refuses_is_an_error_and_undone() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    world.plant("users", true, "RAISE EXCEPTION 'no'");
    let answer = world.try_person(world.wide(Whom::User(user.id)));
    assert!(matches!(answer, Err(StoreError::Internal(_))), "{answer:?}");
    assert_eq!(world.number(WRITTEN), 0);
}

#[test]
fn an_act_whose_address_moves_to_somebody_else_before_it_is_locked_ends_on_the_right_person() {
    let world = World::new();
    let (first, second) = (world.person_with(&[ASHA]), world.person_with(&[]));
    let name = format!("{}|person|{}", crate::setup::APP, first.id);
    world.execute(&format!("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('{name}', 0))"));
    thread::scope(|scope| {
        let acting = scope.spawn(|| {
            world.person(act(world.whoever_has(ASHA), |file| {
                count(file);
                json!(file.user.as_ref().unwrap().id)
            }))
        });
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while world.number(waiting) == 0 {
            thread::yield_now();
        }
        world.execute(&format!(
            "UPDATE users SET profile = (SELECT profile FROM users WHERE id = '{}') WHERE id = '{}'; \
             UPDATE users SET profile = '{{}}' WHERE id = '{}'; \
             UPDATE user_lookups SET user_id = '{}'; COMMIT",
            first.id, second.id, first.id, second.id
        ));
        assert_eq!(acting.join().unwrap(), json!(second.id));
    });
    let counted = |user| world.find(Whom::User(user)).unwrap().profile.notices;
    assert_eq!((counted(first.id), counted(second.id)), (0, 1));
}

#[test]
fn an_act_that_waits_for_a_person_longer_than_callers_do_changes_nothing() {
    let world = World::new();
    let user = world.person_with(&[ASHA]);
    let name = format!("{}|person|{}", crate::setup::APP, user.id);
    world.execute(&format!("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('{name}', 0))"));
    let answer = world.try_person(PersonAct { now: at(1), ..act(Whom::User(user.id), count) });
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    world.database.execute("COMMIT");
    world.person(act(Whom::User(user.id), count));
    assert_eq!(world.find(Whom::User(user.id)).unwrap().profile.notices, 1);
}
