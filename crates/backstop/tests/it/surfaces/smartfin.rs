//! SmartFin's people on the built program: they register with a code, sign in with the password, and change one that they forgot.

use axum::http::Method;
use serde_json::{Value, json};

use super::{code_to, keys};
use crate::harness::{Answer, AnyChannel, Caller, Program, wrong};

const ASHA: &str = "+14155550123";
const NOBODY: &str = "+14155550199";
const MAIL: &str = "asha@example.com";
const FIRST: &str = "hill-otter-ribbon-42";
const SECOND: &str = "quiet-maple-anchor-7";

async fn house(more: &str) -> (AnyChannel, Program) {
    let gateway = AnyChannel::start().await;
    let provider = gateway.provider("gateway", &["sms", "whatsapp", "email"]);
    let program = Program::launch(
        Some(&format!(
            "[countries]\nallow = [\"IN\", \"US\"]\n[limits]\nrecipient_per_hour = 20\n\
             recipient_per_day = 20\nchecks_per_hour = 40\nchecks_per_day = 40\n\
             [[application]]\nname = \"shop\"\nsecret_key = \"sk_shop_0123456789abcdef\"\n{provider}\n\
             [compat.smartfin]\napplication = \"shop\"\n{more}\n"
        )),
        &[],
    );
    (gateway, program)
}

/// Sends a code and waits for it: the one of number `count` to this address.
async fn code(gateway: &AnyChannel, anyone: &Caller, purpose: Option<&str>, count: usize) -> String {
    let mut body = json!({"to": ASHA});
    if let Some(purpose) = purpose {
        body["purpose"] = purpose.into();
    }
    anyone.post("/send-otp", body).await.expect(200);
    code_to(gateway, ASHA, count).await
}

async fn register(anyone: &Caller, code: &str, password: &str) -> Answer {
    let body = json!({"email": MAIL, "password": password, "phone": ASHA, "otp_code": code});
    anyone.post("/register-with-otp", body).await
}

fn forgotten(email: &str, phone: &str, code: &str) -> Value {
    json!({"email": email, "phone": phone, "otp_code": code, "new_password": SECOND})
}

async fn lets_in(program: &Program, password: &str) -> bool {
    let body = json!({"phone": ASHA, "password": password});
    let answer = program.shop().post("/v1/sign-in/password", body).await;
    assert!([200, 401].contains(&answer.status.as_u16()), "{:#}", answer.body);
    answer.status == 200
}

#[tokio::test]
async fn a_code_without_a_purpose_registers_once_and_the_password_signs_in() {
    let (gateway, program) = house("").await;
    let anyone = program.caller(None);
    let sent = code(&gateway, &anyone, None, 1).await;
    for (code, password) in [(wrong(&sent), FIRST), (sent.clone(), "short"), ("?".to_owned(), FIRST)] {
        let answer = register(&anyone, &code, password).await;
        assert_eq!((answer.status.as_u16(), keys(&answer)), (400, vec!["error"]), "{:#}", answer.body);
    }
    let made = register(&anyone, &sent, FIRST).await.expect(201);
    assert!(made["user_id"].as_str().unwrap().starts_with("usr_"), "{made}");
    assert!(made["access_token"].is_string() && made["refresh_token"].is_string());
    assert_eq!(made["expires_in"], 600);
    assert!(lets_in(&program, FIRST).await);
    assert!(!lets_in(&program, SECOND).await);
    let again = register(&anyone, &sent, SECOND).await;
    assert_eq!(again.status, 400, "a code registers once: {:#}", again.body);
    let sent = code(&gateway, &anyone, None, 2).await;
    let taken = register(&anyone, &sent, SECOND).await;
    assert_eq!((taken.status.as_u16(), keys(&taken)), (400, vec!["error"]), "{:#}", taken.body);
    assert!(lets_in(&program, FIRST).await, "nobody else's registration changes a password");
}

#[tokio::test]
async fn a_forgotten_password_is_set_by_a_code_for_that_and_all_that_is_wrong_answers_alike() {
    let (gateway, program) = house("").await;
    let anyone = program.caller(None);
    let sent = code(&gateway, &anyone, None, 1).await;
    register(&anyone, &sent, FIRST).await.expect(201);

    let mut told = Vec::new();
    for to in [ASHA, NOBODY] {
        let mut sent =
            anyone.post("/send-otp", json!({"to": to, "purpose": "password_reset"})).await.expect(200);
        assert!(sent["to"].as_str().unwrap().contains('•'));
        sent["to"] = "masked".into();
        told.push(sent);
    }
    assert_eq!(told[0], told[1], "who has a password is nobody's to learn");
    let reset = code_to(&gateway, ASHA, 2).await;
    assert!(gateway.received().iter().all(|message| message["to"] == ASHA));

    let login = code(&gateway, &anyone, None, 3).await;
    let mut wrongs = Vec::new();
    for body in [
        forgotten(MAIL, ASHA, &wrong(&reset)),
        forgotten(MAIL, NOBODY, &reset),
        forgotten(MAIL, ASHA, &login),
        forgotten("other@example.com", ASHA, &reset),
    ] {
        let answer = anyone.post("/forgot-password-otp", body).await;
        wrongs.push((answer.status.as_u16(), answer.body.to_string()));
    }
    assert!(wrongs.iter().all(|told| *told == wrongs[0] && told.0 == 400), "{wrongs:?}");
    assert!(lets_in(&program, FIRST).await);

    let reset = code(&gateway, &anyone, Some("password_reset"), 4).await;
    let done = anyone.post("/forgot-password-otp", forgotten(MAIL, ASHA, &reset)).await.expect(200);
    assert_eq!(done, json!({"success": true}));
    assert!(lets_in(&program, SECOND).await);
    assert!(!lets_in(&program, FIRST).await);
}

#[tokio::test]
async fn whoever_holds_a_second_factor_gets_no_new_password_for_a_code_alone() {
    let (gateway, program) = house("").await;
    let (anyone, shop) = (program.caller(None), program.shop());
    let sent = code(&gateway, &anyone, None, 1).await;
    let made = register(&anyone, &sent, FIRST).await.expect(201);
    let path = format!("/v1/users/{}", made["user_id"].as_str().unwrap());
    shop.send(Method::PATCH, &path, Some(json!({"second_factor": "required"}))).await.expect(200);
    let reset = code(&gateway, &anyone, Some("password_reset"), 2).await;
    let answer = anyone.post("/forgot-password-otp", forgotten(MAIL, ASHA, &reset)).await;
    let plain = anyone.post("/forgot-password-otp", forgotten(MAIL, ASHA, "000000")).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (400, &plain.body));
    shop.send(Method::PATCH, &path, Some(json!({"second_factor": "off"}))).await.expect(200);
    assert!(lets_in(&program, FIRST).await, "the password is the old one");
}

#[tokio::test]
async fn a_code_for_something_else_sets_a_password_only_where_that_is_configured() {
    let (gateway, program) = house("loose_purpose = true").await;
    let anyone = program.caller(None);
    let sent = code(&gateway, &anyone, None, 1).await;
    register(&anyone, &sent, FIRST).await.expect(201);
    let login = code(&gateway, &anyone, None, 2).await;
    let other =
        anyone.post("/forgot-password-otp", forgotten("other@example.com", ASHA, &wrong(&login))).await;
    assert_eq!(other.status, 400, "{:#}", other.body);
    anyone.post("/forgot-password-otp", forgotten(MAIL, ASHA, &login)).await.expect(200);
    assert!(lets_in(&program, SECOND).await);
    let reset = code(&gateway, &anyone, Some("password_reset"), 3).await;
    let mut body = forgotten(MAIL, ASHA, &reset);
    body["new_password"] = FIRST.into();
    anyone.post("/forgot-password-otp", body).await.expect(200);
    assert!(lets_in(&program, FIRST).await);
}
