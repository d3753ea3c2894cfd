//! How a provider that was passed over gets its traffic back, and how our own limits spread it.

use super::*;
use crate::harness::now;

/// Starts for this person; both providers must take it, in whatever order.
async fn goes_to_both(stage: &Stage, to: &str) {
    let id = stage.start(to).await;
    eventually("both to take it", PATIENCE, || async {
        let mut told = story_of(&stage.shop.read(&id).await);
        told.sort();
        (told == ["first accepted accepted", TOOK_OVER]).then_some(())
    })
    .await;
}

async fn until(moment: std::time::Instant) {
    pause(moment.saturating_duration_since(now())).await;
}

#[tokio::test]
async fn a_vendor_that_asks_for_patience_gets_it_and_then_a_probe_with_company() {
    let (stage, first) =
        falls_over(Behaviour::Refuse(429, 20429, Some(3)), "first rejected rate_limited").await;
    let asked_at = first.message(1).await.at;
    let id = stage.start(NEXT_PERSON).await;
    stage.tells(&id, &[TOOK_OVER]).await;
    assert_eq!(first.received().len(), 1, "not before the vendor's own time");

    first.behave(Behaviour::Accept);
    until(asked_at + Duration::from_millis(3_500)).await;
    goes_to_both(&stage, THIRD_PERSON).await;
    assert_eq!(first.message(2).await.code(), stage.second.message(3).await.code(), "the same code twice");
}

#[tokio::test]
async fn a_vendor_that_came_back_is_tried_in_company_twice_and_then_trusted() {
    let first = Twilio::start(Behaviour::Refuse(503, 20503, None)).await;
    let entry = format!("{}breaker = {{ failures = 1, open_for = \"1s\" }}\n", first.provider("first"));
    let stage = Stage::set(&entry, "").await;
    let id = stage.start(PERSON).await;
    stage.tells(&id, &["first rejected unavailable", TOOK_OVER]).await;

    // Still down: the probe fails, its company delivers, and the provider is left alone again.
    until(first.message(1).await.at + Duration::from_millis(1_500)).await;
    let id = stage.start(PERSON).await;
    eventually("a failed probe", PATIENCE, || async {
        let told = story_of(&stage.shop.read(&id).await);
        (told.contains(&"first rejected unavailable".to_owned()) && told.contains(&TOOK_OVER.to_owned()))
            .then_some(())
    })
    .await;

    first.behave(Behaviour::Accept);
    until(first.message(2).await.at + Duration::from_millis(1_500)).await;
    goes_to_both(&stage, NEXT_PERSON).await;
    goes_to_both(&stage, THIRD_PERSON).await;
    let id = stage.start(FOURTH_PERSON).await;
    stage.tells(&id, &["first accepted accepted"]).await;
}

#[tokio::test]
async fn our_own_rate_limit_on_a_provider_sends_the_rest_elsewhere() {
    let first = Twilio::start(Behaviour::Accept).await;
    let stage = Stage::set(&format!("{}per_minute = 2\n", first.provider("first")), "").await;
    for person in [PERSON, NEXT_PERSON] {
        let id = stage.start(person).await;
        stage.tells(&id, &["first accepted accepted"]).await;
    }
    for person in [THIRD_PERSON, FOURTH_PERSON] {
        let id = stage.start(person).await;
        stage.tells(&id, &[TOOK_OVER]).await;
    }
    assert_eq!((first.received().len(), stage.second.received().len()), (2, 2));
}
