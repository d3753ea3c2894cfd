//! What SendGrid says later: the signed event webhook.
//! <https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event>, read 2026-11.
//!
//! Events come in batches, repeat and come in any order. Of an event only words of SendGrid are kept: what the other mail
//! server said repeats the address.

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::provider::{Callback, CallbackRefused, Heard, Reply},
    receipt::{About, Receipt, ReceiptState, VendorEvent},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Value, json};
use x509_cert::{der::Decode, spki::SubjectPublicKeyInfoRef};

use crate::{
    adapter::{Receipts, Reception},
    email::{rejection, word},
    exchange::HttpResponse,
    usual::fresh,
};

/// A point of the curve, uncompressed.
const POINT: usize = 65;

/// Reads events that this key signs.
pub(super) struct Signed(Vec<u8>);

impl Signed {
    /// The key of the console: base64 of a SubjectPublicKeyInfo. `None` if it is not one of the curve P-256.
    pub(super) fn with(text: &str) -> Option<Self> {
        let der = STANDARD.decode(text.trim()).ok()?;
        let info = SubjectPublicKeyInfoRef::from_der(&der).ok()?;
        let point = info.subject_public_key.as_bytes()?;
        (point.len() == POINT && point.first() == Some(&4)).then(|| Self(point.to_vec()))
    }

    fn verify(&self, callback: &Callback, at: Timestamp) -> Result<(), CallbackRefused> {
        let header = |name| callback.header(name).ok_or(CallbackRefused::Forged("no signature"));
        let signature = header("x-twilio-email-event-webhook-signature")?;
        let timestamp = header("x-twilio-email-event-webhook-timestamp")?;
        let signature = STANDARD.decode(signature).map_err(|_| CallbackRefused::Forged("no base64"))?;
        let signed = [timestamp.as_bytes(), &callback.body].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.0)
            .verify(&signed, &signature)
            .map_err(|_| CallbackRefused::Forged("another signature"))?;
        fresh(timestamp, at)
    }
}

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
        at: Timestamp,
    ) -> Result<Reception, CallbackRefused> {
        self.verify(callback, at)?;
        let events: Vec<Value> = serde_json::from_slice(&callback.body)
            .map_err(|_| CallbackRefused::Unreadable("no list of events"))?;
        // One that cannot be read does not take the others with it.
        let events = events
            .into_iter()
            .filter_map(|event| serde_json::from_value::<Event>(event).ok()?.receipt())
            .map(VendorEvent::Receipt)
            .collect();
        Ok(Reception::Heard(Heard { events, reply: Reply::OK }))
    }
}

#[derive(Deserialize)]
struct Event {
    event: String,
    /// Our own name for the attempt, as a custom argument.
    backstop: Option<String>,
    sg_message_id: Option<String>,
    r#type: Option<String>,
    status: Option<String>,
    bounce_classification: Option<String>,
    reason: Option<String>,
}

impl Event {
    /// What it tells of a mail; `None` for words that we do not know.
    fn receipt(self) -> Option<Receipt> {
        let about = match self.backstop.as_deref().and_then(|text| text.parse().ok()) {
            Some(reference) => About::Reference(reference),
            None => About::VendorId(self.sg_message_id.as_deref()?.split('.').next()?.to_owned()),
        };
        let (state, outcome) = match self.event.as_str() {
            "processed" | "deferred" => (ReceiptState::OnItsWay, None),
            // A mail that was looked at has arrived.
            "delivered" | "open" | "click" => (ReceiptState::Delivered, None),
            "bounce" => self.bounced(),
            "dropped" => (ReceiptState::Failed, Some(self.dropped())),
            // Of this mail nothing changes; it was the last one.
            "spamreport" | "unsubscribe" | "group_unsubscribe" => {
                (ReceiptState::OnItsWay, Some(Outcome::rejected(Reason::OptedOut)))
            }
            _ => return None,
        };
        let told = json!({
            "event": self.event, "type": word(self.r#type.as_deref()), "status": self.code(),
            "bounce_classification": word(self.bounce_classification.as_deref()),
        });
        let rejection = outcome.and_then(rejection);
        Some(Receipt { about, state, rejection, price: None, response: told.to_string() })
    }

    /// The enhanced code of RFC 3463, such as 5.1.1.
    fn code(&self) -> Option<&str> {
        let code = self.status.as_deref()?.trim();
        let is_code = code.len() <= 11 && code.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        is_code.then_some(code)
    }

    fn bounced(&self) -> (ReceiptState, Option<Outcome>) {
        if self.r#type.as_deref() == Some("blocked") {
            // Reputation, content or a full mailbox: it may take another mail, of another sender.
            let refused = Outcome::rejected_for(Reason::Unavailable, Scope::Recipient);
            return (ReceiptState::Undelivered, Some(refused));
        }
        let is_no_address = self.code().is_some_and(|code| code.starts_with("5.1."))
            || self.bounce_classification.as_deref() == Some("Invalid Address");
        if is_no_address {
            (ReceiptState::Failed, Some(Outcome::rejected(Reason::InvalidRecipient)))
        } else {
            (ReceiptState::Undelivered, None)
        }
    }

    /// Why SendGrid itself did not send it.
    fn dropped(&self) -> Outcome {
        let reason = self.reason.as_deref().unwrap_or_default();
        if ["Bounced Address", "Unsubscribed Address", "Spam Reporting Address"]
            .iter()
            .any(|known| reason.starts_with(known))
        {
            Outcome::rejected(Reason::OptedOut)
        } else if reason.contains("over Package Quota") {
            Outcome::rejected(Reason::OutOfCredit)
        } else if reason == "Invalid" {
            Outcome::rejected(Reason::InvalidRecipient)
        } else {
            Outcome::rejected_for(Reason::Misconfigured, Scope::Route)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";

    fn vector(body: &str) -> Callback {
        let headers = [
            (
                "x-twilio-email-event-webhook-signature",
                "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
            ),
            ("x-twilio-email-event-webhook-timestamp", "1600112502"),
        ];
        Callback {
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: body.as_bytes().to_vec(),
            ..Callback::default()
        }
    }

    #[test]
    fn the_vector_of_sendgrids_own_library_verifies_for_five_minutes() {
        let body = "[{\"email\":\"hello@world.com\",\"event\":\"dropped\",\"reason\":\"Bounced Address\",\"sg_event_id\":\"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA\",\"sg_message_id\":\"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0\",\"smtp-id\":\"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>\",\"timestamp\":1600112492}]\r\n";
        let (key, at) = (Signed::with(KEY).unwrap(), |seconds: i64| Timestamp::from_millis(seconds * 1000));
        assert_eq!(key.verify(&vector(body), at(1_600_112_502)), Ok(()));
        assert_eq!(key.verify(&vector(body), at(1_600_112_802)), Ok(()));
        assert!(key.verify(&vector(body), at(1_600_112_803)).is_err(), "too late");
        assert!(key.verify(&vector(body), at(1_600_112_201)).is_err(), "from the future");
        assert!(key.verify(&vector(body.trim_end()), at(1_600_112_502)).is_err(), "the line's end is signed");
    }

    #[test]
    fn a_key_that_is_no_key_of_this_curve_is_none() {
        for text in ["", "AAAA", "not base64", &KEY[..KEY.len() - 8]] {
            assert!(Signed::with(text).is_none(), "{text}");
        }
    }
}
