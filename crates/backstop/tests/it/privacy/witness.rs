//! The values that must not be found, and who looks for them.

use std::{cell::RefCell, collections::BTreeMap};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use reqwest::Method;
use serde_json::Value;

use crate::harness::{Caller, any_channel::SIGNING_SECRET, vendor::ACCOUNT};

pub(super) const PHONE: &str = "+14157774991";
pub(super) const OTHER_PHONE: &str = "+919812346577";
pub(super) const MAIL: &str = "zqperson.canary@canarymail-zq.example";
pub(super) const CUSTOM: &str = "QW7XKP2M9Z";
pub(super) const IP: &str = "203.0.113.177";
pub(super) const AGENT: &str = "CanaryAgent-41.77";
pub(super) const PAYEE: &str = "Zebrafinch Orchards";
pub(super) const AMOUNT: &str = "INR 77,313.31";
pub(super) const NOTE: &str = "metadata-canary-5b1d";
pub(super) const SESSION: &str = "session-canary-9e77";
pub(super) const KEY: &str = "idempotency-canary-31c7aa";
pub(super) const SECRET: &str = "sk_shop_0123456789abcdef";
pub(super) const WRONG_KEY: &str = "sk_wrong_canary_77e1c0ffee";
pub(super) const TOKEN: &str = "token-0123456789abcdef0123456789ab";
pub(super) const GARBAGE: &str = "garbage-canary-e41b";

/// Sees every answer, and remembers what must not be found.
pub(super) struct Witness {
    pub(super) heard: RefCell<Vec<(String, String)>>,
    secrets: RefCell<BTreeMap<String, String>>,
}

impl Witness {
    pub(super) fn new() -> Self {
        let known = [
            ("phone", PHONE),
            ("other phone", OTHER_PHONE),
            ("e-mail", MAIL),
            ("custom code", CUSTOM),
            ("client ip", IP),
            ("user agent", AGENT),
            ("payee", PAYEE),
            ("amount", AMOUNT),
            ("metadata", NOTE),
            ("session", SESSION),
            ("idempotency key", KEY),
            ("secret key", SECRET),
            ("wrong key", WRONG_KEY),
            ("vendor token", TOKEN),
            ("signing secret", SIGNING_SECRET),
            ("garbage", GARBAGE),
        ];
        let mut secrets: BTreeMap<String, String> =
            known.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        secrets.insert("phone, national".into(), PHONE[2..].into());
        secrets.insert("e-mail, local".into(), "zqperson.canary".into());
        secrets.insert("e-mail, domain".into(), "canarymail-zq".into());
        secrets.insert("vendor pair".into(), format!("{ACCOUNT}:{TOKEN}"));
        Self { heard: RefCell::default(), secrets: RefCell::new(secrets) }
    }

    pub(super) fn hide(&self, name: &str, value: &str) {
        let mut secrets = self.secrets.borrow_mut();
        let number = secrets.len();
        secrets.insert(format!("{name} {number}"), value.to_owned());
    }

    pub(super) async fn call(
        &self,
        caller: &Caller,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        let what = format!("the answer to {method} {}", path.split('?').next().unwrap());
        let answer = caller.send(method, path, body).await;
        self.heard.borrow_mut().push((what, format!("{:?}\n{}", answer.headers, answer.body)));
        answer.body
    }

    pub(super) async fn post(&self, caller: &Caller, path: &str, body: Value) -> Value {
        self.call(caller, Method::POST, path, Some(body)).await
    }

    pub(super) async fn get(&self, caller: &Caller, path: &str) -> Value {
        self.call(caller, Method::GET, path, None).await
    }

    /// Fails with the name of every value that is found, and where.
    pub(super) fn search(&self, sinks: &[(String, Vec<u8>)]) {
        let heard = self.heard.borrow();
        let answers = heard.iter().map(|(what, text)| (what.clone(), text.clone().into_bytes()));
        let all: Vec<(String, Vec<u8>)> = answers.chain(sinks.iter().cloned()).collect();
        let mut found = Vec::new();
        for (sink, bytes) in &all {
            let lower = bytes.to_ascii_lowercase();
            for (name, value) in self.secrets.borrow().iter() {
                for (form, needle) in spellings(value) {
                    let needle = needle.to_ascii_lowercase().into_bytes();
                    if let Some(at) = memmem(&lower, &needle) {
                        let near = &bytes[at.saturating_sub(120)..(at + needle.len() + 80).min(bytes.len())];
                        found.push(format!("{name} ({form}) in {sink}: {}", String::from_utf8_lossy(near)));
                    }
                }
            }
        }
        assert!(found.is_empty(), "{} finds:\n{}", found.len(), found.join("\n"));
    }
}

/// A value as it is, and as programs write it down.
fn spellings(value: &str) -> Vec<(&'static str, String)> {
    let percent: String = value
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{:?}", value.as_bytes());
    vec![
        ("plain", value.to_owned()),
        ("without +", value.trim_start_matches('+').to_owned()),
        ("percent", percent),
        ("base64", BASE64_STANDARD.encode(value).trim_end_matches('=').to_owned()),
        ("base64url", BASE64_URL_SAFE_NO_PAD.encode(value)),
        ("hex", hex),
        ("a list of bytes", list.trim_matches(['[', ']']).to_owned()),
    ]
}

pub(crate) fn memmem(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let last = hay.len().checked_sub(needle.len())?;
    let mut at = 0;
    while at <= last {
        at += hay[at..=last].iter().position(|byte| *byte == first)?;
        if hay[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[test]
fn the_search_finds_a_value_in_every_spelling() {
    let witness = Witness::new();
    for value in [PHONE, MAIL, CUSTOM] {
        for (form, text) in spellings(value) {
            let sink = vec![("a sink".to_owned(), format!("before {text} after").into_bytes())];
            let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| witness.search(&sink)));
            assert!(found.is_err(), "{form} of {value}");
        }
    }
    witness.search(&[("a sink".to_owned(), "+1••••••••91 z•••@c•••.example".into())]);
}
