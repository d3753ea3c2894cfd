//! What the Telegram Gateway answers, reduced to the fields that are kept, and its error names in our words.
//!
//! Only the names about the token are documented. Whatever else it refuses a message with is taken as its word on this
//! recipient, which touches nobody else.

use std::time::Duration;

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::provider::{Balance, Sent},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    amount::{self, micros},
    exchange::HttpResponse,
    status,
};

/// The longest wait that Telegram is believed.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Telegram's frame around every answer.
#[derive(Deserialize)]
pub(super) struct Answer {
    ok: bool,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    result: Value,
}

impl Answer {
    /// What is left, where it says so.
    pub(super) fn balance(&self) -> Option<Balance> {
        Some(Balance { micros: micros_of(self.result.get("remaining_balance")?)?, unit: "USD".to_owned() })
    }

    pub(super) fn refuses_the_token(&self) -> bool {
        self.error.as_str().is_some_and(|error| error.starts_with("ACCESS_TOKEN"))
    }

    /// The answer to a message.
    pub(super) fn sent(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        let id = self.result.get("request_id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let outcome = match (self.ok, id) {
            (true, Some(id)) if response.is_success() => Outcome::Accepted { vendor_id: Some(id.to_owned()) },
            (true, _) => Outcome::Unknown,
            (false, _) => self.refused(response, at),
        };
        let mut sent = Sent::new(outcome, &self.told(response.status));
        sent.price = price(&self.result).filter(|_| sent.response.success);
        sent
    }

    fn refused(&self, response: &HttpResponse, at: Timestamp) -> Outcome {
        let name = self.error.as_str().unwrap_or_default();
        if let Some(outcome) = named(name) {
            return outcome;
        }
        match response.status {
            401 | 403 | 429 => status::outcome(response, at),
            // Telegram formed this answer itself: it says that it failed.
            500..=599 => {
                Outcome::rejected(Reason::Unavailable).with_retry_after(status::retry_after(response, at))
            }
            _ => Outcome::rejected(Reason::NotOnChannel),
        }
    }

    pub(super) fn told(&self, status: u16) -> String {
        let field = |name: &str| self.result.get(name).cloned().unwrap_or_default();
        json!({
            "status": status, "ok": self.ok, "error": self.error, "request_id": field("request_id"),
            "request_cost": field("request_cost"), "remaining_balance": field("remaining_balance"),
        })
        .to_string()
    }
}

/// The outcome of an error's name; `None` if it is not one that we know.
fn named(name: &str) -> Option<Outcome> {
    Some(match name {
        "PHONE_NUMBER_INVALID" => Outcome::rejected(Reason::InvalidRecipient),
        // The account.
        "SENDER_NOT_VERIFIED" | "SENDER_NOT_OWNED" => Outcome::rejected(Reason::Misconfigured),
        // Only a mistake of ours makes these.
        "CODE_INVALID"
        | "CODE_LENGTH_INVALID"
        | "TTL_INVALID"
        | "PAYLOAD_INVALID"
        | "CALLBACK_URL_INVALID"
        | "REQUEST_ID_INVALID"
        | "MESSAGE_ALREADY_SENT" => Outcome::rejected_for(Reason::Misconfigured, Scope::Route),
        name if name.starts_with("ACCESS_TOKEN") => Outcome::rejected(Reason::Misconfigured),
        name if name.starts_with("BALANCE") => Outcome::rejected(Reason::OutOfCredit),
        name if name.starts_with("PHONE") => Outcome::rejected(Reason::NotOnChannel),
        name => {
            let seconds = name.strip_prefix("FLOOD_WAIT")?.trim_start_matches('_').parse().ok();
            let wait = seconds.map(|seconds| Duration::from_secs(seconds).min(WAIT_MAX));
            Outcome::rejected(Reason::RateLimited).with_retry_after(wait)
        }
    })
}

/// What a request cost, nothing once it is given back.
pub(super) fn price(result: &Value) -> Option<String> {
    if result.get("is_refunded") == Some(&Value::Bool(true)) {
        return Some("0 USD".to_owned());
    }
    amount::price(micros_of(result.get("request_cost")?)?, "USD")
}

fn micros_of(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => micros(text),
        Value::Number(number) => micros(&number.to_string()),
        _ => None,
    }
}
