//! The first minute of a newcomer, in a real browser: break a provider, send a code, watch another one take it.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::harness::Program;

#[tokio::test]
async fn a_newcomer_breaks_a_provider_and_sees_another_one_take_the_code() {
    let program = Program::development();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join(".tools/venv/bin/python");
    assert!(python.exists(), "no test tools: run make test, or scripts/install-test-tools");
    let shown = Command::new(python)
        .arg(root.join("scripts/browser/inbox.py"))
        .arg(program.url(""))
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&shown.stderr);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap_or_else(|_| panic!("{complaint}"));
    let mail = shown["mail"].as_str().unwrap();
    assert!(mail.contains("sms-one refused, sms-two took it"), "{mail}");
    assert_eq!(shown["code"].as_str().unwrap().len(), 6);
    assert_eq!(shown["too_wide"], false, "the page fits a telephone");
    assert_eq!(shown["console"], serde_json::json!([]), "no script or content-security complaint");
    let inbox = program.developer().get("/dev/inbox.json").await.expect(200);
    assert_eq!((&inbox[0]["code"], &inbox[0]["provider"]), (&shown["code"], &serde_json::json!("sms-two")));
}
