//! What vendors say later: a message that did not arrive goes another way, and nothing that they say approves anything.

mod calls;
mod hostile;
mod silence;
mod stop;

use serde_json::{Value, json};

use crate::{
    harness::{Behaviour, Program, Twilio, eventually, now, pause},
    outages::{FOURTH_PERSON, NEXT_PERSON, PATIENCE, PERSON, Stage, THIRD_PERSON, TOOK_OVER, story_of},
};
use std::time::Duration;

/// Long enough for a message that must not come.
const QUIET: Duration = Duration::from_millis(1_500);

/// The first provider takes a message to the person, and the program can be reached.
async fn taken() -> (Stage, Twilio, String) {
    let first = Twilio::start(Behaviour::Accept).await;
    let stage = Stage::within_reach(&first.provider("first"), "").await;
    let id = stage.start(PERSON).await;
    stage.told(&id, &["first accepted accepted"]).await;
    (stage, first, id)
}

/// Waits until the delivery stands so, and gives the answer that said it.
async fn stands(stage: &Stage, id: &str, delivery: &str) -> Value {
    eventually(&format!("the delivery to be {delivery}"), PATIENCE, || async {
        let read = stage.shop.read(id).await;
        (read["delivery"] == delivery).then_some(read)
    })
    .await
}

#[tokio::test]
async fn a_receipt_says_that_it_arrived_and_approves_nothing() {
    let (stage, first, id) = taken().await;
    let message = first.message(1).await;
    for on_its_way in ["queued", "sending", "sent"] {
        message.receipt(on_its_way).taken().await;
    }
    let read = stage.tells(&id, &["first accepted accepted"]).await;
    assert_eq!(read["delivery"], "sent");
    message.receipt("delivered").taken().await;
    let read = stage.tells(&id, &["first delivered accepted"]).await;
    assert_eq!((&read["delivery"], &read["status"]), (&json!("delivered"), &json!("pending")));
    stage.approves(&id, &message.code()).await;
}

#[tokio::test]
async fn what_did_not_arrive_goes_through_the_next_provider_with_the_same_code() {
    let (stage, first, id) = taken().await;
    let lost = first.message(1).await;
    lost.receipt("undelivered 30003").taken().await;
    let message = stage.second.message(1).await;
    assert_eq!((message.code(), &message.form["To"]), (lost.code(), &lost.form["To"]));
    stage.told(&id, &["first undelivered unavailable", TOOK_OVER]).await;
    message.receipt("delivered").taken().await;
    stage.tells(&id, &["first undelivered unavailable", "second delivered accepted"]).await;
    stands(&stage, &id, "delivered").await;
    stage.approves(&id, &message.code()).await;
}

#[tokio::test]
async fn a_receipt_that_comes_ten_times_at_once_sends_once() {
    let (stage, first, id) = taken().await;
    let undelivered = first.message(1).await.receipt("undelivered 30003");
    let all = (0..10).map(|_| undelivered.taken());
    futures::future::join_all(all).await;
    stage.told(&id, &["first undelivered unavailable", TOOK_OVER]).await;
    undelivered.taken().await;
    pause(QUIET).await;
    assert_eq!((first.received().len(), stage.second.received().len()), (1, 1));
}

#[tokio::test]
async fn the_order_of_receipts_changes_nothing() {
    let (stage, first, id) = taken().await;
    let message = first.message(1).await;
    for said in ["delivered", "undelivered 30003", "sent", "failed", "queued"] {
        message.receipt(said).taken().await;
    }
    let read = stage.tells(&id, &["first delivered accepted"]).await;
    assert_eq!(read["delivery"], "delivered");

    let other = stage.start(NEXT_PERSON).await;
    stage.told(&other, &["first accepted accepted"]).await;
    let message = first.message(2).await;
    message.receipt("undelivered 30003").taken().await;
    stage.told(&other, &["first undelivered unavailable", TOOK_OVER]).await;
    // It arrived after all: the last word.
    message.receipt("delivered").taken().await;
    stage.tells(&other, &["first delivered accepted", TOOK_OVER]).await;
    stands(&stage, &other, "delivered").await;
    stage.second.message(1).await.receipt("undelivered 30003").taken().await;
    pause(QUIET).await;
    assert_eq!((first.received().len(), stage.second.received().len()), (2, 1), "nobody sends it again");
    assert_eq!(stage.shop.read(&other).await["delivery"], "delivered");
}

#[tokio::test]
async fn only_the_latest_attempts_receipt_moves_a_delivery_on() {
    let (stage, first, id) = taken().await;
    let message = first.message(1).await;
    message.receipt("undelivered 30003").taken().await;
    let second = stage.second.message(1).await;
    stage.told(&id, &["first undelivered unavailable", TOOK_OVER]).await;
    message.receipt("failed 30003").taken().await;
    pause(QUIET).await;
    assert_eq!((first.received().len(), stage.second.received().len()), (1, 1));
    second.receipt("undelivered 30003").taken().await;
    assert_eq!(first.message(2).await.code(), message.code(), "the plan begins again");
}

#[tokio::test]
async fn an_arrival_that_is_told_before_the_message_was_answered_stays() {
    let first = Twilio::start(Behaviour::TellFirst(&["sent", "delivered"])).await;
    let stage = Stage::within_reach(&first.provider("first"), "").await;
    let id = stage.start(PERSON).await;
    stage.tells(&id, &["first delivered accepted"]).await;
    stands(&stage, &id, "delivered").await;
    pause(QUIET).await;
    assert_eq!((first.received().len(), stage.second.received().len()), (1, 0));
    stage.approves(&id, &first.message(1).await.code()).await;
}

#[tokio::test]
async fn what_did_not_arrive_goes_on_at_once_though_its_receipt_was_faster_than_the_answer() {
    let first = Twilio::start(Behaviour::TellFirst(&["undelivered 30003"])).await;
    let stage = Stage::within_reach(&first.provider("first"), "").await;
    for (number, person) in [PERSON, NEXT_PERSON, THIRD_PERSON, FOURTH_PERSON].into_iter().enumerate() {
        let asked = now();
        let id = stage.start(person).await;
        let message = stage.second.message(number + 1).await;
        let waited = message.at.duration_since(asked);
        assert!(waited < Duration::from_secs(10), "a lease is not waited for: {waited:?}");
        stage.told(&id, &["first undelivered unavailable", TOOK_OVER]).await;
        stage.approves(&id, &message.code()).await;
    }
    assert_eq!((first.received().len(), stage.second.received().len()), (4, 4));
}

#[tokio::test]
async fn a_message_that_arrives_nowhere_is_sent_six_times_and_no_more() {
    let first = Twilio::start(Behaviour::ThenTell("undelivered 30003")).await;
    let stage = Stage::within_reach(&first.provider("first"), "").await;
    stage.second.behave(Behaviour::ThenTell("undelivered 30003"));
    let id = stage.start(PERSON).await;
    let read = stands(&stage, &id, "undeliverable").await;
    assert_eq!(story_of(&read).len(), 6, "{read:#}");
    pause(QUIET).await;
    assert_eq!((first.received().len(), stage.second.received().len()), (3, 3));
    assert_eq!(read["status"], "pending", "and its code is still good");
    stage.approves(&id, &first.message(1).await.code()).await;
}

#[tokio::test]
async fn a_receipt_that_comes_after_a_crash_still_counts() {
    let (mut stage, first, id) = taken().await;
    stage.program.kill();
    stage.program.start();
    stage.shop = stage.program.shop();
    first.message(1).await.receipt("undelivered 30003").taken().await;
    assert_eq!(stage.second.message(1).await.code(), first.message(1).await.code());
    stage.told(&id, &["first undelivered unavailable", TOOK_OVER]).await;
}
