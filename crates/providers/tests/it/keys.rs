//! What a configuration may say, and that every mistake names its key and its fix and repeats no value.

use std::time::Duration;

use backstop_domain::channel::Channel;
use backstop_providers::registry::{BuildError, ProviderConfig, build, kinds};
use serde_json::{Value, json};

use crate::{
    harness::{self, config, settings, shared, try_build},
    vendors,
};

fn wrong(kind: &str, more: Value) -> BuildError {
    let mut all = match kind {
        "smtp" => json!({ "host": "mx.acme.example", "from": "login@acme.example" }),
        "console" | "dev-inbox" => json!({}),
        _ => settings(kind, "https://vendor.example"),
    };
    for (key, value) in more.as_object().unwrap() {
        if value.is_null() {
            all.as_object_mut().unwrap().remove(key);
        } else {
            all[key] = value.clone();
        }
    }
    try_build(kind, all).err().unwrap_or_else(|| panic!("{kind} takes {more}"))
}

#[test]
fn every_mistake_names_its_key_and_a_fix_and_repeats_no_value() {
    let cases = [
        ("smtp", json!({ "host": null }), "host"),
        ("smtp", json!({ "port": "hunter2-value" }), "port"),
        ("smtp", json!({ "port": 70000 }), "port"),
        ("smtp", json!({ "tls": "hunter2-value" }), "tls"),
        ("smtp", json!({ "from": "hunter2-value" }), "from"),
        ("smtp", json!({ "username": "hunter2-value" }), "password"),
        ("smtp", json!({ "username": "u", "password": "hunter2-value", "tls": "none" }), "tls"),
        ("smtp", json!({ "ca_file": "/nowhere/hunter2-value" }), "ca_file"),
        ("smtp", json!({ "max_connections": 0 }), "max_connections"),
        ("smtp", json!({ "hello_name": "two words" }), "hello_name"),
        ("console", json!({ "anything": 1 }), "anything"),
    ];
    let theirs = vendors::ALL
        .iter()
        .flat_map(|vendor| (vendor.mistakes)().into_iter().map(|(more, key)| (vendor.kind, more, key)));
    for (kind, more, key) in cases.into_iter().chain(theirs) {
        let error = wrong(kind, more.clone());
        let named = error.key.as_deref().unwrap_or_default();
        assert!(named == key || named.starts_with(&format!("{key}.")), "{kind} {more}: {error}");
        assert!(!error.fix.is_empty(), "{kind} {more}: {error}");
        let text = format!("{error} {error:?}").replace(&format!("{key}\""), "");
        assert!(
            !text.contains("hunter2-value") || key.contains("hunter2-value") || named.contains("hunter2"),
            "{text}"
        );
    }
}

#[test]
fn a_channel_that_a_kind_cannot_carry_is_refused() {
    let base = settings("twilio", "https://vendor.example");
    for channels in [vec![], vec![Channel::Sms, Channel::Email]] {
        let error =
            build(&ProviderConfig { channels, ..config("twilio", base.clone()) }, &shared()).err().unwrap();
        assert_eq!(error.key.as_deref(), Some("channels"), "{error}");
    }
}

#[test]
fn a_time_out_of_nothing_or_of_an_hour_is_refused() {
    for seconds in [0, 3600] {
        let timeout = Duration::from_secs(seconds);
        let error =
            build(&ProviderConfig { timeout, ..config("console", json!({})) }, &shared()).err().unwrap();
        assert_eq!(error.key.as_deref(), Some("timeout"), "{error}");
    }
}

#[test]
fn an_unknown_kind_is_told_the_kinds_that_there_are() {
    let error = try_build("pigeon", json!({})).err().unwrap();
    insta::assert_snapshot!(error, @r#"provider `pigeon-main`, key `kind`: names no kind of provider; the kinds are: smtp, aws-ses, sendgrid, postmark, resend, twilio, twilio-verify, aws-sns, vonage, plivo, telnyx, messagebird, msg91, textlocal, gupshup, whatsapp-cloud, gupshup-whatsapp, telegram-gateway, webhook, console, dev-inbox"#);
}

#[test]
fn production_has_no_development_inbox() {
    let shared = backstop_providers::registry::Shared { inbox: None, ..shared() };
    let error = build(&config("dev-inbox", json!({})), &shared).err().unwrap();
    insta::assert_snapshot!(error, @r#"provider `dev-inbox-main`, key `kind`: is the development inbox, which production does not have; configure a real provider, or set profile = "development""#);
}

#[test]
fn numbers_and_flags_may_come_as_texts_from_the_environment() {
    let smtp = json!({ "host": "mx.acme.example", "port": "2525", "from": "a@acme.example", "max_connections": "3" });
    assert!(try_build("smtp", smtp).is_ok());
    let mut twilio = settings("twilio", "http://vendor.example");
    twilio["plain_http"] = json!("true");
    twilio["auth_token"] = json!(1234567890);
    assert!(try_build("twilio", twilio).is_ok());
}

#[test]
fn a_kind_tells_what_it_needs_and_its_sample_names_no_key_that_it_does_not_take() {
    for info in kinds() {
        assert!(!info.channels.is_empty() && !info.summary.is_empty());
        let common = ["name", "kind", "channels", "timeout", "dlt"];
        for line in info.sample.lines().filter(|line| line.contains(" = ")) {
            let key = line.split(" = ").next().unwrap().trim();
            let known = info
                .keys
                .iter()
                .any(|known| known.name == key || (known.secret && format!("{}_file", known.name) == key));
            assert!(known || common.contains(&key), "the sample of {} names {key}", info.kind);
        }
        for key in info.keys.iter().filter(|key| key.required) {
            assert!(
                info.sample.contains(&format!("\n{}", key.name)),
                "the sample of {} has no {}",
                info.kind,
                key.name
            );
        }
        assert!(info.sample.contains(&format!("kind = \"{}\"", info.kind)));
    }
    // Without a channel that somebody is charged for, the word would be idle.
    assert!(kinds().iter().any(|info| info.paid) && kinds().iter().any(|info| info.development_only));
}

#[test]
fn a_configuration_prints_no_secret() {
    let config = config("twilio", settings("twilio", "https://vendor.example"));
    harness::assert_clean(&format!("{config:?} {:?}", shared()), "Debug");
}
