//! What was measured, as a table for people and as JSON for machines.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::{
    figures::{Latencies, Phase, Spread},
    plan::{CALLERS, Half, Measured, Round},
};

/// What stands behind every figure of a start or a check.
const DURABLE: &str =
    "SQLite, WAL, synchronous=FULL; the answer leaves after the commit that made it durable";

type Of = fn(&Round) -> &Phase;
const CALLS: [(&str, Of); 4] = [
    ("echo", |round| &round.echo),
    ("start", |round| &round.start),
    ("check", |round| &round.check),
    ("start + check", |round| &round.mix),
];

/// Writes the table.
pub(crate) fn print(measured: &Measured, out: &mut impl Write) -> io::Result<()> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    writeln!(
        out,
        "{} rounds of {} s for each call, {CALLERS} connections; {cores} cores for server, callers and vendor together",
        measured.rounds.len(),
        measured.phase.as_secs(),
    )?;
    writeln!(out, "durable: {DURABLE}")?;
    writeln!(out, "disk: {}, 4 KiB append and sync {:.0}/s\n", measured.file_system, measured.syncs)?;
    writeln!(
        out,
        "{:<16}{:>9}{:>9}{:>9}{:>21}{:>9}{:>9}{:>9}",
        "full speed", "min/s", "median/s", "max/s", "of the echo", "p50 ms", "p99 ms", "CPU us"
    )?;
    for (name, of) in CALLS {
        let rate = rates(measured, of);
        let ratio = ratios(measured, of);
        let all = together(measured, of);
        writeln!(
            out,
            "{name:<16}{:>9.0}{:>9.0}{:>9.0}{:>21}{:>9.2}{:>9.2}{:>9.1}",
            rate.min,
            rate.median,
            rate.max,
            format!("{:.3} ({:.3}-{:.3})", ratio.median, ratio.min, ratio.max),
            all.milliseconds(0.5),
            all.milliseconds(0.99),
            processor(measured, of).median
        )?;
    }
    let sends = Spread::of(measured.rounds.iter().map(|round| round.sends));
    writeln!(out, "{:<16}{:>9.0}{:>9.0}{:>9.0}", "sends completed", sends.min, sends.median, sends.max)?;
    writeln!(out, "\n{:<34}{:>9}{:>9}{:>9}", "half speed", "calls/s", "p50 ms", "p99 ms")?;
    let half = [
        ("start", &measured.half_start, &measured.half_start.phase.latencies),
        ("start to first byte at the vendor", &measured.half_start, &measured.first_byte),
        ("check", &measured.half_check, &measured.half_check.phase.latencies),
    ];
    for (name, half, latencies) in half {
        writeln!(
            out,
            "{name:<34}{:>9.0}{:>9.2}{:>9.2}",
            half.rate,
            latencies.milliseconds(0.5),
            latencies.milliseconds(0.99)
        )?;
    }
    let alone = &measured.alone;
    writeln!(
        out,
        "{:<34}{:>9.0}{:>9.2}{:>9.2}   (a sync alone: {:.2} ms)",
        "start, one caller and nothing else",
        alone.rate(),
        alone.latencies.milliseconds(0.5),
        alone.latencies.milliseconds(0.99),
        1000.0 / measured.syncs
    )?;
    let mib = |kib: u64| kib as f64 / 1024.0;
    let memory = measured.memory;
    writeln!(
        out,
        "\nmemory, MiB: idle {:.1}, most under load {:.1}, 2 s after {:.1}",
        mib(memory.idle),
        mib(memory.load),
        mib(memory.after)
    )?;
    writeln!(
        out,
        "starts {}, messages sent twice {}, warnings in the log {}, database {:.1} MiB",
        measured.starts,
        measured.again,
        measured.complaints,
        measured.database as f64 / 1_048_576.0
    )
}

/// The same as JSON.
pub(crate) fn json(measured: &Measured) -> Value {
    let calls: serde_json::Map<String, Value> = CALLS
        .into_iter()
        .map(|(name, of)| {
            let all = together(measured, of);
            let value = json!({
                "per_second": spread(rates(measured, of)),
                "of_echo": spread(ratios(measured, of)),
                "p50_ms": all.milliseconds(0.5),
                "p99_ms": all.milliseconds(0.99),
                "processor_us": spread(processor(measured, of)),
            });
            (name.to_owned(), value)
        })
        .collect();
    json!({
        "connections": CALLERS,
        "rounds": measured.rounds.len(),
        "seconds_per_phase": measured.phase.as_secs(),
        "durable": DURABLE,
        "file_system": measured.file_system,
        "syncs_per_second": measured.syncs,
        "full_speed": calls,
        "sends_per_second": spread(Spread::of(measured.rounds.iter().map(|round| round.sends))),
        "half_speed": {
            "start": half(&measured.half_start, &measured.half_start.phase.latencies),
            "start_to_first_byte": half(&measured.half_start, &measured.first_byte),
            "check": half(&measured.half_check, &measured.half_check.phase.latencies),
        },
        "start_alone": {
            "per_second": measured.alone.rate(),
            "p50_ms": measured.alone.latencies.milliseconds(0.5),
            "p99_ms": measured.alone.latencies.milliseconds(0.99),
        },
        "memory_kib": {
            "idle": measured.memory.idle,
            "load": measured.memory.load,
            "after": measured.memory.after,
        },
        "starts": measured.starts,
        "messages_sent_twice": measured.again,
        "log_warnings": measured.complaints,
        "database_bytes": measured.database,
    })
}

fn rates(measured: &Measured, of: Of) -> Spread {
    Spread::of(measured.rounds.iter().map(|round| of(round).rate()))
}

fn ratios(measured: &Measured, of: Of) -> Spread {
    Spread::of(measured.rounds.iter().map(|round| of(round).rate() / round.echo.rate()))
}

fn processor(measured: &Measured, of: Of) -> Spread {
    Spread::of(measured.rounds.iter().map(|round| of(round).processor_each()))
}

fn together(measured: &Measured, of: Of) -> Latencies {
    let mut all = Latencies::default();
    measured.rounds.iter().for_each(|round| all.extend(of(round).latencies.clone()));
    all
}

fn spread(spread: Spread) -> Value {
    json!({ "min": spread.min, "median": spread.median, "max": spread.max })
}

fn half(half: &Half, latencies: &Latencies) -> Value {
    json!({
        "per_second": half.rate,
        "p50_ms": latencies.milliseconds(0.5),
        "p99_ms": latencies.milliseconds(0.99),
    })
}
