//! What people and backends were told holds, whatever is taken away from the service meanwhile: nodes, their server, the
//! network between, the room on the disk.
//!
//! Callers write down what they heard. Afterwards, when all is well and quiet again, a checker holds that, what the vendors
//! got, and the rows against each other: nothing acknowledged is lost, nothing is sent or approved twice, limits and
//! counts are exact.

mod blows;
mod callers;
mod checker;
mod commit;
mod disk;
mod fleet;
mod history;
mod proxy;
mod rows;
mod takeover;
mod told;

use std::{sync::Arc, time::Duration};

use futures::future::join_all;

use self::{
    callers::{Person, Town},
    checker::{Arrival, Evidence, Rules},
    rows::{Rows, open_deliveries},
};
use crate::harness::{Gateway, Program, eventually, gateway::Reply};

const CALLERS: u64 = 10;
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

/// Two vendors of one channel, slow enough for a blow to hit a message on its way.
async fn gateways() -> [Gateway; 2] {
    let slow = Reply::TakeWithin(Duration::from_millis(700));
    [Gateway::start(slow.clone()).await, Gateway::start(slow).await]
}

/// The rules as configuration, and the vendors.
fn configuration(rules: Rules, gateways: &[Gateway; 2]) -> String {
    format!(
        "[limits]\nrecipient_per_hour = {}\nchecks_per_hour = {}\napplication_per_minute = {}\nresend_after = \"15s\"\n{}{}",
        rules.recipient_per_hour,
        rules.checks_per_hour,
        rules.application_per_minute,
        gateways[0].provider("one", "sms"),
        gateways[1].provider("two", "sms")
    )
}

/// The callers, until the town's day is over.
async fn live(town: &Arc<Town>, seed: u64) {
    join_all((0..CALLERS).map(|name| Person::new(town.clone(), name, seed).live())).await;
}

/// Waits until nothing is on its way any more, and takes the evidence.
async fn evidence(rules: Rules, town: &Town, program: &Program) -> Evidence {
    eventually("the last delivery", QUIET, || async {
        tokio::task::block_in_place(|| (open_deliveries(program) == 0).then_some(()))
    })
    .await;
    let handed = town.gateways.iter().flat_map(Gateway::handed);
    let arrivals = handed.map(|message| Arrival {
        attempt: message.attempt,
        verification: message.verification,
        to: message.to,
        code: message.code,
    });
    let rows = tokio::task::block_in_place(|| Rows::read(program));
    Evidence { calls: town.desk.calls(), arrivals: arrivals.collect(), rows, rules }
}
