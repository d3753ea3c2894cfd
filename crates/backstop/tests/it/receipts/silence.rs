//! A message that a vendor took and of which nothing more is heard: followed where receipts usually come, and only there.

use super::*;

const SOON: &str = "[channels]\nescalate_after = { sms = \"5s\" }\n";
const AFTER: Duration = Duration::from_secs(5);
/// Longer than the wait, the second in which recovery looks, and a busy machine.
const LONG_AFTER: Duration = Duration::from_millis(9_000);

/// A stage whose first provider takes messages; receipts come from it if `tells`.
async fn set(tells: bool) -> (Stage, Twilio) {
    let first = Twilio::start(Behaviour::Accept).await;
    let stage = Stage::within_reach(&first.provider("first"), SOON).await;
    if tells {
        first.next(Behaviour::ThenTell("delivered"));
        let id = stage.start(FOURTH_PERSON).await;
        stage.tells(&id, &["first delivered accepted"]).await;
    }
    (stage, first)
}

#[tokio::test]
async fn silence_is_followed_by_the_next_provider_where_receipts_arrive() {
    let (stage, first) = set(true).await;
    let id = stage.start(PERSON).await;
    stage.told(&id, &["first accepted accepted"]).await;
    let (silent, followed) = (first.message(2).await, stage.second.message(1).await);
    let waited = followed.at.duration_since(silent.at);
    assert!(waited >= AFTER - Duration::from_millis(100), "a person needs time to type: {waited:?}");
    assert_eq!(followed.code(), silent.code());
    stage.tells(&id, &["first accepted accepted", TOOK_OVER]).await;
    pause(LONG_AFTER).await;
    let all = (first.received().len(), stage.second.received().len());
    assert_eq!(all, (2, 1), "once: from then on the person says when");
    stage.approves(&id, &followed.code()).await;
}

#[tokio::test]
async fn silence_means_nothing_where_no_receipts_arrive() {
    let (stage, first) = set(false).await;
    let id = stage.start(PERSON).await;
    stage.told(&id, &["first accepted accepted"]).await;
    pause(LONG_AFTER).await;
    assert_eq!((first.received().len(), stage.second.received().len()), (1, 0));
}

#[tokio::test]
async fn a_message_that_was_heard_of_is_not_followed() {
    let (stage, first) = set(true).await;
    let mut ids = Vec::new();
    for person in [PERSON, NEXT_PERSON, THIRD_PERSON] {
        let id = stage.start(person).await;
        stage.told(&id, &["first accepted accepted"]).await;
        ids.push(id);
    }
    stage.approves(&ids[0], &first.message(2).await.code()).await;
    first.message(3).await.receipt("delivered").taken().await;
    stage.shop.post(&format!("/v1/verifications/{}/cancel", ids[2]), json!({})).await.expect(200);
    pause(LONG_AFTER).await;
    assert_eq!((first.received().len(), stage.second.received().len()), (4, 0));
}

#[tokio::test]
async fn silence_outlives_the_process() {
    let (mut stage, first) = set(true).await;
    let id = stage.start(PERSON).await;
    stage.told(&id, &["first accepted accepted"]).await;
    stage.program.kill();
    let silent = first.message(2).await;
    stage.program.start();
    stage.shop = stage.program.shop();
    let followed = stage.second.message(1).await;
    let waited = followed.at.duration_since(silent.at);
    assert!(waited >= AFTER - Duration::from_millis(100), "a crash hurries nobody: {waited:?}");
    assert_eq!(followed.code(), silent.code());
    stage.told(&id, &["first accepted accepted", TOOK_OVER]).await;
}

#[tokio::test]
async fn nobodys_telephone_rings_because_of_silence() {
    let first = Twilio::start(Behaviour::Accept).await;
    let entries = format!("{}{}", first.provider("first"), first.caller("calls"));
    let order = "[channels]\norder = [\"sms\", \"voice\"]\nescalate_after = { sms = \"5s\" }\n";
    let program = Program::reachable(&format!("{entries}{order}"));
    let shop = program.shop();
    first.next(Behaviour::ThenTell("delivered"));
    let heard = shop.start(json!({ "to": FOURTH_PERSON })).await.text("id");
    eventually("the receipt", PATIENCE, || async {
        (shop.read(&heard).await["delivery"] == "delivered").then_some(())
    })
    .await;
    let id = shop.start(json!({ "to": PERSON })).await.text("id");
    first.message(2).await;
    pause(LONG_AFTER).await;
    assert_eq!(first.received().len(), 2);
    assert_eq!(story_of(&shop.read(&id).await), ["first accepted accepted"]);
}
