//! Limits, from outside: each refuses by its name with the time to come back, charges nothing when it refuses, and
//! remembers after a restart.

mod countries;
mod network;

use serde_json::json;

use crate::harness::{Caller, program::Answer, raw::rows, shop, visitor, wrong};

const ASHA: &str = "+14155550123";
const RAVI: &str = "+919876543210";
const MEERA: &str = "+919876543211";
const RIVAL: &str = r#"
[[application]]
name = "rival"
secret_key = "sk_rival_0123456789abcdef"
"#;

/// A refusal by this limit, with the same wait in body, `Retry-After` and `RateLimit`. Gives the wait.
fn refused(answer: &Answer, limit: &str) -> u64 {
    let body = &answer.body;
    assert_eq!(
        (answer.status.as_u16(), &body["code"], &body["limit"]),
        (429, &json!("rate_limited"), &json!(limit))
    );
    let seconds: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(body["retry_after"], seconds);
    assert_eq!(answer.headers["ratelimit"], format!("\"{limit}\";r=0;t={seconds}"));
    assert!(body["detail"].as_str().unwrap().contains(limit));
    seconds
}

async fn start(caller: &Caller, to: &str, purpose: &str) -> Answer {
    caller.start(json!({"to": to, "purpose": purpose})).await
}

async fn resend(caller: &Caller, id: &str) -> Answer {
    caller.post(&format!("/v1/verifications/{id}/resend"), json!({})).await
}

#[tokio::test]
async fn one_recipient_hears_no_more_than_the_hours_number_even_after_a_restart() {
    let (_gateway, mut program) = shop("[limits]\nrecipient_per_hour = 3\nrecipient_per_day = 20").await;
    let caller = program.shop();
    for purpose in ["login", "registration", "transaction"] {
        start(&caller, ASHA, purpose).await.expect(201);
    }
    let (verifications, deliveries) = (rows(&program, "verifications"), rows(&program, "deliveries"));
    for purpose in ["login", "password_reset"] {
        let wait = refused(&start(&caller, ASHA, purpose).await, "recipient_per_hour");
        assert!((3500..=3600).contains(&wait), "{wait}");
    }
    let other_spelling = start(&caller, "+1 (415) 555-0123", "password_reset").await;
    refused(&other_spelling, "recipient_per_hour");
    assert_eq!((rows(&program, "verifications"), rows(&program, "deliveries")), (verifications, deliveries));
    start(&caller, RAVI, "login").await.expect(201);

    program.kill();
    program.start();
    let wait = refused(&start(&program.shop(), ASHA, "password_reset").await, "recipient_per_hour");
    assert!((3400..=3600).contains(&wait), "{wait}");
    start(&program.shop(), RAVI, "registration").await.expect(201);
}

#[tokio::test]
async fn one_recipient_hears_no_more_than_the_days_number() {
    let (_gateway, program) = shop("[limits]\nrecipient_per_hour = 20\nrecipient_per_day = 2").await;
    let caller = program.shop();
    for purpose in ["login", "registration"] {
        start(&caller, ASHA, purpose).await.expect(201);
    }
    let wait = refused(&start(&caller, ASHA, "transaction").await, "recipient_per_day");
    assert!((86_300..=86_400).contains(&wait), "{wait}");
}

#[tokio::test]
async fn two_applications_together_do_not_flood_a_person() {
    let limits = "[limits]\ninstallation_recipient_per_day = 3";
    let (_gateway, mut program) = shop(&format!("{RIVAL}\n{limits}")).await;
    let rival = program.caller(Some("sk_rival_0123456789abcdef"));
    for purpose in ["login", "registration"] {
        start(&program.shop(), ASHA, purpose).await.expect(201);
    }
    start(&rival, ASHA, "login").await.expect(201);
    for caller in [&rival, &program.shop()] {
        let wait = refused(&start(caller, ASHA, "transaction").await, "installation_recipient_per_day");
        assert!((86_300..=86_400).contains(&wait), "{wait}");
    }
    start(&rival, RAVI, "login").await.expect(201);
    program.kill();
    program.start();
    let rival = program.caller(Some("sk_rival_0123456789abcdef"));
    refused(&start(&rival, ASHA, "transaction").await, "installation_recipient_per_day");
}

#[tokio::test]
async fn an_application_has_a_brake_on_its_bill() {
    let (_gateway, program) =
        shop(&format!("[application.limits]\napplication_per_minute = 2\n{RIVAL}")).await;
    let caller = program.shop();
    start(&caller, ASHA, "login").await.expect(201);
    start(&caller, RAVI, "login").await.expect(201);
    assert!(refused(&start(&caller, MEERA, "login").await, "application_per_minute") <= 60);
    let rival = program.caller(Some("sk_rival_0123456789abcdef"));
    start(&rival, MEERA, "login").await.expect(201);
}

#[tokio::test]
async fn a_second_message_of_one_verification_waits() {
    let (gateway, mut program) = shop("[limits]\nresend_after = \"20s\"").await;
    let caller = program.shop();
    let id = start(&caller, ASHA, "login").await.text("id");
    gateway.message(&id, 1).await;
    let wait = refused(&resend(&caller, &id).await, "resend_after");
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(rows(&program, "deliveries"), 1);
    program.kill();
    program.start();
    refused(&resend(&program.shop(), &id).await, "resend_after");
}

#[tokio::test]
async fn three_live_verifications_of_a_purpose_are_enough_and_canceling_makes_room() {
    let (_gateway, mut program) = shop("").await;
    let caller = program.shop();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(start(&caller, ASHA, "login").await.text("id"));
    }
    let wait = refused(&start(&caller, ASHA, "login").await, "live_verifications");
    assert!((500..=600).contains(&wait), "until the first expires: {wait}");
    program.kill();
    program.start();
    let caller = program.shop();
    refused(&start(&caller, ASHA, "login").await, "live_verifications");
    start(&caller, ASHA, "registration").await.expect(201);
    caller.post(&format!("/v1/verifications/{}/cancel", ids[1]), json!({})).await.expect(200);
    start(&caller, ASHA, "login").await.expect(201);
}

#[tokio::test]
async fn new_verifications_never_bring_new_checks() {
    let limits = "[codes]\nmax_checks = 10\n[limits]\nchecks_per_hour = 4\nchecks_per_day = 5";
    let (gateway, mut program) = shop(limits).await;
    let caller = program.shop();
    let first = start(&caller, ASHA, "login").await.text("id");
    let second = start(&caller, ASHA, "registration").await.text("id");
    let (one, two) = (gateway.code(&first).await, gateway.code(&second).await);
    for (id, code) in [(&first, &one), (&first, &one), (&second, &two), (&second, &two)] {
        assert_eq!(caller.check(id, &wrong(code)).await.expect(200)["valid"], false);
        assert_eq!(caller.check(id, "12345").await.status, 422, "the wrong length is no check");
    }
    for (id, code) in [(&first, &one), (&second, &two)] {
        let wait = refused(&caller.check(id, code).await, "checks_per_hour");
        assert!((3500..=3600).contains(&wait), "{wait}");
    }
    let by_recipient = json!({"to": ASHA, "code": one});
    refused(&caller.post("/v1/verifications/check", by_recipient.clone()).await, "checks_per_hour");
    let fresh = start(&caller, ASHA, "transaction").await.text("id");
    refused(&caller.check(&fresh, &gateway.code(&fresh).await).await, "checks_per_hour");
    assert_eq!(rows(&program, "checks"), 4);
    assert_eq!(caller.read(&first).await["checks_left"], 8, "a refused check is not counted");

    program.kill();
    program.start();
    refused(&program.shop().check(&first, &one).await, "checks_per_hour");
    let other = start(&program.shop(), RAVI, "login").await.text("id");
    let code = gateway.code(&other).await;
    assert_eq!(program.shop().check(&other, &code).await.expect(200)["valid"], true);
}

#[tokio::test]
async fn strangers_use_up_only_a_share_of_a_persons_messages() {
    let (_gateway, program) = shop("[limits]\nrecipient_per_hour = 6").await;
    let (page, caller) = (visitor(&program), program.shop());
    for purpose in ["login", "registration", "login", "registration"] {
        start(&page, ASHA, purpose).await.expect(201);
    }
    refused(&start(&page, ASHA, "login").await, "live_verifications");
    refused(&start(&page, ASHA, "registration").await, "live_verifications");
    for purpose in ["login", "registration"] {
        start(&caller, ASHA, purpose).await.expect(201);
    }
    refused(&start(&caller, ASHA, "transaction").await, "recipient_per_hour");

    // Two thirds of six by the number alone, with room among the live ones.
    for _ in 0..2 {
        let login = start(&page, RAVI, "login").await.text("id");
        let registration = start(&page, RAVI, "registration").await.text("id");
        for id in [login, registration] {
            caller.post(&format!("/v1/verifications/{id}/cancel"), json!({})).await.expect(200);
        }
    }
    refused(&start(&page, RAVI, "login").await, "recipient_per_hour");
    start(&caller, RAVI, "login").await.expect(201);
    start(&caller, RAVI, "login").await.expect(201);
    refused(&start(&caller, RAVI, "login").await, "recipient_per_hour");
}

#[tokio::test]
async fn strangers_use_up_only_half_of_a_persons_checks() {
    let limits = "[codes]\nmax_checks = 10\n[limits]\nchecks_per_hour = 4\nchecks_per_day = 50";
    let (gateway, program) = shop(limits).await;
    let page = visitor(&program);
    let id = start(&page, ASHA, "login").await.text("id");
    let code = gateway.code(&id).await;
    for _ in 0..2 {
        page.check(&id, &wrong(&code)).await.expect(200);
    }
    refused(&page.check(&id, &code).await, "checks_per_hour");
    assert_eq!(
        program.shop().check(&id, &code).await.expect(200)["valid"],
        true,
        "the rest is the application's"
    );
}
