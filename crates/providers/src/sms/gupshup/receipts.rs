//! What the gateway says later: a GET with fields in the address, or a POST of the form field `response`, a JSON array.
//! <https://docs.gupshup.io/docs/delivery-reports-sms>, read 2026-11.
//!
//! Nothing is signed. A message is known by `externalId`, the id of the send; where the POST leaves its quotes away, they
//! are put back.

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
    loose::{first, words},
};

const ID: &str = "\"externalId\"";

/// Reads receipts by the gateway's id.
pub(crate) struct ByExternalId {
    /// What a failure is: sent and not arrived, or never sent on.
    pub(crate) failed: ReceiptState,
    /// Why, by code and cause.
    pub(crate) refusal: fn(code: &str, cause: &str) -> Option<Rejection>,
}

impl Receipts for ByExternalId {
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
            read(callback).ok_or(CallbackRefused::Unreadable("neither fields nor an array of reports"))?;
        let events =
            told.iter().filter_map(|report| self.receipt(report)).map(VendorEvent::Receipt).collect();
        Ok(Reception::Heard(Heard { events, reply: Reply::OK }))
    }
}

impl ByExternalId {
    fn receipt(&self, report: &Value) -> Option<Receipt> {
        let id = first(report, &["externalId"])?;
        let status = first(report, &["eventType", "status"])?.to_ascii_uppercase();
        let code = first(report, &["errCode", "errorCode"]).unwrap_or_default();
        let cause = first(report, &["cause"]).unwrap_or_default();
        let (state, rejection) = match status.as_str() {
            "SUCCESS" | "DELIVERED" | "READ" => (ReceiptState::Delivered, None),
            "FAILURE" | "FAILED" => (self.failed, (self.refusal)(&code, &cause)),
            "UNKNOWN" => (ReceiptState::Undelivered, Some(NOBODY_KNOWS)),
            "ENQUEUED" | "SUBMITTED" | "SENT" => (ReceiptState::OnItsWay, None),
            _ => return None,
        };
        let response =
            json!({ "externalId": id, "status": status, "errCode": words(&code), "cause": words(&cause) });
        Some(Receipt {
            about: About::VendorId(id),
            state,
            rejection,
            price: None,
            response: response.to_string(),
        })
    }
}

const NOBODY_KNOWS: Rejection =
    Rejection { reason: Reason::Unavailable, scope: Scope::Route, retry_after: None };

/// The reports of either form, one object each.
fn read(callback: &Callback) -> Option<Vec<Value>> {
    if callback.method == "GET" {
        let fields = form_urlencoded::parse(callback.query().as_bytes());
        return Some(vec![
            fields.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect(),
        ]);
    }
    let (_, reports) = form_urlencoded::parse(&callback.body).find(|(name, _)| name == "response")?;
    match serde_json::from_str(&quoted(&reports)).ok()? {
        Value::Array(reports) => Some(reports),
        report @ Value::Object(_) => Some(vec![report]),
        _ => None,
    }
}

/// The same with quotes round ids that have none: `3940265861-171` is no JSON, and a long number would lose digits.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(ID) {
        let value = after.trim_start().strip_prefix(':').map(str::trim_start);
        let id = value.map_or("", |value| value.split([',', '}', '"', ' ']).next().unwrap_or_default());
        out.push_str(before);
        out.push_str(ID);
        rest = match value {
            Some(value) if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => {
                out.push_str(&format!(":\"{id}\""));
                &value[id.len()..]
            }
            _ => after,
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_without_quotes_gets_them_and_everything_else_stays() {
        for (text, expected) in [
            (r#"[{"externalId": 39-171, "x":1}]"#, r#"[{"externalId":"39-171", "x":1}]"#),
            (r#"[{"externalId":18446744073709551616}]"#, r#"[{"externalId":"18446744073709551616"}]"#),
            (r#"[{"externalId":"39"},{"externalId":40}]"#, r#"[{"externalId":"39"},{"externalId":"40"}]"#),
            (r#"{"externalId""#, r#"{"externalId""#),
            (r#"{"externalId":null}"#, r#"{"externalId":null}"#),
            ("", ""),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
