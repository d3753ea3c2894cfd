//! Fifty kills at random instants under a stream of starts and checks. The seed is fixed; the machine's own timing is
//! not, and need not be: what is claimed holds at every instant.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};

use crate::harness::{Caller, Dice, Gateway, Program, eventually, gateway::Reply, pause};

const KILLS: usize = 50;
const CALLERS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(40);
/// The longest life: long enough for several deliveries, each of which takes up to 50 ms at the vendor.
const LIFE: Duration = Duration::from_millis(160);
/// On PostgreSQL a life begins with making connections.
const LIFE_ON_POSTGRES: Duration = Duration::from_millis(800);

/// Everybody starts for this person too, each time for another purpose; five may pass.
const BUSY: &str = "+14155550199";

/// What the callers heard, over all lives.
#[derive(Default)]
struct Heard {
    /// Starts for the busy person that were answered with 201.
    busy: usize,
    asked: usize,
    /// Verifications whose start was answered, and how often their code was said to be valid.
    started: BTreeMap<String, u32>,
}

/// Starts and checks until the program is gone.
async fn call(shop: Caller, gateways: Arc<[Gateway; 2]>, heard: Arc<Mutex<Heard>>) {
    loop {
        let number = {
            let mut heard = heard.lock().unwrap();
            heard.asked += 1;
            heard.asked
        };
        if number % 8 == 0 {
            let Some(passed) = start_busy(&shop, number).await else { return };
            heard.lock().unwrap().busy += usize::from(passed);
        }
        let body = json!({ "to": format!("+1415{:07}", 2_000_000 + number) });
        let Ok(answer) = shop.try_send(reqwest::Method::POST, "/v1/verifications", Some(body)).await else {
            return;
        };
        assert_eq!(answer.status, 201, "{:#}", answer.body);
        let id = answer.text("id");
        heard.lock().unwrap().started.insert(id.clone(), 0);
        pause(Duration::from_millis(5)).await;
        if let Some(code) = gateways.iter().find_map(|gateway| gateway.code_of(&id)) {
            let path = format!("/v1/verifications/{id}/check");
            let body = json!({ "code": code });
            let Ok(answer) = shop.try_send(reqwest::Method::POST, &path, Some(body)).await else { return };
            note(&heard, &id, &answer.expect(200));
        }
    }
}

/// Whether a start for the busy person passed; nothing if the program is gone.
async fn start_busy(shop: &Caller, number: usize) -> Option<bool> {
    let body = json!({ "to": BUSY, "purpose": format!("purpose_{number}") });
    let answer = shop.try_send(reqwest::Method::POST, "/v1/verifications", Some(body)).await.ok()?;
    if answer.status == 201 {
        return Some(true);
    }
    assert_eq!(answer.expect(429)["limit"], "recipient_per_hour");
    Some(false)
}

fn note(heard: &Mutex<Heard>, id: &str, answer: &Value) {
    if answer["valid"] == true {
        *heard.lock().unwrap().started.get_mut(id).unwrap() += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_lose_no_answered_start_send_nothing_twice_and_approve_nothing_twice() {
    let slow = Reply::TakeWithin(Duration::from_millis(50));
    let gateways = Arc::new([Gateway::start(slow.clone()).await, Gateway::start(slow).await]);
    let config = format!("{}{}", gateways[0].provider("one", "sms"), gateways[1].provider("two", "sms"));
    let mut program = Program::configured(&config);
    let life = if program.store().is_postgres() { LIFE_ON_POSTGRES } else { LIFE };
    let (heard, mut dice) = (Arc::new(Mutex::new(Heard::default())), Dice::new(20_261_120));
    for _ in 0..KILLS {
        let shop = program.shop();
        let callers = (0..CALLERS).map(|_| call(shop.clone(), gateways.clone(), heard.clone()));
        let alive = dice.within(life);
        let death = async {
            pause(alive).await;
            tokio::task::block_in_place(|| program.kill());
        };
        futures::join!(join_all(callers), death);
        tokio::task::block_in_place(|| program.start());
    }

    let shop = program.shop();
    let passed = heard.lock().unwrap().busy;
    assert!(passed <= 5, "a limit of five let {passed} pass");
    let written = shop.get("/v1/verifications?limit=100&to=%2B14155550199").await.expect(200);
    let written = written["verifications"].as_array().unwrap().len();
    assert_eq!((written, start_busy(&shop, 0).await), (5, Some(false)), "five were charged, five are there");

    let ids: Vec<String> = heard.lock().unwrap().started.keys().cloned().collect();
    assert!(ids.len() > KILLS, "there was something to lose: {}", ids.len());
    for id in &ids {
        eventually("the code of an answered start", PATIENCE.max(program.store().takeover()), || async {
            gateways.iter().find_map(|gateway| gateway.code_of(id))
        })
        .await;
    }

    let unknown = stream::iter(&ids).map(|id| audit(&shop, id, &gateways, &heard)).buffer_unordered(8);
    let unknown: usize = unknown.fold(0, |sum, unknown| async move { sum + unknown }).await;
    assert!(unknown > 0, "some kills hit a message on its way");

    let handed: Vec<_> = gateways.iter().flat_map(Gateway::handed).collect();
    let attempts: BTreeSet<&str> = handed.iter().map(|message| message.attempt.as_str()).collect();
    assert_eq!(attempts.len(), handed.len(), "no attempt was sent twice");
}

/// Holds one verification against what was heard and handed over. Says how many of its attempts ended unknown.
async fn audit(shop: &Caller, id: &str, gateways: &[Gateway; 2], heard: &Mutex<Heard>) -> usize {
    // First what was handed over, then the rows: a delivery that was just taken over may send between the two.
    let handed: Vec<_> = gateways.iter().flat_map(Gateway::handed).collect();
    let read = eventually("the last answer", PATIENCE, || async {
        let read = shop.read(id).await;
        let over = read["attempts"].as_array().unwrap().iter().all(|attempt| attempt["state"] != "sending");
        over.then_some(read)
    })
    .await;
    let attempts = read["attempts"].as_array().unwrap();
    let written: BTreeSet<&str> = attempts.iter().map(|attempt| attempt["id"].as_str().unwrap()).collect();
    let mine = || handed.iter().filter(|message| message.verification == id);
    assert!(mine().all(|message| written.contains(message.attempt.as_str())), "written before it was sent");
    let codes: BTreeSet<&str> = mine().map(|message| message.code.as_str()).collect();
    assert_eq!(codes.len(), 1, "one code, however often it is sent");

    let code = codes.first().unwrap();
    for _ in 0..2 {
        note(heard, id, &shop.check(id, code).await.expect(200));
    }
    let valid = heard.lock().unwrap().started[id];
    assert!(valid <= 1, "a code opened the door {valid} times");
    assert_eq!(shop.read(id).await["status"], "approved");
    attempts.iter().filter(|attempt| attempt["state"] == "unknown").count()
}
