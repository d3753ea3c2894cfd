//! A PostgreSQL server for the tests of this binary, with a database for each that asks.
//!
//! With `BACKSTOP_TEST_STORE=postgres` every program that a test starts runs on one. A test of what only SQLite has
//! returns at once then.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{LazyLock, Mutex},
};

use serde_json::Value;

/// Ends when this process closes its input, whichever way that ends.
struct Server {
    _child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/servers/postgres.py");
        let mut child =
            Command::new("python3").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let commands = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { _child: child, commands, answers };
        server.answer();
        server
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value =
            serde_json::from_str(&line).expect("PostgreSQL runs; scripts/install-test-tools installs it");
        assert_eq!(answer["problem"], Value::Null);
        answer
    }
}

/// A root key for programs on PostgreSQL, which make none.
pub(crate) const ROOT_KEY: &str = "0f3c9a7e51d2b8461f0c9a7e51d2b8460f3c9a7e51d2b8461f0c9a7e51d2b846";

/// Whether programs are to run on PostgreSQL.
pub(crate) fn is_chosen() -> bool {
    std::env::var("BACKSTOP_TEST_STORE").is_ok_and(|store| store == "postgres")
}

/// Runs a query: one array per row.
pub(crate) fn query(url: &str, sql: &str) -> Vec<Vec<Value>> {
    // json, unlike jsonb, keeps the columns in their order.
    let sql = format!(
        "SELECT coalesce(json_agg((SELECT json_agg(c.value) FROM json_each(to_json(t)) c)), '[]') FROM ({sql}) t"
    );
    let output = Command::new("psql").args(["-XAtqc", &sql, url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The URL of a new, empty database.
pub(crate) fn database() -> String {
    static SERVER: LazyLock<Mutex<Server>> = LazyLock::new(|| Mutex::new(Server::start()));
    let mut server = SERVER.lock().unwrap();
    server.commands.write_all(b"database\n").unwrap();
    server.answer()["url"].as_str().unwrap().to_owned()
}
