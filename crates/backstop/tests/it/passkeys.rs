//! A passkey in a real browser: made and used on a page of the application, which calls the API from another origin.
//!
//! Every provider fails meanwhile: this way in needs none.

use std::{path::Path, process::Command, time::Duration};

use axum::{Router, response::Html, routing::get};
use serde_json::{Value, json};

use crate::harness::{AnyChannel, Program, eventually, program::BASE};

const PERSON: &str = "+919876543210";
const NOBODY: &str = "+919876543299";
const PASSWORD: &str = "a long walk along the river";
const PUBLIC: &str = "pk_shop_0123456789abcdef";

/// Serves the page of the shop. Answers its origin.
async fn shops_page() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let page = include_str!("../../../../scripts/browser/passkeys.html");
    let router = Router::new().route("/", get(move || async move { Html(page) }));
    #[expect(clippy::disallowed_methods, reason = "the page of a test lives as long as its runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

/// The program with the shop at `origin`, none of whose messages arrive.
async fn cut_off(origin: &str) -> (AnyChannel, Program) {
    let gateway = AnyChannel::start().await;
    gateway.answer(503, "");
    let base = BASE.replace("https://shop.example", origin);
    let program =
        Program::launch(Some(&format!("{base}{}", gateway.provider("gateway", &["sms", "email"]))), &[]);
    let code = program.shop().start(json!({ "to": PERSON, "purpose": "login" })).await.expect(201);
    let path = format!("/v1/verifications/{}", code["id"].as_str().unwrap());
    eventually("a code that did not go out", Duration::from_secs(10), || async {
        let read = program.shop().get(&path).await.expect(200);
        let attempts = read["attempts"].as_array().is_some_and(|attempts| !attempts.is_empty());
        (attempts && read["delivery"] != "sent").then_some(())
    })
    .await;
    (gateway, program)
}

/// The ids of the passkeys that a page is told to ask for.
async fn asked_for(program: &Program, origin: &str, phone: &str) -> Vec<String> {
    let visitor = program.caller(Some(PUBLIC)).with("origin", origin);
    let begun = visitor.post("/v1/sign-in/passkey/options", json!({ "phone": phone })).await.expect(200);
    let named = begun["options"]["allowCredentials"].as_array().unwrap().clone();
    assert!(named.iter().all(|one| one["type"] == "public-key"), "{named:#?}");
    named.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

async fn person(program: &Program) -> (String, String) {
    let new = json!({ "addresses": [{ "to": PERSON, "confirmed": true }], "password": PASSWORD });
    let user = program.shop().post("/v1/users", new).await.expect(201);
    let proof = json!({ "phone": PERSON, "password": PASSWORD });
    let tokens = program.shop().post("/v1/sign-in/password", proof).await.expect(200);
    assert_eq!(tokens["acr"], "aal1", "a password is one way");
    (user["id"].as_str().unwrap().to_owned(), tokens["access_token"].as_str().unwrap().to_owned())
}

/// What the browser came to.
fn browsed(arguments: &[&str]) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join(".tools/venv/bin/python");
    assert!(python.exists(), "no test tools: run make test, or scripts/install-test-tools");
    let shown =
        Command::new(python).arg(root.join("scripts/browser/passkeys.py")).args(arguments).output().unwrap();
    let complaint = String::from_utf8_lossy(&shown.stderr);
    serde_json::from_slice(&shown.stdout).unwrap_or_else(|_| panic!("{complaint}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_makes_a_passkey_in_a_browser_and_comes_in_with_it_while_no_provider_works() {
    let origin = shops_page().await;
    let (_gateway, program) = cut_off(&origin).await;
    let (user, token) = person(&program).await;
    let page = format!("{origin}/?api={}&key={PUBLIC}", program.url(""));
    let told = tokio::task::block_in_place(|| browsed(&[&page, &user, &token, PERSON]));

    assert_eq!(told["registered"]["status"], 201, "{told:#}");
    let passkey = told["registered"]["body"]["id"].as_str().unwrap();
    assert_eq!(told["again"]["browser"], "InvalidStateError", "the authenticator has one already: {told:#}");
    for way in ["signed_in", "by_phone"] {
        assert_eq!(told[way]["status"], 200, "{told:#}");
        assert_eq!(told[way]["body"]["acr"], "aal2", "{told:#}");
        assert_eq!(told[way]["sent"]["response"]["id"], passkey);
    }
    let replayed = (&told["replayed"]["status"], &told["replayed"]["body"]["code"]);
    assert_eq!(replayed, (&json!(401), &json!("sign_in_refused")), "{told:#}");
    let console = told["console"].as_array().unwrap();
    assert_eq!(console.len(), 1, "nothing but the refusal of the copy: {console:#?}");
    let listed = program.shop().get(&format!("/v1/users/{user}/factors/passkeys")).await.expect(200);
    assert_eq!(listed["passkeys"].as_array().unwrap().len(), 1, "{listed:#}");

    let access = told["signed_in"]["body"]["access_token"].as_str().unwrap();
    let own = program.caller(Some(access)).with("origin", &origin).get("/v1/users/me").await.expect(200);
    assert_eq!(own["id"], user.as_str());

    assert_eq!(asked_for(&program, &origin, PERSON).await, [passkey]);
    let decoys = asked_for(&program, &origin, NOBODY).await;
    assert!(!decoys.is_empty() && !decoys.contains(&passkey.to_owned()), "{decoys:?}");
    assert_eq!(asked_for(&program, &origin, NOBODY).await, decoys, "the same each time");
}
