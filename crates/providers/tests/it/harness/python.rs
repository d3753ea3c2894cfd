//! The real servers of `scripts/servers`, each a process of its own that ends with the test.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use serde_json::Value;

/// A running server; stops when it is dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<Value>,
}

pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

impl Server {
    /// Starts `scripts/servers/{script}` and waits for its port.
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        let workspace = workspace();
        let python = workspace.join(".tools/venv/bin/python");
        assert!(
            python.exists(),
            "{} is missing: run make test, or scripts/install-test-tools",
            python.display()
        );
        let mut child = Command::new(python)
            .arg(workspace.join("scripts/servers").join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Ok(record) = serde_json::from_str(&line)
                    && send.send(record).is_err()
                {
                    break;
                }
            }
        });
        let mut server = Self { port: 0, child, stdin, lines };
        let port = server.next(Duration::from_secs(60)).and_then(|record| record["port"].as_u64());
        server.port = port.and_then(|port| port.try_into().ok()).expect("the server names its port");
        server
    }

    /// The next record that the server printed.
    pub(crate) fn next(&mut self, within: Duration) -> Option<Value> {
        self.lines.recv_timeout(within).ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It ends by itself; one that still serves a sleeping script does not get to finish it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
