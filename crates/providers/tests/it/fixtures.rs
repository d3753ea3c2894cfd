//! Every fixture through its provider: what the vendor answers, and what we make of it.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use backstop_domain::{
    channel::Channel,
    outcome::{Outcome, Scope},
    ports::{Inbox, Provider, inbox::Outage, provider::Sent},
};
use backstop_providers::registry::{ProviderConfig, Shared, build, kinds};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::{
    self, AWS_TOKEN, EMAIL, MAIL_PASSWORD, PHONE, TEXT,
    mailserver::{MailServer, Script},
    vendor::{Does, Vendor, answer},
};
use crate::vendors;

/// Enough for a slow pretend provider.
const TIMEOUT: Duration = Duration::from_secs(6);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    given: Value,
    expect: Expect,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Expect {
    outcome: String,
    scope: Option<Scope>,
    retry_after_seconds: Option<u64>,
    vendor_id: Option<String>,
    price: Option<String>,
}

impl From<&Sent> for Expect {
    fn from(sent: &Sent) -> Self {
        let (outcome, scope, retry_after_seconds) = harness::in_words(&sent.outcome);
        let vendor_id = match &sent.outcome {
            Outcome::Accepted { vendor_id } => vendor_id.clone(),
            _ => None,
        };
        Self { outcome, scope, retry_after_seconds, vendor_id, price: sent.price.clone() }
    }
}

fn folder(kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(kind)
}

/// Name and content of every fixture of a kind, by name.
fn fixtures(kind: &str) -> Vec<(String, Fixture)> {
    let Ok(files) = std::fs::read_dir(folder(kind)) else { return Vec::new() };
    let mut fixtures: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let fixture =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.file_stem().unwrap().to_string_lossy().into_owned(), fixture)
        })
        .collect();
    fixtures.sort_by(|(one, _), (other, _)| one.cmp(other));
    fixtures
}

/// Vendors repeat what they were sent; so do the fixtures.
fn filled_in(text: &str, to: &str) -> String {
    text.replace("{text}", TEXT)
        .replace("{to}", to)
        .replace("{digits}", &PHONE[1..])
        .replace("{secret}", AWS_TOKEN)
}

fn filled_in_json(value: &Value, to: &str) -> Value {
    match value {
        Value::String(text) => Value::String(filled_in(text, to)),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), filled_in_json(value, to))).collect()
        }
        other => other.clone(),
    }
}

async fn over_http(kind: &str, given: &Value) -> Sent {
    let usual = vendors::find(kind).unwrap().channels[0];
    let channel = given["channel"].as_str().map_or(usual, |name| name.parse().unwrap());
    let to = if channel == Channel::Email { EMAIL } else { PHONE };
    let body = match &given["body"] {
        Value::String(text) => filled_in(text, to),
        other => filled_in_json(other, to).to_string(),
    };
    let headers: Vec<(String, String)> = given["headers"].as_object().map_or_else(Vec::new, |headers| {
        headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
    });
    let status = given["status"].as_u64().unwrap().try_into().unwrap();
    let vendor = Vendor::start(Does::Answers(answer(status, &headers, &body))).await;
    let sent = harness::provider(kind, &vendor.base, TIMEOUT).send(&harness::message(channel, to)).await;
    assert_eq!(vendor.requests().len(), 1, "one message, one request");
    sent
}

async fn over_smtp(given: &Value) -> Sent {
    let script: Script = serde_json::from_value(filled_in_json(given, EMAIL)).unwrap();
    let mut settings = json!({ "host": "127.0.0.1", "tls": "none", "from": "Acme <login@acme.example>" });
    if script.contains_key("auth") {
        settings["username"] = json!("acme");
        settings["password"] = json!(MAIL_PASSWORD);
    }
    let server = MailServer::start(script).await;
    settings["port"] = json!(server.port);
    let mut sent = harness::try_build("smtp", settings).unwrap().send(&harness::mail(EMAIL)).await;
    if let Outcome::Accepted { vendor_id } = &mut sent.outcome {
        let id = vendor_id.take().unwrap();
        assert!(id.starts_with("att_") && id.ends_with("@acme.example"), "{id}");
    }
    sent
}

async fn by_the_inbox(given: &Value) -> Sent {
    let outage: Outage = serde_json::from_value(given["outage"].clone()).unwrap();
    let shared = Shared { tasks: Arc::new(harness::Sleepless), ..harness::shared() };
    let config = ProviderConfig { timeout: TIMEOUT, ..harness::config("dev-inbox", json!({})) };
    let provider: Arc<dyn Provider> = build(&config, &shared).unwrap();
    let inbox = shared.inbox.unwrap();
    assert!(inbox.switch("dev-inbox-main", outage));
    let mut sent = provider.send(&harness::sms()).await;
    if let Outcome::Accepted { vendor_id } = &mut sent.outcome {
        assert_eq!(vendor_id.take().unwrap(), format!("inbox-{}", harness::sms().attempt));
        assert_eq!(inbox.messages(1)[0].lost, outage == Outage::Loses);
    }
    sent
}

async fn send(kind: &str, given: &Value) -> Sent {
    match kind {
        "smtp" => over_smtp(given).await,
        "dev-inbox" => by_the_inbox(given).await,
        "console" => harness::try_build(kind, json!({})).unwrap().send(&harness::sms()).await,
        _ => over_http(kind, given).await,
    }
}

#[tokio::test]
async fn every_answer_of_a_vendor_means_what_its_fixture_says() {
    let mut wrong = Vec::new();
    for info in kinds() {
        for (case, fixture) in fixtures(info.kind) {
            let sent = send(info.kind, &fixture.given).await;
            harness::assert_clean(&format!("{sent:?}"), &format!("{}/{case}", info.kind));
            let is_success = matches!(sent.outcome, Outcome::Accepted { .. });
            assert_eq!(sent.response.success, is_success, "{}/{case}", info.kind);
            let found = Expect::from(&sent);
            if found != fixture.expect {
                wrong.push(format!(
                    "{}/{case}:\n  expected {:?}\n  found    {found:?}\n  said     {}",
                    info.kind, fixture.expect, sent.response.response
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} fixtures are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_kind_has_a_fixture_for_every_outcome_that_it_can_have() {
    let all = [
        "accepted",
        "invalid_recipient",
        "opted_out",
        "not_on_channel",
        "misconfigured",
        "out_of_credit",
        "rate_limited",
        "unavailable",
        "unknown",
    ];
    for info in kinds() {
        let found: BTreeSet<String> =
            fixtures(info.kind).into_iter().map(|(_, fixture)| fixture.expect.outcome).collect();
        assert!(!found.is_empty(), "{} has no fixtures in {}", info.kind, folder(info.kind).display());
        let cannot: &[&str] = match info.kind {
            // The vendor has no word for these.
            "smtp" => &["not_on_channel", "out_of_credit"],
            "dev-inbox" => {
                &["invalid_recipient", "opted_out", "not_on_channel", "misconfigured", "rate_limited"]
            }
            "console" => &all[1..],
            kind => vendors::find(kind).map_or(&[], |vendor| vendor.cannot),
        };
        for outcome in all.iter().filter(|outcome| !cannot.contains(outcome)) {
            assert!(found.contains(*outcome), "{} has no fixture for {outcome}", info.kind);
        }
    }
}

#[test]
fn every_folder_of_fixtures_is_of_a_kind_that_there_is() {
    for entry in std::fs::read_dir(folder("")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(kinds().iter().any(|info| info.kind == name), "fixtures/{name} is of no kind");
    }
}
