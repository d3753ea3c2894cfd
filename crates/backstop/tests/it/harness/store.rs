//! The database that a program of a test runs on.
//!
//! SQLite, a file in the program's folder, or, with `BACKSTOP_TEST_STORE=postgres`, a fresh database on a PostgreSQL of
//! this test run. The variable is read here alone. A test about one of the two names it; `scripts/test-on-postgres` says
//! which are left out when the whole suite runs on PostgreSQL, and why.

use std::{env, fs, path::Path, process::Command, sync::LazyLock, time::Duration};

use serde_json::Value;

use super::cluster::Cluster;

/// The root key of every program on PostgreSQL, where no node makes one: nodes on one database need the same.
pub(crate) const ROOT: &str = "0f3c9a7e51d2b8461f0c9a7e51d2b8460f3c9a7e51d2b8461f0c9a7e51d2b846";

/// A database.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// A file in the program's folder.
    Sqlite,
    /// The database at this URL.
    Postgres(String),
}

impl Store {
    /// How much longer a wait may take in this test run: on PostgreSQL what a killed process had in hand lies until its
    /// lease has ended.
    pub(crate) fn patience() -> Duration {
        let postgres = env::var("BACKSTOP_TEST_STORE").is_ok_and(|chosen| chosen == "postgres");
        Duration::from_secs(if postgres { 40 } else { 0 })
    }

    /// What this test run is about, and there a database that nobody has used.
    pub(crate) fn chosen() -> Self {
        match env::var("BACKSTOP_TEST_STORE").as_deref() {
            Err(_) | Ok("sqlite") => Self::Sqlite,
            Ok("postgres") => Self::postgres(),
            Ok(other) => panic!("BACKSTOP_TEST_STORE is sqlite or postgres, not {other}"),
        }
    }

    /// A fresh database of the cluster that the tests of this binary share.
    pub(crate) fn postgres() -> Self {
        Self::Postgres(Cluster::shared().database())
    }

    /// Its URL; a file has none that is good outside the program's folder.
    pub(crate) fn url(&self) -> Option<&str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres(url) => Some(url),
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// How long after a kill and a new start what the dead process worked on may lie: on a file the next process knows
    /// that it is alone; on PostgreSQL it waits for the end of the lease.
    pub(crate) fn takeover(&self) -> Duration {
        Duration::from_secs(if self.is_postgres() { 40 } else { 5 })
    }

    /// How long a running service may take to learn what a command did: on a file the command is its own; on PostgreSQL
    /// the command writes and the nodes look about every second.
    pub(crate) fn hearsay(&self) -> Duration {
        Duration::from_secs(if self.is_postgres() { 5 } else { 0 })
    }
}

/// What the shared server has logged.
pub(crate) fn server_log() -> Vec<u8> {
    fs::read(Cluster::shared().ask("where")["log"].as_str().unwrap()).unwrap()
}

/// Runs a query on PostgreSQL: one array per row, and as SQLite says it: true is 1.
pub(super) fn ask_postgres(url: &str, sql: &str) -> Vec<Vec<Value>> {
    let sql = format!(
        "SELECT coalesce(json_agg((SELECT json_agg(cell.value) FROM json_each(row_to_json(answer)) AS cell)), '[]') \
         FROM ({sql}) AS answer"
    );
    let text = psql(url, &sql);
    let mut rows: Vec<Vec<Value>> = serde_json::from_str(&text).unwrap();
    for cell in rows.iter_mut().flatten() {
        if let Value::Bool(yes) = cell {
            *cell = u8::from(*yes).into();
        }
    }
    rows
}

/// Runs statements on PostgreSQL, as the role that owns the database, and gives what they print.
pub(crate) fn psql(url: &str, sql: &str) -> String {
    let output = Command::new(Path::new(programs()).join("psql"))
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, url])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every row of every table, as `pg_dump` writes it.
pub(crate) fn dump(url: &str) -> Vec<u8> {
    let output =
        Command::new(Path::new(programs()).join("pg_dump")).args(["--data-only", url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Where PostgreSQL's own programs are.
fn programs() -> &'static str {
    static PROGRAMS: LazyLock<String> = LazyLock::new(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/servers/postgres.py");
        let output = Command::new("python3").args([script, "--find"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    });
    &PROGRAMS
}
