//! The run: rounds at full speed, then both calls at half of what was reached, then one caller alone.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use crate::{
    Wanted, disk,
    figures::{Latencies, Phase, Spread},
    load::{Load, Work},
    server::Server,
    vendor::Vendor,
};

/// Connections at once.
pub(crate) const CALLERS: usize = 64;

/// One round at full speed.
pub(crate) struct Round {
    pub(crate) echo: Phase,
    pub(crate) start: Phase,
    pub(crate) check: Phase,
    pub(crate) mix: Phase,
    /// Messages that reached the vendor in a second, from the first start of the round to the last message.
    pub(crate) sends: f64,
}

/// A call at half of its full speed.
pub(crate) struct Half {
    pub(crate) rate: f64,
    pub(crate) phase: Phase,
}

/// Memory in KiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) idle: u64,
    pub(crate) load: u64,
    pub(crate) after: u64,
}

/// Everything that was measured.
pub(crate) struct Measured {
    pub(crate) phase: Duration,
    pub(crate) rounds: Vec<Round>,
    pub(crate) half_start: Half,
    pub(crate) half_check: Half,
    pub(crate) first_byte: Latencies,
    pub(crate) alone: Phase,
    pub(crate) memory: Memory,
    pub(crate) file_system: String,
    pub(crate) syncs: f64,
    pub(crate) starts: usize,
    pub(crate) again: u64,
    pub(crate) complaints: usize,
    pub(crate) database: u64,
}

/// Measures everything.
pub(crate) async fn run(wanted: &Wanted) -> anyhow::Result<Measured> {
    let vendor = Vendor::start()?;
    let server = Server::start(&wanted.server, vendor.address)?;
    let syncs = disk::syncs_per_second(server.folder())?;
    let file_system = disk::file_system(server.folder());
    let idle = server.resident();
    let load = Rc::new(Load::new(server, vendor));
    let most = Rc::new(Cell::new(idle));
    let watching = tokio::task::spawn_local(watch(load.clone(), most.clone()));

    // Connections, prepared statements, page cache: once, and not counted.
    load.full(Work::Start, CALLERS, Duration::from_millis(500)).await?;
    load.drained().await?;
    let mut rounds = Vec::with_capacity(wanted.rounds);
    for _ in 0..wanted.rounds {
        rounds.push(round(&load, wanted.phase).await?);
    }
    let full = |of: fn(&Round) -> &Phase| Spread::of(rounds.iter().map(|round| of(round).rate())).median;
    let rate = full(|round| &round.start) / 2.0;
    let phase = load.paced(Work::Start, CALLERS, wanted.phase, rate).await?;
    load.drained().await?;
    let (half_start, first_byte) = (Half { rate, phase }, load.first_bytes());
    let rate = full(|round| &round.check) / 2.0;
    let half_check = Half { rate, phase: load.paced(Work::Check, CALLERS, wanted.phase, rate).await? };
    let alone = load.full(Work::Start, 1, Duration::from_secs(1)).await?;
    load.drained().await?;

    tokio::time::sleep(Duration::from_secs(2)).await;
    watching.abort();
    let memory = Memory { idle, load: most.get(), after: load.server.resident() };
    let again = load.vendor.ledger().again;
    Ok(Measured {
        phase: wanted.phase,
        rounds,
        half_start,
        half_check,
        first_byte,
        alone,
        memory,
        file_system,
        syncs,
        starts: load.started(),
        again,
        complaints: load.server.complaints(),
        database: load.server.database(),
    })
}

async fn round(load: &Rc<Load>, span: Duration) -> anyhow::Result<Round> {
    let echo = load.full(Work::Echo, CALLERS, span).await?;
    let (begun, before) = (Instant::now(), load.started());
    let start = load.full(Work::Start, CALLERS, span).await?;
    load.drained().await?;
    let last = load.vendor.ledger().arrivals.iter().map(|(_, at)| *at).max().unwrap_or(begun);
    let sends = (load.started() - before) as f64 / last.duration_since(begun).as_secs_f64();
    // The mix lives on codes that have arrived; the check leaves it enough to begin with.
    let kept = keep_back(load);
    let check = load.full(Work::Check, CALLERS, span).await?;
    load.vendor.ledger().coded.extend(kept);
    let mix = load.full(Work::Mix, CALLERS, span).await?;
    load.drained().await?;
    Ok(Round { echo, start, check, mix, sends })
}

fn keep_back(load: &Load) -> Vec<crate::vendor::Coded> {
    let mut ledger = load.vendor.ledger();
    let half = ledger.coded.len() / 2;
    ledger.coded.split_off(half)
}

async fn watch(load: Rc<Load>, most: Rc<Cell<u64>>) {
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        most.set(most.get().max(load.server.resident()));
    }
}
