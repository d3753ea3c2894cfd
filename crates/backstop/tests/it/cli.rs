//! The commands, as a person and as a script run them: beside a running service and without one.

mod config;
mod operations;
mod people;
mod postgres;
mod store;

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::harness::{AnyChannel, Caller, Program, eventually, raw::query, wrong};

const ASHA: &str = "+14155550123";
const ALL: [&str; 3] = ["sms", "whatsapp", "email"];

fn exit(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap().trim_end().to_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs a command with `--json`: one line, which parses.
fn told(program: &Program, arguments: &[&str], code: i32) -> Value {
    let output = program.run(&[arguments, &["--json"]].concat());
    assert_eq!(exit(&output), code, "{arguments:?}: {} {}", out(&output), err(&output));
    assert_eq!(out(&output).lines().count(), 1, "{arguments:?}: {}", out(&output));
    serde_json::from_str(&out(&output)).unwrap_or_else(|_| panic!("{arguments:?}: {}", out(&output)))
}

/// Runs the program in a folder of its own.
fn bare(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstop"));
    command.args(arguments).current_dir(folder).env_clear().env("BACKSTOP_SERVER__LISTEN", "127.0.0.1:0");
    command.output().unwrap()
}

async fn shop(channels: &[&str]) -> (AnyChannel, Program) {
    let gateway = AnyChannel::start().await;
    let program = Program::configured(&gateway.provider("gateway", channels));
    (gateway, program)
}

async fn start(caller: &Caller, to: &str) -> String {
    caller.start(json!({"to": to})).await.text("id")
}

/// Whether a key opens the running service. What a command did there is known as soon as the store allows.
async fn answers(program: &Program, key: Option<&str>, status: u16) {
    let caller = program.caller(key);
    eventually("the key's new meaning", program.store().hearsay(), || async {
        (caller.get("/v1/verifications").await.status == status).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_made_key_opens_at_once_and_a_revoked_one_closes_at_once() {
    let (_gateway, mut program) = shop(&ALL).await;
    let made = told(&program, &["keys", "create", "--application", "shop"], 0);
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    answers(&program, Some(key), 200).await;
    let plain = program.run(&["keys", "create", "--application", "shop"]);
    assert_eq!(out(&plain).lines().count(), 1, "the key alone goes to stdout, for a script to take");
    answers(&program, Some(&out(&plain)), 200).await;
    let public = told(&program, &["keys", "create", "--application", "shop", "--publishable"], 0);
    let page = program.caller(public["key"].as_str()).with("origin", "https://shop.example");
    eventually("a page's start", program.store().hearsay(), || async {
        (page.start(json!({"to": ASHA})).await.status == 201).then_some(())
    })
    .await;

    let listed = program.run(&["keys", "list"]);
    assert!(
        out(&listed).contains(id) && !out(&listed).contains(key),
        "listed without the key: {}",
        out(&listed)
    );
    let rows = told(&program, &["keys", "list"], 0);
    assert_eq!(rows["keys"].as_array().unwrap().len(), 3);
    assert_eq!(told(&program, &["keys", "revoke", id], 0)["revoked"], true);
    answers(&program, Some(key), 401).await;
    assert_eq!(told(&program, &["keys", "revoke", id], 1)["revoked"], false);
    assert_eq!(exit(&program.run(&["keys", "create", "--application", "nobody"])), 2);
    assert_eq!(exit(&program.run(&["keys", "revoke", "key_1"])), 2);

    program.kill();
    // Without a service the commands do the same work themselves, and the next one knows.
    let offline = told(&program, &["keys", "create", "--application", "shop"], 0);
    program.start();
    assert_eq!(program.caller(Some(key)).get("/v1/verifications").await.status, 401, "still revoked");
    program.caller(offline["key"].as_str()).get("/v1/verifications").await.expect(200);
    program.caller(Some(&out(&plain))).get("/v1/verifications").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_keyring_still_checks_the_codes_of_before() {
    let (gateway, mut program) = shop(&ALL).await;
    let before = start(&program.shop(), ASHA).await;
    let code = gateway.code(&before).await;
    let rotated = told(&program, &["keys", "rotate"], 0);
    let uses: Vec<_> = rotated["keys"].as_array().unwrap().iter().map(|key| &key["key_use"]).collect();
    assert_eq!(uses, ["code", "seal", "sign"]);
    let mut number = 0;
    let after = eventually("a code made with the new key", program.store().hearsay(), || {
        number += 1;
        let (program, to) = (&program, format!("+1415555{number:04}"));
        async move {
            let id = start(&program.shop(), &to).await;
            let kids = query(program, "SELECT count(DISTINCT kid) FROM verifications");
            (kids == [[json!(2)]]).then_some(id)
        }
    })
    .await;
    assert_eq!(program.shop().check(&before, &code).await.expect(200)["valid"], true);
    program.kill();
    assert_eq!(exit(&program.run(&["keys", "rotate"])), 0);
    program.start();
    let code = gateway.code(&after).await;
    assert_eq!(program.shop().check(&after, &code).await.expect(200)["valid"], true);
    let proof =
        program.shop().post(&format!("/v1/verifications/{before}/redeem"), json!({})).await.expect(200);
    assert_eq!(proof["to"], ASHA);
    assert_eq!(start(&program.shop(), "+919876543210").await.len(), after.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_goes_out_and_is_checked_from_the_terminal_with_and_without_a_service() {
    let (gateway, mut program) = shop(&ALL).await;
    for (round, to) in [ASHA, "+919876543210"].into_iter().enumerate() {
        if round == 1 {
            program.kill();
        }
        let sent = told(&program, &["send", to, "--wait"], 0);
        assert_eq!((&sent["provider"], &sent["channel_used"]), (&json!("gateway"), &json!("sms")));
        let id = sent["id"].as_str().unwrap();
        let code = gateway.code(id).await;
        assert_eq!(told(&program, &["verify", id, &wrong(&code)], 1)["valid"], false);
        let right = told(&program, &["verify", id, &code], 0);
        assert_eq!((&right["valid"], &right["status"]), (&json!(true), &json!("approved")));
        assert_eq!(told(&program, &["verify", id, &code], 1)["valid"], false, "once");
        for arguments in [vec!["send", "12"], vec!["send", "+447400123456"], vec!["verify", id, "1"]] {
            let output = program.run(&arguments);
            assert_eq!(exit(&output), 2, "{arguments:?}");
            assert!(err(&output).starts_with("backstop: "), "{}", err(&output));
            assert_eq!(told(&program, &arguments, 2)["reply"], "refused");
        }
        let mail =
            program.run(&["send", "asha@example.com", "--channel", "email", "--purpose", "registration"]);
        assert_eq!(exit(&mail), 0);
        assert!(out(&mail).contains("a•••@e•••.com") && !out(&mail).contains("asha@"), "{}", out(&mail));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_says_by_its_exit_code_how_bad_it_is() {
    let (gateway, mut program) = shop(&ALL).await;
    for round in 0..2 {
        let found = told(&program, &["doctor"], 0);
        assert!(found["lines"].as_array().unwrap().iter().all(|line| line["level"] == "well"), "{found:#}");
        let sent = told(&program, &["doctor", "--send-to-phone", ASHA], 0);
        let last = sent["lines"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["level"], "well", "{last}");
        assert_eq!(gateway.received().len(), round + 1);
        program.kill();
    }
    let (_less, program) = shop(&["sms"]).await;
    let warned = told(&program, &["doctor"], 1);
    assert!(warned["lines"].to_string().contains("no provider serves whatsapp, email"), "{warned:#}");
    let nobody = "[[provider]]\nname = \"gone\"\nkind = \"webhook\"\nchannels = [\"sms\", \"whatsapp\", \"email\"]\n\
                  url = \"http://127.0.0.1:9/codes\"\nsecret = \"whsec_Z2F0ZXdheS1nYXRld2F5LWdhdGV3YXktZ2F0ZXdheQ==\"\n";
    let program = Program::configured(nobody);
    let broken = told(&program, &["doctor"], 2);
    let line =
        broken["lines"].as_array().unwrap().iter().find(|line| line["subject"] == "gone").unwrap().clone();
    assert_eq!(line["level"], "broken");
    let plain = program.run(&["doctor"]);
    assert_eq!(exit(&plain), 2);
    assert!(out(&plain).contains("does not work"), "{}", out(&plain));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_answers_in_json_beside_a_service_and_without_one() {
    let (_gateway, mut program) = shop(&ALL).await;
    for round in 0..2 {
        let rows = told(&program, &["providers"], 0);
        let row = &rows["providers"][0];
        assert_eq!(
            (&row["name"], &row["breaker"], &row["enabled"]),
            (&json!("gateway"), &json!("closed"), &json!(true))
        );
        assert!(told(&program, &["providers", "kinds"], 0).to_string().contains("aws-sns"));
        assert_eq!(told(&program, &["keys", "list"], 0)["keys"], json!([]));
        assert_eq!(told(&program, &["check-config"], 0)["profile"], "production");
        told(&program, &["keys", "rotate"], 0);
        if !program.store().is_postgres() {
            told(&program, &["backup", &format!("copy-{round}.db")], 0);
        }
        if round == 0 {
            if !program.store().is_postgres() {
                let busy = program.run(&["migrate"]);
                assert_eq!(exit(&busy), 2);
                assert!(err(&busy).contains("in use") && err(&busy).contains("fix:"), "{}", err(&busy));
            }
            program.kill();
        } else {
            let migrated = told(&program, &["migrate"], 0);
            assert_eq!(migrated["before"], migrated["schema"]);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let fresh = bare(folder.path(), &["migrate", "--json"]);
    let fresh: Value = serde_json::from_str(&out(&fresh)).unwrap();
    assert_eq!(fresh["before"], Value::Null);
    for help in [vec!["--help"], vec!["keys", "--help"], vec!["send", "--help"], vec!["--version"]] {
        assert_eq!(exit(&bare(folder.path(), &help)), 0);
    }
    for unknown in [
        vec!["fly"],
        vec!["send"],
        vec!["--fly"],
        vec!["verify", "x", "1"],
        vec!["--config", "none.toml", "doctor"],
    ] {
        let output = bare(folder.path(), &unknown);
        assert_eq!(exit(&output), 2, "{unknown:?}");
        assert!(out(&output).is_empty(), "talk goes to stderr");
    }
}
