//! MessageBird, now Bird: texts by its classic REST API. <https://developers.messagebird.com/api/sms-messaging/>, read 2026-11.
//!
//! Receipts come as a GET whose query tells everything, signed by a token (JWT, HS256 to HS512) that holds a hash of the whole
//! address and of the body. The token lives for a minute; within it a replay is possible and harmless, since states only
//! move forward. Without a `reference` no receipt is sent; the address of the receipt names the attempt.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::{amount, jwt, prelude::*};

/// The kind `messagebird`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "messagebird",
    channels: &[Channel::Sms],
    summary: "MessageBird (Bird) texts, by its classic API",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::secret("access_key", "a live access key of the account").required(),
        KeyInfo::secret("signing_key", "the account's signing key, which verifies receipts").required(),
        KeyInfo::text("originator", "the sender: a number, or up to 11 letters and digits").required(),
        KeyInfo::text("base_url", "the API's address; https://rest.messagebird.com unless set"),
        usual::PLAIN_HTTP,
    ],
    sample: r#"[[provider]]
name = "messagebird"
kind = "messagebird"
channels = ["sms"]
access_key_file = "/run/secrets/messagebird"
signing_key_file = "/run/secrets/messagebird-signing"
originator = "Acme"
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    access_key: SecretString,
    signing_key: SecretString,
    originator: String,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct MessageBird {
    base: Url,
    authorization: HeaderValue,
    config: Config,
}

fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: Config = draft.read()?;
    usual::takes_no_dlt_ids(draft)?;
    usual::sender(draft, "originator", &config.originator)?;
    let usual_base = "https://rest.messagebird.com";
    let base = draft.base_url(config.base_url.as_deref(), usual_base, config.plain_http)?;
    let authorization = usual::credential(draft, "access_key", "AccessKey ", &config.access_key)?;
    Ok(Arc::new(draft.over_http(MessageBird { base, authorization, config })))
}

impl Adapter for MessageBird {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let number = loose::digits(&message.to).ok_or(usual::NOT_OURS)?;
        let body = json!({
            "originator": self.config.originator.trim_start_matches('+'), "recipients": [number],
            "body": message.text.expose(), "datacoding": "auto", "validity": message.expires_in.as_secs().max(1),
            // How long it may be is not said, so it is the short name of the attempt.
            "reference": message.attempt.to_string(), "reportUrl": message.links.receipts,
        });
        Ok(usual::post(&self.base, "messages", &self.authorization, body))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        let answer = response.json().unwrap_or(Value::Null);
        if let Some(error) = answer.pointer("/errors/0") {
            let field = loose::at(error, "/parameter").unwrap_or_default();
            let known = loose::number(&error["code"]).and_then(|code| outcome_of(code, &field));
            let told = json!({ "status": response.status, "error": error });
            return Sent::new(usual::refusal(response, at, known), &told.to_string());
        }
        usual::taken(response, at, loose::at(&answer, "/id"))
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        Some(self)
    }

    fn balance(&self) -> Option<HttpRequest> {
        Some(usual::get(&self.base, "balance", &self.authorization))
    }

    fn balance_in(&self, answer: &HttpResponse) -> Option<Balance> {
        let told: Value = answer.json().filter(|_| answer.is_success())?;
        let micros = amount::micros(&loose::at(&told, "/amount")?)?;
        Some(Balance { micros, unit: loose::at(&told, "/type")? })
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![self.config.access_key.clone(), self.config.signing_key.clone()]
    }
}

/// What a code means; `None`: we do not know it.
fn outcome_of(code: u32, field: &str) -> Option<Outcome> {
    Some(match code {
        9 | 10 if field.starts_with("recipient") => Outcome::rejected(Reason::InvalidRecipient),
        // The sender, and requests that only a mistake of ours makes.
        9 | 10 | 20 | 21 => Outcome::rejected_for(Reason::Misconfigured, Scope::Route),
        // The key, and an address that is not the API's.
        2 | 98 => Outcome::rejected(Reason::Misconfigured),
        25 => Outcome::rejected(Reason::OutOfCredit),
        99 => Outcome::rejected(Reason::Unavailable),
        // It has this message already, and it was sent once: something on the way repeated it.
        101 => Outcome::Unknown,
        _ => return None,
    })
}

/// What the token of a callback says.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    nbf: i64,
    exp: i64,
    url_hash: String,
    payload_hash: Option<String>,
}

impl Receipts for MessageBird {
    fn is_signed(&self) -> bool {
        true
    }

    fn receive(&self, callback: &Callback, _fetched: &[HttpResponse], at: Timestamp) -> Received {
        let token = usual::signed_header(callback, "messagebird-signature-jwt")?;
        let claims: Claims = jwt::verified_hs(token, &self.config.signing_key)
            .ok_or(CallbackRefused::Forged("another signature"))?;
        let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
        let body = (!callback.body.is_empty()).then(|| hash(&callback.body));
        if claims.iss != "MessageBird"
            || claims.url_hash != hash(callback.url.as_bytes())
            || claims.payload_hash != body
        {
            return Err(CallbackRefused::Forged("it signs something else"));
        }
        // A second of leeway, as the vendor's own library has.
        let now = at.as_millis().div_euclid(1000);
        if claims.nbf > now.saturating_add(1) || claims.exp < now.saturating_sub(1) {
            return Err(CallbackRefused::Forged("too old"));
        }
        let query = form_urlencoded::parse(callback.query().as_bytes()).into_owned().collect();
        Ok(usual::heard(receipt(callback, &query).map(VendorEvent::Receipt)))
    }
}

fn receipt(callback: &Callback, query: &BTreeMap<String, String>) -> Option<Receipt> {
    let field = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let state = match field("status") {
        "scheduled" | "buffered" | "sent" => ReceiptState::OnItsWay,
        "delivered" => ReceiptState::Delivered,
        "expired" => ReceiptState::Undelivered,
        "delivery_failed" => ReceiptState::Failed,
        _ => return None,
    };
    let (code, why) = (field("statusErrorCode"), loose::words(field("statusReason")));
    let arrives = matches!(state, ReceiptState::OnItsWay | ReceiptState::Delivered);
    let reason = match code {
        _ if arrives => None,
        "103" => Some(Reason::OptedOut),
        _ if loose::says(&why, &["opted out"]) => Some(Reason::OptedOut),
        _ if loose::says(&why, &["unknown subscriber", "incorrect number"]) => Some(Reason::InvalidRecipient),
        _ => None,
    };
    let rejection = reason.map(|reason| Rejection { reason, scope: Scope::Recipient, retry_after: None });
    let about = usual::about(callback, query.get("id").cloned())?;
    let price = usual::price(field("price[amount]"), field("price[currency]"));
    let response =
        json!({ "status": field("status"), "statusReason": why, "statusErrorCode": loose::words(code) });
    Some(Receipt { about, state, rejection, price, response: response.to_string() })
}
