//! What a message cost stands on its attempt: by the vendor's word, else by the configured price.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{AnyChannel, Behaviour, Caller, Program, Twilio, eventually};

/// The prices of the finished attempts of a new verification, oldest first.
async fn prices(caller: &Caller, to: &str, attempts: usize) -> Vec<Value> {
    let id = caller.start(json!({ "to": to })).await.text("id");
    eventually("the attempts", Duration::from_secs(10), || async {
        let tried = caller.read(&id).await["attempts"].as_array().cloned().unwrap_or_default();
        let done = tried.len() == attempts && tried.iter().all(|attempt| attempt["state"] != "sending");
        done.then(|| tried.iter().map(|attempt| attempt["price"].clone()).collect())
    })
    .await
}

#[tokio::test]
async fn an_accepted_message_costs_what_its_region_costs_and_nothing_is_made_up() {
    let twilio = Twilio::start(Behaviour::Accept).await;
    let entry = twilio.provider("twilio-main") + "price = { US = \"0.0079 USD\" }\n";
    let program = Program::configured(&entry);
    let shop = program.shop();
    assert_eq!(prices(&shop, "+14155550123", 1).await, ["0.0079 USD"]);
    assert_eq!(prices(&shop, "+919876543210", 1).await, [Value::Null], "the list does not name India");
}

#[tokio::test]
async fn only_what_a_vendor_surely_took_has_a_price() {
    let (first, second) = (Twilio::start(Behaviour::Accept).await, Twilio::start(Behaviour::Accept).await);
    let entries = first.provider("first")
        + "price = \"0.05 USD\"\n"
        + &second.provider("second")
        + "price = \"0.07 USD\"\n";
    let program = Program::configured(&entries);
    let shop = program.shop();
    first.next(Behaviour::error(401, 20003));
    assert_eq!(
        prices(&shop, "+14155550123", 2).await,
        [Value::Null, json!("0.07 USD")],
        "refused, then taken"
    );
    let program = Program::configured(&entries);
    first.next(Behaviour::Answer(200, "no answer of Twilio's".into()));
    let shop = program.shop();
    assert_eq!(
        prices(&shop, "+14155550124", 2).await,
        [Value::Null, json!("0.07 USD")],
        "unknown, then taken"
    );
}

#[tokio::test]
async fn the_vendors_own_price_wins_over_the_configured_one() {
    let gateway = AnyChannel::start().await;
    gateway.answer(200, r#"{"id": "m-1", "price": "0.0123 EUR"}"#);
    let entry = gateway.provider("gateway", &["sms"]) + "price = \"0.05 USD\"\n";
    let program = Program::configured(&entry);
    assert_eq!(prices(&program.shop(), "+14155550123", 1).await, ["0.0123 EUR"]);
}
