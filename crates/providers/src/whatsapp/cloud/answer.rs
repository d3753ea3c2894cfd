//! What the Graph API answers, reduced to the fields that are kept.
//!
//! The id of a message, `wamid...`, is not one of them: it is the recipient's number in base64, among other things.

use backstop_domain::{
    outcome::{Outcome, Reason, Scope},
    ports::provider::{Checkup, Sent},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::code;
use crate::exchange::HttpResponse;

/// A message that was taken.
#[derive(Deserialize)]
pub(super) struct Taken {
    messages: Vec<TakenMessage>,
}

#[derive(Deserialize)]
struct TakenMessage {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    message_status: Value,
}

impl Taken {
    /// `Unknown` unless it names a message.
    pub(super) fn outcome(&self) -> Sent {
        let message =
            self.messages.first().filter(|message| message.id.as_str().is_some_and(|id| !id.is_empty()));
        let status = message.map_or(&Value::Null, |message| &message.message_status);
        let outcome = match (message, status.as_str()) {
            (None, _) => Outcome::Unknown,
            // The template's quality: nothing will be sent with it until Meta says so.
            (_, Some("paused")) => Outcome::rejected_for(Reason::Misconfigured, Scope::Route),
            _ => Outcome::Accepted { vendor_id: None },
        };
        Sent::new(outcome, &json!({ "messages": self.messages.len(), "message_status": status }).to_string())
    }
}

/// A refusal in Meta's own form.
#[derive(Deserialize)]
pub(super) struct Failure {
    error: Error,
}

#[derive(Deserialize)]
struct Error {
    code: Value,
    #[serde(default)]
    error_subcode: Value,
    #[serde(default, rename = "type")]
    about: Value,
    #[serde(default)]
    message: Value,
    #[serde(default)]
    error_data: Value,
    #[serde(default)]
    is_transient: Value,
    #[serde(default)]
    fbtrace_id: Value,
}

impl Failure {
    /// By the code; by the status and Meta's word on coming back where it is one that we do not know.
    pub(super) fn outcome(&self, status: u16) -> Outcome {
        let known =
            number(&self.error.code).and_then(|code| code::outcome(code, number(&self.error.error_subcode)));
        known.unwrap_or_else(|| match status {
            _ if self.error.is_transient == Value::Bool(true) => Outcome::rejected(Reason::Unavailable),
            // Meta formed this answer itself: it says that it failed.
            500..=599 => Outcome::rejected(Reason::Unavailable),
            401 | 403 => Outcome::rejected(Reason::Misconfigured),
            429 => Outcome::rejected(Reason::RateLimited),
            _ => Outcome::rejected_for(Reason::Misconfigured, Scope::Route),
        })
    }

    /// What support asks for.
    pub(super) fn told(&self, status: u16) -> String {
        let error = &self.error;
        json!({
            "status": status, "code": error.code, "error_subcode": error.error_subcode, "type": error.about,
            "message": error.message, "details": error.error_data.get("details"), "fbtrace_id": error.fbtrace_id,
        })
        .to_string()
    }
}

/// The number that we send from, as a check-up sees it.
#[derive(Deserialize)]
pub(super) struct Sender {
    verified_name: String,
    #[serde(default)]
    quality_rating: Value,
    #[serde(default)]
    name_status: Value,
}

/// The templates of a name.
#[derive(Deserialize)]
pub(super) struct Templates {
    data: Vec<Template>,
}

#[derive(Deserialize)]
struct Template {
    name: String,
    language: String,
    status: String,
    #[serde(default)]
    category: String,
}

impl Templates {
    /// What is wrong with `name` in `language`, if anything is.
    fn wrong(&self, name: &str, language: &str) -> Option<String> {
        let found = self.data.iter().find(|found| found.name == name && found.language == language);
        match found {
            None => Some(format!("there is no template {name} in {language}")),
            Some(found) if found.status != "APPROVED" => {
                Some(format!("the template {name} in {language} is {}", found.status))
            }
            Some(found) if found.category != "AUTHENTICATION" => {
                Some(format!("the template {name} in {language} is of the category {}", found.category))
            }
            Some(_) => None,
        }
    }
}

/// What the answers tell: of the number, and of the template in every language where we may ask.
pub(super) fn checkup(template: &str, languages: &[&str], answers: &[HttpResponse]) -> Checkup {
    let ill = |finding: String, fix: &str| Checkup { well: false, finding, fix: Some(fix.to_owned()) };
    let told = |answer: &HttpResponse| match answer.json::<Failure>() {
        Some(failure) => failure.told(answer.status),
        None => answer.raw(),
    };
    let Some(number) = answers.first() else { return ill("not asked".to_owned(), "report this") };
    if !number.is_success() {
        return ill(told(number), "check access_token, its permissions, and phone_number_id");
    }
    let Some(sender) = number.json::<Sender>() else {
        return ill(number.raw(), "check base_url: this does not look like the Graph API");
    };
    let word = |value: &Value| value.as_str().unwrap_or("not shown").to_owned();
    let seen = format!(
        "{}, quality {}, name {}",
        sender.verified_name,
        word(&sender.quality_rating),
        word(&sender.name_status)
    );
    let Some(answer) = answers.get(1) else {
        let finding = format!("{seen}; the template was not looked at: business_account_id is not set");
        return Checkup { well: true, finding, fix: None };
    };
    let Some(templates) = answer.json::<Templates>().filter(|_| answer.is_success()) else {
        return ill(format!("{seen}; the templates: {}", told(answer)), "check business_account_id");
    };
    match languages.iter().find_map(|language| templates.wrong(template, language)) {
        Some(wrong) => ill(format!("{seen}; {wrong}"), "see the template in WhatsApp Manager"),
        None => Checkup { well: true, finding: format!("{seen}; template approved"), fix: None },
    }
}

/// A number, or a text that is one.
pub(super) fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64()?.try_into().ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
