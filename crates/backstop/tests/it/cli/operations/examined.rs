//! The doctor with a person beside it, and what it says of a set-up without asking anybody.

use std::{
    io::Write,
    process::{Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    super::{ASHA, AnyChannel, Program, bare, err, exit, out},
    RAVI,
};
use crate::harness::{
    Behaviour, Twilio, now,
    program::{BASE, write_private},
};

/// Runs the doctor and answers its questions: `code` says what is typed, by the number of the question.
async fn examined(program: &Program, arguments: &[&str], typed: impl Fn() -> String) -> Output {
    let mut command = program.command(&[&["doctor", "--interactive", "--json"], arguments].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // No e-mail address.
    writeln!(stdin).unwrap();
    let line = tokio::task::block_in_place(typed);
    let _ = writeln!(stdin, "{line}");
    drop(stdin);
    child.wait_with_output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_asks_for_the_code_and_finds_the_vendor_that_takes_messages_and_loses_them() {
    let gateway = AnyChannel::start().await;
    let program = Program::configured(&format!(
        "[channels]\norder = [\"sms\"]\n{}",
        gateway.provider("gateway", &["sms"])
    ));
    let sent = |count: usize| {
        let begun = now();
        while gateway.received().len() < count && begun.elapsed() < Duration::from_secs(20) {
            std::thread::yield_now();
        }
        gateway.received()[count - 1]["code"].as_str().unwrap().to_owned()
    };
    let right = examined(&program, &["--send-to-phone", ASHA], || sent(1)).await;
    let lines: Value =
        serde_json::from_str(&out(&right)).unwrap_or_else(|_| panic!("{} {}", out(&right), err(&right)));
    let last = lines["lines"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (exit(&right), &last["level"], &last["subject"]),
        (0, &json!("well"), &json!("sms through gateway"))
    );
    assert!(last["finding"].as_str().unwrap().contains("arrived and typed within"), "{last}");

    let lost = examined(&program, &["--send-to-phone", RAVI], String::new).await;
    assert_eq!(exit(&lost), 2, "{}", out(&lost));
    assert!(out(&lost).contains("did not arrive"), "{}", out(&lost));
    let statuses = program.shop().get("/v1/verifications").await.expect(200);
    assert!(statuses.to_string().contains("canceled"), "{statuses}");
    assert!(!err(&lost).contains(RAVI) && !out(&lost).contains(RAVI));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_names_what_is_missing_for_receipts_for_india_and_an_old_credential() {
    let twilio = Twilio::start(Behaviour::Accept).await;
    let entry = twilio.provider("twilio-main").replace("dlt = \"at-vendor\"\n", "");
    let entry =
        entry.replace("auth_token = \"token-0123456789abcdef0123456789ab\"", "auth_token_file = \"token\"");
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{}\n[channels]\norder = [\"sms\"]\n{entry}", BASE);
    std::fs::write(folder.path().join("backstop.toml"), config).unwrap();
    let token = folder.path().join("token");
    write_private(&token, "token-0123456789abcdef0123456789ab");
    let file = std::fs::File::options().write(true).open(&token).unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    file.set_modified(old).unwrap();
    let output = bare(folder.path(), &["doctor", "--json"]);
    let found = out(&output);
    for words in ["no DLT ids", "its receipts go nowhere", "was last written"] {
        assert!(found.contains(words), "{words} is not in {found}");
    }
}
