//! A private PostgreSQL (`scripts/servers/postgres.py`): durable, on loopback, with the memory of a small real server.

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, bail};
use serde_json::Value;

/// What differs from the script's own settings, which are those of a test.
pub(crate) const SETTINGS: [&str; 4] =
    ["shared_buffers=1GB", "max_wal_size=4GB", "checkpoint_timeout=15min", "wal_compression=lz4"];

/// A running cluster. It ends when this is dropped, or this program dies.
pub(crate) struct Cluster {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    /// The process that all of its others are children of.
    pub(crate) id: u32,
}

impl Cluster {
    /// Makes one and starts it.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/servers/postgres.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args(SETTINGS.iter().flat_map(|setting| ["--set", setting]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("python3 is needed for a private PostgreSQL")?;
        let lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let stdin = child.stdin.take();
        let mut cluster = Self { child, stdin, lines, id: 0 };
        let told = cluster.answer()?;
        cluster.id = told["pid"].as_u64().and_then(|id| id.try_into().ok()).context("no pid")?;
        Ok(cluster)
    }

    /// The URL of a new and empty database.
    pub(crate) fn database(&mut self) -> anyhow::Result<String> {
        let made = self.ask("database")?;
        Ok(made["url"].as_str().context("no url")?.to_owned())
    }

    /// Gives a command of the script's.
    pub(crate) fn ask(&mut self, command: &str) -> anyhow::Result<Value> {
        writeln!(self.stdin.as_mut().context("PostgreSQL has ended")?, "{command}")?;
        self.answer()
    }

    fn answer(&mut self) -> anyhow::Result<Value> {
        let line = self.lines.next().context("PostgreSQL has ended; its own words are above")??;
        let answer: Value = serde_json::from_str(&line)?;
        if let Some(problem) = answer.get("problem") {
            bail!("PostgreSQL: {problem}");
        }
        Ok(answer)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It ends when its input is closed, and removes its folder.
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}
