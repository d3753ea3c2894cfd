//! What Gupshup says later: events of version 2, of version 3 (Meta's envelope), and the enterprise gateway's reports.
//! <https://docs.gupshup.io/docs/message-events>, read 2026-11.
//!
//! Nothing is signed, so what people write is not believed here: a stranger who learned the address could silence anybody.
//! A message is known by Gupshup's own id, else by the one that stands in its place.

use backstop_domain::{
    clock::Timestamp,
    outcome::Rejection,
    ports::provider::{Callback, CallbackRefused, Heard, Reply},
    receipt::{About, Receipt, ReceiptState, VendorEvent},
};
use serde_json::{Value, json};

use super::code;
use crate::{
    adapter::{Receipts, Reception},
    exchange::HttpResponse,
    loose::{first, words},
    sms::gupshup::receipts::ByExternalId,
};

/// The enterprise gateway's reports.
const REPORTS: ByExternalId =
    ByExternalId { failed: ReceiptState::Failed, refusal: code::failed_at_the_gateway };

/// Reads receipts by Gupshup's id.
pub(super) struct ByGupshupId;

impl Receipts for ByGupshupId {
    fn is_signed(&self) -> bool {
        false
    }

    fn finds_by_vendor_id(&self) -> bool {
        true
    }

    fn receive(
        &self,
        callback: &Callback,
        fetched: &[HttpResponse],
        at: Timestamp,
    ) -> Result<Reception, CallbackRefused> {
        let Ok(told) = serde_json::from_slice::<Value>(&callback.body) else {
            return REPORTS.receive(callback, fetched, at);
        };
        if !told.is_object() {
            return Err(CallbackRefused::Unreadable("no event"));
        }
        let receipts: Vec<Receipt> = match told.get("entry").and_then(Value::as_array) {
            Some(entries) => statuses(entries).filter_map(version_3).collect(),
            None => version_2(&told).into_iter().collect(),
        };
        let events = receipts.into_iter().map(VendorEvent::Receipt).collect();
        Ok(Reception::Heard(Heard { events, reply: Reply::OK }))
    }
}

fn version_2(event: &Value) -> Option<Receipt> {
    // Messages of people, the account's and templates' news are none.
    if first(event, &["type"]).as_deref() != Some("message-event") {
        return None;
    }
    let payload = event.get("payload")?;
    let id = first(payload, &["gsId", "id"])?;
    let why = payload.get("payload").unwrap_or(&Value::Null);
    receipt(id, &first(payload, &["type"])?, first(why, &["code"]), first(why, &["reason"]))
}

fn statuses(entries: &[Value]) -> impl Iterator<Item = &Value> {
    entries
        .iter()
        .flat_map(|entry| entry.get("changes").and_then(Value::as_array).into_iter().flatten())
        .filter_map(|change| change.get("value"))
        .flat_map(|value| value.get("statuses").and_then(Value::as_array).into_iter().flatten())
}

fn version_3(status: &Value) -> Option<Receipt> {
    let id = first(status, &["gs_id", "id"])?;
    let why = status.pointer("/errors/0").unwrap_or(&Value::Null);
    receipt(id, &first(status, &["status"])?, first(why, &["code"]), first(why, &["title", "message"]))
}

fn receipt(id: String, word: &str, code: Option<String>, reason: Option<String>) -> Option<Receipt> {
    let (code, reason) = (code.unwrap_or_default(), reason.unwrap_or_default());
    let (state, rejection) = meaning(word, &code, &reason)?;
    let response = json!({ "id": id, "type": word, "code": code, "reason": words(&reason) }).to_string();
    Some(Receipt { about: About::VendorId(id), state, rejection, price: None, response })
}

fn meaning(word: &str, code: &str, reason: &str) -> Option<(ReceiptState, Option<Rejection>)> {
    Some(match word {
        "enqueued" | "sent" => (ReceiptState::OnItsWay, None),
        "delivered" | "read" => (ReceiptState::Delivered, None),
        "failed" => (ReceiptState::Failed, code::failed(code, reason)),
        _ => return None,
    })
}
