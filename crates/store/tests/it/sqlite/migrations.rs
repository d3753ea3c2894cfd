//! A fresh database, an old one, a newer one, another program's.

use std::path::PathBuf;

use backstop_domain::{
    keyring::KeyUse,
    ports::store::{Checked, Deliveries as _, Keys as _, Noted, Once, StoreError, Verifications as _},
    receipt::ReceiptState,
};
use backstop_store::SqliteStore;
use rusqlite::Connection;

use super::World;
use crate::setup::{APP, ASHA, at, ring_key, told, wait};

fn problem(result: Result<SqliteStore, StoreError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_fresh_database_has_the_current_schema_and_belongs_to_its_owner_alone() {
    let world = World::new();
    world.start(&world.new_start(ASHA, at(0)));
    assert_eq!(world.store.schema_version(), SqliteStore::SCHEMA_VERSION);
    assert_eq!(SqliteStore::schema_version_of(&world.path()).unwrap(), SqliteStore::SCHEMA_VERSION);
    #[cfg(unix)]
    for file in ["backstop.db", "backstop.db-wal", "backstop.db-shm"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(world.path().with_file_name(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn every_table_is_strict_and_no_hot_one_has_an_index_on_random_values() {
    let world = World::new();
    let strict = "SELECT count(*) FROM pragma_table_list WHERE type = 'table' AND schema = 'main' \
                  AND name NOT LIKE 'sqlite_%' AND strict = 0";
    assert_eq!(world.number(strict), 0);
    let sql = world.sql();
    let mut query =
        sql.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").unwrap();
    let mut named: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let growing = [
        "audit_emergency",
        "audit_failures",
        "deliveries_leased",
        "notices_at",
        "notices_due",
        "observations_at",
        "open_attempts_at",
        "person_answers_by_time",
        "sessions_by_end",
        "tries_by_end",
        "used_once_by_end",
    ];
    // Written when a person signs in or changes something, and not for each message.
    let of_people = ["audit_details_user", "notices_of", "sessions_of", "user_lookups_of", "users_by_role"];
    let mut expected = [growing.as_slice(), &of_people].concat();
    named.sort();
    expected.sort_unstable();
    assert_eq!(named, expected, "all grow at their ends but those of people");
}

#[test]
fn a_database_of_the_next_schema_works_and_a_newer_one_is_refused() {
    let world = World::new();
    let set = |version: u32| world.sql().pragma_update(None, "user_version", version).unwrap();
    set(SqliteStore::SCHEMA_VERSION + 1);
    let next = SqliteStore::open(&world.path(), at(0)).unwrap();
    assert_eq!(next.schema_version(), SqliteStore::SCHEMA_VERSION + 1);
    drop(next);
    set(SqliteStore::SCHEMA_VERSION + 2);
    for refused in
        [SqliteStore::open(&world.path(), at(0)), SqliteStore::open_without_migrating(&world.path(), at(0))]
    {
        let problem = problem(refused);
        let newer = format!("schema {}", SqliteStore::SCHEMA_VERSION + 2);
        assert!(problem.contains(&newer) && problem.contains("run a newer program"), "{problem}");
    }
}

#[test]
fn a_database_that_needs_a_migration_is_not_opened_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.db");
    let problem = problem(SqliteStore::open_without_migrating(&path, at(0)));
    assert!(problem.contains("backstop migrate"), "{problem}");
    SqliteStore::open(&path, at(0)).unwrap();
    SqliteStore::open_without_migrating(&path, at(0)).unwrap();
}

#[test]
fn another_programs_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE recipes (id INTEGER)").unwrap();
    let told = problem(SqliteStore::open(&path, at(0)));
    assert!(told.contains("another program"), "{told}");
    let text = folder.path().join("text.db");
    std::fs::write(&text, "this is no database, it is a letter to my grandmother".repeat(100)).unwrap();
    assert!(SqliteStore::open(&text, at(0)).is_err());
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("this is no database"));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let problem = problem(SqliteStore::open(&folder.path().join("file/backstop.db"), at(0)));
    assert!(problem.contains("not available") && problem.contains("file"), "{problem}");
}

/// The look-ups of every start, check, send and sweep, by the conditions they find their rows with.
const LOOKUPS: [&str; 32] = [
    "SELECT * FROM verifications WHERE application_id = ?1 AND id = ?2",
    "SELECT * FROM verifications WHERE application_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT 10",
    "SELECT * FROM verifications WHERE application_id = ?1 AND id >= ?2 AND status = 'pending'",
    "SELECT application_id FROM verifications WHERE application_id > ?1 ORDER BY application_id LIMIT 1",
    "UPDATE verifications SET status = 'expired', custom_code = NULL \
     WHERE application_id = ?1 AND id = ?2 AND status = 'pending'",
    "SELECT * FROM deliveries WHERE application_id = ?1 AND verification_id = ?2 ORDER BY id",
    "SELECT max(created_at) FROM deliveries WHERE application_id = ?1 AND verification_id = ?2",
    "SELECT * FROM deliveries WHERE application_id = ?1 AND verification_id >= ?2 AND created_at > ?3",
    "SELECT * FROM deliveries WHERE lease_until IS NOT NULL AND lease_until <= ?1 \
     ORDER BY lease_until, application_id, verification_id, id LIMIT ?2",
    "UPDATE deliveries SET lease_until = created_at WHERE lease_until IS NOT NULL",
    "SELECT * FROM attempts WHERE application_id = ?1 AND verification_id = ?2 ORDER BY number",
    "SELECT * FROM checks WHERE application_id = ?1 AND verification_id >= ?2 AND at > ?3 AND charged",
    "SELECT * FROM idempotency WHERE at > ?1 ORDER BY at",
    "DELETE FROM idempotency WHERE (at, key) IN \
     (SELECT at, key FROM idempotency WHERE at <= ?1 ORDER BY at, key LIMIT ?2)",
    "SELECT provider FROM opt_outs WHERE application_id = ?1 AND recipient = ?2 ORDER BY provider",
    "SELECT channel FROM stops WHERE recipient = ?1 ORDER BY channel",
    "SELECT attempt_id FROM open_attempts WHERE provider = ?1 AND handle = ?2",
    "DELETE FROM open_attempts WHERE (provider, handle) IN \
     (SELECT provider, handle FROM open_attempts WHERE at < ?1 ORDER BY at LIMIT ?2)",
    "SELECT state FROM attempts WHERE application_id = ?1 AND verification_id = ?2 AND delivery_id = ?3",
    "SELECT book FROM spend_books WHERE month = ?1 AND provider = ?2",
    "SELECT book FROM spend_books WHERE month = ?1 ORDER BY provider",
    "SELECT * FROM reservations WHERE application_id = ?1 AND verification_id = ?2 AND attempt_id = ?3",
    "DELETE FROM reservations WHERE application_id = ?1 AND verification_id <= ?2",
    "SELECT body FROM observations WHERE at > ?1 ORDER BY at DESC LIMIT ?2",
    "DELETE FROM observations WHERE (attempt, kind) IN \
     (SELECT attempt, kind FROM observations WHERE at <= ?1 ORDER BY at LIMIT ?2)",
    "SELECT * FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    "SELECT * FROM audit_details WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
    "SELECT at FROM audit WHERE instr(body, '\"kind\":\"sign_in.failed\"') > 0 \
     AND at > ?1 AND at <= ?2 AND instr(body, ?3) > 0 ORDER BY at DESC LIMIT ?4",
    "SELECT * FROM audit WHERE (instr(body, '\"kind\":\"emergency.used\"') > 0 \
                 OR instr(body, '\"kind\":\"emergency.reviewed\"') > 0) AND at > ?1 ORDER BY at, seq",
    "DELETE FROM audit_details WHERE user_id = ?1",
    "SELECT * FROM audit_checkpoints WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    "SELECT (SELECT min(application_id) FROM attempts WHERE application_id > 1), a.state FROM attempts a \
     WHERE a.application_id = ?1 AND a.verification_id >= ?2 AND a.verification_id < ?3",
];

#[test]
fn no_look_up_reads_a_whole_table() {
    let world = World::new();
    let sql = world.sql();
    for lookup in LOOKUPS {
        let mut plan = sql.prepare(&format!("EXPLAIN QUERY PLAN {lookup}")).unwrap();
        let mut rows = plan.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let step: String = row.get("detail").unwrap();
            let open_ones_only = step.contains("USING INDEX deliveries_leased");
            assert!(!step.starts_with("SCAN") || open_ones_only, "{lookup}\n{step}");
        }
    }
}

/// The second schema, as it was released.
const SECOND: [&str; 2] = [
    include_str!("../../../migrations/sqlite/0001_init.sql"),
    include_str!("../../../migrations/sqlite/0002_paces_and_nodes.sql"),
];

/// The same rows in a database of the second schema.
fn as_it_was(world: &World) -> PathBuf {
    let path = world.beside("second.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(&SECOND.concat()).unwrap();
    old.pragma_update(None, "user_version", 2).unwrap();
    old.execute("ATTACH ?1 AS new", [world.path().to_str().unwrap()]).unwrap();
    let names = |sql: &str| -> Vec<String> {
        let mut query = old.prepare(sql).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for table in names("SELECT name FROM main.sqlite_schema WHERE type = 'table'") {
        let columns = names(&format!("SELECT name FROM pragma_table_info('{table}', 'main')")).join(", ");
        let copy = format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}");
        old.execute(&copy, []).unwrap();
    }
    path
}

#[test]
fn a_database_of_the_second_schema_is_brought_up_to_date_with_its_rows() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let attempt = world.begin(id, delivery, "any", at(1));
    world.accepted(&attempt, at(2));
    world.answer(id, &world.wrong(id), at(3));
    let (was, code) = (world.view(id), world.code(id));
    wait(world.store.initialize("fingerprint", vec![ring_key(1, KeyUse::Code), ring_key(2, KeyUse::Lookup)]))
        .unwrap();
    let path = as_it_was(&world);
    assert!(problem(SqliteStore::open_without_migrating(&path, at(4))).contains("schema 2"));
    let store = SqliteStore::open(&path, at(4)).unwrap();
    assert_eq!(store.schema_version(), SqliteStore::SCHEMA_VERSION);
    assert_eq!(wait(store.get(APP, id)).unwrap().unwrap(), was);
    wait(store.add_ring_keys(vec![ring_key(3, KeyUse::Sign)], told(3))).unwrap();
    let ring = [ring_key(1, KeyUse::Code), ring_key(2, KeyUse::Lookup), ring_key(3, KeyUse::Sign)];
    assert_eq!(wait(store.ring()).unwrap(), ring);
    let told = wait(store.note(world.told(&attempt, ReceiptState::Undelivered, at(5)))).unwrap();
    assert!(matches!(told, Noted::Noted { goes_on: true, .. }), "{told:?}");
    let checked = wait(store.check(world.submitted(id, &code, at(6)))).unwrap();
    assert!(matches!(checked, Once::Done(Checked::Answer { answer, .. }) if answer.valid), "{checked:?}");
}
