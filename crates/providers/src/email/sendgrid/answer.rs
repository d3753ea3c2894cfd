//! What SendGrid answers, reduced to the fields that are kept.

use std::{collections::BTreeMap, fmt};

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::provider::{Balance, Sent},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{amount::micros, exchange::HttpResponse, status};

/// `{"errors": [..]}`: SendGrid's own form of a refusal.
#[derive(Deserialize)]
pub(super) struct Failures {
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    message: Value,
    #[serde(default)]
    field: Value,
}

impl Failures {
    /// Reads one; `None` if it is somebody else's.
    pub(super) fn read(response: &HttpResponse) -> Option<Self> {
        response.json::<Self>().filter(|failures| !failures.errors.is_empty())
    }

    /// Status, message and field of the first.
    pub(super) fn told(&self, status: u16) -> String {
        let (message, field) = self.errors.first().map_or((&Value::Null, &Value::Null), Failure::parts);
        json!({ "status": status, "message": message, "field": field }).to_string()
    }

    fn says(&self, text: &str) -> bool {
        let holds = |said: &str| said.to_ascii_lowercase().contains(text);
        self.errors.iter().any(|failure| failure.message.as_str().is_some_and(holds))
    }

    fn is_about_the_recipient(&self) -> bool {
        self.errors.iter().any(|failure| {
            let field = failure.field.as_str().unwrap_or_default();
            let message = failure.message.as_str().unwrap_or_default().to_ascii_lowercase();
            field.starts_with("personalizations.")
                && field.contains(".to")
                && message.contains("valid address")
        })
    }
}

impl Failure {
    fn parts(&self) -> (&Value, &Value) {
        (&self.message, &self.field)
    }
}

/// What became of a mail.
pub(super) fn outcome(response: &HttpResponse, at: Timestamp) -> Sent {
    if response.status == 202 {
        let id = response.headers.get("x-message-id").and_then(|value| value.to_str().ok());
        let vendor_id = id.map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned);
        let told = json!({ "status": 202, "X-Message-Id": vendor_id }).to_string();
        return Sent::new(Outcome::Accepted { vendor_id }, &told);
    }
    let Some(failures) = Failures::read(response).filter(|_| !response.is_success()) else {
        return Sent::new(status::outcome(response, at), &response.raw());
    };
    let outcome = match response.status {
        400 if failures.is_about_the_recipient() => Outcome::rejected(Reason::InvalidRecipient),
        401 | 403 if failures.says("maximum credits exceeded") => Outcome::rejected(Reason::OutOfCredit),
        // SendGrid formed this answer itself: it says that it failed.
        500..=599 => {
            Outcome::rejected(Reason::Unavailable).with_retry_after(status::retry_after(response, at))
        }
        429 => Outcome::rejected(Reason::RateLimited)
            .with_retry_after(status::retry_after(response, at).or_else(|| reset(response, at))),
        400..=499 if response.status != 401 && response.status != 403 => {
            Outcome::rejected_for(Reason::Misconfigured, Scope::Route)
        }
        _ => status::outcome(response, at),
    };
    Sent::new(outcome, &failures.told(response.status))
}

/// `X-RateLimit-Reset`: when it may be asked again, in seconds since 1970.
fn reset(response: &HttpResponse, at: Timestamp) -> Option<std::time::Duration> {
    let seconds: i64 = response.headers.get("x-ratelimit-reset")?.to_str().ok()?.trim().parse().ok()?;
    let span = Timestamp::from_millis(seconds.checked_mul(1000)?).since(at);
    // It is a matter of minutes; anything longer is no such moment.
    (span.as_secs() > 0 && span.as_secs() <= 3600).then_some(span)
}

/// What a key is allowed to.
#[derive(Deserialize)]
pub(super) struct Scopes {
    pub(super) scopes: Vec<String>,
}

/// Mails that are paid for.
#[derive(Deserialize)]
pub(super) struct Credits {
    remain: Value,
    #[serde(default)]
    total: Value,
}

impl Credits {
    pub(super) fn read(response: &HttpResponse) -> Option<Self> {
        response.json().filter(|_| response.is_success())
    }

    pub(super) fn balance(&self) -> Option<Balance> {
        Some(Balance { micros: micros(&plain(&self.remain))?, unit: "mails".to_owned() })
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} mails left", plain(&self.remain), plain(&self.total))
    }
}

/// A number that may be written as a text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A domain whose senders are to be believed.
#[derive(Deserialize)]
pub(super) struct Domain {
    domain: String,
    #[serde(default)]
    valid: bool,
    #[serde(default)]
    dns: BTreeMap<String, Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    host: String,
    #[serde(default)]
    data: String,
}

impl Domain {
    pub(super) fn told(&self) -> String {
        if self.valid {
            return format!("{} is verified already", self.domain);
        }
        let records: Vec<String> = self
            .dns
            .values()
            .map(|record| format!("{} {} {}", record.host, record.r#type.to_uppercase(), record.data))
            .collect();
        format!("begun; publish in DNS, then verify in SendGrid's console: {}", records.join(", "))
    }
}
