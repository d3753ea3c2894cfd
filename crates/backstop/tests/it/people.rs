//! People get in by what they hold, through the whole program, with public libraries on the other side.

mod dark;
mod erased;
mod jwt;
mod locked;
mod nodes;
mod sent;
mod timing;

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Caller, Program, any_channel::SIGNING_SECRET};

pub(super) const PASSWORD: &str = "a long walk in drizzle";

/// A program whose only provider is at a port where nobody listens.
pub(super) fn dark() -> Program {
    Program::configured(&format!(
        "[[provider]]\nname = \"gone\"\nkind = \"webhook\"\nchannels = [\"sms\", \"email\"]\n\
         url = \"http://127.0.0.1:1/codes\"\nsecret = \"{SIGNING_SECRET}\"\n"
    ))
}

/// A user with a confirmed telephone and a password.
pub(super) async fn user(shop: &Caller, phone: &str, second_factor: &str) -> String {
    let body = json!({
        "addresses": [{ "to": phone, "confirmed": true }], "second_factor": second_factor, "password": PASSWORD,
    });
    shop.post("/v1/users", body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

/// Enrols an authenticator app, which is pyotp, and answers its URI.
pub(super) async fn enrol(shop: &Caller, user: &str) -> String {
    let path = format!("/v1/users/{user}/factors/totp");
    let uri = shop.post(&path, json!({})).await.text("uri");
    let confirmed = shop.post(&format!("{path}/confirm"), json!({ "code": totp(&uri, 0) })).await;
    assert!(confirmed.status.is_success(), "{:#}", confirmed.body);
    uri
}

/// What an app shows that has scanned this URI, so many seconds from now.
pub(super) fn totp(uri: &str, ahead: i32) -> String {
    let script = "import pyotp, sys, time\n\
                  print(pyotp.parse_uri(sys.argv[1]).at(int(time.time()) + int(sys.argv[2])))";
    python(script, &[uri, &ahead.to_string()])
}

/// Runs a script with the libraries of the test tools; what it prints.
pub(super) fn python(script: &str, arguments: &[&str]) -> String {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/venv/bin/python");
    let output =
        Command::new(program).env("no_proxy", "*").args(["-c", script]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The backup codes of a user.
pub(super) async fn backup_codes(shop: &Caller, user: &str) -> Vec<String> {
    let path = format!("/v1/users/{user}/factors/backup-codes");
    let made = shop.post(&path, json!({})).await.expect(200);
    let text = |code: &Value| code.as_str().unwrap().to_owned();
    made["codes"].as_array().unwrap().iter().map(text).collect()
}
