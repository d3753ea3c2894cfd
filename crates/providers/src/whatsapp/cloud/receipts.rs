//! What Meta says later: statuses of messages, and what people write. <https://developers.facebook.com/docs/graph-api/webhooks>,
//! read 2026-11.
//!
//! Signed with the app's secret over the very bytes. Nothing in it is fresh, so a replay is possible and harmless, since states
//! only move forward. Our own name for the attempt comes back as `biz_opaque_callback_data`; a status without it is not ours.

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::Outcome,
    ports::provider::{Callback, CallbackRefused, Heard, Reply},
    receipt::{About, Inbound, InboundWord, Receipt, ReceiptState, VendorEvent},
    recipient::PhoneNumber,
    secret::SecretString,
};
use hmac::{Hmac, Mac};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{answer::number, code};
use crate::{
    adapter::{Receipts, Reception},
    exchange::HttpResponse,
};

/// The longest challenge that is said back.
const CHALLENGE_MAX: usize = 128;

/// Reads what Meta says of one number.
pub(super) struct Webhook {
    pub(super) app_secret: SecretString,
    pub(super) verify_token: SecretString,
    pub(super) phone_number_id: String,
}

#[derive(Deserialize)]
struct Notice {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    field: String,
    #[serde(default)]
    value: Value,
}

/// A part of `value`, apart from the others: what cannot be read takes nothing else with it.
#[derive(Deserialize)]
struct Status {
    status: String,
    biz_opaque_callback_data: String,
    #[serde(default)]
    errors: Vec<Value>,
}

#[derive(Deserialize)]
struct Said {
    from: String,
    text: SaidText,
}

#[derive(Deserialize)]
struct SaidText {
    body: String,
}

impl Receipts for Webhook {
    fn is_signed(&self) -> bool {
        true
    }

    fn finds_by_vendor_id(&self) -> bool {
        false
    }

    fn receive(
        &self,
        callback: &Callback,
        _fetched: &[HttpResponse],
        _at: Timestamp,
    ) -> Result<Reception, CallbackRefused> {
        if callback.method == "GET" {
            let reply = self.handshake(callback.query())?;
            return Ok(Reception::Heard(Heard { events: Vec::new(), reply }));
        }
        self.verify(callback)?;
        let notice: Notice =
            serde_json::from_slice(&callback.body).map_err(|_| CallbackRefused::Unreadable("no notice"))?;
        let changes = notice.entry.into_iter().flat_map(|entry| entry.changes);
        let events = changes
            .filter(|change| change.field == "messages" && self.is_ours(&change.value))
            .flat_map(|change| events(&change.value))
            .collect();
        Ok(Reception::Heard(Heard { events, reply: Reply::OK }))
    }
}

impl Webhook {
    /// Says the challenge back to whoever knows our token.
    fn handshake(&self, query: &str) -> Result<Reply, CallbackRefused> {
        let field = |wanted: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let (mode, token, challenge) = (field("hub.mode"), field("hub.verify_token"), field("hub.challenge"));
        if mode != "subscribe" || !self.verify_token.matches(&token) {
            return Err(CallbackRefused::Forged("another verify_token"));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if challenge.is_empty() || challenge.len() > CHALLENGE_MAX || !challenge.bytes().all(is_plain) {
            return Err(CallbackRefused::Unreadable("no challenge"));
        }
        Ok(Reply { body: challenge, ..Reply::OK })
    }

    fn verify(&self, callback: &Callback) -> Result<(), CallbackRefused> {
        let said = callback.header("x-hub-signature-256").ok_or(CallbackRefused::Forged("no signature"))?;
        let said = said.strip_prefix("sha256=").and_then(|said| hex::decode(said).ok());
        let said = said.ok_or(CallbackRefused::Forged("no signature in hexadecimal"))?;
        let fits =
            Hmac::<Sha256>::new_from_slice(self.app_secret.expose().as_bytes()).is_ok_and(|mut mac| {
                mac.update(&callback.body);
                mac.verify_slice(&said).is_ok()
            });
        if fits { Ok(()) } else { Err(CallbackRefused::Forged("another signature")) }
    }

    /// One app may have several numbers, and they share its webhook.
    fn is_ours(&self, value: &Value) -> bool {
        match value.pointer("/metadata/phone_number_id") {
            Some(Value::String(id)) => *id == self.phone_number_id,
            _ => true,
        }
    }
}

fn events(value: &Value) -> Vec<VendorEvent> {
    let list = |name: &str| value.get(name).and_then(Value::as_array).into_iter().flatten();
    let receipts = list("statuses").filter_map(receipt).map(VendorEvent::Receipt);
    receipts.chain(list("messages").filter_map(inbound).map(VendorEvent::Inbound)).collect()
}

fn receipt(status: &Value) -> Option<Receipt> {
    let status = Status::deserialize(status).ok()?;
    let reference = status.biz_opaque_callback_data.parse().ok()?;
    let state = match status.status.as_str() {
        "sent" => ReceiptState::OnItsWay,
        "delivered" | "read" | "played" => ReceiptState::Delivered,
        "failed" => ReceiptState::Failed,
        _ => return None,
    };
    let error = status.errors.first();
    let code = error.and_then(|error| number(error.get("code")?));
    let rejection = match code.and_then(|code| code::outcome(code, None)) {
        Some(Outcome::Rejected(rejection)) if state == ReceiptState::Failed => Some(rejection),
        _ => None,
    };
    // Titles are Meta's fixed words; messages and details may repeat the number.
    let response = json!({
        "status": status.status, "code": code, "title": error.and_then(|error| error.get("title")?.as_str()),
    });
    Some(Receipt {
        about: About::Reference(reference),
        state,
        rejection,
        price: None,
        response: response.to_string(),
    })
}

fn inbound(said: &Value) -> Option<Inbound> {
    let said = Said::deserialize(said).ok()?;
    let word = InboundWord::read(&said.text.body)?;
    let digits = said.from.trim_start_matches('+');
    Some(Inbound {
        from: PhoneNumber::parse(&format!("+{digits}"), None).ok()?,
        channel: Channel::Whatsapp,
        word,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_of_the_signature_verifies() {
        let webhook = |secret: &str| Webhook {
            app_secret: SecretString::new(secret),
            verify_token: SecretString::new("token"),
            phone_number_id: "1".to_owned(),
        };
        let callback = Callback {
            headers: vec![(
                "x-hub-signature-256".to_owned(),
                "sha256=0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914".to_owned(),
            )],
            body: b"test".to_vec(),
            ..Callback::default()
        };
        assert_eq!(webhook("secret").verify(&callback), Ok(()));
        assert!(webhook("secret ").verify(&callback).is_err());
        assert!(webhook("secret").verify(&Callback { body: b"tesT".to_vec(), ..callback }).is_err());
    }
}
