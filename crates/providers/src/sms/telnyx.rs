//! Telnyx: texts by its Messaging API v2. <https://developers.telnyx.com>, "Send a message" and "Messaging Error Code
//! Reference", read 2026-11.
//!
//! It takes no idempotency key, no reference and no life of a message: what got no answer is `Unknown`, and the address of the
//! receipt names the attempt. Refusals and receipts share one list of codes. Webhooks are signed with Ed25519.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::{amount, prelude::*};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The kind `telnyx`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "telnyx",
    channels: &[Channel::Sms],
    summary: "Telnyx texts",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::secret("api_key", "an API key of the account").required(),
        KeyInfo::text("public_key", "the account's public key, which verifies webhooks").required(),
        KeyInfo::text("from", "a number, a short code, or up to 11 letters and digits"),
        KeyInfo::text("messaging_profile_id", "a profile that picks the sender; a name in from needs it too"),
        KeyInfo::text("base_url", "the API's address; https://api.telnyx.com unless set"),
        usual::PLAIN_HTTP,
    ],
    sample: r#"[[provider]]
name = "telnyx"
kind = "telnyx"
channels = ["sms"]
api_key_file = "/run/secrets/telnyx"
public_key = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
from = "+14155550100"
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    api_key: SecretString,
    public_key: String,
    from: Option<String>,
    messaging_profile_id: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct Telnyx {
    base: Url,
    authorization: HeaderValue,
    public_key: Vec<u8>,
    config: Config,
}

fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: Config = draft.read()?;
    usual::takes_no_dlt_ids(draft)?;
    match &config.from {
        Some(from) => usual::sender(draft, "from", from)?,
        None if config.messaging_profile_id.is_some() => {}
        None => return Err(draft.wrong("from", "is missing", "set from, or messaging_profile_id")),
    }
    let public_key = STANDARD.decode(config.public_key.trim()).ok().filter(|key| key.len() == 32);
    let public_key = public_key.ok_or_else(|| {
        draft.wrong("public_key", "is not the base64 of 32 bytes", "copy it from Telnyx's portal, API Keys")
    })?;
    let base = draft.base_url(config.base_url.as_deref(), "https://api.telnyx.com", config.plain_http)?;
    let authorization = usual::credential(draft, "api_key", "Bearer ", &config.api_key)?;
    Ok(Arc::new(draft.over_http(Telnyx { base, authorization, public_key, config })))
}

impl Adapter for Telnyx {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let Recipient::Phone(number) = &message.to else { return Err(usual::NOT_OURS) };
        let body = json!({
            "to": number.expose(), "text": message.text.expose(), "type": "SMS", "from": self.config.from,
            "messaging_profile_id": self.config.messaging_profile_id, "webhook_url": message.links.receipts,
        });
        Ok(usual::post(&self.base, "v2/messages", &self.authorization, body))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        let answer = response.json().unwrap_or(Value::Null);
        if let Some(error) = answer.pointer("/errors/0").or_else(|| answer.pointer("/data/errors/0")) {
            let pointer = loose::at(error, "/source/pointer").unwrap_or_default();
            let known = match loose::number(&error["code"]) {
                // Telnyx itself waited too long for something.
                Some(10008) => Some(Outcome::Unknown),
                // The profile's own limit of a day, which ends at midnight UTC.
                Some(40333) => {
                    let rest = Duration::from_millis((DAY - at.as_millis().rem_euclid(DAY)).unsigned_abs());
                    Some(Outcome::rejected(Reason::OutOfCredit).with_retry_after(Some(rest)))
                }
                code => code.and_then(|code| rejection(code, &pointer)).map(Outcome::Rejected),
            };
            // `detail` may repeat what was sent.
            let told = json!({ "status": response.status, "code": error["code"], "title": error["title"] });
            return Sent::new(usual::refusal(response, at, known), &told.to_string());
        }
        let price = usual::price_in(&answer["data"]["cost"]);
        let sent = usual::taken(response, at, loose::at(&answer, "/data/id"));
        Sent { price: price.filter(|_| sent.response.success), ..sent }
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        Some(self)
    }

    fn balance(&self) -> Option<HttpRequest> {
        Some(usual::get(&self.base, "v2/balance", &self.authorization))
    }

    fn balance_in(&self, answer: &HttpResponse) -> Option<Balance> {
        let told: Value = answer.json().filter(|_| answer.is_success())?;
        let micros = amount::micros(&loose::at(&told, "/data/available_credit")?)?;
        Some(Balance { micros, unit: loose::at(&told, "/data/currency")? })
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![self.config.api_key.clone()]
    }
}

impl Receipts for Telnyx {
    fn is_signed(&self) -> bool {
        true
    }

    fn receive(&self, callback: &Callback, _fetched: &[HttpResponse], at: Timestamp) -> Received {
        let said_at = usual::signed_header(callback, "telnyx-timestamp")?;
        let signature = usual::signed_header(callback, "telnyx-signature-ed25519")?;
        let signature = STANDARD.decode(signature).map_err(|_| CallbackRefused::Forged("no base64"))?;
        UnparsedPublicKey::new(&ED25519, &self.public_key)
            .verify(&[said_at.as_bytes(), b"|", &callback.body].concat(), &signature)
            .map_err(|_| CallbackRefused::Forged("another signature"))?;
        usual::fresh(said_at, at)?;
        let told = usual::told(callback)?;
        let message = &told["data"]["payload"];
        let text = message["text"].as_str().filter(|_| told["data"]["event_type"] == "message.received");
        Ok(usual::heard(match (text, message.pointer("/from/phone_number").and_then(Value::as_str)) {
            (Some(text), Some(from)) => usual::inbound(from, text),
            _ => receipt(callback, message).map(VendorEvent::Receipt),
        }))
    }
}

fn receipt(callback: &Callback, message: &Value) -> Option<Receipt> {
    let status = loose::at(message, "/to/0/status")?;
    let state = match status.as_str() {
        // The last of these is final: nobody will say more.
        "queued" | "sending" | "sent" | "delivery_unconfirmed" => ReceiptState::OnItsWay,
        "delivered" => ReceiptState::Delivered,
        "delivery_failed" | "expired" => ReceiptState::Undelivered,
        "sending_failed" => ReceiptState::Failed,
        _ => return None,
    };
    let code = message.pointer("/errors/0/code").and_then(loose::number);
    let about = usual::about(callback, loose::at(message, "/id"))?;
    let rejection = code.and_then(|code| rejection(code, ""));
    let response = json!({ "status": status, "code": code }).to_string();
    Some(Receipt { about, state, rejection, price: usual::price_in(&message["cost"]), response })
}

/// What a code means; `None`: we do not know it, or it says no more than that a text came too late.
fn rejection(code: u32, pointer: &str) -> Option<Rejection> {
    let (reason, scope) = match code {
        40012 | 40310 => (Reason::InvalidRecipient, Scope::Recipient),
        10002 | 10016 if pointer.ends_with("/to") => (Reason::InvalidRecipient, Scope::Recipient),
        40300 => (Reason::OptedOut, Scope::Recipient),
        // A landline.
        40001 => (Reason::NotOnChannel, Scope::Recipient),
        // The network or the telephone at the other end.
        40004 | 40008 => (Reason::Unavailable, Scope::Recipient),
        40006 => (Reason::Unavailable, Scope::Route),
        10007 => (Reason::Unavailable, Scope::Provider),
        10011 | 40011 | 40318 => (Reason::RateLimited, Scope::Provider),
        20100 | 40333 => (Reason::OutOfCredit, Scope::Provider),
        // Key, account, profile.
        10005 | 10009 | 10010 | 10017 | 20012 => (Reason::Misconfigured, Scope::Provider),
        // A sender, a text that is taken for spam, and requests that only a mistake of ours makes.
        10001..=10004 | 10006 | 10014..=10016 | 40002 | 40003 | 40007 | 40009 | 40013 | 40015 | 40305 => {
            (Reason::Misconfigured, Scope::Route)
        }
        _ => return None,
    };
    Some(Rejection { reason, scope, retry_after: None })
}
