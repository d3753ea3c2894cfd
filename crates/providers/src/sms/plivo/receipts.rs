//! What Plivo says and asks later: status callbacks, hang-ups, texts that people write back, and what a call is to say.
//! <https://www.plivo.com/docs/messaging/api/message/message-status-callbacks> and
//! <https://www.plivo.com/docs/voice/xml/getinput>, read 2026-11.

use std::collections::BTreeMap;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    ports::provider::{Callback, CallbackRefused, Heard, Reply, Speaker},
    receipt::{About, Inbound, InboundWord, Receipt, ReceiptState, VendorEvent},
    recipient::PhoneNumber,
    secret::SecretString,
    template::Spoken,
};
use serde_json::json;

use super::{code, signature};
use crate::{
    adapter::{Receipts, Reception, attempt_in},
    exchange::HttpResponse,
    voice::xml::Dialect,
};

/// Plivo's XML. Its plain voices know no Hindi; one of its Polly voices does.
const XML: Dialect = Dialect {
    say: "Speak",
    voice: |language| {
        let voice = if language == "hi-IN" { "Polly.Aditi" } else { "WOMAN" };
        vec![("language", language), ("voice", voice)]
    },
    pause: "Wait",
    gather: "GetInput",
    one_key: &[
        ("method", "POST"),
        ("inputType", "dtmf"),
        ("numDigits", "1"),
        ("finishOnKey", "none"),
        ("executionTimeout", "10"),
    ],
};

/// Reads callbacks that this token signs.
pub(super) struct Signed(pub(super) SecretString);

impl Signed {
    /// The form of a callback that Plivo sent.
    fn verified(&self, callback: &Callback) -> Result<BTreeMap<String, String>, CallbackRefused> {
        signature::verify(&self.0, callback)?;
        Ok(form_urlencoded::parse(&callback.body).into_owned().collect())
    }
}

impl Speaker for Signed {
    fn speak(&self, callback: &Callback, script: &Spoken, again: &str) -> Result<Reply, CallbackRefused> {
        Ok(XML.reply(&self.verified(callback)?, script, again))
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
        _at: Timestamp,
    ) -> Result<Reception, CallbackRefused> {
        let form = self.verified(callback)?;
        let event = if form.contains_key("CallUUID") || form.contains_key("RequestUUID") {
            call(callback, &form).map(VendorEvent::Receipt)
        } else if form.contains_key("Text") {
            inbound(&form).map(VendorEvent::Inbound)
        } else {
            message(callback, &form).map(VendorEvent::Receipt)
        };
        Ok(Reception::Heard(Heard { events: event.into_iter().collect(), reply: Reply::OK }))
    }
}

/// A text. One that was split has a callback for each part; the first that says more than `sent` counts.
fn message(callback: &Callback, form: &BTreeMap<String, String>) -> Option<Receipt> {
    let field = |name: &str| form.get(name).map(String::as_str);
    let state = match field("Status")? {
        "queued" | "sent" => ReceiptState::OnItsWay,
        "delivered" | "read" => ReceiptState::Delivered,
        "undelivered" => ReceiptState::Undelivered,
        "failed" | "rejected" => ReceiptState::Failed,
        _ => return None,
    };
    let error = field("ErrorCode").and_then(|code| code.trim().parse().ok());
    let response = json!({
        "MessageUUID": field("MessageUUID"), "Status": field("Status"), "ErrorCode": field("ErrorCode"),
        "TotalAmount": field("TotalAmount"),
    });
    Some(Receipt {
        about: about(callback, field("MessageUUID"))?,
        state,
        rejection: error.and_then(code::of_text),
        price: field("TotalAmount").and_then(price),
        response: response.to_string(),
    })
}

/// A call that ended, or goes on.
fn call(callback: &Callback, form: &BTreeMap<String, String>) -> Option<Receipt> {
    let field = |name: &str| form.get(name).map(String::as_str);
    let talked = field("Duration").is_none_or(|seconds| seconds.trim() != "0");
    let cause = field("HangupCauseCode").and_then(|cause| cause.trim().parse().ok());
    let (state, rejection) = match cause {
        Some(cause) => code::of_call(cause, talked)?,
        None => (ended(field("CallStatus")?, talked)?, None),
    };
    let response = json!({
        "CallUUID": field("CallUUID"), "CallStatus": field("CallStatus"), "Duration": field("Duration"),
        "HangupCauseCode": field("HangupCauseCode"), "HangupCauseName": field("HangupCauseName"),
    });
    // The call was made under the one id and has the other since it rings.
    let about = about(callback, field("RequestUUID").or(field("CallUUID")))?;
    Some(Receipt { about, state, rejection, price: None, response: response.to_string() })
}

/// The state of a call without a cause.
fn ended(status: &str, talked: bool) -> Option<ReceiptState> {
    Some(match status {
        "queued" | "ringing" | "in-progress" => ReceiptState::OnItsWay,
        "completed" if talked => ReceiptState::Delivered,
        "completed" | "busy" | "no-answer" | "timeout" => ReceiptState::Undelivered,
        "failed" | "cancel" => ReceiptState::Failed,
        _ => return None,
    })
}

fn about(callback: &Callback, uuid: Option<&str>) -> Option<About> {
    match attempt_in(callback.query()) {
        Some(reference) => Some(About::Reference(reference)),
        None => uuid.map(|uuid| About::VendorId(uuid.to_owned())),
    }
}

/// An amount in dollars, whatever currency the account pays in.
fn price(amount: &str) -> Option<String> {
    let amount = amount.trim();
    let value: f64 = amount.parse().ok()?;
    let is_plain = amount.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (is_plain && value > 0.0).then(|| format!("{amount} USD"))
}

fn inbound(form: &BTreeMap<String, String>) -> Option<Inbound> {
    let word = InboundWord::read(form.get("Text")?)?;
    let from = format!("+{}", form.get("From")?.trim_start_matches('+'));
    Some(Inbound { from: PhoneNumber::parse(&from, None).ok()?, channel: Channel::Sms, word })
}
