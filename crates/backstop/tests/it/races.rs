//! Races: hundreds of equal calls at once, over HTTP. Counts hold to the one, and only one call wins.
//!
//! The floods take turns, so that each meets the service alone and the sockets of all of them are not open at once.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::json;
use tokio::sync::Mutex;

use crate::harness::{Answer, Caller, Gateway, Program, gateway::Reply};

const PERSON: &str = "+14155550123";
static TURN: Mutex<()> = Mutex::const_new(());

struct Stage {
    gateway: Gateway,
    program: Program,
}

impl Stage {
    async fn set() -> Self {
        let gateway = Gateway::start(Reply::Take).await;
        let program = Program::configured(&gateway.provider("gateway", "sms"));
        Self { gateway, program }
    }

    async fn start(&self) -> (Caller, String, String) {
        let shop = self.program.shop();
        let id = shop.start(json!({ "to": PERSON })).await.text("id");
        let code = self.gateway.message(1).await.code;
        (shop, id, code)
    }
}

/// How often each answer came: its status and what says which kind it is.
fn tally(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        let body = &answer.body;
        let kind = match answer.status.as_u16() {
            200 => format!("{} {}", body["valid"], body["status"]),
            201 => "started".to_owned(),
            status => format!("{status} {}", body["limit"]),
        };
        *tally.entry(kind.replace('"', "")).or_default() += 1;
    }
    tally
}

#[tokio::test]
async fn of_five_hundred_wrong_codes_at_once_no_more_than_three_are_looked_at() {
    let _turn = TURN.lock().await;
    let stage = Stage::set().await;
    let (shop, id, code) = stage.start().await;
    let wrong = (0..1_000_000).map(|number| format!("{number:06}")).filter(|guess| *guess != code).take(500);
    let guesses: Vec<String> = wrong.collect();
    let answers = join_all(guesses.iter().map(|guess| shop.check(&id, guess))).await;
    let tally = tally(&answers);
    assert!(answers.iter().all(|answer| answer.body["valid"] != true), "{tally:?}");
    assert_eq!(tally.get("false pending"), Some(&2), "{tally:?}");
    let ended = tally.get("false max_checks_reached").copied().unwrap_or(0);
    let refused = tally.get("429 checks_per_hour").copied().unwrap_or(0);
    assert_eq!(2 + ended + refused, 500, "each is evaluated, too late or over the budget: {tally:?}");
    let last = shop.check(&id, &code).await;
    assert_ne!(last.body["valid"], true, "the right one comes too late");
    let read = shop.read(&id).await;
    assert_eq!((&read["status"], &read["checks_left"]), (&json!("max_checks_reached"), &json!(0)));
}

#[tokio::test]
async fn of_two_hundred_right_codes_at_once_one_opens_the_door() {
    let _turn = TURN.lock().await;
    let stage = Stage::set().await;
    let (shop, id, code) = stage.start().await;
    let answers = join_all((0..200).map(|_| shop.check(&id, &code))).await;
    let tally = tally(&answers);
    assert_eq!(tally.get("true approved"), Some(&1), "{tally:?}");
    let late = tally.get("false approved").copied().unwrap_or(0);
    let refused = tally.get("429 checks_per_hour").copied().unwrap_or(0);
    assert_eq!(1 + late + refused, 200, "{tally:?}");
    let redeem = format!("/v1/verifications/{id}/redeem");
    let proofs = join_all((0..50).map(|_| shop.post(&redeem, json!({})))).await;
    assert_eq!(proofs.iter().filter(|proof| proof.status == 200).count(), 1, "redeemed once");
    assert!(proofs.iter().all(|proof| [200, 409].contains(&proof.status.as_u16())));
}

#[tokio::test]
async fn three_hundred_starts_at_once_for_one_person_open_three() {
    let _turn = TURN.lock().await;
    let stage = Stage::set().await;
    let shop = stage.program.shop();
    let answers = join_all((0..300).map(|_| shop.start(json!({ "to": PERSON })))).await;
    let expected = [("429 live_verifications".to_owned(), 297), ("started".to_owned(), 3)];
    assert_eq!(tally(&answers), BTreeMap::from(expected));
    stage.gateway.message(3).await;
    let page = shop.get("/v1/verifications").await.expect(200);
    assert_eq!(page["verifications"].as_array().unwrap().len(), 3);
    assert_eq!(stage.gateway.handed().len(), 3, "three messages and not one more");
}

#[tokio::test]
async fn three_hundred_starts_at_once_for_as_many_purposes_send_five_messages() {
    let _turn = TURN.lock().await;
    let stage = Stage::set().await;
    let shop = stage.program.shop();
    let bodies = (0..300).map(|number| json!({ "to": PERSON, "purpose": format!("purpose_{number}") }));
    let answers = join_all(bodies.map(|body| shop.start(body))).await;
    let expected = [("429 recipient_per_hour".to_owned(), 295), ("started".to_owned(), 5)];
    assert_eq!(tally(&answers), BTreeMap::from(expected));
    stage.gateway.message(5).await;
    assert_eq!(stage.gateway.handed().len(), 5, "five messages and not one more");
}
