//! Three nodes under load and under blows, by a seeded schedule: they are killed and frozen, the server crashes,
//! connections are cut and fall silent.

use std::{env, sync::atomic::Ordering, time::Duration};

use super::{
    RULES,
    callers::Town,
    checker::faults,
    configuration, evidence,
    fleet::{Fleet, NODES},
    gateways, live,
};
use crate::harness::{Dice, now, pause};

/// The longest pause between two blows.
const RESPITE: Duration = Duration::from_millis(2_500);

/// A run of some length. Longer than the usual runs, and other seeds, are the night's: `BACKSTOP_CHAOS_SECONDS` and
/// `BACKSTOP_CHAOS_SEED`.
fn asked_for(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_taken_from_three_nodes_nothing_is_lost_or_done_twice_and_limits_are_exact() {
    let seed = asked_for("BACKSTOP_CHAOS_SEED", 20_261_127);
    let span = Duration::from_secs(asked_for("BACKSTOP_CHAOS_SECONDS", 60));
    eprintln!("BACKSTOP_CHAOS_SEED={seed}, {span:?}");
    let gateways = gateways().await;
    let mut fleet = Fleet::start(&configuration(RULES, &gateways)).await;
    let callers = (0..NODES).map(|number| fleet.node(number).shop()).collect();
    let town = Town::new(callers, gateways);

    let blows = async {
        let (mut dice, begun) = (Dice::new(seed), now());
        // Once for sure: a node that comes back to find that others have taken its work over.
        fleet.freeze_beyond_its_leases();
        while begun.elapsed() < span {
            pause(dice.within(RESPITE)).await;
            fleet.suffer(&mut dice, &town).await;
        }
        fleet.thaw(true);
        fleet.heal().await;
        town.over.store(true, Ordering::Release);
    };
    tokio::join!(live(&town, seed), blows);
    let evidence = evidence(RULES, &town, fleet.node(0)).await;
    let takeovers = fleet.takeovers();
    eprintln!("{:?}, {takeovers} deliveries taken over: {}", fleet.blows, evidence.summary());
    assert!(takeovers > 0, "something was taken over");
    assert!(evidence.calls.iter().any(|call| call.heard.is_none()), "somebody was left without an answer");
    let found = faults(&evidence).join("\n");
    assert!(found.is_empty(), "seed {seed}:\n{found}\n{}", fleet.words(&found));
}
