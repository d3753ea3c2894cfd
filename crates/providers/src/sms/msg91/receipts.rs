//! What MSG91 says later, in the four shapes of its webhooks. <https://docs.msg91.com/webhook>, read 2026-11.
//!
//! v2 is a form with JSON in `data`, v3 one flat object, v4 events with their data, the newest an object of fields
//! chosen in the panel. Nothing is signed, so the secret part of the address is all that there is. A message is known by
//! MSG91's request id; what is without one is about nothing.

use backstop_domain::{
    clock::Timestamp,
    outcome::{Reason, Rejection, Scope},
    ports::provider::{Callback, CallbackRefused, Heard, Reply},
    receipt::{About, Receipt, ReceiptState, VendorEvent},
};
use serde_json::{Value, json};

use crate::{
    adapter::{Receipts, Reception},
    exchange::HttpResponse,
    loose::{first, says, text, words},
    sms::india,
};

const REQUEST: [&str; 2] = ["requestId", "request_id"];

/// Reads receipts by request id.
pub(super) struct ByRequest;

impl Receipts for ByRequest {
    fn is_signed(&self) -> bool {
        false
    }

    fn finds_by_vendor_id(&self) -> bool {
        true
    }

    fn receive(
        &self,
        callback: &Callback,
        _fetched: &[HttpResponse],
        _at: Timestamp,
    ) -> Result<Reception, CallbackRefused> {
        let told =
            read(&callback.body).ok_or(CallbackRefused::Unreadable("neither JSON nor a form with data"))?;
        let mut receipts = Vec::new();
        collect(&told, None, &mut receipts);
        let events = receipts.into_iter().map(VendorEvent::Receipt).collect();
        Ok(Reception::Heard(Heard { events, reply: Reply::OK }))
    }
}

fn read(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().or_else(|| {
        let (_, data) = form_urlencoded::parse(body).find(|(name, _)| name == "data")?;
        serde_json::from_str(&data).ok()
    })
}

/// Every report in it. `request` is the id that stands further out.
fn collect(told: &Value, request: Option<&str>, receipts: &mut Vec<Receipt>) {
    match told {
        Value::Array(items) => items.iter().for_each(|item| collect(item, request, receipts)),
        Value::Object(fields) => {
            let own = first(told, &REQUEST);
            let request = own.as_deref().or(request);
            match (fields.get("report"), fields.get("data")) {
                (Some(reports), _) => collect(reports, request, receipts),
                (None, Some(Value::Array(items))) => {
                    let event = first(told, &["event"]);
                    receipts.extend(items.iter().filter_map(|item| receipt(item, request, event.as_deref())));
                }
                (None, Some(data @ Value::Object(_))) => {
                    receipts.extend(receipt(data, request, first(told, &["event"]).as_deref()));
                }
                _ => receipts.extend(receipt(told, request, None)),
            }
        }
        _ => {}
    }
}

fn receipt(report: &Value, request: Option<&str>, event: Option<&str>) -> Option<Receipt> {
    let own = first(report, &REQUEST).or_else(|| in_meta(report.get("meta")?));
    let request = own.or_else(|| request.map(str::to_owned))?;
    let status = first(report, &["status"]).or_else(|| event.map(str::to_owned))?.to_ascii_lowercase();
    let reason = first(report, &["failedReason", "failureReason", "desc", "description"]).unwrap_or_default();
    let (state, rejection) = meaning(&status, &reason);
    let response = json!({ "requestId": request, "status": words(&status), "reason": words(&reason) });
    Some(Receipt {
        about: About::VendorId(request),
        state,
        rejection,
        price: None,
        response: response.to_string(),
    })
}

/// v4 has no field for the request; some accounts see it in `meta`.
fn in_meta(meta: &Value) -> Option<String> {
    first(meta, &REQUEST)
        .or_else(|| text(meta).filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric())))
}

fn meaning(status: &str, reason: &str) -> (ReceiptState, Option<Rejection>) {
    let rejected = |reason, scope| Some(Rejection { reason, scope, retry_after: None });
    match status {
        "1" | "delivered" => (ReceiptState::Delivered, None),
        "2" | "failed" => (ReceiptState::Undelivered, scrubbed(reason)),
        // A promotional route met the register of those who want no advertising.
        "9" | "ndnc" => (ReceiptState::Failed, rejected(Reason::Misconfigured, Scope::Route)),
        "16" | "25" | "rejected" => (ReceiptState::Failed, scrubbed(reason)),
        "17" | "blocked" => (ReceiptState::Failed, rejected(Reason::OptedOut, Scope::Recipient)),
        _ => (ReceiptState::OnItsWay, None),
    }
}

/// What the operators' scrubbing says, as a code or in words.
fn scrubbed(reason: &str) -> Option<Rejection> {
    let by_code = reason.split(|c: char| !c.is_ascii_digit()).find_map(india::scrubbed);
    by_code.or_else(|| says(reason, &["dlt", "template", "entity id"]).then_some(india::UNREGISTERED))
}
