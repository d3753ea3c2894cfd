//! What Vonage answers, reduced to the fields that are kept.

use backstop_domain::{
    outcome::{Outcome, Reason, Scope},
    ports::provider::{Balance, Sent},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::code;
use crate::amount::{micros, price};

/// The answer to a text: one element for each of its parts.
#[derive(Deserialize)]
pub(super) struct Texts {
    messages: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Part {
    #[serde(default)]
    status: Value,
    #[serde(default)]
    message_id: Value,
    #[serde(default)]
    error_text: Value,
    #[serde(default)]
    message_price: Value,
    #[serde(default)]
    network: Value,
}

impl Part {
    fn is_taken(&self) -> bool {
        number(&self.status) == Some(0)
    }
}

impl Texts {
    /// Accepted only if every part is. A person who was sent some of the parts may have the code.
    pub(super) fn outcome(&self) -> Sent {
        let taken = self.messages.iter().filter(|part| part.is_taken()).count();
        let outcome = match self.messages.first() {
            Some(_) if taken == self.messages.len() => self.accepted(),
            Some(refused) if taken == 0 => number(&refused.status).map_or(Outcome::Unknown, |status| {
                let unknown = Outcome::rejected_for(Reason::Misconfigured, Scope::Route);
                code::of_status(status, &text(&refused.error_text)).unwrap_or(unknown)
            }),
            _ => Outcome::Unknown,
        };
        let told: Vec<Value> = self
            .messages
            .iter()
            .map(|part| {
                json!({
                    "status": part.status, "message-id": part.message_id, "error-text": part.error_text,
                    "message-price": part.message_price, "network": part.network,
                })
            })
            .collect();
        let mut sent = Sent::new(outcome, &json!({ "messages": told }).to_string());
        sent.price = self.price().filter(|_| sent.response.success);
        sent
    }

    /// The ids of all parts: a receipt names one of them.
    fn accepted(&self) -> Outcome {
        let ids: Vec<String> =
            self.messages.iter().map(|part| text(&part.message_id)).filter(|id| !id.is_empty()).collect();
        if ids.len() < self.messages.len() {
            return Outcome::Unknown;
        }
        Outcome::Accepted { vendor_id: Some(ids.join(" ")) }
    }

    /// All parts together. Accounts are kept in euros.
    fn price(&self) -> Option<String> {
        let parts: Option<Vec<i64>> =
            self.messages.iter().map(|part| micros(&text(&part.message_price))).collect();
        price(parts?.into_iter().try_fold(0_i64, i64::checked_add)?, "EUR")
    }
}

/// A call that was begun.
#[derive(Deserialize)]
pub(super) struct Call {
    #[serde(default)]
    uuid: Value,
    #[serde(default)]
    status: Value,
}

impl Call {
    pub(super) fn outcome(&self) -> Sent {
        let outcome = match (text(&self.uuid), self.status.as_str()) {
            (id, _) if id.is_empty() => Outcome::Unknown,
            (_, Some("failed" | "rejected" | "cancelled")) => Outcome::Unknown,
            (id, _) => Outcome::Accepted { vendor_id: Some(id) },
        };
        Sent::new(outcome, &json!({ "uuid": self.uuid, "status": self.status }).to_string())
    }
}

/// A refusal in one of Vonage's forms: RFC 7807, the older one with `error_title`, or the oldest with `error-code`.
#[derive(Deserialize)]
pub(super) struct Failure {
    #[serde(default, alias = "error_title", alias = "error-code")]
    title: Value,
    #[serde(default, alias = "error-code-label")]
    detail: Value,
    #[serde(default, rename = "type")]
    about: Value,
    #[serde(default)]
    invalid_parameters: Value,
}

impl Failure {
    /// Whether it is one of Vonage's own and not any JSON.
    pub(super) fn is_vonages(&self) -> bool {
        !self.title.is_null() || !self.detail.is_null()
    }

    /// Whether it blames the number that the call goes to.
    pub(super) fn names_the_recipient(&self) -> bool {
        let listed = match &self.invalid_parameters {
            Value::Array(list) => list.iter().any(|parameter| {
                let name = parameter.get("name").map(text).unwrap_or_default();
                name == "to" || name.starts_with("to[") || name.starts_with("to.")
            }),
            Value::Object(map) => map.contains_key("to"),
            _ => false,
        };
        listed || [&self.title, &self.detail].into_iter().any(|said| code::names_the_recipient(&text(said)))
    }

    /// Whether it says that the account is empty, whatever the status.
    pub(super) fn is_about_money(&self) -> bool {
        text(&self.about).ends_with("#low-balance")
    }

    pub(super) fn told(&self, status: u16) -> String {
        json!({
            "status": status, "title": self.title, "detail": self.detail, "type": self.about,
            "invalid_parameters": self.invalid_parameters,
        })
        .to_string()
    }
}

/// The account's money, in euros.
#[derive(Deserialize)]
pub(super) struct Credit {
    value: Value,
    #[serde(default, rename = "autoReload")]
    pub(super) auto_reload: bool,
}

impl Credit {
    pub(super) fn balance(&self) -> Option<Balance> {
        Some(Balance { micros: micros(&text(&self.value))?, unit: "EUR".to_owned() })
    }
}

/// The application that makes calls, as a check-up sees it.
#[derive(Deserialize)]
pub(super) struct Application {
    id: String,
    #[serde(default)]
    capabilities: Value,
}

impl Application {
    pub(super) fn is(&self, id: &str) -> bool {
        self.id.eq_ignore_ascii_case(id)
    }

    /// Whether it may make calls.
    pub(super) fn calls(&self) -> bool {
        self.capabilities.get("voice").is_some_and(Value::is_object)
    }

    /// Whether it signs what it says of calls; `None` if it does not say.
    pub(super) fn signs(&self) -> Option<bool> {
        self.capabilities.get("voice")?.get("signed_callbacks")?.as_bool()
    }
}

/// A text, or a number as one.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<u32> {
    text(value).parse().ok()
}
