//! What MSG91 answers, in our words. <https://msg91.com/help/api-error-codes>, read 2026-11.
//!
//! A code decides where there is one, else words of the message. What depends on one number has the recipient's scope.

use std::time::Duration;

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    exchange::HttpResponse,
    loose::{number, says, text},
    status,
};

/// The same text to the same number within this is dropped.
const DUPLICATE_WITHIN: Duration = Duration::from_secs(10);

/// An answer in MSG91's own form, of any of its years.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(rename = "type", alias = "msgType", alias = "msg_type")]
    kind: Value,
    #[serde(default, alias = "msg")]
    message: Value,
    #[serde(default)]
    request_id: Value,
    #[serde(default)]
    code: Value,
}

impl Answer {
    pub(super) fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Outcome {
        match text(&self.kind).map(|kind| kind.to_ascii_lowercase()).as_deref() {
            Some("success") if response.is_success() => {
                // `message` holds the id, or words.
                let id = text(&self.request_id).or_else(|| text(&self.message));
                Outcome::Accepted { vendor_id: id.filter(|id| !id.contains(' ')) }
            }
            Some("error") => self.refusal(response, at),
            _ => Outcome::Unknown,
        }
    }

    fn refusal(&self, response: &HttpResponse, at: Timestamp) -> Outcome {
        let code = number(&self.code).or_else(|| number(&self.message));
        let message = text(&self.message).unwrap_or_default();
        let outcome = code.and_then(by_code).or_else(|| by_words(&message)).unwrap_or_else(|| {
            match response.status {
                400..=499 => status::outcome(response, at),
                // It says that it refused, and nothing that we know of why.
                _ => Outcome::rejected_for(Reason::Unavailable, Scope::Route),
            }
        });
        match status::retry_after(response, at) {
            Some(span) => outcome.with_retry_after(Some(span)),
            None => outcome,
        }
    }

    pub(super) fn told(&self, status: u16) -> String {
        json!({
            "status": status, "type": self.kind, "code": self.code, "message": self.message,
            "request_id": self.request_id,
        })
        .to_string()
    }
}

fn by_code(code: u32) -> Option<Outcome> {
    use Reason::{InvalidRecipient, Misconfigured, OutOfCredit};
    Some(match code {
        // The key, the address that we ask from, the account.
        103 | 105 | 106 | 107 | 207 | 208 | 302 | 303 | 418 => {
            Outcome::rejected_for(Misconfigured, Scope::Provider)
        }
        202 => Outcome::rejected(InvalidRecipient),
        // Sender or entity, and a promotional route at night.
        203 | 306 => Outcome::rejected_for(Misconfigured, Scope::Route),
        // Requests that only a mistake of ours makes.
        101 | 102 | 307..=310 => Outcome::rejected_for(Misconfigured, Scope::Route),
        301 => Outcome::rejected(OutOfCredit),
        311 => duplicate(),
        _ => return None,
    })
}

/// The first copy is out.
fn duplicate() -> Outcome {
    Outcome::rejected_for(Reason::RateLimited, Scope::Recipient).with_retry_after(Some(DUPLICATE_WITHIN))
}

fn by_words(message: &str) -> Option<Outcome> {
    use Reason::{InvalidRecipient, Misconfigured, OutOfCredit, RateLimited};
    let about_the_number = says(message, &["mobile", "number"]);
    let about_our_address =
        message.split(|c: char| !c.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case("ip"));
    Some(if says(message, &["authkey", "auth key", "authentication key"]) || about_our_address {
        Outcome::rejected_for(Misconfigured, Scope::Provider)
    } else if says(message, &["template", "flow", "dlt", "entity"]) {
        Outcome::rejected_for(Misconfigured, Scope::Route)
    } else if says(message, &["balance", "credit"]) {
        Outcome::rejected(OutOfCredit)
    } else if says(message, &["duplicate"]) {
        duplicate()
    } else if says(message, &["limit", "too many"]) {
        let scope = if about_the_number { Scope::Recipient } else { Scope::Provider };
        Outcome::rejected_for(RateLimited, scope)
    } else if about_the_number && says(message, &["invalid", "not valid"]) {
        Outcome::rejected(InvalidRecipient)
    } else {
        return None;
    })
}

/// What is left: a number alone, or in `SMS`; an error is neither.
pub(super) fn credits(answer: &HttpResponse) -> Option<f64> {
    let value: Value = answer.json().filter(|_| answer.is_success())?;
    let amount = match &value {
        Value::Object(fields) => text(fields.get("SMS")?)?,
        other => text(other)?,
    };
    amount.parse().ok().filter(|amount: &f64| amount.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_about_one_number_switches_the_account_off() {
        let of_codes = [202, 311].map(by_code);
        let of_words = [
            "Invalid mobile number",
            "Limit reached for this number",
            "Duplicate request",
            "Number blacklisted",
        ]
        .map(by_words);
        for outcome in of_codes.into_iter().chain(of_words).flatten() {
            let Outcome::Rejected(rejection) = outcome else { panic!("{outcome:?}") };
            assert_eq!(rejection.scope, Scope::Recipient);
        }
    }

    #[test]
    fn no_error_means_accepted() {
        for code in 0..1000 {
            assert!(!matches!(by_code(code), Some(Outcome::Accepted { .. })), "{code}");
        }
    }
}
