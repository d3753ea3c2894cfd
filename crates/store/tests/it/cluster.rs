//! A private PostgreSQL (`scripts/servers/postgres.py`): one for all tests of a binary, a fresh database for each, or one
//! of a test's own to stop and crash. It ends when this process does, however that comes about.

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use serde_json::Value;

type Desk = (Option<ChildStdin>, Lines<BufReader<ChildStdout>>);

/// A running server and its desk: a line goes in, a line of JSON comes back.
pub(crate) struct Cluster {
    child: Child,
    desk: Mutex<Desk>,
}

impl Cluster {
    /// The one that the tests of this binary share, started on first use.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        // Tests run beside each other, as many as the machine has cores, with several connections each.
        SHARED.get_or_init(|| Self::start(&["--set", "max_connections=500"]))
    }

    /// One of the caller's own.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/servers/postgres.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let cluster = Self { desk: Mutex::new((child.stdin.take(), lines)), child };
        answer("the start", &mut cluster.desk().1);
        cluster
    }

    /// Gives a command, `database`, `restart` or another that the script names, and reads the answer.
    pub(crate) fn ask(&self, command: &str) -> Value {
        let mut desk = self.desk();
        writeln!(desk.0.as_mut().unwrap(), "{command}").unwrap();
        answer(command, &mut desk.1)
    }

    /// The URL of a new and empty database.
    pub(crate) fn database(&self) -> String {
        self.ask("database")["url"].as_str().unwrap().to_owned()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(command: &str, lines: &mut Lines<BufReader<ChildStdout>>) -> Value {
    let line = lines.next().unwrap_or_else(|| panic!("{command}: PostgreSQL has ended; its words are above"));
    let answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
    assert!(answer.get("problem").is_none(), "{command}: {answer}");
    answer
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It ends when its input is closed; killed, it could not remove its folder.
        drop(self.desk().0.take());
        let _ = self.child.wait();
    }
}
