//! The calls of two older services, as their callers make them, and the SQL that was written against one of them.

mod fleetflow;
mod smartfin;

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{AnyChannel, Program, eventually, program::Answer, raw::query, wrong};

const ASHA: &str = "+14155550123";
const COMPAT: &str =
    "[compat.smartfin]\napplication = \"shop\"\n[compat.async_otp]\napplication = \"shop\"\n";

async fn configured(gateway: &AnyChannel, more: &str) -> Program {
    let provider = gateway.provider("gateway", &["sms", "whatsapp", "email"]);
    let config = format!(
        "{more}\n[countries]\nallow = [\"IN\", \"US\"]\n[[application]]\nname = \"shop\"\n\
         secret_key = \"sk_shop_0123456789abcdef\"\norigins = [\"https://shop.example\"]\n\
         public_purposes = [\"login\", \"registration\", \"password_reset\", \"transaction\"]\n{provider}\n{COMPAT}"
    );
    Program::launch(Some(&config), &[])
}

/// The latest code to a recipient.
async fn code_to(gateway: &AnyChannel, to: &str, count: usize) -> String {
    eventually("a code", Duration::from_secs(20), || async {
        let all = gateway.received();
        let of: Vec<&Value> = all.iter().filter(|message| message["to"] == to).collect();
        of.get(count - 1).map(|message| message["code"].as_str().unwrap().to_owned())
    })
    .await
}

fn keys(answer: &Answer) -> Vec<&str> {
    answer.body.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn with_nothing_configured_the_older_services_callers_are_answered() {
    let program = Program::development();
    let (anyone, developer) = (program.caller(None), program.developer());
    let latest = async |to: &str| {
        eventually("the inbox", Duration::from_secs(10), || async {
            let inbox = developer.get("/dev/inbox.json?limit=20").await.expect(200);
            let mut all = inbox.as_array().unwrap().iter().filter(|message| message["to"] == to);
            all.next().map(|message| message["code"].as_str().unwrap().to_owned())
        })
        .await
    };
    let sent = anyone.post("/send-otp", json!({"to": ASHA})).await.expect(200);
    assert_eq!(sent, json!({"success": true, "status": "pending", "to": "+1••••••••23", "channel": "sms"}));
    let verified = anyone.post("/verify-otp", json!({"to": ASHA, "code": latest(ASHA).await})).await;
    assert_eq!(verified.expect(200), json!({"valid": true, "status": "approved"}));

    let ravi = "+919876543210";
    let sent = anyone.post("/api/auth/send-otp", json!({"phone": ravi, "purpose": 1})).await.expect(200);
    assert_eq!(sent, json!({"success": true}));
    let body = json!({"phone": ravi, "otp": latest(ravi).await, "purpose": "login"});
    assert_eq!(anyone.post("/api/auth/verify-otp", body).await.expect(200), json!({"success": true}));
}

#[tokio::test]
async fn a_surface_that_is_not_switched_on_is_not_there() {
    let gateway = AnyChannel::start().await;
    let program = Program::configured(&gateway.provider("gateway", &["sms"]));
    for path in ["/send-otp", "/verify-otp", "/api/auth/send-otp", "/api/auth/verify-otp"] {
        assert_eq!(program.caller(None).post(path, json!({"to": ASHA})).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn smartfins_calls_keep_their_shapes_in_good_and_in_bad() {
    let gateway = AnyChannel::start().await;
    let program = configured(&gateway, "[limits]\nrecipient_per_hour = 3").await;
    let anyone = program.caller(None);
    let mail =
        anyone.post("/send-otp", json!({"to": "asha@example.com", "channel": "email"})).await.expect(200);
    assert_eq!(
        mail,
        json!({"success": true, "status": "pending", "to": "a•••@e•••.com", "channel": "email"})
    );
    let sent = anyone.post("/send-otp", json!({"to": ASHA, "purpose": "registration"})).await.expect(200);
    assert_eq!((&sent["channel"], &sent["status"]), (&json!("sms"), &json!("pending")));
    for (body, status) in [
        (json!({"to": "12"}), 400),
        (json!({"to": "+447400123456"}), 400),
        (json!({"to": ASHA, "channel": "fax"}), 400),
        (json!({"to": ASHA, "channel": "voice"}), 400),
        (json!({"to": ASHA, "channel": "email"}), 400),
        (json!({"to": ASHA, "purpose": "own_word"}), 403),
        (json!({}), 400),
    ] {
        let answer = anyone.post("/send-otp", body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), keys(&answer)),
            (status, vec!["error"]),
            "{body}: {:#}",
            answer.body
        );
        assert!(answer.body["error"].is_string());
    }
    let code = code_to(&gateway, ASHA, 1).await;
    let unknown = anyone.post("/verify-otp", json!({"to": "+14155550199", "code": code})).await.expect(200);
    let missed = anyone.post("/verify-otp", json!({"to": ASHA, "code": wrong(&code)})).await.expect(200);
    assert_eq!(missed, json!({"valid": false, "status": "pending"}));
    assert_eq!(unknown, missed, "whether a code is on its way is nobody's to learn");
    let right = anyone.post("/verify-otp", json!({"to": ASHA, "code": code})).await.expect(200);
    assert_eq!(right, json!({"valid": true, "status": "approved"}));
    let again = anyone.post("/verify-otp", json!({"to": ASHA, "code": code})).await.expect(200);
    assert_eq!(again["valid"], false);

    // A mailbox with a plus tag can be somebody else's: its code opens nothing for the plain address.
    anyone.post("/send-otp", json!({"to": "asha+x@example.com", "channel": "email"})).await.expect(200);
    let theirs = code_to(&gateway, "asha+x@example.com", 1).await;
    let stolen =
        anyone.post("/verify-otp", json!({"to": "asha@example.com", "code": theirs})).await.expect(200);
    assert_eq!(stolen["valid"], false);

    anyone.post("/send-otp", json!({"to": ASHA})).await.expect(200);
    let limited = anyone.post("/send-otp", json!({"to": ASHA})).await;
    assert_eq!((limited.status.as_u16(), keys(&limited)), (429, vec!["error"]));
    assert!(limited.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 3000);
    let foreign = anyone.with("origin", "https://evil.example").post("/send-otp", json!({"to": ASHA})).await;
    assert_eq!((foreign.status.as_u16(), keys(&foreign)), (403, vec!["error"]));
    anyone
        .with("origin", "https://shop.example")
        .post("/send-otp", json!({"to": "+14155550124"}))
        .await
        .expect(200);
}

#[tokio::test]
async fn the_asynchronous_services_calls_keep_their_shapes_and_its_failed_sends_stop_nobody() {
    let gateway = AnyChannel::start().await;
    let program = configured(&gateway, "").await;
    let anyone = program.caller(None);
    gateway.answer(400, r#"{"outcome": "invalid_recipient", "message": "no such subscriber"}"#);
    for (number, (given, word)) in
        [(json!(1), "login"), (json!(2), "registration"), (json!("password_reset"), "password_reset")]
            .into_iter()
            .enumerate()
    {
        let phone = format!("+1415555{:04}", 140 + number);
        let sent =
            anyone.post("/api/auth/send-otp", json!({"phone": phone, "purpose": given})).await.expect(200);
        assert_eq!(sent, json!({"success": true}));
        let code = code_to(&gateway, &phone, 1).await;
        let other = if word == "login" { 2 } else { 1 };
        for (otp, purpose) in
            [(wrong(&code), given.clone()), (code.clone(), json!(other)), ("1".into(), given.clone())]
        {
            let body = json!({"phone": phone, "otp": otp, "purpose": purpose});
            let answer = anyone.post("/api/auth/verify-otp", body).await;
            assert_eq!(
                (answer.status.as_u16(), keys(&answer)),
                (401, vec!["message", "success"]),
                "{:#}",
                answer.body
            );
            assert_eq!(answer.body["success"], false);
        }
        let body = json!({"phone": phone, "otp": code, "purpose": word});
        assert_eq!(anyone.post("/api/auth/verify-otp", body).await.expect(200), json!({"success": true}));
    }
    for body in
        [json!({"phone": "12", "purpose": 1}), json!({"phone": ASHA, "purpose": 4}), json!({"phone": ASHA})]
    {
        let answer = anyone.post("/api/auth/send-otp", body.clone()).await;
        assert_eq!((answer.status.as_u16(), keys(&answer)), (400, vec!["message", "success"]), "{body}");
    }
    let listed = program.shop().get("/v1/verifications?limit=1").await.expect(200);
    let id = listed["verifications"][0]["id"].as_str().unwrap();
    let said = eventually("the vendor's words in the rows", Duration::from_secs(20), || async {
        let said = program.shop().read(id).await["attempts"][0]["vendor_response"].clone();
        Some(said).filter(|said| !said.is_null())
    })
    .await;
    assert_eq!((&said["success"], &said["outcome"]), (&json!(false), &json!("invalid_recipient")));
    assert!(said["response"].as_str().unwrap().contains("no such subscriber"), "{said}");
}

#[tokio::test]
async fn the_two_monitoring_queries_run_beside_the_service() {
    let gateway = AnyChannel::start().await;
    gateway.answer(200, r#"{"id": "m-1", "message": "queued"}"#);
    let program = configured(&gateway, "").await;
    let anyone = program.caller(None);
    for (number, purpose) in [(0, 1), (1, 1), (2, 2)] {
        let phone = format!("+1415555{:04}", 150 + number);
        anyone.post("/api/auth/send-otp", json!({"phone": phone, "purpose": purpose})).await.expect(200);
        let code = code_to(&gateway, &phone, 1).await;
        let otp = if number == 0 { code } else { wrong(&code) };
        anyone.post("/api/auth/verify-otp", json!({"phone": phone, "otp": otp, "purpose": purpose})).await;
    }
    eventually("the vendor's answers", Duration::from_secs(10), || async {
        let sql = "SELECT count(*) FROM otp_verification WHERE vendor_response IS NOT NULL";
        (query(&program, sql)[0][0] == 3).then_some(())
    })
    .await;
    let (yesterday, success, said) = if program.store().is_postgres() {
        (
            "now() - interval '24 hours'",
            "(vendor_response::json ->> 'success')::boolean",
            "vendor_response::json ->> 'response'",
        )
    } else {
        (
            "datetime('now', '-24 hours')",
            "json_extract(vendor_response, '$.success')",
            "json_extract(vendor_response, '$.response')",
        )
    };
    let mut rates = query(
        &program,
        &format!(
            "SELECT purpose, COUNT(*) AS total, SUM(CASE WHEN is_verified THEN 1 ELSE 0 END) AS verified, \
         ROUND(100.0 * SUM(CASE WHEN is_verified THEN 1 ELSE 0 END) / COUNT(*), 1) AS success_rate \
         FROM otp_verification WHERE created_at >= {yesterday} GROUP BY purpose ORDER BY purpose"
        ),
    );
    // A column of PostgreSQL's has one type, and a purpose may be a word.
    for row in rates.iter_mut().filter(|row| row[0].is_string()) {
        row[0] = row[0].as_str().unwrap().parse::<i64>().unwrap().into();
    }
    assert_eq!(
        rates,
        [[json!(1), json!(2), json!(1), json!(50.0)], [json!(2), json!(1), json!(0), json!(0.0)]]
    );
    let responses = query(
        &program,
        &format!(
            "SELECT {success} AS success, {said} LIKE '%queued%' AS said, COUNT(*) FROM otp_verification \
             WHERE created_at >= {yesterday} GROUP BY 1, 2"
        ),
    );
    assert_eq!(responses, [[json!(1), json!(1), json!(3)]]);
    let rows = query(
        &program,
        "SELECT phone, attempts, is_verified, expires_at > created_at, verified_at IS NOT NULL \
         FROM otp_verification ORDER BY created_at, phone",
    );
    assert_eq!(rows.len(), 3);
    assert!(
        rows.iter().all(|row| row[0].as_str().unwrap().contains('•') && row[1] == 1 && row[3] == 1),
        "{rows:?}"
    );
    assert!(rows.iter().all(|row| row[2] == row[4]));
}
