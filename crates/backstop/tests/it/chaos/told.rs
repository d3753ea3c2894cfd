//! A provider that one node has found broken is not tried by the others.

use std::time::Duration;

use serde_json::json;

use super::fleet::Fleet;
use crate::harness::{Behaviour, Twilio, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_breaker_that_opened_at_one_node_is_open_at_the_others_within_a_second_or_two() {
    // A refused credential opens it at once.
    let broken = Twilio::start(Behaviour::error(401, 20_003)).await;
    let well = Twilio::start(Behaviour::Accept).await;
    let fleet = Fleet::start(&format!("{}{}", broken.provider("broken",), well.provider("well"))).await;
    let start = async |node: usize, number: u32| {
        let body = json!({ "to": format!("+1415{:07}", 5_550_100 + number), "wait": true });
        let answer = fleet.node(node).shop().start(body).await.expect(201);
        assert_eq!(answer["provider"], "well");
    };
    start(0, 0).await;
    assert_eq!(broken.received().len(), 1);
    // The next start at another node may come before the news; what comes after it does not try.
    let mut number = 0;
    eventually("the news at the other nodes", Duration::from_secs(3), || {
        number += 1;
        let (number, start, broken) = (number, &start, &broken);
        async move {
            let before = broken.received().len();
            start(1, number * 2).await;
            start(2, number * 2 + 1).await;
            (broken.received().len() == before).then_some(())
        }
    })
    .await;
    assert!(broken.received().len() <= 3, "each node tried once at the most");
}
