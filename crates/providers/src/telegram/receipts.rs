//! The reports of the Telegram Gateway. <https://core.telegram.org/gateway/api#report-delivery>, read 2026-11.
//!
//! Signed with a hash of the token over a time and the very bytes. What Telegram says of the code that was typed is for codes that it
//! made itself, and is not read.

use std::time::Duration;

use backstop_domain::{
    clock::Timestamp,
    ports::provider::{Callback, CallbackRefused, Heard, Reply},
    receipt::{About, Receipt, ReceiptState, VendorEvent},
    secret::SecretString,
};
use hmac::{Hmac, Mac};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::price;
use crate::{
    adapter::{Receipts, Reception},
    exchange::HttpResponse,
};

/// A signature older or newer than this is not believed.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// Reads reports that this token signs.
pub(super) struct Reports {
    pub(super) token: SecretString,
}

#[derive(Deserialize)]
struct Report {
    delivery_status: Status,
    payload: String,
    #[serde(default)]
    request_id: Value,
}

#[derive(Deserialize)]
struct Status {
    status: String,
}

impl Receipts for Reports {
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
        let report: Value =
            serde_json::from_slice(&callback.body).map_err(|_| CallbackRefused::Unreadable("no report"))?;
        let events = receipt(&report).map(VendorEvent::Receipt).into_iter().collect();
        Ok(Reception::Heard(Heard { events, reply: Reply::OK }))
    }
}

impl Reports {
    fn verify(&self, callback: &Callback, at: Timestamp) -> Result<(), CallbackRefused> {
        let header = |name| callback.header(name).ok_or(CallbackRefused::Forged("no signature"));
        let (time, said) = (header("x-request-timestamp")?, header("x-request-signature")?);
        let said = hex::decode(said).map_err(|_| CallbackRefused::Forged("no hexadecimal"))?;
        let key = Sha256::digest(self.token.expose());
        let fits = Hmac::<Sha256>::new_from_slice(&key).is_ok_and(|mut mac| {
            mac.update(time.as_bytes());
            mac.update(b"\n");
            mac.update(&callback.body);
            mac.verify_slice(&said).is_ok()
        });
        if !fits {
            return Err(CallbackRefused::Forged("another signature"));
        }
        let seconds: i64 = time.parse().map_err(|_| CallbackRefused::Forged("no time"))?;
        let time = Timestamp::from_millis(seconds.saturating_mul(1000));
        if time.since(at) > FRESH || at.since(time) > FRESH {
            return Err(CallbackRefused::Forged("an old signature"));
        }
        Ok(())
    }
}

fn receipt(value: &Value) -> Option<Receipt> {
    let report = Report::deserialize(value).ok()?;
    let state = match report.delivery_status.status.as_str() {
        "sent" => ReceiptState::OnItsWay,
        "delivered" | "read" => ReceiptState::Delivered,
        "expired" => ReceiptState::Undelivered,
        "revoked" => ReceiptState::Failed,
        _ => return None,
    };
    let response = json!({ "request_id": report.request_id, "status": report.delivery_status.status });
    Some(Receipt {
        about: About::Reference(report.payload.parse().ok()?),
        state,
        rejection: None,
        price: price(value),
        response: response.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_made_elsewhere_verifies_within_its_time() {
        let reports = |token: &str| Reports { token: SecretString::new(token) };
        let callback = |body: &str| Callback {
            headers: vec![
                ("x-request-timestamp".to_owned(), "1700000000".to_owned()),
                (
                    "x-request-signature".to_owned(),
                    "4387e8426e181a4e922c68c6673aa802817ac4d8db0f8a2696c95456a3e7147b".to_owned(),
                ),
            ],
            body: body.as_bytes().to_vec(),
            ..Callback::default()
        };
        let (good, body) = (reports("AAEAAQ_token"), r#"{"request_id":"r1"}"#);
        for (seconds, fits) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
            let at = Timestamp::from_millis((1_700_000_000 + seconds) * 1000);
            assert_eq!(good.verify(&callback(body), at).is_ok(), fits, "{seconds}");
        }
        let at = Timestamp::from_millis(1_700_000_000_000);
        assert!(good.verify(&callback(r#"{"request_id":"r2"}"#), at).is_err());
        assert!(reports("another").verify(&callback(body), at).is_err());
    }
}
