//! What Textlocal answers, in our words. <https://api.textlocal.in/docs/helpfulinfo>, read 2026-11.
//!
//! A success can say in passing that it took nothing: an empty list of messages, or the number among those that want no
//! texts (`inDND`). It repeats the text with the code, so `message` is not kept.

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    exchange::HttpResponse,
    loose::{first, number, says, text},
    status,
};

/// An answer in Textlocal's own form.
#[derive(Deserialize)]
pub(super) struct Answer {
    status: Value,
    #[serde(default)]
    errors: Vec<Value>,
    #[serde(default)]
    warnings: Vec<Value>,
    messages: Option<Vec<Value>>,
    #[serde(default, rename = "inDND")]
    in_dnd: Value,
    #[serde(default)]
    balance: Value,
    #[serde(default)]
    cost: Value,
    #[serde(default)]
    batch_id: Value,
}

impl Answer {
    pub(super) fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Outcome {
        match text(&self.status).map(|status| status.to_ascii_lowercase()).as_deref() {
            Some("success") if response.is_success() => self.taken(),
            Some("failure") => {
                let refusals = self.errors.iter().chain(&self.warnings).filter_map(refusal);
                let outcome = refusals.into_iter().next().unwrap_or_else(|| match response.status {
                    400..=499 => status::outcome(response, at),
                    // It says that it refused, and nothing that we know of why.
                    _ => Outcome::rejected_for(Reason::Unavailable, Scope::Route),
                });
                match status::retry_after(response, at) {
                    Some(span) => outcome.with_retry_after(Some(span)),
                    None => outcome,
                }
            }
            _ => Outcome::Unknown,
        }
    }

    fn taken(&self) -> Outcome {
        // One number was sent to: who is in there is it.
        if self.in_dnd.as_array().is_some_and(|numbers| !numbers.is_empty()) {
            return Outcome::rejected(Reason::OptedOut);
        }
        match self.messages.as_deref() {
            Some([message, ..]) => Outcome::Accepted { vendor_id: first(message, &["id"]) },
            Some([]) => self
                .warnings
                .iter()
                .find_map(refusal)
                .unwrap_or(Outcome::rejected_for(Reason::Unavailable, Scope::Recipient)),
            None => Outcome::Unknown,
        }
    }

    pub(super) fn told(&self, status: u16) -> String {
        json!({
            "status": status, "word": self.status, "errors": self.errors, "warnings": self.warnings,
            "inDND": self.in_dnd.as_array().map(Vec::len), "batch_id": self.batch_id, "cost": self.cost,
            "balance": self.balance,
        })
        .to_string()
    }
}

/// One error or warning.
fn refusal(error: &Value) -> Option<Outcome> {
    let message = first(error, &["message"]).unwrap_or_default();
    let code = error.get("code").and_then(number);
    code.and_then(by_code).or_else(|| by_words(&message))
}

fn by_code(code: u32) -> Option<Outcome> {
    use Reason::{InvalidRecipient, Misconfigured, OutOfCredit, Unavailable};
    Some(match code {
        1..=3 => Outcome::rejected_for(Misconfigured, Scope::Provider),
        7 => Outcome::rejected(OutOfCredit),
        // Requests that only a mistake of ours makes.
        4..=6 | 8..=11 | 15..=17 | 26 | 27 | 33 | 34 | 191 => {
            Outcome::rejected_for(Misconfigured, Scope::Route)
        }
        32 | 51 => Outcome::rejected(InvalidRecipient),
        // The sender; a promotional account at night; a text like no template.
        43 | 44 | 80 | 192 | 204 => Outcome::rejected_for(Misconfigured, Scope::Route),
        314 => Outcome::rejected_for(Unavailable, Scope::Route),
        _ => return None,
    })
}

fn by_words(message: &str) -> Option<Outcome> {
    Some(if says(message, &["template", "dlt"]) {
        Outcome::rejected_for(Reason::Misconfigured, Scope::Route)
    } else if says(message, &["dnd"]) {
        Outcome::rejected(Reason::OptedOut)
    } else if says(message, &["credit"]) {
        Outcome::rejected(Reason::OutOfCredit)
    } else if says(message, &["login", "api key", "apikey"]) {
        Outcome::rejected_for(Reason::Misconfigured, Scope::Provider)
    } else if says(message, &["number"]) && says(message, &["invalid"]) {
        Outcome::rejected(Reason::InvalidRecipient)
    } else {
        return None;
    })
}

/// What is left: `{"balance": {"sms": 940}}`; in the United Kingdom it may have a fraction.
pub(super) fn credits(answer: &HttpResponse) -> Option<f64> {
    let told: Value = answer.json().filter(|_| answer.is_success())?;
    let amount = text(told.pointer("/balance/sms")?)?;
    amount.parse().ok().filter(|amount: &f64| amount.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_means_accepted_and_no_number_switches_the_account_off() {
        for code in 0..1000 {
            assert!(!matches!(by_code(code), Some(Outcome::Accepted { .. })), "{code}");
        }
        let of_words = ["Invalid number", "Number is in DND", "Invalid template"].map(by_words);
        for outcome in [32, 51].map(by_code).into_iter().chain(of_words) {
            let Some(Outcome::Rejected(rejection)) = outcome else { panic!("{outcome:?}") };
            assert_ne!(rejection.scope, Scope::Provider);
        }
    }
}
