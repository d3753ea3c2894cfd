//! What Postmark says later: its webhooks. <https://postmarkapp.com/developer/webhooks/webhooks-overview>, read 2026-11.
//!
//! Not signed: whoever knows the secret part of the address is believed, and believed to be about one mail and no more.
//! Only words of Postmark are kept: its descriptions repeat the address.

use std::collections::BTreeMap;

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::provider::{Callback, CallbackRefused, Heard, Reply},
    receipt::{About, Receipt, ReceiptState, VendorEvent},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    adapter::{Receipts, Reception},
    email::{REFERENCE, rejection, word},
    exchange::HttpResponse,
};

/// Reads webhooks.
pub(super) struct Unsigned;

impl Receipts for Unsigned {
    fn is_signed(&self) -> bool {
        false
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
        let record: Record = serde_json::from_slice(&callback.body)
            .map_err(|_| CallbackRefused::Unreadable("no record of Postmark"))?;
        let events = record.receipt().map(VendorEvent::Receipt).into_iter().collect();
        Ok(Reception::Heard(Heard { events, reply: Reply::OK }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    record_type: String,
    #[serde(rename = "MessageID")]
    message_id: Option<String>,
    r#type: Option<String>,
    suppress_sending: Option<bool>,
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
}

impl Record {
    /// What it tells of a mail; `None` for words that we do not know.
    fn receipt(self) -> Option<Receipt> {
        let reference = self.metadata.get(REFERENCE).and_then(Value::as_str);
        let about = match reference.and_then(|text| text.parse().ok()) {
            Some(reference) => About::Reference(reference),
            None => About::VendorId(self.message_id.clone().filter(|id| !id.is_empty())?),
        };
        let opted_out = Some(Outcome::rejected(Reason::OptedOut));
        let (state, outcome) = match self.record_type.as_str() {
            // A mail that was looked at has arrived.
            "Delivery" | "Open" | "Click" => (ReceiptState::Delivered, None),
            "Bounce" => bounced(self.r#type.as_deref()?)?,
            // Of this mail nothing changes; it was the last one.
            "SpamComplaint" => (ReceiptState::OnItsWay, opted_out),
            "SubscriptionChange" if self.suppress_sending == Some(true) => {
                (ReceiptState::OnItsWay, opted_out)
            }
            _ => return None,
        };
        let told = json!({ "RecordType": self.record_type, "Type": word(self.r#type.as_deref()) });
        let rejection = outcome.and_then(rejection);
        Some(Receipt { about, state, rejection, price: None, response: told.to_string() })
    }
}

/// What a type of bounce means; `None` for what is none: automatic answers, changes of address.
fn bounced(kind: &str) -> Option<(ReceiptState, Option<Outcome>)> {
    Some(match kind {
        "HardBounce" | "BadEmailAddress" => {
            (ReceiptState::Failed, Some(Outcome::rejected(Reason::InvalidRecipient)))
        }
        "SoftBounce" | "Transient" | "DnsError" | "Blocked" | "DMARCPolicy" | "VirusNotification"
        | "SpamNotification" => (ReceiptState::Undelivered, None),
        "ManuallyDeactivated" => (ReceiptState::Failed, Some(Outcome::rejected(Reason::OptedOut))),
        "Unsubscribe" | "SpamComplaint" => {
            (ReceiptState::OnItsWay, Some(Outcome::rejected(Reason::OptedOut)))
        }
        "SMTPApiError" => {
            (ReceiptState::Failed, Some(Outcome::rejected_for(Reason::Unavailable, Scope::Recipient)))
        }
        _ => return None,
    })
}
