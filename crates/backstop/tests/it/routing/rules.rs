//! `[[rule]]`: other providers first, by country and by purpose; and why, kept with the attempt.

use serde_json::Value;

use super::*;

/// The decisions kept with the attempts, oldest first.
fn decisions(program: &Program) -> Vec<Value> {
    let rows = query(program, "SELECT decision FROM attempts WHERE decision IS NOT NULL ORDER BY started_at");
    rows.into_iter().map(|row| serde_json::from_str(row[0].as_str().unwrap()).unwrap()).collect()
}

fn verdicts(decision: &Value) -> Vec<String> {
    let candidates = decision["candidates"].as_array().unwrap();
    let told = candidates.iter().map(|candidate| {
        format!("{} {}", candidate["provider"].as_str().unwrap(), candidate["verdict"].as_str().unwrap())
    });
    told.collect()
}

#[tokio::test]
async fn a_rule_sends_one_country_through_another_provider_first_and_the_reason_is_kept() {
    let first = Twilio::start(Behaviour::Accept).await;
    let rule = "[[rule]]\ncountry = \"IN\"\nproviders = [\"second\", \"first\"]\n";
    let stage = Stage::within_reach(&first.provider("first"), rule).await;
    let id = stage.start(INDIAN).await;
    stage.told(&id, &[TOOK_OVER]).await;
    let id = stage.start(PERSON).await;
    stage.told(&id, &["first accepted accepted"]).await;
    stage.second.behave(Behaviour::error(503, 20503));
    let id = stage.start("+919876543211").await;
    stage.told(&id, &["second rejected unavailable", "first accepted accepted"]).await;

    let kept = decisions(&stage.program);
    assert_eq!(kept.len(), 3, "with the first attempt over a channel: {kept:#?}");
    assert_eq!(verdicts(&kept[0]), ["second chosen", "first next"]);
    assert_eq!(verdicts(&kept[1]), ["first chosen", "second next"]);
    assert!(kept[0]["rule"].to_string().contains("country IN"), "{:#}", kept[0]);
    assert!(kept[1]["rule"].is_null(), "{:#}", kept[1]);
    let text = kept[0].to_string();
    assert!(!text.contains(&INDIAN[1..]), "{text}");
}

#[tokio::test]
async fn a_rule_by_purpose_admits_its_own_providers_alone() {
    let first = Twilio::start(Behaviour::Accept).await;
    let rule = "[[rule]]\npurpose = \"transaction\"\nproviders = [\"second\"]\n";
    let stage = Stage::within_reach(&first.provider("first"), rule).await;
    let id = stage.start_with(json!({ "to": PERSON, "purpose": "transaction" })).await;
    stage.told(&id, &[TOOK_OVER]).await;
    let id = stage.start_with(json!({ "to": PERSON, "purpose": "login" })).await;
    stage.told(&id, &["first accepted accepted"]).await;
    stage.second.behave(Behaviour::error(400, 21211));
    let id = stage.start_with(json!({ "to": NEXT_PERSON, "purpose": "transaction" })).await;
    let read = eventually("the end of it", PATIENCE, || async {
        let read = stage.shop.read(&id).await;
        (read["delivery"] == "undeliverable").then_some(read)
    })
    .await;
    assert_eq!(story_of(&read), ["second rejected invalid_recipient"], "no other provider is admitted");
    let kept = decisions(&stage.program);
    assert_eq!(verdicts(&kept[0]), ["second chosen", "first passed_over"], "{:#}", kept[0]);
}
