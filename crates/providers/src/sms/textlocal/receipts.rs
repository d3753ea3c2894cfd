//! What Textlocal says later: a form posted to the address that came with the message.
//! <https://api.textlocal.in/docs/handlingreceipts>, read 2026-11.
//!
//! Nothing is signed and no id of a message is in it: our own name for the attempt comes back as `customID`, and stands
//! in the address as well.

use std::collections::BTreeMap;

use backstop_domain::{
    clock::Timestamp,
    outcome::{Reason, Rejection, Scope},
    ports::provider::{Callback, CallbackRefused, Heard, Reply},
    receipt::{About, Receipt, ReceiptState, VendorEvent},
};
use serde_json::json;

use crate::{
    adapter::{Receipts, Reception},
    exchange::HttpResponse,
};

/// Reads receipts by our own reference.
pub(super) struct ByReference;

impl Receipts for ByReference {
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
        let form: BTreeMap<String, String> = form_urlencoded::parse(&callback.body).into_owned().collect();
        let status = form.get("status").ok_or(CallbackRefused::Unreadable("no status"))?;
        let receipt = about(callback, &form).zip(meaning(status)).map(|(about, (state, rejection))| {
            let response = json!({ "status": status }).to_string();
            VendorEvent::Receipt(Receipt { about, state, rejection, price: None, response })
        });
        Ok(Reception::Heard(Heard { events: receipt.into_iter().collect(), reply: Reply::OK }))
    }
}

fn about(callback: &Callback, form: &BTreeMap<String, String>) -> Option<About> {
    let in_address = || {
        let (_, attempt) =
            form_urlencoded::parse(callback.query().as_bytes()).find(|(name, _)| name == "attempt")?;
        attempt.parse().ok()
    };
    let reference = form.get("customID").and_then(|custom| custom.parse().ok()).or_else(in_address)?;
    Some(About::Reference(reference))
}

fn meaning(status: &str) -> Option<(ReceiptState, Option<Rejection>)> {
    let recipients = |reason| Some(Rejection { reason, scope: Scope::Recipient, retry_after: None });
    Some(match status {
        "D" => (ReceiptState::Delivered, None),
        "P" => (ReceiptState::OnItsWay, None),
        // Undelivered, expired, and nothing heard in four days.
        "U" | "E" | "?" => (ReceiptState::Undelivered, None),
        "I" => (ReceiptState::Failed, recipients(Reason::InvalidRecipient)),
        // India: the person or the register blocks it.
        "B" => (ReceiptState::Failed, recipients(Reason::OptedOut)),
        _ => return None,
    })
}
