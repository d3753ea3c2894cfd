use backstop_domain::{application::ApplicationId, limit::Bucket, ports::store::Applications as _};
use futures::executor::block_on;

use super::*;
use crate::error::internal;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn store() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("backstop.db"), NOW).unwrap();
    (folder, store)
}

fn count(store: &SqliteStore, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    block_on(store.read(move |connection| Ok(connection.query_row(&sql, [], |row| row.get(0))?))).unwrap()
}

/// Makes the disk too small for another page, or large again.
fn disk(store: &SqliteStore, full: bool) {
    block_on(store.write(move |unit| {
        let pages: i64 = unit.connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let most = if full { pages } else { 1_000_000 };
        unit.connection.pragma_update_and_check(None, "max_page_count", most, |_| Ok(()))?;
        Ok(())
    }))
    .unwrap();
}

/// An act that keeps the writer busy until `held` hangs up.
fn blocker(writer: &Writer, held: std::sync::mpsc::Receiver<()>) -> Answer<()> {
    let held = Mutex::new(held);
    let act = move |_: &mut Unit| {
        assert!(held.lock().recv().is_err(), "nothing is ever sent");
        Ok(())
    };
    writer.submit(Urgency::Work, act).unwrap()
}

#[test]
fn the_writer_is_durable_and_overwrites_what_is_wiped() {
    let (_folder, store) = store();
    let settings = block_on(store.write(|unit| {
        let names = [
            "journal_mode",
            "synchronous",
            "secure_delete",
            "temp_store",
            "wal_autocheckpoint",
            "busy_timeout",
        ];
        names.into_iter().map(|name| connection::setting(&unit.connection, name)).collect::<Result<Vec<_>>>()
    }))
    .unwrap();
    assert_eq!(settings, ["wal", "2", "1", "2", "4000", "5000"]);
}

#[test]
fn a_reader_cannot_write() {
    let (_folder, store) = store();
    let tried = block_on(store.read(|connection| Ok(connection.execute("DELETE FROM meta", [])?)));
    assert!(tried.is_err());
}

#[test]
fn a_full_disk_is_told_at_once_and_forgotten_when_there_is_room_again() {
    let (_folder, store) = store();
    block_on(store.application("before", NOW)).unwrap();
    disk(&store, true);
    let big = "x".repeat(100_000);
    for _ in 0..3 {
        let told = block_on(store.application(&big, NOW));
        assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    }
    assert_eq!(count(&store, "applications"), 1);
    disk(&store, false);
    block_on(store.application("after", NOW)).unwrap();
    assert_eq!(count(&store, "applications"), 2);
}

#[test]
fn an_act_that_fails_halfway_leaves_no_row_and_no_charge() {
    let (_folder, store) = store();
    let bucket = Bucket::Application(ApplicationId(1));
    let failed: std::result::Result<(), _> = block_on(store.write(move |unit| {
        unit.connection.execute("INSERT INTO meta (key, value) VALUES ('half', '1')", [])?;
        unit.memory.record(bucket, false, NOW);
        Err(internal("on purpose").into())
    }));
    assert!(matches!(failed, Err(StoreError::Internal(_))));
    assert_eq!(count(&store, "meta"), 0);
    let rule = backstop_domain::limit::Rule {
        name: backstop_domain::limit::LimitName::ApplicationPerMinute,
        bucket,
        max: 1,
        span: std::time::Duration::from_secs(60),
    };
    let charged = block_on(store.write(move |unit| Ok(unit.memory.charge(&[rule], false, NOW)))).unwrap();
    assert_eq!(charged, Ok(()), "the charge was undone with the rows");
}

#[test]
fn a_failing_neighbour_in_a_real_batch_hurts_nobody() {
    let (_folder, store) = store();
    let Mode::Served { writer, .. } = &store.mode else { panic!("served") };
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let first = blocker(writer, held);
    let insert = |name: &'static str, fail: bool| {
        let act = move |unit: &mut Unit| {
            unit.connection.execute("INSERT INTO meta (key, value) VALUES (?1, '')", [name])?;
            if fail { Err(internal("on purpose").into()) } else { Ok(()) }
        };
        writer.submit(Urgency::Work, act).unwrap()
    };
    let (one, two, three) = (insert("one", false), insert("two", true), insert("three", false));
    drop(hold);
    block_on(receive(first)).unwrap();
    assert!(block_on(receive(one)).is_ok());
    assert!(block_on(receive(two)).is_err());
    assert!(block_on(receive(three)).is_ok());
    assert_eq!(count(&store, "meta"), 2);
}

#[test]
fn a_queue_that_is_full_says_so_at_once() {
    let (_folder, store) = store();
    let Mode::Served { writer, .. } = &store.mode else { panic!("served") };
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let first = blocker(writer, held);
    let mut waiting = Vec::new();
    let refused = loop {
        match writer.submit(Urgency::Work, |_| Ok(())) {
            Ok(answer) => waiting.push(answer),
            Err(error) => break error,
        }
        assert!(waiting.len() < 10_000);
    };
    assert!(matches!(refused, StoreError::Unavailable(_)));
    drop(hold);
    block_on(receive(first)).unwrap();
    for answer in waiting {
        block_on(receive(answer)).unwrap();
    }
}

#[test]
fn what_was_queued_is_done_before_the_store_ends() {
    let (folder, store) = store();
    let Mode::Served { writer, .. } = &store.mode else { panic!("served") };
    let answers: Vec<_> = (0..100)
        .map(|number| {
            let insert = move |unit: &mut Unit| {
                let key = number.to_string();
                Ok(unit.connection.execute("INSERT INTO meta (key, value) VALUES (?1, '')", [key])?)
            };
            writer.submit(Urgency::Work, insert).unwrap()
        })
        .collect();
    drop(store);
    for answer in answers {
        assert_eq!(block_on(receive(answer)).unwrap(), 1);
    }
    let store = SqliteStore::open(&folder.path().join("backstop.db"), NOW).unwrap();
    assert_eq!(count(&store, "meta"), 100);
}

#[test]
fn no_statement_on_people_walks_all_rows_of_an_application() {
    let (_folder, store) = store();
    let statements = [&[people::SESSIONS, people::ERASE_TRIES], people::ERASE.as_slice(), &people::FORGET];
    for statement in statements.concat() {
        let plan: Vec<String> = block_on(store.read(move |connection| {
            let mut query = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}"))?;
            let values = vec![rusqlite::types::Value::from(1); query.parameter_count()];
            let steps = query.query_map(rusqlite::params_from_iter(values), |row| row.get("detail"))?;
            Ok(steps.collect::<rusqlite::Result<_>>()?)
        }))
        .unwrap();
        let walks = |step: &String| step.contains("SCAN") || step.contains("(application_id=?)");
        assert!(!plan.is_empty() && !plan.iter().any(walks), "{statement}: {plan:?}");
    }
}
