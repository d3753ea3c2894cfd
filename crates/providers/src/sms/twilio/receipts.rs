//! What Twilio says later: status callbacks, and texts that people write back.
//! <https://www.twilio.com/docs/usage/webhooks/webhooks-security> and
//! <https://www.twilio.com/docs/messaging/guides/track-outbound-message-status>, read 2026-11.
//!
//! Signed with the auth token over the address and the form: nothing in it is fresh, so a replay is possible and harmless,
//! since states only move forward.

use std::collections::BTreeMap;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::Outcome,
    ports::provider::{Callback, CallbackRefused, Heard, Reply},
    receipt::{About, Inbound, InboundWord, Receipt, ReceiptState, VendorEvent},
    recipient::PhoneNumber,
    secret::SecretString,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde_json::json;
use sha1::Sha1;

use super::code;
use crate::{
    adapter::{Receipts, Reception},
    exchange::HttpResponse,
};

/// Reads callbacks that this token signs.
pub(super) struct Signed(pub(super) SecretString);

impl Receipts for Signed {
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
        let form: BTreeMap<String, String> = form_urlencoded::parse(&callback.body).into_owned().collect();
        self.verify(callback, &form)?;
        let event = if form.contains_key("MessageStatus") {
            receipt(callback, &form).map(VendorEvent::Receipt)
        } else {
            inbound(&form).map(VendorEvent::Inbound)
        };
        // No text of ours to whoever wrote: the carrier or Twilio confirms a STOP by itself.
        let reply = Reply { content_type: "text/xml", body: "<Response/>".to_owned(), ..Reply::OK };
        Ok(Reception::Heard(Heard { events: event.into_iter().collect(), reply }))
    }
}

impl Signed {
    /// Twilio signs the address with or without its usual port.
    fn verify(&self, callback: &Callback, form: &BTreeMap<String, String>) -> Result<(), CallbackRefused> {
        let said = callback.header("x-twilio-signature").ok_or(CallbackRefused::Forged("no signature"))?;
        let said = STANDARD.decode(said).map_err(|_| CallbackRefused::Forged("no base64"))?;
        let fits = spellings(&callback.url).into_iter().any(|url| {
            let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(self.0.expose().as_bytes()) else { return false };
            mac.update(url.as_bytes());
            for (name, value) in form {
                mac.update(name.as_bytes());
                mac.update(value.as_bytes());
            }
            mac.verify_slice(&said).is_ok()
        });
        if fits { Ok(()) } else { Err(CallbackRefused::Forged("another signature")) }
    }
}

/// The address as it is and with its usual port.
fn spellings(url: &str) -> Vec<String> {
    let mut spellings = vec![url.to_owned()];
    if let Some((scheme, rest)) = url.split_once("://") {
        let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let port = if scheme == "https" { "443" } else { "80" };
        if !host.contains(':') {
            spellings.push(format!("{scheme}://{host}:{port}{path}"));
        }
    }
    spellings
}

fn receipt(callback: &Callback, form: &BTreeMap<String, String>) -> Option<Receipt> {
    let field = |name: &str| form.get(name).map(String::as_str);
    let state = match field("MessageStatus")? {
        "accepted" | "scheduled" | "queued" | "sending" | "sent" => ReceiptState::OnItsWay,
        "delivered" | "read" => ReceiptState::Delivered,
        "undelivered" | "partially_delivered" => ReceiptState::Undelivered,
        "failed" | "canceled" => ReceiptState::Failed,
        _ => return None,
    };
    let error = field("ErrorCode").and_then(|code| code.parse().ok());
    let rejection = match error.and_then(code::outcome) {
        Some(Outcome::Rejected(rejection)) => Some(rejection),
        _ => None,
    };
    let attempt = form_urlencoded::parse(callback.query().as_bytes()).find(|(name, _)| name == "attempt");
    let about = match attempt.and_then(|(_, reference)| reference.parse().ok()) {
        Some(reference) => About::Reference(reference),
        None => About::VendorId(field("MessageSid")?.to_owned()),
    };
    let response = json!({
        "MessageSid": field("MessageSid"), "MessageStatus": field("MessageStatus"), "ErrorCode": field("ErrorCode"),
    });
    Some(Receipt { about, state, rejection, price: None, response: response.to_string() })
}

fn inbound(form: &BTreeMap<String, String>) -> Option<Inbound> {
    let word = InboundWord::read(form.get("Body")?)?;
    let from = form.get("From")?;
    let (channel, number) = match from.strip_prefix("whatsapp:") {
        Some(number) => (Channel::Whatsapp, number),
        None => (Channel::Sms, from.as_str()),
    };
    Some(Inbound { from: PhoneNumber::parse(number, None).ok()?, channel, word })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_twilios_own_library_verifies() {
        let callback = Callback {
            url: "https://mycompany.com/myapp.php?foo=1&bar=2".to_owned(),
            headers: vec![("x-twilio-signature".to_owned(), "RSOYDt4T1cUTdK1PDd93/VVr8B8=".to_owned())],
            ..Callback::default()
        };
        let form = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
            ("Caller", "+14158675309"),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        assert_eq!(Signed(SecretString::new("12345")).verify(&callback, &form), Ok(()));
        assert!(Signed(SecretString::new("12346")).verify(&callback, &form).is_err());
    }
}
