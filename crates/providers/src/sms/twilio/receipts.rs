//! What Twilio says and asks later: status callbacks, texts that people write back, and what a call is to say.
//! <https://www.twilio.com/docs/usage/webhooks/webhooks-security>,
//! <https://www.twilio.com/docs/messaging/guides/track-outbound-message-status> and
//! <https://www.twilio.com/docs/voice/twiml/gather>, read 2026-11.
//!
//! Signed with the auth token over the address and the form: nothing in it is fresh, so a replay is possible and harmless,
//! since states only move forward.

use std::collections::BTreeMap;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::{Outcome, Reason, Rejection},
    ports::provider::{Callback, CallbackRefused, Heard, Reply, Speaker},
    receipt::{About, Inbound, InboundWord, Receipt, ReceiptState, VendorEvent},
    recipient::PhoneNumber,
    secret::SecretString,
    template::Spoken,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde_json::json;
use sha1::Sha1;

use super::code;
use crate::{
    adapter::{Receipts, Reception, attempt_in},
    exchange::HttpResponse,
    voice::xml::Dialect,
};

/// TwiML. An empty `finishOnKey` makes `#` a key like any other.
const TWIML: Dialect = Dialect {
    say: "Say",
    voice: |language| vec![("language", language)],
    pause: "Pause",
    gather: "Gather",
    one_key: &[("method", "POST"), ("numDigits", "1"), ("finishOnKey", ""), ("timeout", "10")],
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
        let form = self.verified(callback)?;
        let event = if form.contains_key("MessageStatus") {
            message(callback, &form).map(VendorEvent::Receipt)
        } else if form.contains_key("CallStatus") {
            call(callback, &form).map(VendorEvent::Receipt)
        } else {
            inbound(&form).map(VendorEvent::Inbound)
        };
        // No text of ours to whoever wrote: the carrier or Twilio confirms a STOP by itself.
        let reply = Reply { content_type: "text/xml", body: "<Response/>".to_owned(), ..Reply::OK };
        Ok(Reception::Heard(Heard { events: event.into_iter().collect(), reply }))
    }
}

impl Speaker for Signed {
    fn speak(&self, callback: &Callback, script: &Spoken, again: &str) -> Result<Reply, CallbackRefused> {
        Ok(TWIML.reply(&self.verified(callback)?, script, again))
    }
}

impl Signed {
    /// The form of a callback that Twilio sent.
    fn verified(&self, callback: &Callback) -> Result<BTreeMap<String, String>, CallbackRefused> {
        let form = form_urlencoded::parse(&callback.body).into_owned().collect();
        self.verify(callback, &form)?;
        Ok(form)
    }

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

fn message(callback: &Callback, form: &BTreeMap<String, String>) -> Option<Receipt> {
    let field = |name: &str| form.get(name).map(String::as_str);
    let state = match field("MessageStatus")? {
        "accepted" | "scheduled" | "queued" | "sending" | "sent" => ReceiptState::OnItsWay,
        "delivered" | "read" => ReceiptState::Delivered,
        "undelivered" | "partially_delivered" => ReceiptState::Undelivered,
        "failed" | "canceled" => ReceiptState::Failed,
        _ => return None,
    };
    let response = json!({
        "MessageSid": field("MessageSid"), "MessageStatus": field("MessageStatus"), "ErrorCode": field("ErrorCode"),
    });
    Some(Receipt {
        about: about(callback, field("MessageSid"))?,
        state,
        rejection: rejection(field("ErrorCode")),
        price: None,
        response: response.to_string(),
    })
}

/// A call. Answered alone is not delivered: a voicemail box answers too, and hears nothing.
fn call(callback: &Callback, form: &BTreeMap<String, String>) -> Option<Receipt> {
    let field = |name: &str| form.get(name).map(String::as_str);
    let talked = || field("CallDuration").or(field("Duration")).is_none_or(|seconds| seconds.trim() != "0");
    let state = match field("CallStatus")? {
        "queued" | "initiated" | "ringing" | "in-progress" => ReceiptState::OnItsWay,
        "completed" if talked() => ReceiptState::Delivered,
        "completed" | "busy" | "no-answer" => ReceiptState::Undelivered,
        "failed" | "canceled" => ReceiptState::Failed,
        _ => return None,
    };
    // No such number, and an address that is none, in the words of SIP.
    let no_such_number =
        state == ReceiptState::Failed && matches!(field("SipResponseCode"), Some("404" | "484"));
    let rejection = match Outcome::rejected(Reason::InvalidRecipient) {
        Outcome::Rejected(rejection) if no_such_number => Some(rejection),
        _ => rejection(field("ErrorCode")),
    };
    let response = json!({
        "CallSid": field("CallSid"), "CallStatus": field("CallStatus"), "CallDuration": field("CallDuration"),
        "SipResponseCode": field("SipResponseCode"), "ErrorCode": field("ErrorCode"),
    });
    Some(Receipt {
        about: about(callback, field("CallSid"))?,
        state,
        rejection,
        price: None,
        response: response.to_string(),
    })
}

fn about(callback: &Callback, sid: Option<&str>) -> Option<About> {
    match attempt_in(callback.query()) {
        Some(reference) => Some(About::Reference(reference)),
        None => sid.map(|sid| About::VendorId(sid.to_owned())),
    }
}

fn rejection(error: Option<&str>) -> Option<Rejection> {
    match code::outcome(error?.trim().parse().ok()?)? {
        Outcome::Rejected(rejection) => Some(rejection),
        _ => None,
    }
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

    fn verifies(token: &str, url: &str, signature: &str, form: &[(&str, &str)]) -> bool {
        let callback = Callback {
            url: url.to_owned(),
            headers: vec![("x-twilio-signature".to_owned(), signature.to_owned())],
            ..Callback::default()
        };
        let form = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Signed(SecretString::new(token)).verify(&callback, &form).is_ok()
    }

    #[test]
    fn the_vectors_of_twilios_own_library_verify_and_another_tokens_do_not() {
        let call: &[_] = &[
            ("CallSid", "CA1234567890ABCDE"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
            ("Caller", "+14158675309"),
        ];
        let text: &[_] = &[
            ("MessageSid", "SM00000000000000000000000000000001"),
            ("MessageStatus", "undelivered"),
            ("ErrorCode", "30005"),
            ("To", "+919876543210"),
            ("From", "+15005550006"),
            ("AccountSid", "AC00000000000000000000000000000001"),
        ];
        let whatsapp: &[_] =
            &[("MessageSid", "SM1"), ("MessageStatus", "delivered"), ("To", "whatsapp:+15551230000")];
        for (token, url, signature, form) in [
            ("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", call),
            (
                "twilio_token_example",
                "https://otp.example.net/receipts/twilio",
                "XfNZ1DtFcUDl/zZZZ/++UP9nDNY=",
                text,
            ),
            ("12345", "https://otp.example.com/hooks/twilio?c=1", "4Z8GoUnEhVf6teg7GIDLe+xOj04=", whatsapp),
        ] {
            assert!(verifies(token, url, signature, form), "{url}");
            assert!(!verifies("12346", url, signature, form), "{url}");
            assert!(!verifies(token, url, signature, &form[1..]), "{url}");
        }
    }
}
