//! What most adapters over HTTP do alike, said once: keys, headers, refusals, check-ups by the balance, receipts.
//!
//! Nothing here decides for a vendor: an adapter that needs it otherwise writes it otherwise.

use std::time::Duration;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::provider::{Balance, Callback, CallbackRefused, Checkup, Heard, Reply, Sent},
    receipt::{About, Inbound, InboundWord, VendorEvent},
    recipient::PhoneNumber,
    secret::SecretString,
};
use http::HeaderValue;
use reqwest::Url;
use serde_json::{Value, json};

use crate::{
    adapter::{Reception, attempt_in},
    address, amount,
    exchange::{HttpRequest, HttpResponse},
    loose,
    registry::{BuildError, Dlt, Draft, Form, KeyInfo},
    status,
};

/// The key beside `base_url`.
pub(crate) const PLAIN_HTTP: KeyInfo =
    KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine");

/// What a message is told that this vendor cannot carry.
pub(crate) const NOT_OURS: Outcome = Outcome::rejected_for(Reason::Misconfigured, Scope::Route);

/// How old a signed callback may be, and how far ahead of our clock.
const OLDEST: Duration = Duration::from_secs(5 * 60);

/// The value of a header that ends in the credential of `key`, marked so that no layer below prints it.
pub(crate) fn credential(
    draft: &Draft<'_>,
    key: &str,
    scheme: &str,
    secret: &SecretString,
) -> Result<HeaderValue, BuildError> {
    let text = zeroize::Zeroizing::new(format!("{scheme}{}", secret.expose()));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| draft.wrong(key, "holds a character that no header can", "copy it again"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The sender of texts: a number, a short code, or up to 11 letters, digits and spaces.
pub(crate) fn sender(draft: &Draft<'_>, key: &str, sender: &str) -> Result<(), BuildError> {
    let digits = sender.strip_prefix('+').unwrap_or(sender);
    let is_number = (3..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = (3..=11).contains(&sender.len())
        && sender.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
    if is_number || is_name {
        return Ok(());
    }
    Err(draft.wrong(key, "is no sender", "a number such as +14155550100, or 3 to 11 letters and digits"))
}

/// For a vendor whose requests have no field for the ids of India's registration.
pub(crate) fn takes_no_dlt_ids(draft: &Draft<'_>) -> Result<(), BuildError> {
    match draft.config.dlt {
        Some(Dlt::Ids { .. }) => Err(draft.wrong(
            "dlt",
            "holds ids, and this vendor takes none with a message",
            "register the texts with the vendor and set dlt = \"at-vendor\", or send to India by another",
        )),
        Some(Dlt::AtVendor) | None => Ok(()),
    }
}

/// A `GET` below the vendor's address.
pub(crate) fn get(base: &Url, path: &str, authorization: &HeaderValue) -> HttpRequest {
    HttpRequest::get(address::below(base, path)).authorized(authorization)
}

/// A `POST` of a JSON object below it, without the fields that are null.
pub(crate) fn post(base: &Url, path: &str, authorization: &HeaderValue, mut body: Value) -> HttpRequest {
    if let Value::Object(fields) = &mut body {
        fields.retain(|_, value| !value.is_null());
    }
    HttpRequest::json(address::below(base, path), body.to_string().into_bytes()).authorized(authorization)
}

/// What an error that the vendor formed itself means: what its code says, or else its status; it surely failed.
pub(crate) fn refusal(response: &HttpResponse, at: Timestamp, known: Option<Outcome>) -> Outcome {
    let outcome = known.unwrap_or_else(|| match response.status {
        500..=599 => Outcome::rejected(Reason::Unavailable),
        _ => status::outcome(response, at),
    });
    match status::retry_after(response, at) {
        Some(span) => outcome.with_retry_after(Some(span)),
        None => outcome,
    }
}

/// What an answer without an error means: accepted under this id, or what the status says.
pub(crate) fn taken(response: &HttpResponse, at: Timestamp, id: Option<String>) -> Sent {
    match id.filter(|_| response.is_success()) {
        Some(id) => {
            let told = json!({ "status": response.status, "id": id }).to_string();
            Sent::new(Outcome::Accepted { vendor_id: Some(id) }, &told)
        }
        None => Sent::new(status::outcome(response, at), &response.raw()),
    }
}

/// A price as it is kept; `None` for nothing, which vendors say before they know.
pub(crate) fn price(amount: &str, currency: &str) -> Option<String> {
    let micros = amount::micros(amount).filter(|micros| *micros > 0)?;
    let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    is_code.then(|| amount::price(micros, currency))?
}

/// The same of an object `{"amount": "0.0040", "currency": "USD"}`.
pub(crate) fn price_in(cost: &Value) -> Option<String> {
    price(&loose::at(cost, "/amount")?, &loose::at(cost, "/currency")?)
}

/// Nothing is wrong.
pub(crate) fn well(finding: String) -> Checkup {
    Checkup { well: true, finding, fix: None }
}

/// Something is, and this is what to do.
pub(crate) fn ill(finding: String, fix: &str) -> Checkup {
    Checkup { well: false, finding, fix: Some(fix.to_owned()) }
}

/// A check-up by the answer to the question of what is left.
pub(crate) fn checkup_by_balance(answers: &[HttpResponse], left: Option<Balance>) -> Checkup {
    let Some(answer) = answers.first() else { return ill("not asked".to_owned(), "report this") };
    let Some(Balance { micros, unit }) = left else {
        return ill(answer.raw(), "check the credentials, and that base_url is the vendor's");
    };
    match amount::price(micros, &unit).filter(|_| micros > 0) {
        Some(left) => well(format!("the credentials are good, {left} left")),
        None => ill("the credentials are good, nothing is left".to_owned(), "top the account up"),
    }
}

/// The body of a callback that is JSON.
pub(crate) fn told(callback: &Callback) -> Result<Value, CallbackRefused> {
    serde_json::from_slice(&callback.body).map_err(|_| CallbackRefused::Unreadable("no JSON"))
}

/// A header that every signed callback has.
pub(crate) fn signed_header<'a>(callback: &'a Callback, name: &str) -> Result<&'a str, CallbackRefused> {
    callback.header(name).ok_or(CallbackRefused::Forged("no signature"))
}

/// Refuses what was not signed about now; `said` is in seconds since 1970.
pub(crate) fn fresh(said: &str, at: Timestamp) -> Result<(), CallbackRefused> {
    let said = said.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1000));
    let said = said.map(Timestamp::from_millis).ok_or(CallbackRefused::Forged("no time"))?;
    if at.since(said) > OLDEST || said.since(at) > OLDEST {
        return Err(CallbackRefused::Forged("too old"));
    }
    Ok(())
}

/// Which message a callback is about: the attempt that our own address names, or else the vendor's id.
pub(crate) fn about(callback: &Callback, id: Option<String>) -> Option<About> {
    attempt_in(callback.query()).map(About::Reference).or(id.map(About::VendorId))
}

/// What a person wrote back to a text; `None` unless it is one of the agreed words and nothing else.
pub(crate) fn inbound(from: &str, text: &str) -> Option<VendorEvent> {
    let word = InboundWord::read(text)?;
    let from = PhoneNumber::parse(&format!("+{}", from.trim_start_matches('+')), None).ok()?;
    Some(VendorEvent::Inbound(Inbound { from, channel: Channel::Sms, word }))
}

/// A callback that tells this, or nothing.
pub(crate) fn heard(event: Option<VendorEvent>) -> Reception {
    Reception::Heard(Heard { events: event.into_iter().collect(), reply: Reply::OK })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_fresh_for_five_minutes_and_not_without_a_time() {
        let at = Timestamp::from_millis(1_767_225_600_000);
        for (said, is_fresh) in [
            ("1767225600", true),
            ("1767225300", true),
            ("1767225299", false),
            ("1767225900", true),
            ("1767225901", false),
            ("9223372036854775807", false),
            ("yesterday", false),
            ("", false),
        ] {
            assert_eq!(fresh(said, at).is_ok(), is_fresh, "{said}");
        }
    }

    #[test]
    fn a_price_has_an_amount_and_a_currency_and_nothing_is_no_price() {
        assert_eq!(price("0.0040", "USD").as_deref(), Some("0.004 USD"));
        for (amount, currency) in
            [("0.0000", "USD"), ("-1", "USD"), ("free", "USD"), ("1", "credits"), ("1", "")]
        {
            assert_eq!(price(amount, currency), None, "{amount} {currency}");
        }
    }
}
