//! A PostgreSQL server for the tests of this binary, with a database for each that asks.

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

/// The URL of a new, empty database.
pub(crate) fn database() -> String {
    static SERVER: LazyLock<Mutex<Server>> = LazyLock::new(|| Mutex::new(Server::start()));
    let mut server = SERVER.lock().unwrap();
    server.commands.write_all(b"database\n").unwrap();
    server.answer()["url"].as_str().unwrap().to_owned()
}
