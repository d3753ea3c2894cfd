//! The canary: values that occur nowhere else are driven through every flow, good and bad, at trace level, and then
//! looked for in everything that is written or answered. Only the masked forms may be found.

mod witness;

use std::fs;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

pub(crate) use self::witness::memmem;
use self::witness::{
    AGENT, AMOUNT, CUSTOM, GARBAGE, IP, KEY, MAIL, NOTE, OTHER_PHONE, PAYEE, PHONE, SECRET, SESSION, TOKEN,
    WRONG_KEY, Witness,
};
use crate::harness::{
    AnyChannel, Behaviour, Caller, Program, Store, Twilio,
    store::{dump, server_log},
    vendor::ACCOUNT,
};

fn config(twilio: &Twilio, gateway: &AnyChannel) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[codes]\nlength = 10\nalphabet = \"alphanumeric\"\n[countries]\n\
         allow = [\"IN\", \"US\"]\n[limits]\nrecipient_per_hour = 20\nrecipient_per_day = 20\n\
         installation_recipient_per_day = 40\nchecks_per_hour = 50\nchecks_per_day = 50\n[[application]]\nname = \"shop\"\n\
         secret_key = \"{SECRET}\"\npublishable_key = \"pk_shop_0123456789abcdef\"\norigins = [\"https://shop.example\"]\n\
         public_purposes = [\"login\", \"registration\", \"password_reset\", \"transaction\"]\n{}{}\n\
         [compat.smartfin]\napplication = \"shop\"\n[compat.async_otp]\napplication = \"shop\"\n",
        twilio.provider("twilio-main"),
        gateway.provider("gateway", &["sms", "whatsapp", "email"]),
    )
}

/// Everything that the installation wrote, but for the root key and the configuration, which are secrets by trade.
fn written(program: &Program) -> Vec<(String, Vec<u8>)> {
    let mut sinks = vec![("the log".to_owned(), program.log().into_bytes())];
    if let Some(url) = program.store().url() {
        sinks.push(("the database".to_owned(), dump(url)));
        sinks.push(("the server's log".to_owned(), server_log()));
    }
    for entry in
        fs::read_dir(program.folder().join("data")).unwrap().chain(fs::read_dir(program.folder()).unwrap())
    {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_file() && !matches!(name.as_str(), "root.key" | "backstop.toml" | "log") {
            sinks.push((name, fs::read(&path).unwrap_or_default()));
        }
    }
    sinks
}

/// Sends, waits, reads, checks wrongly and rightly, redeems: one verification's whole life.
async fn live(witness: &Witness, caller: &Caller, gateway: &AnyChannel, twilio: &Twilio, body: Value) {
    let (gateway_before, twilio_before) = (gateway.received().len(), twilio.received().len());
    let started = witness.post(caller, "/v1/verifications", body).await;
    let id = started["id"].as_str().unwrap_or_else(|| panic!("{started:#}")).to_owned();
    let path = format!("/v1/verifications/{id}");
    crate::harness::eventually("a hand-over", std::time::Duration::from_secs(20), || async {
        let sent = gateway.received().len() > gateway_before || twilio.received().len() > twilio_before;
        sent.then_some(())
    })
    .await;
    let code = match gateway.received().get(gateway_before) {
        Some(message) => message["code"].as_str().unwrap().to_owned(),
        None => {
            let text = &twilio.received()[twilio_before].form["Body"];
            let ten = |word: &&str| word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
            text.split(|c: char| !c.is_ascii_alphanumeric()).find(ten).unwrap().to_owned()
        }
    };
    witness.hide("code", &code);
    let typed = crate::harness::wrong(&code);
    witness.hide("typed code", &typed);
    witness.post(caller, &format!("{path}/check"), json!({"code": typed})).await;
    witness.post(caller, &format!("{path}/resend"), json!({})).await;
    let checked = witness.post(caller, &format!("{path}/check"), json!({"code": code})).await;
    assert_eq!(checked["valid"], true, "{checked:#}");
    witness.get(caller, &path).await;
    caller.post(&format!("{path}/redeem"), json!({})).await.expect(200);
    witness.post(caller, &format!("{path}/redeem"), json!({})).await;
}

fn full(purpose: &str, more: Value) -> Value {
    let mut body = json!({
        "to": PHONE, "purpose": purpose, "fallback_to": {"email": MAIL}, "session": SESSION, "wait": true,
        "transaction": {"amount": AMOUNT, "payee": PAYEE}, "metadata": {"note": NOTE},
        "client": {"ip": IP, "user_agent": AGENT},
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_value_is_found_in_any_log_file_or_answer() {
    let (twilio, gateway) = (Twilio::start(Behaviour::Accept).await, AnyChannel::start().await);
    let mut program = Program::launch(Some(&config(&twilio, &gateway)), &[("RUST_LOG", "trace")]);
    let witness = Witness::new();
    let caller = program.shop().with("user-agent", AGENT);
    let keyed = caller.with("idempotency-key", KEY);

    // Good days, and vendors that repeat what they were told: the message, the number, the code, in several spellings.
    for _ in 0..2 {
        witness.post(&keyed, "/v1/verifications", full("keyed", json!({}))).await;
    }
    live(&witness, &caller, &gateway, &twilio, full("first", json!({}))).await;
    let echo = r#"{to} {percent} {code} said: {text}"#;
    // An opt-out is the last: the provider is never used for that address again. So is a wrong credential below.
    let refusals = [
        (500, echo.to_owned()),
        (200, format!(r#"{{"id": "{{code}}", "message": "{echo}", "price": "1.00 USD"}}"#)),
        (200, format!("<html>{echo}</html>")),
        (200, format!(r#"{{"id": "{{to}}", "message": "{echo}"}}"#)),
        (400, format!(r#"{{"outcome": "invalid_recipient", "id": "{{to}}", "message": "{echo}"}}"#)),
        (400, format!(r#"{{"outcome": "opted_out", "message": "{echo}"}}"#)),
    ];
    for (number, (status, body)) in refusals.iter().enumerate() {
        gateway.answer(*status, body);
        let only = json!({"channel": "email", "to": MAIL, "fallback_to": {}});
        live(&witness, &caller, &gateway, &twilio, full(&format!("refused_{number}"), only)).await;
    }
    for (purpose, body) in [("priced", r#"{"price": "{to} USD"}"#), ("national", r#"{"id": "4157774991"}"#)] {
        gateway.answer(200, body);
        live(&witness, &caller, &gateway, &twilio, full(purpose, json!({"channel": "whatsapp"}))).await;
    }
    gateway.answer(204, "");
    let vendor_errors = [
        Behaviour::error(400, 21_211),
        Behaviour::Answer(
            400,
            format!(r#"{{"code":21211,"message":"The number {PHONE} is not valid","status":400}}"#),
        ),
        Behaviour::Answer(201, format!("<html>{PHONE} 4157774991 %2B14157774991</html>")),
        Behaviour::Answer(500, format!("(415) 777-4991 and {PHONE}")),
        Behaviour::Answer(
            401,
            format!(r#"{{"code":20003,"message":"Authenticate {ACCOUNT}:{TOKEN}","status":401}}"#),
        ),
    ];
    for (number, behaviour) in vendor_errors.into_iter().enumerate() {
        twilio.next(behaviour);
        live(&witness, &caller, &gateway, &twilio, full(&format!("vendor_{number}"), json!({}))).await;
    }
    let own = json!({"custom_code": CUSTOM, "to": OTHER_PHONE});
    live(&witness, &caller, &gateway, &twilio, full("own", own)).await;

    bad_requests(&witness, &program).await;
    other_doors(&witness, &program, &gateway).await;
    commands(&witness, &program);

    let root = fs::read_to_string(program.folder().join("data/root.key")).unwrap();
    witness.hide("root key", root.trim());
    witness.search(&written(&program));
    program.kill();
    program.start();
    witness.get(&program.shop(), "/v1/verifications?limit=100").await;
    assert!(program.stop());
    witness.search(&written(&program));
    // What may be found is found, so the search looked at the right things.
    let sinks = written(&program);
    let named = |name: &str| &sinks.iter().find(|(sink, _)| sink == name).unwrap().1;
    let (base, copy) = match program.store() {
        Store::Sqlite => ("backstop.db", "copy.db"),
        Store::Postgres(_) => ("the database", "the database"),
    };
    assert!(memmem(named(base), "+1••••••••91".as_bytes()).is_some(), "the masked form is in the store");
    assert!(memmem(named(copy), b"[recipient]").is_some(), "vendors' words are, redacted");
    assert!(memmem(named("the log"), b"\"TRACE\"").is_some(), "the log was on");
    assert!(witness.heard.borrow().len() > 100);
}

/// What cannot be read must not be repeated either.
async fn bad_requests(witness: &Witness, program: &Program) {
    let caller = program.shop().with("user-agent", AGENT);
    for body in [
        json!({"to": PHONE, "unknown": GARBAGE}),
        json!({"to": format!("{PHONE}{GARBAGE}")}),
        json!({"to": format!("{GARBAGE}@")}),
        json!({"to": [PHONE]}),
        json!({"to": PHONE, "code_length": GARBAGE}),
        json!({"to": PHONE, "channel": GARBAGE}),
        json!({"to": PHONE, "purpose": GARBAGE}),
        json!({"to": PHONE, "locale": format!("{GARBAGE}_")}),
        json!({"to": PHONE, "custom_code": format!("{CUSTOM}{CUSTOM}")}),
        json!({"to": PHONE, "client": {"ip": format!("{IP}.9")}}),
        json!({"to": PHONE, "fallback_to": {"sms": MAIL}}),
        json!({"to": "+447400123456", "metadata": {"note": NOTE}}),
        json!({"to": PHONE, "session": SESSION.repeat(20)}),
        json!(PHONE),
        json!([PHONE, MAIL]),
    ] {
        witness.post(&caller, "/v1/verifications", body).await;
    }
    let id = format!("/v1/verifications/{PHONE}");
    witness.get(&caller, &id).await;
    witness.get(&caller, &format!("/v1/verifications?to={MAIL}&status={GARBAGE}")).await;
    witness.get(&caller, "/v1/verifications?to=%2B14157774991").await;
    witness.get(&caller, &format!("/{GARBAGE}/{MAIL}?{PHONE}")).await;
    witness
        .post(&caller, "/v1/verifications/check", json!({"to": PHONE, "code": CUSTOM, "purpose": "none"}))
        .await;
    witness.post(&caller, "/v1/verifications/check", json!({"to": PHONE, "code": GARBAGE})).await;
    for bad in [caller.with("idempotency-key", &format!("{KEY} {KEY}")), program.caller(Some(WRONG_KEY))] {
        witness.post(&bad, "/v1/verifications", json!({"to": PHONE})).await;
    }
    let odd =
        program.caller(None).with("authorization", &format!("Basic {}", BASE64_STANDARD.encode(WRONG_KEY)));
    witness.get(&odd, "/v1/verifications").await;
    let truncated = format!(
        "POST /v1/verifications HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{{\"to\": \"{PHONE}\", \"{MAIL}",
        PHONE.len() + MAIL.len() + 12
    );
    let answer = crate::harness::raw::say(program, truncated.as_bytes()).await;
    witness.heard.borrow_mut().push(("the answer to half a body".into(), answer));
}

/// Pages and the older services' calls.
async fn other_doors(witness: &Witness, program: &Program, gateway: &AnyChannel) {
    let page = program.caller(Some("pk_shop_0123456789abcdef")).with("origin", "https://shop.example");
    let page = page.with("user-agent", AGENT);
    let started =
        witness.post(&page, "/v1/verifications", json!({"to": OTHER_PHONE, "prefer": "whatsapp"})).await;
    let id = started["id"].as_str().unwrap();
    let code = gateway.code(id).await;
    witness.hide("page's code", &code);
    witness.post(&page, &format!("/v1/verifications/{id}/check"), json!({"code": code})).await;
    witness.get(&page, &format!("/v1/verifications/{id}")).await;
    let anyone = program.caller(None).with("user-agent", AGENT);
    witness.post(&anyone, "/send-otp", json!({"to": MAIL, "channel": "email"})).await;
    witness.post(&anyone, "/verify-otp", json!({"to": MAIL, "code": CUSTOM})).await;
    witness.post(&anyone, "/send-otp", json!({"to": GARBAGE})).await;
    witness.post(&anyone, "/api/auth/send-otp", json!({"phone": OTHER_PHONE, "purpose": 2})).await;
    witness
        .post(&anyone, "/api/auth/verify-otp", json!({"phone": OTHER_PHONE, "otp": CUSTOM, "purpose": 2}))
        .await;
    for path in ["/healthz", "/readyz", "/", "/docs", "/openapi.json"] {
        witness.get(&anyone, path).await;
    }
}

/// What the terminal prints is a sink like any other, but for a new key, which is shown once.
fn commands(witness: &Witness, program: &Program) {
    let made = program.run(&["keys", "create", "--application", "shop"]);
    witness.hide("made key", String::from_utf8(made.stdout).unwrap().trim());
    for arguments in [
        vec!["send", PHONE, "--purpose", "terminal", "--wait"],
        vec!["send", MAIL, "--purpose", "terminal", "--json"],
        vec!["send", GARBAGE],
        vec!["verify", "ver_0", CUSTOM],
        vec!["doctor", "--send-to-phone", OTHER_PHONE, "--json"],
        vec!["keys", "list", "--json"],
        vec!["keys", "rotate"],
        vec!["providers", "--json"],
        vec!["check-config", "--json"],
        vec!["backup", "copy.db"],
    ] {
        let output = program.run(&arguments);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        // What was typed may be named by the one who reads arguments; nothing else repeats it.
        if !matches!(arguments[..], ["verify", ..]) {
            witness.heard.borrow_mut().push((format!("`{}`", arguments[0]), said));
        }
    }
    assert_ne!(program.folder().join("copy.db").exists(), program.store().is_postgres(), "SQLite's alone");
}
