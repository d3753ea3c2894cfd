//! One node on one empty store: rounds at full speed over several numbers of connections, then both calls at half of what
//! was reached, then what is left in memory and on disk.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use crate::{
    Wanted,
    figures::{Latencies, Phase, Spread},
    load::{Load, Work},
    vendor::Coded,
};

/// Connections of the rounds that the fractions are told of.
pub(crate) const CALLERS: usize = 64;

/// One round at full speed.
pub(crate) struct Round {
    /// By number of connections.
    pub(crate) counts: Vec<Count>,
    /// Over [`CALLERS`] connections.
    pub(crate) mix: Phase,
    /// Messages that reached the vendor in a second, from the first start over [`CALLERS`] connections to the last message.
    pub(crate) sends: f64,
}

/// The calls over so many connections.
pub(crate) struct Count {
    pub(crate) callers: usize,
    pub(crate) echo: Phase,
    pub(crate) start: Phase,
    pub(crate) check: Phase,
}

/// A call at half of its full speed.
pub(crate) struct Half {
    pub(crate) rate: f64,
    pub(crate) phase: Phase,
}

/// Memory of the node in KiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) idle: u64,
    pub(crate) load: u64,
    pub(crate) after: u64,
}

/// What one store did.
pub(crate) struct Suite {
    pub(crate) rounds: Vec<Round>,
    pub(crate) half_start: Half,
    pub(crate) half_check: Half,
    pub(crate) first_byte: Latencies,
    pub(crate) memory: Memory,
    pub(crate) starts: usize,
    pub(crate) again: u64,
    pub(crate) complaints: usize,
    pub(crate) database: u64,
}

impl Suite {
    /// The rounds' figures over so many connections.
    pub(crate) fn counts(&self, callers: usize) -> impl Iterator<Item = &Count> {
        self.rounds.iter().flat_map(|round| &round.counts).filter(move |count| count.callers == callers)
    }
}

/// Measures one store.
pub(crate) async fn run(wanted: &Wanted, load: &Rc<Load>) -> anyhow::Result<Suite> {
    let idle = load.resident();
    let most = Rc::new(Cell::new(idle));
    let watching = tokio::task::spawn_local(watch(load.clone(), most.clone()));
    warm_up(load).await?;
    let mut rounds = Vec::with_capacity(wanted.rounds);
    for _ in 0..wanted.rounds {
        rounds.push(round(wanted, load).await?);
    }
    let half = |of: fn(&Count) -> &Phase| {
        let full = rounds.iter().flat_map(|round| &round.counts).filter(|count| count.callers == CALLERS);
        Spread::of(full.map(|count| of(count).rate())).median / 2.0
    };
    let rate = half(|count| &count.start);
    let phase = load.paced(Work::Start, CALLERS, wanted.phase, rate).await?;
    load.drained().await?;
    let (half_start, first_byte) = (Half { rate, phase }, load.first_bytes());
    let rate = half(|count| &count.check);
    let half_check = Half { rate, phase: load.paced(Work::Check, CALLERS, wanted.phase, rate).await? };

    tokio::time::sleep(Duration::from_secs(2)).await;
    watching.abort();
    let memory = Memory { idle, load: most.get(), after: load.resident() };
    let again = load.vendor.ledger().again;
    Ok(Suite {
        rounds,
        half_start,
        half_check,
        first_byte,
        memory,
        starts: load.started(),
        again,
        complaints: load.complaints(),
        database: load.servers[0].database(),
    })
}

/// Connections, prepared statements, page cache: once, and not counted.
pub(crate) async fn warm_up(load: &Rc<Load>) -> anyhow::Result<()> {
    load.full(Work::Start, CALLERS, Duration::from_millis(500)).await?;
    load.drained().await
}

async fn round(wanted: &Wanted, load: &Rc<Load>) -> anyhow::Result<Round> {
    // The mix lives on codes that have arrived; the checks leave it enough to begin with.
    let (mut kept, mut sends, mut counts) = (Vec::new(), 0.0, Vec::new());
    for callers in &wanted.connections {
        let echo = load.full(Work::Echo, *callers, wanted.phase / 2).await?;
        let (begun, before) = (Instant::now(), load.started());
        let start = load.full(Work::Start, *callers, wanted.phase).await?;
        load.drained().await?;
        if *callers == CALLERS {
            let last = load.vendor.ledger().arrivals.iter().map(|(_, at)| *at).max().unwrap_or(begun);
            sends = (load.started() - before) as f64 / last.duration_since(begun).as_secs_f64();
        }
        kept.extend(keep_back(load));
        let check = load.full(Work::Check, *callers, wanted.phase).await?;
        counts.push(Count { callers: *callers, echo, start, check });
    }
    load.vendor.ledger().coded.extend(kept);
    let mix = load.full(Work::Mix, CALLERS, wanted.phase).await?;
    load.drained().await?;
    Ok(Round { counts, mix, sends })
}

fn keep_back(load: &Load) -> Vec<Coded> {
    let mut ledger = load.vendor.ledger();
    let half = ledger.coded.len() / 2;
    ledger.coded.split_off(half)
}

async fn watch(load: Rc<Load>, most: Rc<Cell<u64>>) {
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        most.set(most.get().max(load.resident()));
    }
}
