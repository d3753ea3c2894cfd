//! Refusals that are about the person or the country: they move one message on and switch no vendor off.

use super::*;
use crate::harness::{AnyChannel, Gateway, gateway::Reply};

#[tokio::test]
async fn a_number_that_the_vendor_does_not_know_gets_one_second_opinion() {
    let (stage, first) =
        falls_over(Behaviour::Refuse(400, 21211, None), "first rejected invalid_recipient").await;
    for person in [NEXT_PERSON, THIRD_PERSON, FOURTH_PERSON] {
        let id = stage.start(person).await;
        stage.tells(&id, &["first rejected invalid_recipient", TOOK_OVER]).await;
    }
    assert_eq!(first.received().len(), 4, "a wrong number is not the vendor's failure");
}

#[tokio::test]
async fn two_vendors_that_do_not_know_the_number_are_enough_and_the_next_channel_is_taken() {
    let first = Twilio::start(Behaviour::Refuse(400, 21211, None)).await;
    let (third, mail) = (Twilio::start(Behaviour::Accept).await, Gateway::start(Reply::Take).await);
    let more = format!("{}{}", third.provider("third"), mail.provider("mail", "email"));
    let stage = Stage::set(&first.provider("first"), &more).await;
    stage.second.behave(Behaviour::Refuse(400, 21211, None));
    let id =
        stage.start_with(json!({ "to": PERSON, "fallback_to": { "email": "person@example.com" } })).await;
    let story =
        ["first rejected invalid_recipient", "second rejected invalid_recipient", "mail accepted accepted"];
    let read = stage.tells(&id, &story).await;
    assert_eq!(read["channel"], "email");
    assert!(third.received().is_empty(), "a third opinion is not asked for");
    let handed = mail.message(1).await;
    assert_eq!((handed.to.as_str(), handed.channel.as_str()), ("person@example.com", "email"));
    assert_eq!(handed.code, first.message(1).await.code());
    stage.approves(&id, &handed.code).await;
}

#[tokio::test]
async fn a_person_who_said_stop_never_hears_from_that_sender_again_and_everybody_else_does() {
    let (mut stage, first) =
        falls_over(Behaviour::Refuse(400, 21610, None), "first rejected opted_out").await;
    first.behave(Behaviour::Accept);
    let id = stage.start(PERSON).await;
    stage.tells(&id, &[TOOK_OVER]).await;
    let id = stage.start(NEXT_PERSON).await;
    stage.tells(&id, &["first accepted accepted"]).await;

    stage.program.kill();
    stage.program.start();
    stage.shop = stage.program.shop();
    let id = stage.start(PERSON).await;
    stage.tells(&id, &[TOOK_OVER]).await;
    let to: Vec<String> = first.received().iter().map(|message| message.form["To"].clone()).collect();
    assert_eq!(to, [PERSON, NEXT_PERSON], "not even after a crash");
}

#[tokio::test]
async fn a_country_that_is_not_enabled_closes_that_route_alone() {
    let (stage, first) =
        falls_over(Behaviour::Refuse(403, 21408, None), "first rejected misconfigured").await;
    first.behave(Behaviour::Accept);
    let id = stage.start(NEXT_PERSON).await;
    stage.tells(&id, &[TOOK_OVER]).await;
    let id = stage.start("+919876543210").await;
    stage.tells(&id, &["first accepted accepted"]).await;
    assert_eq!(first.received().len(), 2, "closed for that country, open for others");
}

#[tokio::test]
async fn too_many_foreign_numbers_do_not_switch_a_vendor_off() {
    let first = Twilio::start(Behaviour::Refuse(400, 21614, None)).await;
    let mail = Gateway::start(Reply::Take).await;
    let stage = Stage::set(&first_at(&first), &mail.provider("mail", "email")).await;
    for number in 0..6 {
        let to = format!("+1415555014{number}");
        let id = stage.start_with(json!({ "to": to, "fallback_to": { "email": "p@example.com" } })).await;
        // A land line takes no text from anybody, so no other SMS provider is asked.
        stage.tells(&id, &["first rejected not_on_channel", "mail accepted accepted"]).await;
    }
    assert!(stage.second.received().is_empty());
    first.behave(Behaviour::Accept);
    let id = stage.start(PERSON).await;
    stage.tells(&id, &["first accepted accepted"]).await;
}

#[tokio::test]
async fn too_many_messages_to_one_person_hold_up_nobody_else() {
    let first = AnyChannel::start().await;
    let stage = Stage::set(&first.provider("first", &["sms"]), "").await;
    first.answer(200, r#"{"outcome":"rate_limited","scope":"recipient","retry_after_seconds":600}"#);
    for person in [PERSON, NEXT_PERSON, THIRD_PERSON] {
        let id = stage.start(person).await;
        stage.tells(&id, &["first rejected rate_limited", TOOK_OVER]).await;
    }
    first.answer(204, "");
    let id = stage.start(FOURTH_PERSON).await;
    stage.tells(&id, &["first accepted accepted"]).await;
    assert_eq!(first.received().len(), 4);
}

#[tokio::test]
async fn a_limit_on_one_route_closes_it_for_the_vendors_time_and_no_other() {
    let first = AnyChannel::start().await;
    let stage = Stage::set(&first.provider("first", &["sms"]), "").await;
    first.answer(200, r#"{"outcome":"rate_limited","scope":"route","retry_after_seconds":4}"#);
    let id = stage.start(PERSON).await;
    stage.tells(&id, &["first rejected rate_limited", TOOK_OVER]).await;
    first.answer(204, "");
    let id = stage.start(NEXT_PERSON).await;
    stage.tells(&id, &[TOOK_OVER]).await;
    let id = stage.start("+919876543210").await;
    stage.tells(&id, &["first accepted accepted"]).await;
    assert_eq!(first.received().len(), 2, "closed for that country alone");
    pause(Duration::from_secs(4)).await;
    let id = stage.start(THIRD_PERSON).await;
    stage.tells(&id, &["first accepted accepted"]).await;
}
