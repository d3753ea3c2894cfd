//! What a month may cost: never a cent more, however many ask at once, and the others take over.

use futures::future::join_all;

use super::*;

/// The first provider's entry with a price for everybody and a limit.
fn limited(first: &Twilio, limit: &str) -> String {
    format!("{}price = \"0.01 USD\"\nmonthly_spend_limit = \"{limit}\"\n", first.provider("first"))
}

#[tokio::test]
async fn a_months_limit_stops_a_provider_exactly_there_and_the_other_takes_the_rest() {
    let first = Twilio::start(Behaviour::Accept).await;
    let mut stage = Stage::within_reach(&limited(&first, "0.20 USD"), "").await;
    let starts = (0..50).map(|number| {
        let stage = &stage;
        async move { stage.start(&format!("+141555502{number:02}")).await }
    });
    let ids = join_all(starts).await;
    for id in &ids {
        eventually("the code to be sent", PATIENCE, || async {
            (stage.shop.read(id).await["delivery"] == "sent").then_some(())
        })
        .await;
    }
    assert_eq!((first.received().len(), stage.second.received().len()), (20, 30));
    assert!(stage.program.log().contains("stopped: the month's spend limit is reached"));

    stage.program.kill();
    stage.program.start();
    stage.shop = stage.program.shop();
    let id = stage.start(PERSON).await;
    stage.told(&id, &[TOOK_OVER]).await;
    assert_eq!(first.received().len(), 20, "a new process spends no more");
}

#[tokio::test]
async fn what_the_vendor_did_not_take_costs_nothing() {
    let first = Twilio::start(Behaviour::Accept).await;
    let stage = Stage::within_reach(&limited(&first, "0.02 USD"), "").await;
    for _ in 0..3 {
        first.next(Behaviour::error(400, 21211));
    }
    for number in 0..3 {
        let id = stage.start(&format!("+141555503{number:02}")).await;
        stage.told(&id, &["first rejected invalid_recipient", TOOK_OVER]).await;
    }
    for number in 0..2 {
        let id = stage.start(&format!("+141555504{number:02}")).await;
        stage.told(&id, &["first accepted accepted"]).await;
    }
    let id = stage.start(NEXT_PERSON).await;
    stage.told(&id, &[TOOK_OVER]).await;
}

#[tokio::test]
async fn an_answer_that_names_a_higher_price_counts_at_once() {
    let first = Twilio::start(Behaviour::Accept).await;
    let stage = Stage::within_reach(&limited(&first, "0.05 USD"), "").await;
    let dear = r#"{"sid":"SM1","status":"queued","price":"-0.0450","price_unit":"USD","error_code":null}"#;
    first.next(Behaviour::Answer(201, dear.to_owned()));
    let id = stage.start(PERSON).await;
    let read = stage.told(&id, &["first accepted accepted"]).await;
    assert_eq!(read["attempts"][0]["price"], "0.0450 USD", "{read:#}");
    let id = stage.start(NEXT_PERSON).await;
    stage.told(&id, &[TOOK_OVER]).await;
    assert_eq!(first.received().len(), 1, "0.005 USD are left, and a message costs 0.01");
}

#[tokio::test]
async fn with_every_limit_reached_the_code_is_undeliverable_and_still_good() {
    let first = Twilio::start(Behaviour::Accept).await;
    let program = Program::configured(&limited(&first, "0.01 USD"));
    let shop = program.shop();
    let id = shop.start(json!({ "to": PERSON, "wait": true })).await.text("id");
    let late = shop.start(json!({ "to": NEXT_PERSON, "custom_code": "482913" })).await.text("id");
    eventually("the end of it", PATIENCE, || async {
        (shop.read(&late).await["delivery"] == "undeliverable").then_some(())
    })
    .await;
    assert_eq!(first.received().len(), 1);
    assert_eq!(shop.check(&late, "482913").await.expect(200)["valid"], true);
    assert_eq!(shop.check(&id, &first.message(1).await.code()).await.expect(200)["valid"], true);
}
