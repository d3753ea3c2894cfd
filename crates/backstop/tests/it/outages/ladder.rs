//! When a whole channel is gone: the next channel at or above the floor, and what is left when there is none.

use super::*;
use crate::harness::{Gateway, gateway::Reply, program::BASE};

/// Both accounts at Twilio answer like this, and a gateway serves one more channel.
async fn without_sms(behaviour: Behaviour, gateway: &Gateway, channel: &str, more: &str) -> (Stage, Twilio) {
    let first = Twilio::start(behaviour.clone()).await;
    let more = format!("{}{more}", gateway.provider("gateway", channel));
    let stage = Stage::set(&first.provider("first"), &more).await;
    stage.second.behave(behaviour);
    (stage, first)
}

fn with_mail(purpose: &str) -> Value {
    json!({ "to": PERSON, "purpose": purpose, "fallback_to": { "email": "person@example.com" } })
}

const DOWN: Behaviour = Behaviour::Refuse(503, 20503, None);

#[tokio::test]
async fn with_every_sms_provider_out_of_credit_the_code_arrives_by_mail() {
    let mail = Gateway::start(Reply::Take).await;
    let (stage, first) = without_sms(Behaviour::Refuse(402, 30002, None), &mail, "email", "").await;
    let id = stage.start_with(with_mail("registration")).await;
    let story =
        ["first rejected out_of_credit", "second rejected out_of_credit", "gateway accepted accepted"];
    let read = stage.told(&id, &story).await;
    assert_eq!(read["channel"], "email");
    assert_eq!(mail.message(1).await.code, first.message(1).await.code());
    stage.approves(&id, &mail.message(1).await.code).await;

    let id = stage.start_with(with_mail("login")).await;
    stage.tells(&id, &["gateway accepted accepted"]).await;
}

#[tokio::test]
async fn nothing_goes_below_the_floor_however_dead_the_rest_is() {
    let mail = Gateway::start(Reply::Take).await;
    let floor = "[purposes.login]\nfloor = \"sms\"\n";
    let (stage, first) = without_sms(DOWN, &mail, "email", floor).await;
    let id = stage.start_with(with_mail("login")).await;
    let other = stage.start_with(with_mail("registration")).await;
    mail.message(1).await;
    stage.second.message(3).await;
    let read = stage.shop.read(&id).await;
    assert_eq!((&read["channels"], &read["delivery"]), (&json!(["sms"]), &json!("queued")));
    assert!(mail.handed().iter().all(|handed| handed.verification == other), "only the weaker purpose");
    let mut by_mail = with_mail("login");
    by_mail["channel"] = json!("email");
    assert_eq!(stage.shop.start(by_mail).await.expect(422)["code"], "below_floor");

    first.behave(Behaviour::Accept);
    stage.second.behave(Behaviour::Accept);
    eventually("the sms after all", PATIENCE, || async {
        (stage.shop.read(&id).await["delivery"] == "sent").then_some(())
    })
    .await;
}

#[tokio::test]
async fn no_telephone_rings_because_nobody_knows_what_became_of_a_text() {
    let (voice, order) = (Gateway::start(Reply::Take).await, "[channels]\norder = [\"sms\", \"voice\"]\n");
    let (stage, _first) = without_sms(Behaviour::Answer(502, String::new()), &voice, "voice", order).await;
    let id = stage.start(PERSON).await;
    let twice = [
        "first unknown unknown",
        "second unknown unknown",
        "first unknown unknown",
        "second unknown unknown",
    ];
    let read = stage.tells(&id, &twice).await;
    assert_eq!(read["channels"], json!(["sms", "voice"]));
    eventually("the end of it", PATIENCE, || async {
        (stage.shop.read(&id).await["delivery"] == "undeliverable").then_some(())
    })
    .await;
    assert!(voice.handed().is_empty());
}

#[tokio::test]
async fn a_telephone_rings_once_every_text_was_surely_refused() {
    let (voice, order) = (Gateway::start(Reply::Take).await, "[channels]\norder = [\"sms\", \"voice\"]\n");
    let (stage, _first) = without_sms(DOWN, &voice, "voice", order).await;
    let id = stage.start(PERSON).await;
    let story = ["first rejected unavailable", "second rejected unavailable", "gateway accepted accepted"];
    stage.tells(&id, &story).await;
    stage.approves(&id, &voice.message(1).await.code).await;
}

#[tokio::test]
async fn what_could_not_be_delivered_can_still_be_approved() {
    let first = Twilio::start(Behaviour::Refuse(400, 21211, None)).await;
    let stage = Stage::set(&first.provider("first"), "").await;
    stage.second.behave(Behaviour::Refuse(400, 21211, None));
    let id = stage.start_with(json!({ "to": PERSON, "custom_code": "482913" })).await;
    let read = eventually("the end of it", PATIENCE, || async {
        let read = stage.shop.read(&id).await;
        (read["delivery"] == "undeliverable").then_some(read)
    })
    .await;
    assert_eq!(read["status"], "pending");
    stage.approves(&id, "482913").await;
}

/// Twelve people ask while every provider refuses; after `span` all sending works again, and everybody's code goes out.
async fn nothing_is_lost_in(span: Duration) {
    let first = Twilio::start(DOWN).await;
    let stage = Stage::set(&first_at(&first), "").await;
    stage.second.behave(DOWN);
    let mut ids = Vec::new();
    for number in 0..12 {
        let body = json!({ "to": format!("+141555501{number:02}"), "ttl_seconds": 300 });
        ids.push(stage.start_with(body).await);
    }
    pause(span).await;
    for id in &ids {
        assert_eq!(stage.shop.read(id).await["delivery"], "queued");
    }
    first.behave(Behaviour::Accept);
    stage.second.behave(Behaviour::Accept);
    // The longest pause between two rounds is about as long as all before it together.
    let patience = PATIENCE + 2 * span;
    for id in &ids {
        let read = eventually("what was queued", patience, || async {
            let read = stage.shop.read(id).await;
            (read["delivery"] == "sent").then_some(read)
        })
        .await;
        let accepted = story_of(&read).iter().filter(|told| told.ends_with("accepted accepted")).count();
        assert!((1..=2).contains(&accepted), "once, or a probe and its company: {read:#}");
        let code = [&first, &stage.second].into_iter().find_map(|vendor| {
            let sent = vendor.received().into_iter().rfind(|message| read_of(&read, &message.form["To"]))?;
            Some(sent.code())
        });
        stage.approves(id, &code.unwrap()).await;
    }
}

/// Whether an answer is about this number, as far as its mask tells.
fn read_of(read: &Value, number: &str) -> bool {
    read["to"].as_str().unwrap()[..2] == number[..2]
        && read["to"].as_str().unwrap().ends_with(&number[number.len() - 2..])
}

#[tokio::test]
async fn in_an_outage_of_four_seconds_nothing_is_lost_and_it_goes_out_when_sending_returns() {
    nothing_is_lost_in(Duration::from_secs(4)).await;
}

#[tokio::test]
#[ignore = "two minutes long: make nightly"]
async fn in_an_outage_of_a_minute_no_code_of_five_minutes_is_lost() {
    nothing_is_lost_in(Duration::from_secs(60)).await;
}

#[tokio::test]
async fn whoever_asks_again_gets_the_same_code_through_the_provider_that_was_not_used_yet() {
    let (first, second) = (Twilio::start(Behaviour::Accept).await, Twilio::start(Behaviour::Accept).await);
    let config = format!("{BASE}{}{}", first.provider("first"), second.provider("second"));
    let at_once = [("BACKSTOP_PROFILE", "development"), ("BACKSTOP_LIMITS__RESEND_AFTER", "0s")];
    let program = Program::launch(Some(&config), &at_once);
    let shop = program.shop();
    let id = shop.start(json!({ "to": PERSON, "wait": true })).await.text("id");
    shop.post(&format!("/v1/verifications/{id}/resend"), json!({})).await.expect(200);
    let (lost, came) = (first.message(1).await, second.message(1).await);
    assert_eq!(lost.code(), came.code());
    let stage = Stage { second, shop, program };
    stage.tells(&id, &["first accepted accepted", TOOK_OVER]).await;
    assert_eq!(first.received().len(), 1);
}

#[tokio::test]
async fn a_code_with_under_thirty_seconds_to_live_is_not_sent_any_more() {
    let first = Twilio::start(DOWN).await;
    let stage = Stage::set(&first.provider("first"), "").await;
    stage.second.behave(DOWN);
    let body = json!({ "to": PERSON, "ttl_seconds": 34, "custom_code": "482913" });
    let id = stage.start_with(body).await;
    let (once, twice) = (first.message(1).await, first.message(2).await);
    assert!(twice.at.duration_since(once.at) >= Duration::from_millis(1_900), "the second round");
    stage.second.message(2).await;
    first.behave(Behaviour::Accept);
    stage.second.behave(Behaviour::Accept);
    eventually("the end of it", PATIENCE, || async {
        (stage.shop.read(&id).await["delivery"] == "undeliverable").then_some(())
    })
    .await;
    pause(Duration::from_secs(5)).await;
    assert_eq!((first.received().len(), stage.second.received().len()), (2, 2), "it would arrive dead");
    stage.approves(&id, "482913").await;
}
