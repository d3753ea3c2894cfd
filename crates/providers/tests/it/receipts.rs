//! Every callback of a fixture through its provider: what it tells, or that it is refused.
//!
//! `fixtures/<kind>/receipts/<case>.json` holds `given`: `method`, `query`, `headers`, `body` (a text as it is, or a JSON value),
//! and `expect`: the events, or `refused`. `{reference}` stands for our own name for the attempt, in `given` and in `expect`.
//! `serves` names a file of `tests/it/certificates` that the vendor at `{vendor}` serves to whoever fetches.
//! The moment is 2026-01-01T00:00:00Z and the address `https://verify.acme.example/receipts/main/SECRET`, so signatures are
//! fixed values made with the keys of the test's settings.

use std::path::PathBuf;

use backstop_domain::{
    ports::provider::{Callback, CallbackRefused},
    receipt::{About, VendorEvent},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    harness::{
        self,
        vendor::{Does, Vendor, answer},
    },
    vendors,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    given: Given,
    expect: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    method: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Value,
    serves: Option<String>,
}

fn fixtures(kind: &str) -> Vec<(String, Fixture)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(kind).join("receipts");
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut fixtures: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.replace("{reference}", &harness::reference().to_string());
            let fixture =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.file_stem().unwrap().to_string_lossy().into_owned(), fixture)
        })
        .collect();
    fixtures.sort_by(|(one, _), (other, _)| one.cmp(other));
    fixtures
}

/// What `tests/it/certificates/{file}` holds.
pub(crate) fn certificate(file: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/certificates");
    std::fs::read_to_string(folder.join(file)).unwrap()
}

/// The callback as it would come in.
pub(crate) fn callback(method: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Callback {
    let address = format!("{}/receipts/main/{}", harness::PUBLIC_URL, harness::RECEIPTS_SECRET);
    Callback {
        method: method.to_owned(),
        url: if query.is_empty() { address } else { format!("{address}?{query}") },
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned()))
            .collect(),
        body: body.to_vec(),
    }
}

fn in_words(event: &VendorEvent) -> Value {
    match event {
        VendorEvent::Receipt(receipt) => {
            let mut told = json!({
                "about": match &receipt.about {
                    About::Reference(reference) => reference.to_string(),
                    About::VendorId(id) => id.clone(),
                },
                "state": format!("{:?}", receipt.state),
            });
            if let Some(rejection) = receipt.rejection {
                told["reason"] = json!(rejection.reason.as_str());
                told["scope"] = json!(rejection.scope);
            }
            if let Some(price) = &receipt.price {
                told["price"] = json!(price);
            }
            told
        }
        VendorEvent::Inbound(inbound) => json!({
            "from": inbound.from.expose(), "channel": inbound.channel, "word": format!("{:?}", inbound.word),
        }),
    }
}

#[tokio::test]
async fn every_callback_of_a_vendor_tells_what_its_fixture_says() {
    let mut wrong = Vec::new();
    for vendor in vendors::ALL {
        for (case, Fixture { given, expect }) in fixtures(vendor.kind) {
            let server = match &given.serves {
                Some(file) => Some(Vendor::start(Does::Answers(answer(200, &[], &certificate(file)))).await),
                None => None,
            };
            let base = server.as_ref().map_or("https://vendor.example", |server| server.base.as_str());
            let provider = harness::try_build(vendor.kind, (vendor.settings)(base)).unwrap();
            let receiver = provider.receiver().unwrap_or_else(|| panic!("{} hears nothing", vendor.kind));
            let headers: Vec<_> =
                given.headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
            let body = match &given.body {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let body = body.replace("{vendor}", base);
            let callback = callback(&given.method, &given.query, &headers, body.as_bytes());
            let found = match receiver.receive(&callback).await {
                Ok(heard) => {
                    for event in &heard.events {
                        if let VendorEvent::Receipt(receipt) = event {
                            harness::assert_clean(&receipt.response, &format!("{}/{case}", vendor.kind));
                        }
                    }
                    let mut found =
                        json!({ "events": heard.events.iter().map(in_words).collect::<Vec<_>>() });
                    if heard.reply.status != 200 {
                        found["status"] = json!(heard.reply.status);
                    }
                    if !heard.reply.body.is_empty() {
                        found["body"] = json!(heard.reply.body);
                    }
                    found
                }
                Err(CallbackRefused::Forged(_)) => json!({ "refused": "forged" }),
                Err(CallbackRefused::Unreadable(_)) => json!({ "refused": "unreadable" }),
                Err(CallbackRefused::NotNow(_)) => json!({ "refused": "not_now" }),
            };
            if found != expect {
                wrong.push(format!("{}/{case}:\n  expected {expect}\n  found    {found}", vendor.kind));
            }
        }
    }
    assert!(wrong.is_empty(), "{} fixtures are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn whoever_hears_receipts_has_fixtures_and_refuses_what_is_not_the_vendors() {
    for vendor in vendors::ALL {
        let provider = harness::try_build(vendor.kind, (vendor.settings)("https://vendor.example")).unwrap();
        let Some(receiver) = provider.receiver() else { continue };
        let cases = fixtures(vendor.kind);
        assert!(!cases.is_empty(), "{} hears receipts and has no fixture of one", vendor.kind);
        if receiver.is_signed() {
            let forged = cases.iter().any(|(_, fixture)| fixture.expect["refused"] == "forged");
            assert!(forged, "{} is signed and has no fixture of a forged receipt", vendor.kind);
        }
        // Nothing that a stranger can post may be believed, or bring anything down.
        for body in ["", "{}", "[]", "null", "a=b", "\u{0}", "[[[[[[", "{\"events\": 7}"] {
            for method in ["GET", "POST"] {
                if let Ok(heard) = receiver.receive(&callback(method, "", &[], body.as_bytes())).await {
                    assert!(heard.events.is_empty(), "{}: {method} {body}", vendor.kind);
                }
            }
        }
    }
}
