//! Limits, from outside: each refuses by its name with the time to come back, charges nothing when it refuses, and
//! remembers after a restart.

use serde_json::json;

use crate::harness::{AnyChannel, Caller, Program, program::Answer, raw::rows, wrong};

const ASHA: &str = "+14155550123";
const RAVI: &str = "+919876543210";
const MEERA: &str = "+919876543211";
const RIVAL: &str = r#"
[[application]]
name = "rival"
secret_key = "sk_rival_0123456789abcdef"
"#;

async fn shop(more: &str) -> (AnyChannel, Program) {
    let gateway = AnyChannel::start().await;
    let provider = gateway.provider("gateway", &["sms", "whatsapp", "email"]);
    let program = Program::configured(&format!("{more}\n{provider}"));
    (gateway, program)
}

fn visitor(program: &Program) -> Caller {
    program.caller(Some("pk_shop_0123456789abcdef")).with("origin", "https://shop.example")
}

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
async fn one_network_starts_no_more_than_its_number_and_gets_it_back_for_whoever_gets_in() {
    let (gateway, mut program) = shop("[limits]\nnetwork_per_hour = 2").await;
    let from = |ip: &str, to: &str| json!({"to": to, "client": {"ip": ip}});
    let caller = program.shop();
    let first = caller.start(from("2001:db8:1:2::1", ASHA)).await.text("id");
    caller.start(from("2001:db8:1:2:ffff::9", RAVI)).await.expect(201);
    let wait = refused(&caller.start(from("2001:db8:1:2::3", MEERA)).await, "network_per_hour");
    assert!((3500..=3600).contains(&wait), "{wait}");
    caller.start(from("2001:db8:1:3::1", MEERA)).await.expect(201);
    caller.start(json!({"to": MEERA})).await.expect(201);

    let code = gateway.code(&first).await;
    assert_eq!(caller.check(&first, &code).await.expect(200)["valid"], true);
    program.kill();
    program.start();
    let caller = program.shop();
    caller.start(from("2001:db8:1:2::3", "+919876543212")).await.expect(201);
    refused(&caller.start(from("2001:db8:1:2::3", "+919876543213")).await, "network_per_hour");
}

#[tokio::test]
async fn a_page_is_counted_by_its_peer_whatever_it_says_of_itself() {
    let (gateway, program) = shop("[limits]\nnetwork_per_hour = 2").await;
    let page = visitor(&program);
    let first = start(&page, ASHA, "login").await.text("id");
    start(&page.with("x-forwarded-for", "203.0.113.1"), RAVI, "login").await.expect(201);
    refused(&start(&page.with("x-forwarded-for", "203.0.113.2"), MEERA, "login").await, "network_per_hour");
    start(&program.shop(), MEERA, "login").await.expect(201);
    let code = gateway.code(&first).await;
    assert_eq!(page.check(&first, &code).await.expect(200)["valid"], true);
    start(&page, MEERA, "login").await.expect(201);
    refused(&start(&page, "+919876543214", "login").await, "network_per_hour");
}

#[tokio::test]
async fn behind_our_own_proxy_a_page_is_counted_by_the_address_that_the_proxy_saw() {
    let gateway = AnyChannel::start().await;
    let config = format!(
        "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[limits]\nnetwork_per_hour = 1\n[[application]]\nname = \"shop\"\n\
         secret_key = \"sk_shop_0123456789abcdef\"\npublishable_key = \"pk_shop_0123456789abcdef\"\n\
         origins = [\"https://shop.example\"]\npublic_purposes = [\"login\"]\n{}",
        gateway.provider("gateway", &["sms"])
    );
    let program = Program::launch(Some(&config), &[]);
    let page = visitor(&program);
    start(&page.with("x-forwarded-for", "203.0.113.1"), ASHA, "login").await.expect(201);
    start(&page.with("x-forwarded-for", "203.0.113.2"), ASHA, "login").await.expect(201);
    // What stands left of the proxy's own word anybody can write.
    let forged = page.with("x-forwarded-for", "198.51.100.7, 203.0.113.1");
    refused(&start(&forged, RAVI, "login").await, "network_per_hour");
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

#[tokio::test]
async fn codes_go_to_the_regions_on_the_list_and_not_to_all_that_share_their_calling_code() {
    let (_gateway, program) = shop("").await;
    let caller = program.shop();
    for number in ["+18765550123", "+12423591234", "+447400123456", "+4915112345678"] {
        let answer = caller.start(json!({"to": number})).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (422, &json!("country_not_allowed")),
            "{number}"
        );
        let fallback = json!({"to": ASHA, "fallback_to": {"whatsapp": number}});
        assert_eq!(
            caller.start(fallback).await.body["code"],
            "country_not_allowed",
            "{number} as a fallback"
        );
    }
    for number in
        ["+19002345678", "+881612345678", "+979123456789", "+91987654321", "+1415555012", "4155550123"]
    {
        let answer = caller.start(json!({"to": number})).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (400, &json!("invalid_recipient")),
            "{number}"
        );
        assert!(!answer.body.to_string().contains(&number[2..]), "no refusal repeats the number");
    }
    assert_eq!(rows(&program, "verifications"), 0);
}

#[tokio::test]
async fn a_channel_island_is_not_britain_and_an_allowed_country_is_reached() {
    let gateway = AnyChannel::start().await;
    let config = format!(
        "[countries]\nallow = [\"GB\"]\ndefault_region = \"GB\"\n[[application]]\nname = \"shop\"\n\
         secret_key = \"sk_shop_0123456789abcdef\"\n{}",
        gateway.provider("gateway", &["sms"])
    );
    let program = Program::launch(Some(&config), &[]);
    for number in ["+447911123456", "07911 123456", "+441481960194"] {
        assert_eq!(
            program.shop().start(json!({"to": number})).await.body["code"],
            "country_not_allowed",
            "{number}"
        );
    }
    let id = program.shop().start(json!({"to": "07400 123456"})).await.text("id");
    assert_eq!(gateway.message(&id, 1).await["to"], "+447400123456");
}
