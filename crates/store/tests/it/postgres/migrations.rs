//! A fresh database, one that many nodes find at once, a newer one, another program's.

use std::collections::BTreeMap;

use backstop_domain::{
    code::Code,
    keyring::KeyUse,
    ports::store::{Keys as _, Noted, StoreError},
    receipt::ReceiptState,
};
use backstop_store::{PostgresSettings, PostgresStore};

use super::{PostgresDatabase, World};
use crate::setup::{ASHA, Database as _, at, ring_key, together, told, wait};

fn settings(database: &PostgresDatabase) -> PostgresSettings {
    PostgresSettings::parse(&database.url).unwrap()
}

fn open(database: &PostgresDatabase) -> Result<PostgresStore, StoreError> {
    wait(PostgresStore::open(&settings(database)))
}

#[test]
fn a_fresh_database_gets_the_current_schema_from_one_of_many_nodes() {
    let database = PostgresDatabase::create();
    let versions = together(6, |_| open(&database).unwrap().schema_version());
    assert_eq!(versions, [PostgresStore::SCHEMA_VERSION; 6]);
    let told = wait(PostgresStore::schema_version_of(&settings(&database))).unwrap();
    assert_eq!(told, PostgresStore::SCHEMA_VERSION);
    assert_eq!(database.number("SELECT count(*) FROM backstop_schema"), 1);
}

#[test]
fn a_database_of_the_next_schema_works_and_a_newer_one_is_refused() {
    let world = World::new();
    let set = |version| world.execute(&format!("UPDATE backstop_schema SET version = {version}"));
    set(PostgresStore::SCHEMA_VERSION + 1);
    assert_eq!(open(&world.database).unwrap().schema_version(), PostgresStore::SCHEMA_VERSION + 1);
    set(PostgresStore::SCHEMA_VERSION + 2);
    let problem = open(&world.database).unwrap_err().to_string();
    assert!(problem.contains("run a newer program"), "{problem}");
    assert!(wait(PostgresStore::open_without_migrating(&settings(&world.database))).is_err());
}

#[test]
fn a_database_that_needs_a_migration_is_not_opened_without_one() {
    let database = PostgresDatabase::create();
    let refused = wait(PostgresStore::open_without_migrating(&settings(&database)));
    let problem = refused.unwrap_err().to_string();
    assert!(problem.contains("backstop migrate"), "{problem}");
    assert_eq!(wait(PostgresStore::schema_version_of(&settings(&database))).unwrap(), 0);
    open(&database).unwrap();
    wait(PostgresStore::open_without_migrating(&settings(&database))).unwrap();
}

#[test]
fn another_programs_tables_are_left_alone() {
    let database = PostgresDatabase::create();
    database.execute("CREATE TABLE verifications (recipe text); INSERT INTO verifications VALUES ('soup')");
    assert!(open(&database).is_err());
    assert_eq!(database.number("SELECT count(*) FROM verifications WHERE recipe = 'soup'"), 1);
    let ours = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()";
    assert_eq!(database.number(ours), 1, "the migration was one transaction");
}

#[test]
fn both_databases_have_migrations_of_the_same_numbers_and_names() {
    let names = |database: &str| {
        let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
        let mut names: Vec<_> = files.collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn no_hot_table_has_an_index_on_random_values_but_those_that_say_why() {
    let world = World::new();
    let beyond_keys = |table: &str| {
        world.number(&format!(
            "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
             WHERE c.relname = '{table}' AND NOT i.indisprimary AND i.indpred IS NULL"
        ))
    };
    for table in ["verifications", "deliveries", "attempts", "checks"] {
        assert_eq!(beyond_keys(table), 0, "{table}");
    }
    let of_recipients = "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%(recipient%' \
                         AND tablename NOT IN ('opt_outs', 'stops')";
    assert_eq!(world.number(of_recipients), 0);
}

#[test]
fn ids_sort_as_bytes_whatever_the_language_of_the_database() {
    let world = World::new();
    let linguistic = "SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema() \
                      AND column_name IN ('id', 'verification_id') AND data_type = 'text' \
                      AND table_name <> 'otp_verification' AND collation_name IS DISTINCT FROM 'C'";
    assert_eq!(world.number(linguistic), 0);
    assert_eq!(world.number("SELECT CAST('a' < 'B' AS integer)"), 1, "the cluster sorts as people do");
}

#[test]
fn nothing_in_the_rows_reads_as_a_number_or_a_code() {
    let world = World::new();
    let mut new = world.new_start(ASHA, at(0));
    world.seal(&mut new.verification, ASHA, Some(&Code::custom("48291357").unwrap()));
    let (id, delivery) = world.start(&new);
    world.begin(id, delivery, "any", at(1));
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()";
    let mut seen = BTreeMap::new();
    for table in
        ["verifications", "deliveries", "attempts", "checks", "buckets", "idempotency", "opt_outs", "stops"]
    {
        for secret in ["9876543210", "48291357"] {
            let found = world.number(&format!(
                "SELECT count(*) FROM {table} AS r WHERE CAST(r AS text) LIKE '%{secret}%' \
                 OR CAST(r AS text) LIKE '%' || encode('{secret}', 'hex') || '%'"
            ));
            assert_eq!(found, 0, "{table} holds {secret}");
        }
        seen.insert(table, world.number(&format!("SELECT count(*) FROM {table}")));
    }
    assert!(seen["verifications"] == 1 && seen["buckets"] > 0, "{seen:?}");
    assert!(world.number(tables) >= 12);
}

/// The second schema, as it was released.
const SECOND: [&str; 2] = [
    include_str!("../../../migrations/postgres/0001_init.sql"),
    include_str!("../../../migrations/postgres/0002_paces_and_nodes.sql"),
];

/// Puts the same rows into a database of the second schema.
const AS_IT_WAS: &str = "DO $$ DECLARE t text; c text; BEGIN \
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'second' LOOP \
        SELECT string_agg(quote_ident(column_name), ', ') INTO c FROM information_schema.columns \
        WHERE table_schema = 'second' AND table_name = t; \
        EXECUTE format('INSERT INTO second.%I (%s) SELECT %s FROM public.%I', t, c, c, t); \
    END LOOP; END $$; \
    DROP SCHEMA public CASCADE; ALTER SCHEMA second RENAME TO public; SET search_path = public; \
    CREATE TABLE backstop_schema (version INTEGER NOT NULL); INSERT INTO backstop_schema VALUES (2)";

#[test]
fn a_database_of_the_second_schema_is_brought_up_to_date_with_its_rows() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let attempt = world.begin(id, delivery, "any", at(1));
    world.accepted(&attempt, at(2));
    world.answer(id, &world.wrong(id), at(3));
    let was = world.view(id);
    wait(world.store.initialize("fingerprint", vec![ring_key(1, KeyUse::Code), ring_key(2, KeyUse::Lookup)]))
        .unwrap();
    world.execute(&format!("CREATE SCHEMA second; SET search_path = second; {}", SECOND.concat()));
    world.execute(AS_IT_WAS);
    let refused = wait(PostgresStore::open_without_migrating(&settings(&world.database)));
    assert!(refused.unwrap_err().to_string().contains("schema 2"));
    let world = world.reopened(at(4));
    assert_eq!(world.store.schema_version(), PostgresStore::SCHEMA_VERSION);
    assert_eq!(world.view(id), was);
    wait(world.store.add_ring_keys(vec![ring_key(3, KeyUse::Sign)], told(3))).unwrap();
    let ring = [ring_key(1, KeyUse::Code), ring_key(2, KeyUse::Lookup), ring_key(3, KeyUse::Sign)];
    assert_eq!(wait(world.store.ring()).unwrap(), ring);
    let told = world.note(&world.told(&attempt, ReceiptState::Undelivered, at(5)));
    assert!(matches!(told, Noted::Noted { goes_on: true, .. }), "{told:?}");
    assert!(world.answer(id, &world.code(id), at(6)).valid);
}
