//! What a dead node worked on is another's after the end of its lease, and soon.

use std::time::Duration;

use backstop_domain::delivery::LEASE;
use serde_json::json;

use super::fleet::Fleet;
use crate::harness::{Gateway, eventually, gateway::Reply, now};

/// What the look for ended leases and the sending may take, on a machine that has much to do.
const AND_SOON: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_node_was_sending_goes_out_from_another_when_its_lease_ends() {
    let stuck = Gateway::start(Reply::TakeAfter(Duration::from_secs(120))).await;
    let other = Gateway::start(Reply::Take).await;
    // Nothing starts beside a silent provider on its own: what comes at the other one is a take-over.
    let more = format!(
        "[channels]\nhedge_after = \"60s\"\n{}{}",
        stuck.provider("one", "sms"),
        other.provider("two", "sms")
    );
    let mut fleet = Fleet::start(&more).await;
    let shop = fleet.node(0).shop();
    let mut ids = Vec::new();
    for number in 0..12 {
        let body = json!({ "to": format!("+1415{:07}", 5_550_100 + number) });
        ids.push(shop.start(body).await.text("id"));
    }
    stuck.message(ids.len()).await;
    assert!(other.handed().is_empty());
    fleet.kill(0);
    let killed = now();
    for id in &ids {
        eventually("the code from another node", LEASE + AND_SOON, || async { other.code_of(id) }).await;
        assert_eq!(other.code_of(id), stuck.code_of(id), "the same code");
    }
    assert_eq!(other.handed().len(), ids.len(), "each once");
    let last = other.handed().iter().map(|handed| handed.at).max().unwrap();
    assert!(last.duration_since(killed) < LEASE + AND_SOON);
    let read = fleet.node(1).shop().read(&ids[0]).await;
    assert_eq!((&read["attempts"][0]["state"], &read["delivery"]), (&json!("unknown"), &json!("sent")));
}
