//! What Postmark answers. <https://postmarkapp.com/developer/api/overview#error-codes>, read 2026-11.

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::provider::{Checkup, Sent},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    exchange::HttpResponse,
    status,
    usual::{ill, well},
};

/// An answer in Postmark's own form; code 0 is success.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    error_code: Value,
    #[serde(default)]
    message: Value,
    #[serde(rename = "MessageID", default)]
    message_id: Value,
}

impl Answer {
    /// A code that may be written as a number or as a text.
    fn code(&self) -> Option<u32> {
        match &self.error_code {
            Value::Number(number) => number.as_u64()?.try_into().ok(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn told(&self, status: u16) -> String {
        json!({ "status": status, "ErrorCode": self.error_code, "Message": self.message }).to_string()
    }

    /// The outcome of its code; `None` if it is not one that we know.
    fn refusal(&self) -> Option<Outcome> {
        use Reason::{InvalidRecipient, Misconfigured, OptedOut, OutOfCredit, Unavailable};
        let message = self.message.as_str().unwrap_or_default();
        let route = Outcome::rejected_for(Misconfigured, Scope::Route);
        Some(match self.code()? {
            // The token, the sender, the account or the stream.
            10 | 400 | 401 | 412 | 413 | 1235 => Outcome::rejected(Misconfigured),
            100 => Outcome::rejected(Unavailable),
            300 if message.contains("'From'") => Outcome::rejected(Misconfigured),
            300 if message.contains("'To'") => Outcome::rejected(InvalidRecipient),
            // A request that Postmark cannot read: ours.
            300 | 402 | 403 | 409 | 411 => route,
            405 => Outcome::rejected(OutOfCredit),
            // A hard bounce, a complaint or somebody's hand put it on the list.
            406 => Outcome::rejected(OptedOut),
            _ => return None,
        })
    }
}

/// What became of a mail.
pub(super) fn outcome(response: &HttpResponse, at: Timestamp) -> Sent {
    let Some(answer) = response.json::<Answer>() else {
        return Sent::new(status::outcome(response, at), &response.raw());
    };
    let id = answer.message_id.as_str().map(str::trim).filter(|id| !id.is_empty());
    let outcome = match (response.status, answer.code(), id) {
        (200..=299, Some(0), Some(id)) => {
            let told = json!({ "ErrorCode": 0, "MessageID": id }).to_string();
            return Sent::new(Outcome::Accepted { vendor_id: Some(id.to_owned()) }, &told);
        }
        (200..=299, ..) => answer.refusal().unwrap_or(Outcome::Unknown),
        (429, ..) => Outcome::rejected(Reason::RateLimited),
        // Postmark formed this answer itself: it says that it failed.
        (500..=599, ..) => Outcome::rejected(Reason::Unavailable),
        _ => answer.refusal().unwrap_or_else(|| status::outcome(response, at)),
    };
    let outcome = match status::retry_after(response, at) {
        Some(span) => outcome.with_retry_after(Some(span)),
        None => outcome,
    };
    Sent::new(outcome, &answer.told(response.status))
}

/// The server that sends, as a check-up sees it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Server {
    name: String,
    #[serde(default)]
    delivery_type: String,
}

/// What the answer about the server tells.
pub(super) fn checkup(answers: &[HttpResponse]) -> Checkup {
    let Some(answer) = answers.first() else { return ill("not asked".to_owned(), "report this") };
    if !answer.is_success() {
        let finding = answer.json::<Answer>().map_or_else(|| answer.raw(), |told| told.told(answer.status));
        return ill(finding, "check server_token");
    }
    match answer.json::<Server>() {
        Some(server) if server.delivery_type.eq_ignore_ascii_case("sandbox") => ill(
            format!("the server {} is a sandbox: nothing is delivered", server.name),
            "use the token of a live server",
        ),
        Some(server) => well(format!("the server is {}", server.name)),
        None => ill(answer.raw(), "check base_url: this does not look like Postmark"),
    }
}
