//! How fast the service is, measured from outside: `make bench`.
//!
//! Starts the program of a bench build in an empty folder with a production configuration, a loopback vendor on a
//! thread beside it, and calls it over keep-alive connections from one thread. Every figure is held against the echo of
//! the same process in the same round, since absolute ones drift with the machine. Rounds are interleaved; nothing is
//! measured before the backlog of the phase before it has gone out. Whatever was answered otherwise than expected ends
//! the run: a refusal is fast and would flatter. A crash of this program kills the server that it started.
//!
//! `backstop-bench --server target/release/backstop [--seconds 3] [--rounds 5] [--json bench/out/latest.json]`
#![expect(
    clippy::disallowed_methods,
    reason = "a stopwatch reads the time, and its callers live in real time"
)]

mod connection;
mod disk;
mod figures;
mod load;
mod people;
mod plan;
mod report;
mod server;
mod vendor;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};

/// What is asked for.
pub(crate) struct Wanted {
    server: PathBuf,
    json: Option<PathBuf>,
    phase: Duration,
    rounds: usize,
}

fn main() -> anyhow::Result<()> {
    let wanted = wanted(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = tokio::task::LocalSet::new().block_on(&runtime, plan::run(&wanted))?;
    report::print(&measured, &mut std::io::stdout())?;
    if let Some(path) = &wanted.json {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, format!("{:#}\n", report::json(&measured)))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn wanted(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Wanted> {
    let mut wanted = Wanted {
        server: PathBuf::from("target/release/backstop"),
        json: None,
        phase: Duration::from_secs(3),
        rounds: 5,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--server" => wanted.server = value.into(),
            "--json" => wanted.json = Some(value.into()),
            "--seconds" => wanted.phase = Duration::from_secs(value.parse::<u64>()?.max(1)),
            "--rounds" => wanted.rounds = value.parse::<usize>()?.max(1),
            _ => bail!("no such option: {name}; there are --server, --json, --seconds, --rounds"),
        }
    }
    Ok(wanted)
}
