//! Outages: the first provider fails in every way a vendor can, and the code still arrives.
//!
//! Each test names what the vendor does, what the attempts must tell, and where the next person's message must go.

mod breaker;
mod hanging;
mod ladder;
mod recipient;
mod wire;

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use serde_json::{Value, json};

use crate::harness::{Behaviour, Caller, Program, Twilio, eventually, pause, vendor::twilio_provider};

/// How long a delivery may take to settle here: rounds are 2, 4, 8 s apart and the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const PERSON: &str = "+14155550123";
pub(crate) const NEXT_PERSON: &str = "+14155550124";
pub(crate) const THIRD_PERSON: &str = "+14155550125";
pub(crate) const FOURTH_PERSON: &str = "+14155550126";

/// Two accounts at Twilio, `first` before `second`, and the program between.
pub(crate) struct Stage {
    pub(crate) second: Twilio,
    pub(crate) program: Program,
    pub(crate) shop: Caller,
}

impl Stage {
    /// `first` is the entry of the first provider; `more` is configuration after both.
    async fn set(first: &str, more: &str) -> Self {
        Self::set_at(first, Twilio::start(Behaviour::Accept).await, more).await
    }

    async fn set_at(first: &str, second: Twilio, more: &str) -> Self {
        let program = Program::configured(&format!("{first}\n{}\n{more}", second.provider("second")));
        Self::of(second, program)
    }

    /// As [`Stage::set`], where the vendors can reach the program.
    pub(crate) async fn within_reach(first: &str, more: &str) -> Self {
        let second = Twilio::start(Behaviour::Accept).await;
        let program = Program::reachable(&format!("{first}\n{}\n{more}", second.provider("second")));
        Self::of(second, program)
    }

    fn of(second: Twilio, program: Program) -> Self {
        let shop = program.shop();
        Self { second, program, shop }
    }

    pub(crate) async fn start(&self, to: &str) -> String {
        self.start_with(json!({ "to": to })).await
    }

    pub(crate) async fn start_with(&self, body: Value) -> String {
        let answer = self.shop.start(body).await;
        assert_eq!(answer.status, 201, "{:#}", answer.body);
        answer.text("id")
    }

    /// Waits until the attempts tell this story, each as `provider state outcome`, and gives the answer that told it.
    pub(crate) async fn tells(&self, id: &str, story: &[&str]) -> Value {
        let mut last = Vec::new();
        for _ in 0..PATIENCE.as_millis() / 50 {
            let read = self.shop.read(id).await;
            last = story_of(&read);
            if last == story {
                return read;
            }
            pause(Duration::from_millis(50)).await;
        }
        panic!("expected {story:?}, the attempts tell {last:?}\n{}", self.program.log())
    }

    /// The same, and the delivery is done: the act after the one that wrote the last answer down.
    pub(crate) async fn told(&self, id: &str, story: &[&str]) -> Value {
        self.tells(id, story).await;
        eventually("the delivery to be sent", PATIENCE, || async {
            let read = self.shop.read(id).await;
            (read["delivery"] == "sent").then_some(read)
        })
        .await
    }

    pub(crate) async fn approves(&self, id: &str, code: &str) {
        assert_eq!(self.shop.check(id, code).await.expect(200)["valid"], true);
    }
}

pub(crate) fn story_of(read: &Value) -> Vec<String> {
    let word = |attempt: &Value, field: &str| attempt[field].as_str().unwrap_or("-").to_owned();
    let attempts = read["attempts"].as_array().unwrap();
    let told = attempts.iter().map(|attempt| {
        format!("{} {} {}", word(attempt, "provider"), word(attempt, "state"), word(attempt, "outcome"))
    });
    told.collect()
}

/// The entry of the first provider, whose breaker opens at the second failure in a row.
fn first_at(vendor: &Twilio) -> String {
    format!("{}breaker = {{ failures = 2, open_for = \"60s\" }}\n", vendor.provider("first"))
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub(crate) const TOOK_OVER: &str = "second accepted accepted";

/// Starts while the first provider fails in this way; the second must bring the same code, the attempts must tell of
/// both, and what the vendor said must be kept without the code and the number.
async fn falls_over(behaviour: Behaviour, told: &str) -> (Stage, Twilio) {
    let first = Twilio::start(behaviour).await;
    let stage = Stage::set(&first_at(&first), "").await;
    let id = stage.start(PERSON).await;
    let message = stage.second.message(1).await;
    let (code, refused) = (message.code(), first.message(1).await);
    assert_eq!((refused.code(), refused.form["To"].as_str()), (code.clone(), PERSON), "the same code");
    let read = stage.told(&id, &[told, TOOK_OVER]).await;
    for attempt in read["attempts"].as_array().unwrap() {
        let kept = attempt["vendor_response"].to_string();
        assert!(!kept.contains(&code) && !kept.contains(&PERSON[1..]), "{kept}");
        assert_eq!(attempt["vendor_response"]["outcome"], attempt["outcome"]);
        assert_eq!(attempt["vendor_response"]["success"], attempt["state"] == "accepted");
        assert!(attempt["finished_at"].is_string());
    }
    stage.approves(&id, &code).await;
    (stage, first)
}

/// One failure is one failure: the next person's message tries the first provider again, and the one after does not.
async fn opens_at_the_second(stage: &Stage, told: &str) {
    let id = stage.start(NEXT_PERSON).await;
    stage.tells(&id, &[told, TOOK_OVER]).await;
    let id = stage.start(THIRD_PERSON).await;
    stage.tells(&id, &[TOOK_OVER]).await;
}

#[tokio::test]
async fn a_vendor_that_refuses_connections_is_passed_over() {
    let entry = format!("{}breaker = {{ failures = 2 }}\n", twilio_provider("first", nobody()));
    let stage = Stage::set(&entry, "").await;
    let id = stage.start(PERSON).await;
    let refused = "first rejected unavailable";
    stage.tells(&id, &[refused, TOOK_OVER]).await;
    opens_at_the_second(&stage, refused).await;
    stage.approves(&id, &stage.second.message(1).await.code()).await;
}

#[tokio::test]
async fn a_bare_500_proves_nothing_and_the_next_provider_sends() {
    let unknown = "first unknown unknown";
    let (stage, _first) =
        falls_over(Behaviour::Answer(500, "<h1>Internal Server Error</h1>".into()), unknown).await;
    opens_at_the_second(&stage, unknown).await;
}

#[tokio::test]
async fn a_500_that_the_vendor_formed_itself_is_a_refusal() {
    let refused = "first rejected unavailable";
    let (stage, _first) = falls_over(Behaviour::Refuse(500, 20500, None), refused).await;
    opens_at_the_second(&stage, refused).await;
}

#[tokio::test]
async fn wrong_credentials_stop_a_provider_at_the_first_message() {
    stops_at_once(Behaviour::Refuse(401, 20003, None), "first rejected misconfigured").await;
}

#[tokio::test]
async fn a_suspended_account_stops_a_provider_at_the_first_message() {
    stops_at_once(Behaviour::Refuse(403, 90010, None), "first rejected out_of_credit").await;
}

#[tokio::test]
async fn a_bare_402_means_that_the_money_is_gone() {
    stops_at_once(Behaviour::Answer(402, String::new()), "first rejected out_of_credit").await;
}

async fn stops_at_once(behaviour: Behaviour, told: &str) {
    let (stage, first) = falls_over(behaviour, told).await;
    let id = stage.start(NEXT_PERSON).await;
    stage.tells(&id, &[TOOK_OVER]).await;
    assert_eq!(first.received().len(), 1);
    assert!(stage.program.log().contains("somebody has to look at this account"), "it says so");
}

#[tokio::test]
async fn garbage_instead_of_an_answer_is_no_acceptance() {
    let unknown = "first unknown unknown";
    let (stage, _first) =
        falls_over(Behaviour::Answer(201, "<html>\u{0}welcome to the café</html>".into()), unknown).await;
    opens_at_the_second(&stage, unknown).await;
}

#[tokio::test]
async fn an_empty_201_is_no_acceptance() {
    falls_over(Behaviour::Answer(201, String::new()), "first unknown unknown").await;
}

#[tokio::test]
async fn a_body_without_end_is_cut_off_and_the_next_provider_sends() {
    let (stage, _first) = falls_over(Behaviour::Endless, "first unknown unknown").await;
    let id = stage.start(NEXT_PERSON).await;
    let read = stage.tells(&id, &["first unknown unknown", TOOK_OVER]).await;
    assert!(read.to_string().len() < 8 * 1024, "what is kept is bounded");
}
