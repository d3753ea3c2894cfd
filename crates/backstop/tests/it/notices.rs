//! Notices from the rows of a real program to a real receiver, verified by the scheme's own public library.

use std::time::Duration;

use serde_json::Value;

use crate::harness::{
    Program, eventually, pause,
    raw::{execute, query},
    server::Server,
};

const OLD: &str = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const ANSWERS: [&str; 6] = ["200", "302", "410", "429", "endless", "hang"];

fn webhooks(receiver: &Server) -> String {
    let webhook = |answer: &str| {
        format!(
            "[[webhook]]\nname = \"w{answer}\"\napplication = \"shop\"\n\
             url = \"http://127.0.0.1:{}/{answer}\"\nsecret = [\"{OLD}\", \"{NEW}\"]\n",
            receiver.port()
        )
    };
    ANSWERS.map(webhook).concat()
}

/// Writes a notice down as an act of the service does.
fn owe(program: &Program, answer: &str, number: usize) {
    let sql = format!(
        "INSERT INTO notices (application_id, id, kind, user_id, line, target, address, masked, at, sequence, \
         detail, state, tries, due_at) \
         SELECT id, 'ntc_{number:035}0', 'user.factor_added', NULL, 'webhook:w{answer}', 'webhook', NULL, NULL, \
         created_at, {number}, '{{\"factor\":\"totp\",\"address\":\"+91••••••••10\"}}', 'waiting', 0, created_at \
         FROM applications WHERE name = 'shop'"
    );
    execute(program, &sql);
}

fn stands(program: &Program, answer: &str) -> (String, i64) {
    let sql = format!("SELECT state, tries FROM notices WHERE line = 'webhook:w{answer}'");
    let row = query(program, &sql).remove(0);
    (row[0].as_str().unwrap().to_owned(), row[1].as_i64().unwrap())
}

fn posts(receiver: &Server, answer: &str) -> Vec<Value> {
    let path = format!("/{answer}");
    receiver.records().into_iter().filter(|record| record["path"] == path.as_str()).collect()
}

async fn came(receiver: &Server, answer: &str, count: usize) -> Vec<Value> {
    eventually("a post", Duration::from_secs(30), || async {
        Some(posts(receiver, answer)).filter(|posts| posts.len() >= count)
    })
    .await
}

fn seconds(post: &Value) -> i64 {
    post["timestamp"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn each_receiver_is_heard_and_none_waits_for_another() {
    let receiver = Server::start("webhook.py", &["--secret", OLD, "--secret", NEW]);
    let program = Program::configured(&webhooks(&receiver));
    for (number, answer) in ANSWERS.into_iter().enumerate() {
        owe(&program, answer, number);
    }
    for answer in ANSWERS {
        let first = came(&receiver, answer, 1).await.remove(0);
        assert_eq!(first["verified"], serde_json::json!([true, true]), "{first}");
        let body: Value = serde_json::from_str(first["body"].as_str().unwrap()).unwrap();
        assert_eq!(
            (&body["type"], &body["data"]["application"]),
            (&"user.factor_added".into(), &"shop".into())
        );
        assert_eq!(body["data"]["address"], "+91••••••••10");
    }
    for taken in ["200", "endless"] {
        eventually("the end of a notice", Duration::from_secs(10), || async {
            (stands(&program, taken).0 == "sent").then_some(())
        })
        .await;
    }
    assert_eq!(stands(&program, "hang"), ("waiting".into(), 1), "it hangs, and the others are done");

    let redirected = came(&receiver, "302", 2).await;
    assert_eq!(redirected[0]["id"], redirected[1]["id"]);
    assert!(seconds(&redirected[1]) > seconds(&redirected[0]), "a try has a time of its own");
    assert_eq!(redirected[1]["verified"], serde_json::json!([true, true]));
    assert!(posts(&receiver, "followed").is_empty(), "no redirect is followed");

    let patient = came(&receiver, "429", 2).await;
    assert!(seconds(&patient[1]) - seconds(&patient[0]) >= 8, "{patient:?}");

    pause(Duration::from_secs(6)).await;
    assert_eq!(posts(&receiver, "410").len(), 1, "gone is gone");
    assert_eq!(stands(&program, "410"), ("waiting".into(), 1), "and comes after the next start");
    assert_eq!((posts(&receiver, "200").len(), posts(&receiver, "endless").len()), (1, 1));
    let log = program.log();
    assert!(log.contains("the receiver answers 410"), "somebody has to hear of it");
    assert!(!log.contains("whsec_"), "no secret in the log");
}

#[tokio::test]
async fn a_notice_that_was_on_its_way_at_a_kill_is_sent_again_under_its_id() {
    let receiver = Server::start("webhook.py", &["--secret", OLD, "--secret", NEW]);
    let mut program = Program::configured(&webhooks(&receiver));
    owe(&program, "hang", 7);
    came(&receiver, "hang", 1).await;
    program.kill();
    program.start();
    let posts = came(&receiver, "hang", 2).await;
    assert_eq!(posts[0]["id"], posts[1]["id"]);
    assert_eq!(posts[1]["verified"], serde_json::json!([true, true]));
    assert_eq!(stands(&program, "hang").1, 2);
}
