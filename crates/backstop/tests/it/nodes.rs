//! Several nodes on one PostgreSQL, while whatever they stand on is taken away from them.
//!
//! Under load, nodes are killed and frozen, the server crashes, connections are cut and fall silent, by a seeded schedule.
//! Callers write down what they heard. Afterwards a checker holds that, what the vendors got, and the rows against each
//! other: nothing acknowledged is lost, nothing is sent or approved twice, limits and counts are exact over all nodes.

mod callers;
mod checker;
mod fleet;
mod history;
mod proxy;
mod rows;
mod takeover;

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;

use self::{
    callers::{Person, Town},
    checker::{Arrival, Evidence, Rules, faults},
    fleet::{Fleet, NODES},
    history::{Asked, Desk},
    rows::{Rows, open_deliveries},
};
use crate::harness::{Dice, Gateway, eventually, gateway::Reply, now, pause};

const CALLERS: u64 = 10;
/// Of the longest pause between two blows.
const RESPITE: Duration = Duration::from_millis(2_500);
/// The end of the last lease, the look that finds it, and the sending.
const QUIET: Duration = Duration::from_secs(75);
const RULES: Rules = Rules {
    recipient_per_hour: 5,
    checks_per_hour: 8,
    application_per_minute: 180,
    live: 3,
    resend_after: Duration::from_secs(15),
    slack: Duration::from_millis(1_500),
};

fn limits() -> String {
    format!(
        "[limits]\nrecipient_per_hour = {}\nchecks_per_hour = {}\napplication_per_minute = {}\nresend_after = \"15s\"\n",
        RULES.recipient_per_hour, RULES.checks_per_hour, RULES.application_per_minute
    )
}

/// A run of some length. Longer than the default runs, and other seeds, are the night's:
/// `BACKSTOP_CHAOS_SECONDS` and `BACKSTOP_CHAOS_SEED`.
fn asked_for(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_taken_from_three_nodes_nothing_is_lost_or_done_twice_and_limits_are_exact() {
    let seed = asked_for("BACKSTOP_CHAOS_SEED", 20_261_127);
    let span = Duration::from_secs(asked_for("BACKSTOP_CHAOS_SECONDS", 60));
    eprintln!("BACKSTOP_CHAOS_SEED={seed}, {span:?}");
    let slow = Reply::TakeWithin(Duration::from_millis(60));
    let gateways = [Gateway::start(slow.clone()).await, Gateway::start(slow).await];
    let config =
        format!("{}{}{}", limits(), gateways[0].provider("one", "sms"), gateways[1].provider("two", "sms"));
    let mut fleet = Fleet::start(&config).await;
    let desk = Desk::new((0..NODES).map(|number| fleet.node(number).shop()).collect());
    let town = Arc::new(Town { desk, gateways, over: AtomicBool::new(false), nodes: NODES });

    let people = (0..CALLERS).map(|name| Person::new(town.clone(), name, seed).live());
    let blows = async {
        let (mut dice, begun) = (Dice::new(seed), now());
        // Once for sure: a node that comes back to find that others have taken its work over.
        fleet.freeze_beyond_its_leases();
        while begun.elapsed() < span {
            pause(dice.within(RESPITE)).await;
            fleet.suffer(&mut dice, &town).await;
        }
        fleet.heal().await;
        // A few calls that must all be answered: it is well again.
        town.over.store(true, Ordering::Release);
    };
    tokio::join!(join_all(people), blows);
    eventually("the last delivery", QUIET, || async {
        tokio::task::block_in_place(|| (open_deliveries(&fleet.url) == 0).then_some(()))
    })
    .await;

    let evidence = evidence(&town, &fleet.url);
    report(&evidence, &fleet);
    let faults = faults(&evidence);
    let found = faults.join("\n");
    assert!(faults.is_empty(), "seed {seed}: {} faults\n{found}\n{}", faults.len(), fleet.words(&found));
}

fn evidence(town: &Town, url: &str) -> Evidence {
    let handed = town.gateways.iter().flat_map(Gateway::handed);
    let arrivals = handed.map(|message| Arrival {
        attempt: message.attempt,
        verification: message.verification,
        to: message.to,
        code: message.code,
    });
    let rows = tokio::task::block_in_place(|| Rows::read(url));
    Evidence { calls: town.desk.calls(), arrivals: arrivals.collect(), rows, rules: RULES }
}

/// What there was to lose, and that there was enough.
fn report(evidence: &Evidence, fleet: &Fleet) {
    let count = |status: u16| evidence.calls.iter().filter(|call| call.body(status).is_some()).count();
    let kinds = |wanted: fn(&Asked) -> bool, status| {
        evidence.calls.iter().filter(|call| wanted(&call.asked) && call.body(status).is_some()).count()
    };
    let starts = kinds(|asked| matches!(asked, Asked::Start { .. }), 201);
    let checks = kinds(|asked| matches!(asked, Asked::Check { .. }), 200);
    let silent = evidence.calls.iter().filter(|call| call.heard.is_none()).count();
    let refused = count(429);
    let unknown = evidence.rows.attempts.iter().filter(|attempt| attempt.state == "unknown").count();
    eprintln!(
        "{:?}: {} calls, {starts} acknowledged starts, {checks} answered checks, {refused} refused, {} with 503, {silent} \
         without an answer; {} verifications, {} messages, {unknown} attempts unknown, {} deliveries taken over",
        fleet.blows,
        evidence.calls.len(),
        count(503),
        evidence.rows.verifications.len(),
        evidence.arrivals.len(),
        fleet.takeovers(),
    );
    assert!(starts > 100 && checks > 50 && refused > 10, "there was something to lose");
    assert!(fleet.takeovers() > 0, "something was taken over");
    assert!(silent > 0, "somebody was left without an answer");
}
