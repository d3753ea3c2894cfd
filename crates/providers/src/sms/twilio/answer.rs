//! What Twilio answers, reduced to the fields that are kept.

use std::fmt;

use backstop_domain::{
    outcome::Outcome,
    ports::provider::{Balance, Sent},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::code;
use crate::amount::micros;

/// A message or a call that was taken.
#[derive(Deserialize)]
pub(super) struct Resource {
    #[serde(default)]
    sid: Value,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    price: Value,
    #[serde(default)]
    price_unit: Value,
    #[serde(default)]
    error_code: Value,
    #[serde(default)]
    num_segments: Value,
}

impl Resource {
    /// `Unknown` unless it names the message and no failure.
    pub(super) fn outcome(&self) -> Sent {
        let failed = matches!(self.status.as_str(), Some("failed" | "undelivered" | "canceled"));
        let outcome = match (self.sid.as_str().filter(|sid| !sid.is_empty()), number(&self.error_code)) {
            (_, Some(error)) => code::outcome(error).unwrap_or(Outcome::Unknown),
            (Some(sid), None) if !failed => Outcome::Accepted { vendor_id: Some(sid.to_owned()) },
            _ => Outcome::Unknown,
        };
        let told = json!({
            "sid": self.sid, "status": self.status, "error_code": self.error_code,
            "num_segments": self.num_segments, "price": self.price, "price_unit": self.price_unit,
        });
        let mut sent = Sent::new(outcome, &told.to_string());
        sent.price = self.price();
        sent
    }

    /// Twilio writes what it takes with a minus.
    fn price(&self) -> Option<String> {
        let amount = match &self.price {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let amount = amount.trim().trim_start_matches('-').to_owned();
        amount.parse::<f64>().ok().filter(|amount| amount.is_finite())?;
        let unit = self.price_unit.as_str()?.trim().to_uppercase();
        (unit.len() == 3).then(|| format!("{amount} {unit}"))
    }
}

/// The account, as a check-up sees it.
#[derive(Deserialize)]
pub(super) struct Account {
    pub(super) status: String,
    /// `Trial` or `Full`.
    #[serde(default, rename = "type")]
    pub(super) kind: String,
}

/// The numbers of the account that are the one asked for.
#[derive(Deserialize)]
pub(super) struct Numbers {
    incoming_phone_numbers: Vec<Value>,
}

impl Numbers {
    pub(super) fn is_none(&self) -> bool {
        self.incoming_phone_numbers.is_empty()
    }
}

/// Its money.
#[derive(Deserialize)]
pub(super) struct Credit {
    balance: Value,
    #[serde(default)]
    currency: String,
}

impl Credit {
    fn amount(&self) -> String {
        match &self.balance {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// In the port's words.
    pub(super) fn balance(&self) -> Option<Balance> {
        Some(Balance { micros: micros(&self.amount())?, unit: self.currency.to_uppercase() })
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.amount().parse::<f64>().is_ok_and(|amount| amount <= 0.0)
    }
}

impl fmt::Display for Credit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

/// A code that may be written as a number or as a text.
fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64()?.try_into().ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
