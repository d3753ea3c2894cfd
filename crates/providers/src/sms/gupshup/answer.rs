//! What the gateway answers: `{"response": {"id", "phone", "details", "status"}}`, or `status | phone or code | id or details`.
//!
//! In an error `id` is the error's code, in a success it is the message's id: `status` is read first.

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::provider::{Checkup, Sent},
};
use serde_json::{Value, json};

use crate::{exchange::HttpResponse, loose::first, status};

/// Credentials that are wrong, or an account that may not send.
const NOT_BELIEVED: [&str; 4] = ["102", "103", "104", "106"];

/// An answer in the gateway's own form.
pub(crate) struct Answer {
    status: String,
    id: String,
    details: String,
}

impl Answer {
    /// Reads either form.
    pub(crate) fn read(response: &HttpResponse) -> Option<Self> {
        match response.json::<Value>() {
            Some(told) => Self::of_json(&told),
            None => Self::of_text(std::str::from_utf8(response.bytes()?).ok()?),
        }
    }

    fn of_json(told: &Value) -> Option<Self> {
        let messages = told.pointer("/data/response_messages").and_then(Value::as_array);
        let inner = match (told.get("response"), messages.map(Vec::as_slice)) {
            (Some(inner), _) => inner,
            (None, Some([only])) => only,
            (None, _) => told,
        };
        Some(Self {
            status: first(inner, &["status"])?.to_ascii_lowercase(),
            id: first(inner, &["id", "code"]).unwrap_or_default(),
            details: first(inner, &["details"]).unwrap_or_default(),
        })
    }

    fn of_text(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(3, '|').map(str::trim).collect();
        let [status, second, third] = parts.as_slice() else { return None };
        let status = status.to_ascii_lowercase();
        let (id, details) = match status.as_str() {
            "success" => (third, ""),
            "error" => (second, *third),
            _ => return None,
        };
        Some(Self { status, id: (*id).to_owned(), details: details.to_owned() })
    }

    /// The outcome of a response; `refusal` knows the codes and words of a product.
    pub(crate) fn judge(
        response: &HttpResponse,
        at: Timestamp,
        refusal: fn(code: &str, details: &str) -> Option<Outcome>,
    ) -> Sent {
        let Some(answer) = Self::read(response) else {
            return Sent::new(status::outcome(response, at), &response.raw());
        };
        let outcome = match answer.status.as_str() {
            "success" if response.is_success() => {
                Outcome::Accepted { vendor_id: Some(answer.id.clone()).filter(|id| !id.is_empty()) }
            }
            "error" => {
                refusal(&answer.id, &answer.details).unwrap_or_else(|| match response.status {
                    400..=499 => status::outcome(response, at),
                    // It says that it refused, and nothing that we know of why.
                    _ => Outcome::rejected_for(Reason::Unavailable, Scope::Route),
                })
            }
            _ => Outcome::Unknown,
        };
        let outcome = match status::retry_after(response, at) {
            Some(span) => outcome.with_retry_after(Some(span)),
            None => outcome,
        };
        let told = json!({
            "status": response.status, "response": { "status": answer.status, "id": answer.id, "details": answer.details },
        });
        Sent::new(outcome, &told.to_string())
    }
}

/// What the answer to an empty message tells: whether the credentials were refused.
pub(crate) fn checkup(answers: &[HttpResponse]) -> Checkup {
    let ill = |finding: String, fix: &str| Checkup { well: false, finding, fix: Some(fix.to_owned()) };
    let Some(response) = answers.first() else { return ill("not asked".to_owned(), "report this") };
    match Answer::read(response) {
        Some(answer) if NOT_BELIEVED.contains(&answer.id.as_str()) => ill(
            format!("{} {}", answer.id, answer.details),
            "check userid and password, and that the account may send",
        ),
        Some(answer) if answer.status == "error" && response.is_success() => Checkup {
            well: true,
            finding: format!(
                "the credentials are not refused; an empty message is: {} {}",
                answer.id, answer.details
            ),
            fix: None,
        },
        _ => ill(response.raw(), "check base_url: this does not look like Gupshup's gateway"),
    }
}
