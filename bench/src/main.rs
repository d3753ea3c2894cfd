//! How fast the service is, measured from outside: `make bench`.
//!
//! Starts the program of a bench build in an empty folder with a production configuration, a loopback vendor on a
//! thread beside it and, for PostgreSQL, a private cluster on the same machine, and calls it over keep-alive connections
//! from one thread. Every figure is held against the echo of the same process in the same round, since absolute ones drift
//! with the machine. Rounds are interleaved; nothing is measured before the backlog of the phase before it has gone out.
//! Whatever was answered otherwise than expected ends the run: a refusal is fast and would flatter. A crash of this
//! program kills the servers that it started.
#![expect(
    clippy::disallowed_methods,
    reason = "a stopwatch reads the time, and its callers live in real time"
)]

mod connection;
mod disk;
mod figures;
mod load;
mod old;
mod people;
mod plan;
mod postgres;
mod processes;
mod report;
mod server;
mod vendor;
mod wanted;

use std::io::Write as _;

use anyhow::Context;
use wanted::Wanted;

fn main() -> anyhow::Result<()> {
    let Some(wanted) = Wanted::read(std::env::args().skip(1))? else {
        return Ok(std::io::stdout().write_all(wanted::HELP.as_bytes())?);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = tokio::task::LocalSet::new().block_on(&runtime, plan::run(&wanted))?;
    report::print(&wanted, &measured, &mut std::io::stdout())?;
    if let Some(path) = &wanted.json {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, format!("{:#}\n", report::json(&wanted, &measured)))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
