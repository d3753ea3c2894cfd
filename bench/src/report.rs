//! What was measured, as a table for people and as JSON for machines.

mod json;

use std::io::{self, Write};

pub(crate) use json::json;

use crate::{
    figures::{Latencies, Phase, Spread},
    plan::{
        Measured, Store,
        suite::{CALLERS, Count, Suite},
        versus::{Calls, Versus},
    },
    postgres::SETTINGS,
    wanted::Wanted,
};

/// What stands behind every figure of a start or a check.
const fn durable(store: Store) -> &'static str {
    match store {
        Store::Sqlite => "WAL, synchronous=FULL; the answer leaves after the commit that made it durable",
        Store::Postgres => {
            "fsync and synchronous_commit on, on the same machine; the answer leaves after the commit"
        }
    }
}

type Of = fn(&Count) -> &Phase;
const CALLS: [(&str, Of); 3] =
    [("echo", |count| &count.echo), ("start", |count| &count.start), ("check", |count| &count.check)];
type Versed = fn(&Calls) -> &Phase;
const VERSED: [(&str, Versed); 2] = [("start", |calls| &calls.start), ("check", |calls| &calls.check)];

/// Writes the table.
pub(crate) fn print(wanted: &Wanted, measured: &Measured, out: &mut impl Write) -> io::Result<()> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    writeln!(
        out,
        "{} rounds of {} s for each call; {cores} cores for servers, databases, callers and vendors together",
        wanted.rounds,
        wanted.phase.as_secs(),
    )?;
    writeln!(out, "disk: {}, 4 KiB append and sync {:.0}/s", measured.file_system, measured.syncs)?;
    for (store, suite) in &measured.suites {
        self::suite(*store, suite, wanted, out)?;
    }
    for (store, old) in &measured.old {
        let title = format!("{}: empty, and with {} old verifications", store.name(), wanted.old);
        versus(&title, "old/empty", &old.versus, out)?;
        writeln!(out, "listening after {:.2} s", old.listening_after.as_secs_f64())?;
    }
    if let Some(nodes) = &measured.nodes {
        let title = format!("postgres: one node, and {} on the same machine", wanted.nodes);
        versus(&title, "all/one", nodes, out)?;
    }
    Ok(())
}

fn suite(store: Store, suite: &Suite, wanted: &Wanted, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n== {}: {}", store.name(), durable(store))?;
    if store == Store::Postgres {
        writeln!(out, "{}", SETTINGS.join(", "))?;
    }
    writeln!(
        out,
        "{:<19}{:>9}{:>9}{:>9}{:>21}{:>9}{:>9}{:>9}{:>9}",
        "connections, call",
        "min/s",
        "median/s",
        "max/s",
        "of the echo",
        "p50 ms",
        "p99 ms",
        "CPU us",
        "db us"
    )?;
    for callers in &wanted.connections {
        for (name, of) in CALLS {
            line(&format!("{callers:>4} {name}"), &Row::of(suite, *callers, of), out)?;
        }
    }
    line(&format!("{CALLERS:>4} start + check"), &Row::mix(suite), out)?;
    let sends = Spread::of(suite.rounds.iter().map(|round| round.sends));
    writeln!(out, "{:<19}{:>9.0}{:>9.0}{:>9.0}", "sends completed", sends.min, sends.median, sends.max)?;
    writeln!(out, "{:<38}{:>9}{:>9}{:>9}", "half speed", "calls/s", "p50 ms", "p99 ms")?;
    for (name, rate, latencies) in halves(suite) {
        let (p50, p99) = (latencies.milliseconds(0.5), latencies.milliseconds(0.99));
        writeln!(out, "{name:<38}{rate:>9.0}{p50:>9.2}{p99:>9.2}")?;
    }
    let mib = |kib: u64| kib as f64 / 1024.0;
    let memory = suite.memory;
    writeln!(
        out,
        "memory, MiB: idle {:.1}, most under load {:.1}, 2 s after {:.1}",
        mib(memory.idle),
        mib(memory.load),
        mib(memory.after)
    )?;
    writeln!(
        out,
        "starts {}, messages sent twice {}, warnings in the log {}, SQLite files {:.1} MiB",
        suite.starts,
        suite.again,
        suite.complaints,
        suite.database as f64 / 1_048_576.0
    )
}

fn line(name: &str, row: &Row, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{name:<19}{:>9.0}{:>9.0}{:>9.0}{:>21}{:>9.2}{:>9.2}{:>9.1}{:>9.1}",
        row.rate.min,
        row.rate.median,
        row.rate.max,
        format!("{:.3} ({:.3}-{:.3})", row.of_echo.median, row.of_echo.min, row.of_echo.max),
        row.latencies.milliseconds(0.5),
        row.latencies.milliseconds(0.99),
        row.processor.median,
        row.database.median
    )
}

fn versus(title: &str, ratio: &str, versus: &Versus, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n== {title}")?;
    writeln!(out, "{:<19}{:>9}{:>9}{:>30}", "64 connections", "first/s", "second/s", ratio)?;
    for (name, of) in VERSED {
        let ratios = versus.ratios(of);
        writeln!(
            out,
            "{name:<19}{:>9.0}{:>9.0}{:>30}",
            versus.rates(0, of).median,
            versus.rates(1, of).median,
            format!("{:.3} ({:.3}-{:.3})", ratios.median, ratios.min, ratios.max)
        )?;
    }
    Ok(())
}

/// A call over so many connections, all rounds together.
struct Row {
    rate: Spread,
    /// Of the echo of the same round over [`CALLERS`] connections for the mix, over as many for the others.
    of_echo: Spread,
    latencies: Latencies,
    processor: Spread,
    database: Spread,
}

impl Row {
    fn of(suite: &Suite, callers: usize, of: Of) -> Self {
        Self::new(suite.counts(callers).map(|count| (of(count), &count.echo)).collect())
    }

    fn mix(suite: &Suite) -> Self {
        let echoes = suite.counts(CALLERS).map(|count| &count.echo);
        Self::new(suite.rounds.iter().map(|round| &round.mix).zip(echoes).collect())
    }

    fn new(phases: Vec<(&Phase, &Phase)>) -> Self {
        let mut latencies = Latencies::default();
        phases.iter().for_each(|(phase, _)| latencies.extend(phase.latencies.clone()));
        let spread = |of: &dyn Fn(&(&Phase, &Phase)) -> f64| Spread::of(phases.iter().map(of));
        Self {
            rate: spread(&|(phase, _)| phase.rate()),
            of_echo: spread(&|(phase, echo)| phase.rate() / echo.rate()),
            latencies,
            processor: spread(&|(phase, _)| phase.processor_each()),
            database: spread(&|(phase, _)| phase.database_each()),
        }
    }
}

fn halves(suite: &Suite) -> [(&'static str, f64, &Latencies); 3] {
    let (start, check) = (&suite.half_start, &suite.half_check);
    [
        ("start", start.rate, &start.phase.latencies),
        ("start to first byte at the vendor", start.rate, &suite.first_byte),
        ("check", check.rate, &check.phase.latencies),
    ]
}
