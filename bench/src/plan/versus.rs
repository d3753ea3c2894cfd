//! One thing against another in the same rounds, in turn: an empty store against an old one, one node against several.

use std::{rc::Rc, time::Duration};

use super::suite::{CALLERS, warm_up};
use crate::{
    Wanted,
    figures::{Phase, Spread},
    load::{Load, Work},
};

/// A start and a check phase of each, for every round.
pub(crate) struct Versus {
    pub(crate) rounds: Vec<[Calls; 2]>,
}

/// Both calls at full speed.
pub(crate) struct Calls {
    pub(crate) start: Phase,
    pub(crate) check: Phase,
}

/// An empty store against one with many old verifications.
pub(crate) struct Old {
    /// From the program's start to its first listening, on the old one.
    pub(crate) listening_after: Duration,
    pub(crate) versus: Versus,
}

impl Versus {
    /// Rates of one of the two.
    pub(crate) fn rates(&self, side: usize, of: fn(&Calls) -> &Phase) -> Spread {
        Spread::of(self.rounds.iter().map(|round| of(&round[side]).rate()))
    }

    /// The second as a fraction of the first, round by round.
    pub(crate) fn ratios(&self, of: fn(&Calls) -> &Phase) -> Spread {
        Spread::of(self.rounds.iter().map(|[first, second]| of(second).rate() / of(first).rate()))
    }
}

/// Two stores in turn.
pub(crate) async fn alternate(wanted: &Wanted, loads: [&Rc<Load>; 2]) -> anyhow::Result<Versus> {
    for load in loads {
        warm_up(load).await?;
    }
    let mut rounds = Vec::with_capacity(wanted.rounds);
    for _ in 0..wanted.rounds {
        rounds.push([calls(wanted, loads[0]).await?, calls(wanted, loads[1]).await?]);
    }
    Ok(Versus { rounds })
}

/// The first node alone and all of them, in turn, on the same database.
pub(crate) async fn nodes(wanted: &Wanted, load: &Rc<Load>) -> anyhow::Result<Versus> {
    warm_up(load).await?;
    let mut rounds = Vec::with_capacity(wanted.rounds);
    for _ in 0..wanted.rounds {
        load.nodes.set(1);
        let one = calls(wanted, load).await?;
        load.nodes.set(load.servers.len());
        rounds.push([one, calls(wanted, load).await?]);
    }
    Ok(Versus { rounds })
}

async fn calls(wanted: &Wanted, load: &Rc<Load>) -> anyhow::Result<Calls> {
    let start = load.full(Work::Start, CALLERS, wanted.phase).await?;
    load.drained().await?;
    let check = load.full(Work::Check, CALLERS, wanted.phase).await?;
    Ok(Calls { start, check })
}

/// Has the server start, send and approve one, for a model of what is old.
pub(crate) async fn model(load: &Rc<Load>) -> anyhow::Result<()> {
    load.full(Work::Start, 1, Duration::from_millis(100)).await?;
    load.drained().await?;
    load.full(Work::Check, 1, Duration::from_millis(200)).await?;
    Ok(())
}
