//! AWS credentials from the official chain. The chain reads the environment, so each case runs this test program again,
//! as a child with an environment of its own.

use std::{process::Command, time::Duration};

use backstop_providers::registry::{ProviderConfig, build};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::harness::{
    self, config, shared,
    vendor::{Does, Vendor, answer, spawn},
};

const MARK: &str = "BACKSTOP_TEST_SNS_BASE";

/// Sends two messages through SNS with whatever the environment gives, and prints what became of them.
#[tokio::test]
#[ignore = "run by the tests below, with an environment of its own"]
async fn child() {
    let Ok(base) = std::env::var(MARK) else { return };
    let _logging = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(std::io::stderr)
        .try_init();
    let settings = json!({ "region": "ap-south-1", "base_url": base });
    let timeout = Duration::from_millis(2500);
    let provider = build(&ProviderConfig { timeout, ..config("aws-sns", settings) }, &shared()).unwrap();
    for _ in 0..2 {
        let sent = provider.send(&harness::sms()).await;
        println!("SENT {} {}", sent.outcome.as_str(), sent.response.response);
    }
}

/// Runs the child with this environment and no other: what it printed, and its log.
async fn run(base: &str, environment: &[(&str, &str)]) -> (Vec<String>, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["credentials::child", "--exact", "--ignored", "--nocapture"]).env_clear().env(MARK, base);
    // No profile of the machine and no instance role, unless the case says so.
    command.env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true");
    command.envs(environment.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let sent =
        out.lines().filter_map(|line| line.split_once("SENT ")).map(|(_, rest)| rest.to_owned()).collect();
    (sent, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn taken() -> Does {
    let xml = "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>";
    Does::Answers(answer(200, &[], xml))
}

#[tokio::test]
async fn credentials_come_from_the_environment() {
    let vendor = Vendor::start(taken()).await;
    let environment =
        [("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT"), ("AWS_SECRET_ACCESS_KEY", harness::AWS_SECRET)];
    let (sent, log) = run(&vendor.base, &environment).await;
    assert!(sent.iter().all(|line| line.starts_with("accepted")) && sent.len() == 2, "{sent:?}\n{log}");
    assert!(vendor.requests()[0].contains("Credential=AKIDENVIRONMENT/20260101/ap-south-1/sns/"));
    harness::assert_clean(&log, "the log");
}

#[tokio::test]
async fn credentials_come_from_a_profile() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("credentials");
    let profile = format!(
        "[fleet]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = {}\n",
        harness::AWS_SECRET
    );
    std::fs::write(&file, profile).unwrap();
    let vendor = Vendor::start(taken()).await;
    let environment = [("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap()), ("AWS_PROFILE", "fleet")];
    let (sent, log) = run(&vendor.base, &environment).await;
    assert!(sent.iter().all(|line| line.starts_with("accepted")) && sent.len() == 2, "{sent:?}\n{log}");
    assert!(vendor.requests()[0].contains("Credential=AKIDPROFILE/"));
    harness::assert_clean(&log, "the log");
}

#[tokio::test]
async fn credentials_come_from_a_container_over_our_own_client_and_are_asked_for_once() {
    let role = json!({
        "AccessKeyId": "AKIDROLE", "SecretAccessKey": harness::AWS_SECRET, "Token": harness::AWS_TOKEN,
        "Expiration": "2026-01-01T06:00:00Z",
    });
    let source = Vendor::start(Does::Answers(answer(200, &[], &role.to_string()))).await;
    let vendor = Vendor::start(taken()).await;
    let uri = format!("{}/role", source.base);
    let (sent, log) = run(&vendor.base, &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri)]).await;
    assert!(sent.iter().all(|line| line.starts_with("accepted")) && sent.len() == 2, "{sent:?}\n{log}");
    assert_eq!(source.requests().len(), 1, "the second message uses what the first was given");
    let request = &vendor.requests()[0];
    assert!(request.contains("Credential=AKIDROLE/"), "{request}");
    assert!(request.to_ascii_lowercase().contains("x-amz-security-token: "), "{request}");
    harness::assert_clean(&log, "the log");
}

#[tokio::test]
async fn without_credentials_nothing_is_sent_and_the_answer_says_so() {
    let vendor = Vendor::start(taken()).await;
    let (sent, log) = run(&vendor.base, &[]).await;
    assert!(sent[0].starts_with("misconfigured not sent: no AWS credentials"), "{sent:?}\n{log}");
    assert!(vendor.requests().is_empty());
}

#[tokio::test]
async fn a_source_of_credentials_that_hangs_is_bounded_by_the_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/role", listener.local_addr().unwrap());
    let source = spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 512]).await;
            let _ = stream.flush().await;
            kept.push(stream);
        }
    });
    let vendor = Vendor::start(taken()).await;
    let (sent, log) = run(&vendor.base, &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri)]).await;
    assert!(sent.len() == 2 && sent[0].starts_with("unavailable not sent"), "{sent:?}\n{log}");
    assert!(vendor.requests().is_empty());
    source.abort();
}
