//! What SNS answers, in XML, reduced to the fields that are kept.

use backstop_domain::{
    outcome::{Outcome, Reason, Scope},
    ports::provider::Sent,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use crate::exchange::HttpResponse;

/// `PublishResponse`.
#[derive(Deserialize)]
pub(super) struct Published {
    #[serde(rename = "PublishResult")]
    result: PublishResult,
}

#[derive(Deserialize)]
struct PublishResult {
    #[serde(rename = "MessageId")]
    message_id: String,
}

impl Published {
    pub(super) fn read(response: &HttpResponse) -> Option<Self> {
        xml(response, "PublishResponse").filter(|read: &Self| !read.result.message_id.trim().is_empty())
    }

    pub(super) fn outcome(self) -> Sent {
        let id = self.result.message_id.trim().to_owned();
        let told = json!({ "message_id": id }).to_string();
        Sent::new(Outcome::Accepted { vendor_id: Some(id) }, &told)
    }
}

/// `GetSMSSandboxAccountStatusResponse`.
#[derive(Deserialize)]
pub(super) struct Sandbox {
    #[serde(rename = "GetSMSSandboxAccountStatusResult")]
    result: SandboxResult,
}

#[derive(Deserialize)]
struct SandboxResult {
    #[serde(rename = "IsInSandbox")]
    is_in: String,
}

impl Sandbox {
    pub(super) fn read(response: &HttpResponse) -> Option<Self> {
        response.is_success().then(|| xml(response, "GetSMSSandboxAccountStatusResponse"))?
    }

    pub(super) fn is_in(&self) -> bool {
        self.result.is_in.trim().eq_ignore_ascii_case("true")
    }
}

/// `GetSMSAttributesResponse`.
#[derive(Deserialize)]
pub(super) struct Attributes {
    #[serde(rename = "GetSMSAttributesResult")]
    result: AttributesResult,
}

#[derive(Deserialize)]
struct AttributesResult {
    attributes: Entries,
}

#[derive(Deserialize)]
struct Entries {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    value: String,
}

impl Attributes {
    pub(super) fn read(response: &HttpResponse) -> Option<Self> {
        response.is_success().then(|| xml(response, "GetSMSAttributesResponse"))?
    }

    pub(super) fn value(&self, key: &str) -> Option<String> {
        let entry = self.result.attributes.entry.iter().find(|entry| entry.key.trim() == key)?;
        Some(entry.value.trim().to_owned())
    }
}

/// `ErrorResponse`.
#[derive(Deserialize)]
pub(super) struct Failure {
    #[serde(rename = "Error")]
    error: ErrorBody,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(rename = "Code")]
    code: String,
    #[serde(rename = "Message", default)]
    message: String,
}

impl Failure {
    pub(super) fn read(response: &HttpResponse) -> Option<Self> {
        (!response.is_success()).then(|| xml(response, "ErrorResponse"))?
    }

    /// The outcome, if the code is known, or if AWS says itself that it failed.
    pub(super) fn outcome(&self, status: u16) -> Option<Outcome> {
        let code = self.error.code.trim().trim_end_matches("Exception");
        let about_the_number = || {
            let message = self.error.message.to_ascii_lowercase();
            message.contains("phonenumber") || message.contains("phone number")
        };
        Some(match code {
            "InvalidParameter"
            | "InvalidParameterValue"
            | "ParameterValueInvalid"
            | "Validation"
            | "ValidationError"
                if about_the_number() =>
            {
                Outcome::rejected(Reason::InvalidRecipient)
            }
            "OptedOut" => Outcome::rejected(Reason::OptedOut),
            "AuthorizationError"
            | "AccessDenied"
            | "InvalidSecurity"
            | "SignatureDoesNotMatch"
            | "InvalidClientTokenId"
            | "UnrecognizedClient"
            | "ExpiredToken"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "OptInRequired"
            | "RequestExpired"
            | "NotFound" => Outcome::rejected(Reason::Misconfigured),
            "Throttled"
            | "Throttling"
            | "ThrottledException"
            | "TooManyRequests"
            | "RequestLimitExceeded" => Outcome::rejected(Reason::RateLimited),
            "InternalError" | "InternalFailure" | "ServiceUnavailable" => {
                Outcome::rejected(Reason::Unavailable)
            }
            _ if status >= 500 => Outcome::rejected(Reason::Unavailable),
            _ if status == 400 || status == 404 => Outcome::rejected_for(Reason::Misconfigured, Scope::Route),
            _ => return None,
        })
    }

    /// Whether AWS knows us and refuses this one action.
    pub(super) fn is_about_permission(&self) -> bool {
        matches!(self.error.code.trim().trim_end_matches("Exception"), "AuthorizationError" | "AccessDenied")
    }

    /// Code and first line of the message: further lines of a signature error repeat what was signed.
    pub(super) fn told(&self, status: u16) -> String {
        let message = self.error.message.trim().lines().next().unwrap_or_default();
        json!({ "status": status, "code": self.error.code.trim(), "message": message }).to_string()
    }
}

/// Reads an answer whose outermost element is `root`; serde alone would take any.
fn xml<T: DeserializeOwned>(response: &HttpResponse, root: &str) -> Option<T> {
    let text = std::str::from_utf8(response.bytes()?).ok()?;
    let mut reader = quick_xml::Reader::from_str(text);
    let is_root = loop {
        match reader.read_event().ok()? {
            quick_xml::events::Event::Start(start) => break start.local_name().as_ref() == root,
            quick_xml::events::Event::Eof => break false,
            _ => {}
        }
    };
    is_root.then(|| quick_xml::de::from_str(text).ok())?
}
