//! What Vonage says later: receipts of texts, texts that people write back, events of calls.
//! <https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts>,
//! <https://developer.vonage.com/en/getting-started/concepts/signing-messages> and
//! <https://developer.vonage.com/en/voice/voice-api/webhook-reference>, read 2026-11.
//!
//! Texts and calls are signed in different ways, each only where the account was told so. Whatever is configured as signed is
//! believed with a fresh signature alone; a replay within its time is harmless, since states only move forward.

use std::{collections::BTreeMap, time::Duration};

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    ports::provider::{Callback, CallbackRefused, Heard, Reply},
    receipt::{About, Inbound, InboundWord, Receipt, VendorEvent},
    recipient::PhoneNumber,
    secret::SecretString,
};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{answer::text, code, signature::TextKey};
use crate::{
    adapter::{Receipts, Reception, attempt_in},
    amount::{micros, price},
    exchange::HttpResponse,
    jwt::verified_hs256,
};

/// A signature older or newer than this is not believed.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// What signs callbacks; `None` where nothing does.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) api_key: String,
    pub(super) application_id: Option<String>,
    /// Of texts, if any are sent.
    pub(super) texts: Option<TextKey>,
    /// Of calls.
    pub(super) calls: Option<SecretString>,
    /// Whether everything that this provider hears is signed.
    pub(super) all_signed: bool,
}

/// The claims of a call's token.
#[derive(Deserialize)]
struct Claims {
    iat: i64,
    #[serde(default)]
    application_id: Option<String>,
    #[serde(default)]
    payload_hash: Option<String>,
}

impl Keys {
    /// Verifies what is said of a call, where that is signed.
    pub(super) fn verify_call(&self, callback: &Callback, at: Timestamp) -> Result<(), CallbackRefused> {
        let Some(key) = &self.calls else { return Ok(()) };
        let header = callback.header("authorization");
        // Once in a while one comes unsigned; asked again, it is signed.
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(|| {
            CallbackRefused::NotNow("it is not signed; Vonage signs it when it says it again".to_owned())
        })?;
        let claims: Claims =
            verified_hs256(token, key).ok_or(CallbackRefused::Forged("another signature"))?;
        if !is_fresh(claims.iat, at) {
            return Err(CallbackRefused::Forged("an old signature"));
        }
        // One secret signs for every application of an account.
        if claims.application_id.is_some() && claims.application_id != self.application_id {
            return Err(CallbackRefused::Forged("another application"));
        }
        let hash = hex::encode(Sha256::digest(&callback.body));
        match claims.payload_hash {
            Some(said) if said.eq_ignore_ascii_case(&hash) => Ok(()),
            None if callback.body.is_empty() => Ok(()),
            _ => Err(CallbackRefused::Forged("another body")),
        }
    }

    /// Verifies what is said of a text, where that is signed.
    fn verify_text(&self, fields: &BTreeMap<String, String>, at: Timestamp) -> Result<(), CallbackRefused> {
        let Some(key) = &self.texts else { return Ok(()) };
        let said = fields.get("sig").ok_or(CallbackRefused::Forged("no signature"))?;
        if !key.signed(fields, said) {
            return Err(CallbackRefused::Forged("another signature"));
        }
        let seconds = fields.get("timestamp").and_then(|seconds| seconds.parse().ok());
        if !seconds.is_some_and(|seconds| is_fresh(seconds, at)) {
            return Err(CallbackRefused::Forged("an old signature"));
        }
        match fields.get("api-key") {
            Some(key) if *key != self.api_key => Err(CallbackRefused::Forged("another account")),
            _ => Ok(()),
        }
    }
}

fn is_fresh(seconds: i64, at: Timestamp) -> bool {
    let said = Timestamp::from_millis(seconds.saturating_mul(1000));
    said.since(at) <= FRESH && at.since(said) <= FRESH
}

impl Receipts for Keys {
    fn is_signed(&self) -> bool {
        self.all_signed
    }

    fn finds_by_vendor_id(&self) -> bool {
        true
    }

    fn receive(
        &self,
        callback: &Callback,
        _fetched: &[HttpResponse],
        at: Timestamp,
    ) -> Result<Reception, CallbackRefused> {
        let fields = fields(callback);
        let event = if fields.contains_key("uuid") || fields.contains_key("call_uuid") {
            self.verify_call(callback, at)?;
            call(callback, &fields).map(VendorEvent::Receipt)
        } else {
            self.verify_text(&fields, at)?;
            if fields.contains_key("status") {
                receipt(&fields).map(VendorEvent::Receipt)
            } else {
                inbound(&fields).map(VendorEvent::Inbound)
            }
        };
        Ok(Reception::Heard(Heard { events: event.into_iter().collect(), reply: Reply::OK }))
    }
}

/// The fields of a query, a form or a JSON object, as the account is set.
fn fields(callback: &Callback) -> BTreeMap<String, String> {
    if callback.method == "GET" {
        return form_urlencoded::parse(callback.query().as_bytes()).into_owned().collect();
    }
    match serde_json::from_slice::<Value>(&callback.body) {
        Ok(Value::Object(object)) => {
            object.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
        }
        _ => form_urlencoded::parse(&callback.body).into_owned().collect(),
    }
}

/// A value as it was signed.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => text(other),
    }
}

fn receipt(fields: &BTreeMap<String, String>) -> Option<Receipt> {
    let field = |name: &str| fields.get(name).map(String::as_str);
    let err_code = field("err-code").and_then(|code| code.parse().ok());
    let response = json!({
        "messageId": field("messageId"), "status": field("status"), "err-code": field("err-code"),
        "network-code": field("network-code"),
    });
    Some(Receipt {
        about: About::VendorId(field("messageId").filter(|id| !id.is_empty())?.to_owned()),
        state: code::of_receipt(field("status")?)?,
        rejection: err_code.and_then(code::of_err_code),
        // Of one part; the answer to the message told of all.
        price: None,
        response: response.to_string(),
    })
}

fn call(callback: &Callback, fields: &BTreeMap<String, String>) -> Option<Receipt> {
    let field = |name: &str| fields.get(name).map(String::as_str);
    let (status, detail) = (field("status")?, field("detail").unwrap_or_default());
    let spoke = field("duration").and_then(|seconds| seconds.parse::<u64>().ok()).is_some_and(|s| s > 0);
    let (state, rejection) = code::of_call(status, detail, spoke)?;
    let about = match attempt_in(callback.query()) {
        Some(reference) => About::Reference(reference),
        None => About::VendorId(field("uuid").or_else(|| field("call_uuid"))?.to_owned()),
    };
    let response = json!({
        "uuid": field("uuid"), "status": status, "detail": field("detail"), "duration": field("duration"),
        "price": field("price"),
    });
    let price = field("price").and_then(micros).and_then(|micros| price(micros, "EUR"));
    Some(Receipt { about, state, rejection, price, response: response.to_string() })
}

fn inbound(fields: &BTreeMap<String, String>) -> Option<Inbound> {
    let word = InboundWord::read(fields.get("text")?)?;
    let digits = fields.get("msisdn")?.trim_start_matches('+');
    let from = PhoneNumber::parse(&format!("+{digits}"), None).ok()?;
    Some(Inbound { from, channel: Channel::Sms, word })
}
