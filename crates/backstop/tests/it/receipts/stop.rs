//! People who want no more messages: what they say holds for them, and for nobody else.

use super::*;
use crate::harness::{Callback, Gateway, gateway::Reply};

/// A text that a person sends to our number, as Twilio hands it on.
fn text(stage: &Stage, from: &str, body: &str) -> Callback {
    let form = [("MessageSid", "SM77"), ("From", from), ("To", "+15005550006"), ("Body", body)];
    Callback::to(&stage.program.url("/receipts/first"), &form)
}

#[tokio::test]
async fn an_opt_out_in_a_receipt_is_between_that_person_and_that_provider() {
    let (stage, first, id) = taken().await;
    first.message(1).await.receipt("undelivered 21610").taken().await;
    stage.told(&id, &["first undelivered opted_out", TOOK_OVER]).await;
    stage.approves(&id, &stage.second.message(1).await.code()).await;
    let again = stage.start(PERSON).await;
    stage.tells(&again, &[TOOK_OVER]).await;
    for other in [NEXT_PERSON, THIRD_PERSON] {
        let id = stage.start(other).await;
        stage.tells(&id, &["first accepted accepted"]).await;
    }
    let to: Vec<String> = first.received().iter().map(|message| message.form["To"].clone()).collect();
    assert_eq!(to, [PERSON, NEXT_PERSON, THIRD_PERSON]);
}

#[tokio::test]
async fn whoever_texts_stop_gets_no_text_from_any_application_until_start_and_mail_still_comes() {
    const OTHER: &str = "\n[[application]]\nname = \"depot\"\nsecret_key = \"sk_depot_0123456789abcdef\"\n";
    let (first, mail) = (Twilio::start(Behaviour::Accept).await, Gateway::start(Reply::Take).await);
    let more = format!("{}{OTHER}", mail.provider("mail", "email"));
    let stage = Stage::within_reach(&first.provider("first"), &more).await;
    let depot = stage.program.caller(Some("sk_depot_0123456789abcdef"));
    let with_mail = |to: &str| json!({ "to": to, "fallback_to": { "email": "person@example.com" } });

    let (status, body) = text(&stage, PERSON, "  Stop. ").post().await;
    assert_eq!((status, body.as_str()), (200, "<Response/>"));
    let id = stage.start_with(with_mail(PERSON)).await;
    stage.told(&id, &["mail accepted accepted"]).await;
    let elsewhere = depot.start(with_mail(PERSON)).await.text("id");
    assert_eq!(mail.message(2).await.verification, elsewhere, "for every application");
    let without_mail = depot.start(json!({ "to": PERSON, "purpose": "registration" })).await.text("id");
    eventually("the end of it", PATIENCE, || async {
        (depot.read(&without_mail).await["delivery"] == "undeliverable").then_some(())
    })
    .await;
    let other = stage.start(NEXT_PERSON).await;
    stage.told(&other, &["first accepted accepted"]).await;
    assert_eq!((first.received().len(), stage.second.received().len()), (1, 0), "not to that person");

    text(&stage, PERSON, "START").taken().await;
    let id = stage.start_with(json!({ "to": PERSON, "purpose": "transaction" })).await;
    stage.told(&id, &["first accepted accepted"]).await;
}

#[tokio::test]
async fn nobody_can_stop_another_persons_texts_without_the_vendors_signature() {
    let first = Twilio::start(Behaviour::Accept).await;
    let stage = Stage::within_reach(&first.provider("first"), "").await;
    let stop = text(&stage, PERSON, "STOP");
    assert_eq!(stop.unsigned().post().await.0, 403);
    assert_eq!(stop.forged("AAAAAAAAAAAAAAAAAAAAAAAAAAA=").post().await.0, 403);
    for chatter in ["please stop calling", "", "stop?", "\u{1f6d1}"] {
        text(&stage, PERSON, chatter).taken().await;
    }
    for sender in ["", "+1", "shortcode", "whatsapp:", "whatsapp:+14155550123"] {
        text(&stage, sender, "STOP").taken().await;
    }
    let id = stage.start(PERSON).await;
    stage.told(&id, &["first accepted accepted"]).await;
}
