//! What leaves for a vendor over HTTP, to the byte: for the snapshots in [`crate::vendors`].

use backstop_domain::{channel::Channel, outcome::Outcome, ports::provider::Message};
use backstop_providers::registry::{self, build};
use serde_json::Value;

use crate::harness::{
    self, config, settings,
    vendor::{Does, Vendor, answer},
};

/// The request that a provider with these further settings makes of a message.
pub(crate) async fn request(kind: &str, more: Value, to: &str) -> String {
    let channel = crate::vendors::find(kind).unwrap().channels[0];
    request_of(kind, more, &harness::message(channel, to)).await
}

/// The same, of this message.
pub(crate) async fn request_of(kind: &str, more: Value, message: &Message) -> String {
    let vendor = Vendor::start(Does::Answers(answer(500, &[], ""))).await;
    let mut settings = settings(kind, &vendor.base);
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    let provider = build(&config(kind, settings), &harness::shared()).unwrap();
    provider.send(message).await;
    readable(&vendor.requests()[0])
}

/// Every kind hands a notice over as a mail, or says that it carries codes alone; and a notice has no name for receipts.
#[tokio::test]
async fn a_notice_is_a_mail_like_any_other_or_is_not_taken_at_all() {
    let mut takes = Vec::new();
    for info in registry::kinds().iter().filter(|info| info.channels.contains(&Channel::Email)) {
        if ["smtp", "console", "dev-inbox"].contains(&info.kind) {
            continue;
        }
        let vendor = Vendor::start(Does::Answers(answer(500, &[], ""))).await;
        let provider =
            build(&config(info.kind, settings(info.kind, &vendor.base)), &harness::shared()).unwrap();
        let notice = harness::notice(harness::EMAIL);
        let Some(sent) = provider.send_notice(&notice).await else {
            assert!(vendor.requests().is_empty(), "{}", info.kind);
            continue;
        };
        assert!(!matches!(sent.outcome, Outcome::Accepted { .. }), "{}", info.kind);
        let request = vendor.requests().remove(0);
        for wanted in [harness::EMAIL, "Acme: new device", "A new device can now sign in."] {
            assert!(request.contains(wanted), "{}: {request}", info.kind);
        }
        let reference = harness::reference();
        for other in [reference.to_string(), reference.attempt.to_string()] {
            assert!(!request.contains(&other), "{}: {other} in {request}", info.kind);
        }
        takes.push(info.kind);
    }
    assert_eq!(takes, ["aws-ses", "sendgrid", "postmark", "resend"]);
}

/// Headers sorted, credentials replaced, a form one field a line.
fn readable(raw: &str) -> String {
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    let (first, headers) = head.split_once("\r\n").unwrap();
    let mut headers: Vec<String> = headers
        .lines()
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            let value = match (name.to_ascii_lowercase().as_str(), value) {
                ("authorization", value) if value.starts_with("AWS4") => {
                    format!("{}, Signature=...", value.rsplit_once(", ").unwrap().0)
                }
                ("x-amz-security-token", _) => "...".to_owned(),
                ("content-length", _) => "...".to_owned(),
                (_, value) => value.to_owned(),
            };
            format!("{}: {value}", name.to_ascii_lowercase())
        })
        .collect();
    headers.sort();
    let body = if body.starts_with('{') { body.to_owned() } else { body.replace('&', "\n&") };
    format!("{first}\n{}\n\n{body}", headers.join("\n"))
}
