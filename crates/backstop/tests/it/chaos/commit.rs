//! A COMMIT that never arrived, because the server crashed, is not taken for somebody else's that did.
//!
//! After the crash the server gives the lost transaction's number to the next one, here the heartbeat of another node. The
//! caller may hear that it was done only if it was, or was done again.

use serde_json::json;

use super::fleet::Fleet;
use crate::harness::{Gateway, gateway::Reply};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_whose_commit_a_crash_swallowed_is_there_if_it_was_acknowledged() {
    let gateway = Gateway::start(Reply::Take).await;
    let fleet = Fleet::start(&gateway.provider("gateway", "sms")).await;
    let shop = fleet.node(0).shop();
    let start = |number: u32| shop.start(json!({ "to": format!("+1415{:07}", 5_550_100 + number) }));
    let mut acknowledged = 0;
    for round in 0..2 {
        // The connections are there.
        start(round * 2).await.expect(201);
        let swallowed = async {
            fleet.proxy(0).swallow_a_commit().await;
            fleet.crash();
        };
        let (answer, ()) = tokio::join!(start(round * 2 + 1), swallowed);
        fleet.heal().await;
        if answer.status == 201 {
            acknowledged += 1;
            assert_eq!(shop.read(&answer.text("id")).await["status"], "pending");
        } else {
            answer.refused(503, "unavailable");
        }
    }
    assert!(acknowledged > 0, "it was done again");
}
