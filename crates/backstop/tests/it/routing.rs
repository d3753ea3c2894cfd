//! Which provider a code goes through: the rules of the operator, what India asks for, and what a month may cost.

mod rules;
mod spending;

use serde_json::json;

use crate::{
    harness::{Behaviour, Program, Twilio, eventually, raw::query},
    outages::{NEXT_PERSON, PATIENCE, PERSON, Stage, TOOK_OVER, story_of},
};

const INDIAN: &str = "+919876543210";

#[tokio::test]
async fn a_provider_without_dlt_sends_no_text_to_india_and_says_so_at_boot() {
    let first = Twilio::start(Behaviour::Accept).await;
    let stage = Stage::within_reach(&first.abroad("first"), "").await;
    let warned = "provider \"first\" sends no text to India";
    assert!(stage.program.log().contains(warned), "{}", stage.program.log());
    let id = stage.start(INDIAN).await;
    stage.told(&id, &[TOOK_OVER]).await;
    let id = stage.start(PERSON).await;
    stage.told(&id, &["first accepted accepted"]).await;
    assert_eq!(first.received().len(), 1);
}

#[tokio::test]
async fn without_any_registered_provider_a_text_to_india_is_undeliverable_and_others_go() {
    let first = Twilio::start(Behaviour::Accept).await;
    let program = Program::configured(&first.abroad("first"));
    let shop = program.shop();
    let id = shop.start(json!({ "to": INDIAN })).await.text("id");
    let read = eventually("the end of it", PATIENCE, || async {
        let read = shop.read(&id).await;
        (read["delivery"] == "undeliverable").then_some(read)
    })
    .await;
    assert!(story_of(&read).is_empty(), "{read:#}");
    assert_eq!(read["status"], "pending");
    let id = shop.start(json!({ "to": PERSON })).await.text("id");
    first.message(1).await;
    assert_eq!(first.received()[0].form["To"], PERSON);
    drop(id);
}
