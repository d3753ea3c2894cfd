//! The program under load: a child process in an empty folder, configured as for production.
//!
//! Limits are the defaults; every start has a recipient of its own, so they are charged and never met. It logs as it
//! would in production, into a file.

use std::{
    cell::{Cell, RefCell},
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context;
use tempfile::TempDir;

use crate::processes;

/// The secret key of the one application.
pub(crate) const KEY: &str = "sk_bench_0123456789abcdef";

/// Where a server keeps its rows.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In a file in its folder.
    Sqlite,
    /// In the database of this URL.
    Postgres(String),
}

/// A server in a folder of its own; killed when dropped.
pub(crate) struct Server {
    program: PathBuf,
    place: Place,
    folder: TempDir,
    address: Cell<SocketAddr>,
    child: RefCell<Option<Child>>,
}

impl Server {
    /// Starts the program and waits until it listens.
    pub(crate) fn start(program: &Path, vendor: SocketAddr, place: &Place) -> anyhow::Result<Self> {
        let program = program
            .canonicalize()
            .with_context(|| format!("there is no {}: build it with --features bench", program.display()))?;
        let folder = tempfile::tempdir()?;
        private(&folder.path().join("backstop.toml"), &configuration(vendor, place))?;
        // One root key for all: nodes on one database must share it. The data is gone with the run.
        private(&folder.path().join("root.key"), &"5a".repeat(32))?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let place = place.clone();
        let server = Self { program, place, folder, address: Cell::new(nowhere), child: RefCell::default() };
        server.again()?;
        Ok(server)
    }

    /// Starts it (again) and says how long it took until it listened.
    pub(crate) fn again(&self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let log = File::options().create(true).append(true).open(self.folder.path().join("log"))?;
        let mut child = Command::new(&self.program)
            .arg("serve")
            .current_dir(self.folder.path())
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let found = lines.by_ref().map_while(Result::ok).find_map(|line| address(&line));
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        self.child.replace(Some(child));
        match found {
            Some(address) => self.address.set(address),
            None => anyhow::bail!("the server did not start:\n{}", self.log()),
        }
        Ok(begun.elapsed())
    }

    /// Ends it as an operator would.
    pub(crate) fn stop(&self) -> anyhow::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        let ended = child.wait()?;
        anyhow::ensure!(ended.success(), "the server ended badly:\n{}", self.log());
        Ok(())
    }

    /// Where its rows are.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address.get()
    }

    fn id(&self) -> u32 {
        self.child.borrow().as_ref().map_or(0, Child::id)
    }

    /// Its database file, where it has one.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("data/backstop.db")
    }

    /// What it wrote to stderr.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Lines of the log that are warnings or errors.
    pub(crate) fn complaints(&self) -> usize {
        let bad = |line: &&str| line.contains(r#""level":"WARN""#) || line.contains(r#""level":"ERROR""#);
        self.log().lines().filter(bad).count()
    }

    /// Memory that it holds now, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        processes::resident(self.id())
    }

    /// Processor time that it has used, on all cores; in steps of 10 ms.
    pub(crate) fn processor(&self) -> Duration {
        processes::processor(self.id())
    }

    /// Bytes of its database with the write-ahead log.
    pub(crate) fn database(&self) -> u64 {
        let files = [self.file(), self.file().with_extension("db-wal")];
        files.iter().map(|file| fs::metadata(file).map_or(0, |file| file.len())).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already, or it goes now.
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn address(line: &str) -> Option<SocketAddr> {
    let text = &line[line.find("127.0.0.1:")?..];
    let end = text.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// Writes a file that only we may read.
fn private(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

fn configuration(vendor: SocketAddr, place: &Place) -> String {
    let url = match place {
        Place::Sqlite => "sqlite://data/backstop.db",
        Place::Postgres(url) => url,
    };
    format!(
        r#"profile = "production"

[server]
listen = "127.0.0.1:0"

[store]
url = "{url}"
root_key_file = "root.key"

[countries]
allow = ["IN", "US"]

[channels]
order = ["sms"]

[[application]]
name = "bench"
secret_key = "{KEY}"

[[provider]]
name = "gateway"
kind = "webhook"
channels = ["sms"]
url = "http://{vendor}/codes"
secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
"#
    )
}
