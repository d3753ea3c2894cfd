//! Third-party servers as processes of their own: `scripts/servers/*.py`, installed by `scripts/install-test-tools`.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;

use super::eventually;

/// A running server. It ends when its standard input is closed, so it never outlives the test.
pub(crate) struct Server {
    child: Child,
    port: u16,
    records: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    /// Starts the script of this name and waits until it listens.
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut child = Command::new(python(&root))
            .arg(root.join("scripts/servers").join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said =
            lines.map_while(Result::ok).filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        let first = said.next().unwrap_or_else(|| panic!("{script} did not start; its own words are above"));
        let port = first["port"].as_u64().unwrap().try_into().unwrap();
        let records: Arc<Mutex<Vec<Value>>> = Arc::default();
        let keep = records.clone();
        std::thread::spawn(move || said.for_each(|record| keep.lock().unwrap().push(record)));
        Self { child, port, records }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What it has told so far.
    pub(crate) fn records(&self) -> Vec<Value> {
        self.records.lock().unwrap().clone()
    }

    /// Waits for the record of number `count`, from 1, and gives it.
    pub(crate) async fn record(&self, count: usize) -> Value {
        eventually("a record of the server", Duration::from_secs(20), || async {
            self.records.lock().unwrap().get(count - 1).cloned()
        })
        .await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn python(root: &Path) -> PathBuf {
    let python = root.join(".tools/venv/bin/python");
    assert!(python.exists(), "the test servers are not installed: run scripts/install-test-tools");
    python
}
