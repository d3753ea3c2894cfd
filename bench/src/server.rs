//! The program under load: a child process in an empty folder, configured as for production.
//!
//! Limits are the defaults; every start has a recipient of its own, so they are charged and never met. It logs as it
//! would in production, into a file.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use tempfile::TempDir;

/// The secret key of the one application.
pub(crate) const KEY: &str = "sk_bench_0123456789abcdef";

/// A running server; killed when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    folder: TempDir,
    child: Child,
}

impl Server {
    /// Starts the program and waits until it listens.
    pub(crate) fn start(program: &Path, vendor: SocketAddr) -> anyhow::Result<Self> {
        let program = program
            .canonicalize()
            .with_context(|| format!("there is no {}: build it with --features bench", program.display()))?;
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("backstop.toml");
        fs::write(&config, configuration(vendor))?;
        fs::set_permissions(&config, fs::Permissions::from_mode(0o600))?;
        let log = File::create(folder.path().join("log"))?;
        let mut child = Command::new(program)
            .arg("serve")
            .current_dir(folder.path())
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let found = lines.by_ref().map_while(Result::ok).find_map(|line| address(&line));
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let server = |address| Self { address, folder, child };
        match found {
            Some(address) => Ok(server(address)),
            None => {
                let dead = server(SocketAddr::from(([127, 0, 0, 1], 1)));
                anyhow::bail!("the server did not start:\n{}", dead.log())
            }
        }
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
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
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }

    /// Processor time that it has used, on all cores; in steps of 10 ms.
    pub(crate) fn processor(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // After the name, which alone may hold spaces; user and system time are the 12th and 13th field from there.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
        let ticks = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
        Duration::from_millis(ticks * 10)
    }

    /// Bytes of its database with the write-ahead log.
    pub(crate) fn database(&self) -> u64 {
        let files = ["backstop.db", "backstop.db-wal"];
        let size =
            |name| fs::metadata(self.folder.path().join("data").join(name)).map_or(0, |file| file.len());
        files.into_iter().map(size).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already, or it goes now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address(line: &str) -> Option<SocketAddr> {
    let text = &line[line.find("127.0.0.1:")?..];
    let end = text.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).unwrap_or(text.len());
    text[..end].parse().ok()
}

fn configuration(vendor: SocketAddr) -> String {
    format!(
        r#"profile = "production"

[server]
listen = "127.0.0.1:0"

[store]
url = "sqlite://data/backstop.db"
root_key_file = "data/root.key"

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
