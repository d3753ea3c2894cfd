//! What Plivo answers, reduced to the fields that are kept.
//!
//! A refusal has a text and no code, so its status decides, and the text where two mean something else by the same status.

use std::fmt;

use backstop_domain::{
    outcome::{Outcome, Reason, Scope},
    ports::provider::{Balance, Sent},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::amount::micros;

/// A message or a call that was taken, as far as the status says.
#[derive(Deserialize)]
pub(super) struct Taken {
    #[serde(default)]
    message_uuid: Value,
    #[serde(default)]
    request_uuid: Value,
    #[serde(default)]
    invalid_number: Value,
    #[serde(default)]
    message: Value,
    #[serde(default)]
    error: Value,
}

impl Taken {
    /// `Unknown` unless it names the message or the call, or says why not.
    pub(super) fn outcome(&self, status: u16) -> Sent {
        let id = first_text(&self.message_uuid).or_else(|| first_text(&self.request_uuid));
        let outcome = match id {
            Some(id) => Outcome::Accepted { vendor_id: Some(id.to_owned()) },
            // The one number of the message is not one.
            None if first_text(&self.invalid_number).is_some() => Outcome::rejected(Reason::InvalidRecipient),
            None if is_about_credit(&words(&self.error)) => Outcome::rejected(Reason::OutOfCredit),
            None => Outcome::Unknown,
        };
        let told = json!({
            "status": status, "message_uuid": self.message_uuid, "request_uuid": self.request_uuid,
            "message": self.message, "error": self.error,
        });
        Sent::new(outcome, &told.to_string())
    }
}

/// A refusal in Plivo's own form: without `error` it is somebody else's.
#[derive(Deserialize)]
pub(super) struct Failure {
    error: Value,
}

impl Failure {
    /// The outcome, if the status is one that Plivo uses.
    pub(super) fn outcome(&self, status: u16) -> Option<Outcome> {
        let said = words(&self.error);
        let route = Outcome::rejected_for(Reason::Misconfigured, Scope::Route);
        Some(match status {
            _ if is_about_credit(&said) => Outcome::rejected(Reason::OutOfCredit),
            // A country that is not enabled.
            _ if said.contains("geo") && said.contains("permission") => route,
            400 if self.is_about_the_recipient(&said) => Outcome::rejected(Reason::InvalidRecipient),
            402 => Outcome::rejected(Reason::OutOfCredit),
            // Credentials, or an account that there is not.
            401 | 404 | 405 | 409 => Outcome::rejected(Reason::Misconfigured),
            408 => Outcome::Unknown,
            429 => Outcome::rejected(Reason::RateLimited),
            400..=499 => route,
            // Plivo formed this answer itself: it says that it failed.
            500..=599 => Outcome::rejected(Reason::Unavailable),
            _ => return None,
        })
    }

    /// `dst` is the number of a text and `to` that of a call. The latter is also a word, so it counts only as the name of a
    /// field.
    fn is_about_the_recipient(&self, said: &str) -> bool {
        let is_key = |name: &str| self.error.get(name).is_some();
        let quoted = ["'to'", "\"to\"", "`to`", "to parameter", "to field", "to number", "invalid to"];
        is_key("dst")
            || is_key("to")
            || said.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "dst")
            || said.starts_with("to ")
            || quoted.iter().any(|field| said.contains(field))
    }

    pub(super) fn told(&self, status: u16) -> String {
        json!({ "status": status, "error": self.error }).to_string()
    }
}

/// The account, as a check-up sees it.
#[derive(Deserialize)]
pub(super) struct Account {
    cash_credits: Value,
    #[serde(default)]
    billing_mode: String,
    #[serde(default)]
    auto_recharge: bool,
    #[serde(default)]
    account_type: String,
}

impl Account {
    fn amount(&self) -> String {
        match &self.cash_credits {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// Dollars, the one currency that Plivo writes amounts in.
    pub(super) fn balance(&self) -> Option<Balance> {
        Some(Balance { micros: micros(&self.amount())?, unit: "USD".to_owned() })
    }

    /// An account that is billed later, or that buys credit by itself, is never used up.
    pub(super) fn is_used_up(&self) -> bool {
        self.billing_mode != "postpaid"
            && !self.auto_recharge
            && micros(&self.amount()).is_some_and(|micros| micros <= 0)
    }

    pub(super) fn is_trial(&self) -> bool {
        self.account_type.eq_ignore_ascii_case("trial")
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "balance {} USD", self.amount())
    }
}

/// A text, or the first of a list of texts.
fn first_text(value: &Value) -> Option<&str> {
    let text = match value {
        Value::Array(items) => items.first()?,
        other => other,
    };
    text.as_str().filter(|text| !text.is_empty())
}

/// What an error says, in small letters, whatever its form.
fn words(error: &Value) -> String {
    match error {
        Value::Null => String::new(),
        Value::String(text) => text.to_lowercase(),
        other => other.to_string().to_lowercase(),
    }
}

/// Said with more than one status.
fn is_about_credit(said: &str) -> bool {
    said.contains("insufficient credit")
}
