//! Providers, routes and money in the operator's hands: beside a running service and without one.

mod examined;
mod money;

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};

use super::{ASHA, AnyChannel, Program, err, exit, out, start, told};
use crate::harness::{Behaviour, Twilio, eventually, pause};

const RAVI: &str = "+919876543210";

/// Two vendors of texts, the first one first, each with a price.
async fn two() -> (AnyChannel, AnyChannel, Program) {
    with("").await
}

/// The same with more configuration before the providers.
async fn with(more: &str) -> (AnyChannel, AnyChannel, Program) {
    let (one, other) = (AnyChannel::start().await, AnyChannel::start().await);
    let priced = |gateway: &AnyChannel, name: &str, price: &str| {
        format!("{}price = \"{price}\"\n", gateway.provider(name, &["sms"]))
    };
    let providers = [priced(&one, "one", "0.40 USD"), priced(&other, "two", "0.10 USD")].concat();
    let program = Program::configured(&format!("[channels]\norder = [\"sms\"]\n{more}\n{providers}"));
    (one, other, program)
}

/// A number of its own for each message.
fn number(index: usize) -> String {
    format!("+1415555{index:04}")
}

/// Sends one and waits until it is at either gateway: who had it?
async fn carried_by(program: &Program, index: usize, one: &AnyChannel, other: &AnyChannel) -> &'static str {
    let id = start(&program.shop(), &number(index)).await;
    let had = |gateway: &AnyChannel| {
        gateway.received().iter().any(|message| message["verification_id"] == id.as_str())
    };
    eventually("the message at a gateway", Duration::from_secs(20), || async {
        match (had(one), had(other)) {
            (true, _) => Some("one"),
            (_, true) => Some("two"),
            _ => None,
        }
    })
    .await
}

/// Waits until the running service follows what a command did at the store.
async fn carried_at_last(
    program: &Program,
    by: &str,
    first: usize,
    (one, other): (&AnyChannel, &AnyChannel),
) {
    let mut index = first;
    eventually("the service follows", Duration::from_secs(5), || {
        index += 1;
        let index = index;
        async move { (carried_by(program, index, one, other).await == by).then_some(()) }
    })
    .await;
}

fn row<'a>(table: &'a Value, name: &str) -> &'a Value {
    table["providers"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_switched_off_carries_nothing_until_it_is_switched_on_also_over_a_restart() {
    let (one, other, mut program) = two().await;
    assert_eq!(carried_by(&program, 0, &one, &other).await, "one");
    let off = told(&program, &["providers", "disable", "one"], 0);
    assert_eq!(
        (&off["enabled"], &off["changed"], &off["unserved"]),
        (&json!(false), &json!(true), &json!([]))
    );
    carried_at_last(&program, "two", 100, (&one, &other)).await;
    assert_eq!(told(&program, &["providers", "disable", "one"], 0)["changed"], false);
    let table = told(&program, &["providers"], 0);
    assert_eq!(row(&table, "one")["switched_off"], true);

    program.kill();
    program.start();
    let before = one.received().len();
    assert_eq!(carried_by(&program, 200, &one, &other).await, "two", "a restart changes nothing");
    assert_eq!(one.received().len(), before);

    program.kill();
    let sent = told(&program, &["send", &number(201), "--wait"], 0);
    assert_eq!(sent["provider"], "two", "a command without a service follows too");
    assert_eq!(told(&program, &["providers", "enable", "one"], 0)["changed"], true);
    program.start();
    assert_eq!(carried_by(&program, 202, &one, &other).await, "one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_watches_hears_that_nobody_gets_in_and_since_when() {
    let (_one, _other, program) = two().await;
    let watcher = program.caller(None);
    let well = watcher.get("/health/messaging").await.expect(200);
    assert_eq!(well["sms"][0]["provider"], "one");
    assert_eq!((&well["sms"][0]["priority"], &well["sms"][1]["priority"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&well["sms"][0]["status"], &well["sms"][0]["circuit_breaker"]),
        (&json!("available"), &json!("closed"))
    );
    let status = watcher.get("/status").await.expect(200);
    assert_eq!((&status["status"], &status["channels"]["sms"]["status"]), (&json!("ok"), &json!("working")));

    told(&program, &["providers", "disable", "one"], 0);
    let last = told(&program, &["providers", "disable", "two"], 1);
    assert_eq!(last["unserved"], json!(["sms"]), "the last one is a warning");
    let down = eventually("the service follows", Duration::from_secs(5), || async {
        let answer = watcher.get("/health/messaging").await;
        (answer.status == 503).then_some(answer.body)
    })
    .await;
    assert_eq!(down["sms"][1]["status"], "off");
    let before = status;
    let status = watcher.get("/status").await.expect(200);
    assert_eq!((&status["status"], &status["channels"]["sms"]["status"]), (&json!("down"), &json!("down")));
    assert!(status["since"].as_str() > before["since"].as_str(), "since it stopped: {status} {before}");
    for body in [&down, &status] {
        assert!(!body.to_string().contains("price"), "what it costs is not for everybody: {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_counts_who_got_in_and_shows_what_holds_a_provider_back() {
    let (one, _other, mut program) = two().await;
    let id = start(&program.shop(), ASHA).await;
    let code = one.code(&id).await;
    assert_eq!(program.shop().check(&id, &code).await.expect(200)["valid"], true);
    let table = told(&program, &["providers"], 0);
    assert_eq!(row(&table, "one")["day"], json!({"answered": 1, "accepted": 1, "approved": 1}));
    let is_live = !program.store().is_postgres();
    assert_eq!(table["live"], is_live);
    let plain = program.run(&["providers"]);
    assert!(out(&plain).contains("1 of 1") && out(&plain).contains("working"), "{}", out(&plain));

    one.answer(401, "no");
    start(&program.shop(), RAVI).await;
    let table = eventually("the breaker is open", Duration::from_secs(10), || async {
        let table: Value = serde_json::from_str(&out(&program.run(&["providers", "--json"]))).unwrap();
        (row(&table, "one")["breaker"] == "open").then_some(table)
    })
    .await;
    assert_eq!(row(&table, "one")["why_not"], "its breaker is open");
    // A command on PostgreSQL hears of the breaker, not of what opened it.
    assert_eq!(row(&table, "one")["last_error"].to_string().contains("misconfigured"), is_live);
    assert_eq!(exit(&program.run(&["providers"])), 1);
    let receipts = program.run(&["providers", "--receipts"]);
    assert!(out(&receipts).contains("public_url is not set"), "{}", out(&receipts));

    program.kill();
    // A node that died is heard for some seconds more: what the exit code is depends on that.
    let table: Value = serde_json::from_str(&out(&program.run(&["providers", "--json"]))).unwrap();
    assert_eq!(row(&table, "one")["day"]["approved"], 1, "without a service it counts the same");
    assert_eq!(table["live"], false);
    assert!(err(&program.run(&["providers"])).contains("no service answered"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_goes_through_that_provider_alone_and_leaves_nothing_under_way() {
    let (one, other, mut program) = two().await;
    for round in 0..2 {
        let looked = told(&program, &["providers", "test", "two"], 0);
        assert_eq!((&looked["checkup"]["well"], &looked["sent"]), (&json!(true), &Value::Null));
        let tested = told(&program, &["providers", "test", "two", "--to", &number(round)], 0);
        let id = tested["sent"]["verification"].as_str().unwrap();
        assert_eq!((&tested["sent"]["channel"], &tested["sent"]["accepted"]), (&json!("sms"), &json!(true)));
        assert_eq!(told(&program, &["verify", id, &other.code(id).await], 0)["valid"], true);

        other.answer(500, "down");
        let down = told(&program, &["providers", "test", "two", "--to", &number(10 + round)], 2);
        assert_eq!((&down["sent"]["accepted"], &down["sent"]["verification"]), (&json!(false), &Value::Null));
        assert!(down["sent"]["finding"].as_str().unwrap().starts_with("unknown: 500"), "{down:#}");
        let tried = other.received().len();
        other.answer(204, "");
        pause(Duration::from_secs(3)).await;
        assert_eq!(other.received().len(), tried, "what was not taken is canceled");
        assert_eq!(one.received().len(), 0, "and nobody else had it");

        let strange = program.run(&["providers", "test", "three"]);
        assert!(exit(&strange) == 2 && err(&strange).contains("name one of one, two"), "{}", err(&strange));
        let unreachable = program.run(&["providers", "test", "two", "--to", "asha@example.com"]);
        assert!(
            exit(&unreachable) == 2 && err(&unreachable).contains("it serves sms"),
            "{}",
            err(&unreachable)
        );
        let abroad = told(&program, &["providers", "test", "two", "--to", "+447400123456"], 2);
        assert!(abroad["sent"]["finding"].as_str().unwrap().contains("country"), "{abroad:#}");
        let none = program.run(&["providers", "verify-sender", "two", "a@example.com"]);
        assert!(exit(&none) == 2 && err(&none).contains("fix:"), "{}", err(&none));
        program.kill();
    }
    told(&program, &["providers", "disable", "two"], 0);
    let off = told(&program, &["providers", "test", "two", "--to", &number(20)], 2);
    assert!(off["sent"]["finding"].as_str().unwrap().contains("switched off"), "{off:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_is_explained_before_and_after_and_sends_nothing() {
    let rule = "[[rule]]\ncountry = \"IN\"\nproviders = [\"two\"]\n";
    let (one, other, mut program) = with(rule).await;
    let id = start(&program.shop(), ASHA).await;
    one.code(&id).await;
    for _ in 0..2 {
        let told_of = |to: &str| told(&program, &["route", to], 0);
        let us = told_of(ASHA);
        let names = |route: &Value| {
            let all = route["ladder"][0]["decision"]["candidates"].as_array().unwrap().clone();
            all.iter()
                .map(|one| {
                    format!("{} {}", one["provider"].as_str().unwrap(), one["verdict"].as_str().unwrap())
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&us), ["one chosen", "two next"]);
        assert_eq!(
            (&us["region"], &us["ladder"][0]["decision"]["ranking"]),
            (&json!("US"), &json!("priority"))
        );
        assert!(!us.to_string().contains(ASHA), "{us}");
        let india = told_of(RAVI);
        assert_eq!(names(&india), ["two chosen", "one passed_over"]);
        assert!(india.to_string().contains("rule 1 (country IN)"), "{india:#}");
        let abroad = told(&program, &["route", "+447400123456"], 1);
        assert!(abroad["refused"].as_str().unwrap().contains("countries.allow"), "{abroad:#}");
        let unserved = told(&program, &["route", ASHA, "--channel", "voice"], 1);
        assert_eq!(unserved["ladder"][0]["refused"], "no provider serves it");
        assert_eq!(exit(&program.run(&["route", "12"])), 2);

        let recorded = told(&program, &["route", "--verification", &id], 0);
        assert_eq!(recorded["attempts"][0]["provider"], "one");
        assert_eq!(recorded["attempts"][0]["decision"]["candidates"][1]["provider"], "two", "{recorded:#}");
        let text = out(&program.run(&["route", "--verification", &id]));
        assert!(text.contains("1. sms through one: accepted") && text.contains("one: chosen"), "{text}");
        let strange = id.replace(&id[id.len() - 4..], "0000");
        assert_eq!(exit(&program.run(&["route", "--verification", &strange])), 2);
        assert_eq!((one.received().len(), other.received().len()), (1, 0));
        program.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_without_a_service_ranks_by_what_the_service_had_learned() {
    let (one, other, mut program) = with("[[rule]]\nranking = \"cost\"\n").await;
    for index in 0..3 {
        assert_eq!(carried_by(&program, index, &one, &other).await, "two", "the cheaper one");
    }
    let weight = |route: &Value| {
        let first = &route["ladder"][0]["decision"]["candidates"][0];
        assert_eq!(first["provider"], "two", "{route:#}");
        first["weight"].as_f64().unwrap_or(0.0)
    };
    // What was seen is told to the store once a second.
    pause(Duration::from_secs(2)).await;
    let live = weight(&told(&program, &["route", ASHA], 0));
    assert!(live > 0.0);
    program.kill();
    let alone = weight(&told(&program, &["route", ASHA], 0));
    assert!(alone > 0.0 && (alone - live).abs() < 1.0, "{alone} {live}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_that_hangs_keeps_no_other_command_waiting() {
    let vendor = Twilio::start(Behaviour::Hang).await;
    let program = Program::configured(&format!("[channels]\norder = [\"sms\"]\n{}", vendor.provider("main")));
    let mut test = program.command(&["providers", "test", "main", "--to", ASHA]);
    let mut hanging = test.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    vendor.message(1).await;
    let off = told(&program, &["providers", "disable", "main"], 1);
    assert_eq!(off["changed"], true);
    assert!(hanging.try_wait().unwrap().is_none(), "the test goes on meanwhile");
    assert_eq!(hanging.wait().unwrap().code(), Some(2), "nobody took the message");
}
