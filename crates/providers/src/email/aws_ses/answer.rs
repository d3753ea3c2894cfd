//! What SES answers to a mail, reduced to the fields that are kept.

use std::time::Duration;

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::provider::Sent,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{exchange::HttpResponse, status};

/// A quota of mails a day is a moving window: asked again sooner, because some of it frees up all the time.
const DAILY_QUOTA: Duration = Duration::from_secs(60 * 60);

/// A mail that was taken.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Taken {
    message_id: String,
}

impl Taken {
    /// `Unknown` unless it names the mail.
    pub(super) fn outcome(&self) -> Sent {
        let id = self.message_id.trim();
        let told = json!({ "MessageId": id }).to_string();
        if id.is_empty() {
            return Sent::new(Outcome::Unknown, &told);
        }
        Sent::new(Outcome::Accepted { vendor_id: Some(id.to_owned()) }, &told)
    }
}

/// An error in the manner of AWS: its name and its message.
pub(super) struct Failure {
    name: String,
    message: String,
}

impl Failure {
    /// Reads one; `None` if it is somebody else's.
    pub(super) fn read(response: &HttpResponse) -> Option<Self> {
        let body: Value = response.json()?;
        let said = |names: &[&str]| names.iter().find_map(|name| body[*name].as_str()).map(str::to_owned);
        let header = response.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        let name = header.map(str::to_owned).or_else(|| said(&["__type", "code", "Code"]))?;
        // `com.amazonaws#NotFoundException:http://…` is NotFoundException.
        let name = name.split(':').next().unwrap_or_default();
        let name = name.rsplit('#').next().unwrap_or_default().trim().to_owned();
        Some(Self { name, message: said(&["message", "Message"]).unwrap_or_default() })
    }

    fn outcome(&self, status: u16, from: &str) -> Option<Outcome> {
        use Reason::{InvalidRecipient, Misconfigured, RateLimited, Unavailable};
        let message = self.message.to_ascii_lowercase();
        let route = || Outcome::rejected_for(Misconfigured, Scope::Route);
        Some(match self.name.trim_end_matches("Exception") {
            "MessageRejected" if message.contains("not verified") => {
                // Where it is not the sender that is not verified it is the recipient: the account is in the sandbox.
                if message.contains(&from.to_ascii_lowercase()) {
                    Outcome::rejected(Misconfigured)
                } else {
                    route()
                }
            }
            "MessageRejected" => route(),
            // The sender was read when the provider was built, so a malformed address is the recipient's.
            "BadRequest" if is_about_an_address(&message) => Outcome::rejected(InvalidRecipient),
            "BadRequest" | "Validation" | "InvalidParameterValue" => route(),
            "MailFromDomainNotVerified"
            | "NotFound"
            | "SendingPaused"
            | "AccountSuspended"
            | "AccountSendingPaused"
            | "ConfigurationSetSendingPaused"
            | "AccessDenied"
            | "UnrecognizedClient"
            | "InvalidClientTokenId"
            | "InvalidSignature"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "ExpiredToken"
            | "RequestExpired"
            | "OptInRequired"
            | "NotAuthorized" => Outcome::rejected(Misconfigured),
            "LimitExceeded" => Outcome::rejected(RateLimited).with_retry_after(Some(DAILY_QUOTA)),
            "TooManyRequests" | "Throttling" | "Throttled" | "RequestLimitExceeded" => {
                let daily = message.contains("quota").then_some(DAILY_QUOTA);
                Outcome::rejected(RateLimited).with_retry_after(daily)
            }
            "InternalServiceError" | "InternalServerError" | "InternalFailure" | "ServiceUnavailable" => {
                Outcome::rejected(Unavailable)
            }
            _ if status >= 500 => Outcome::rejected(Unavailable),
            _ => return None,
        })
    }

    /// Whether AWS knows us and refuses this one action.
    pub(super) fn is_about_permission(&self) -> bool {
        matches!(self.name.trim_end_matches("Exception"), "AccessDenied" | "NotAuthorized")
    }

    /// Whether there is no such thing.
    pub(super) fn is_not_found(&self) -> bool {
        self.name.trim_end_matches("Exception") == "NotFound"
    }

    /// Whether it is there already.
    pub(super) fn is_already_there(&self) -> bool {
        self.name.trim_end_matches("Exception") == "AlreadyExists"
    }

    /// Name and first line of the message: further lines of a signature error repeat what was signed.
    pub(super) fn told(&self, status: u16) -> String {
        let message = self.message.lines().next().unwrap_or_default();
        json!({ "status": status, "error": self.name, "message": message }).to_string()
    }
}

/// What a refusal means. `from` is our own address.
pub(super) fn refused(response: &HttpResponse, from: &str, at: Timestamp) -> Sent {
    let Some(failure) = Failure::read(response) else {
        return Sent::new(status::outcome(response, at), &response.raw());
    };
    let outcome = failure.outcome(response.status, from).unwrap_or_else(|| status::outcome(response, at));
    let outcome = match status::retry_after(response, at) {
        Some(span) => outcome.with_retry_after(Some(span)),
        None => outcome,
    };
    Sent::new(outcome, &failure.told(response.status))
}

/// The ways in which SES says that an address is none. From experience; AWS lists no texts.
fn is_about_an_address(message: &str) -> bool {
    ["missing final '@domain'", "illegal address", "invalid email address", "invalid domain name"]
        .iter()
        .chain(&["domain starts with dot", "domain contains", "local address", "missing local"])
        .any(|text| message.contains(text))
}
