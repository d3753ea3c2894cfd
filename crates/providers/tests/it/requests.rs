//! What leaves for a vendor over HTTP, to the byte: for the snapshots in [`crate::vendors`].

use backstop_domain::ports::provider::Message;
use backstop_providers::registry::build;
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
