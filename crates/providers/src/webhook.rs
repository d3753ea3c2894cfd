//! Any vendor by one signed POST with a JSON body: the operator's own gateway, or a few lines before a vendor that has
//! no file here. Signed by the Standard Webhooks scheme. <https://www.standardwebhooks.com>, read 2026-11.
//!
//! The receiver answers 2xx with an empty body, or with
//! `{"id", "outcome", "scope", "retry_after_seconds", "price", "message"}`, all optional; `outcome` is `accepted` unless
//! it says another word of ours. A 2xx with any other body is `Unknown`. `webhook-id` is the attempt's id, so a receiver
//! can tell a repetition, though we never send one.

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    id::VerificationId,
    outcome::{Outcome, Reason, Scope},
    ports::{
        Provider,
        provider::{Checkup, Message, Sent},
    },
    secret::SecretString,
};
use http::{HeaderName, HeaderValue};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::signature::SigningKey;
use crate::{
    adapter::Adapter,
    address,
    exchange::{HttpRequest, HttpResponse},
    registry::{BuildError, Draft, Form, KeyInfo, KindInfo},
    status,
};

pub(crate) mod signature;

/// The longest that a receiver's word on when to come back is believed.
const RETRY_AFTER_MAX: u64 = 24 * 60 * 60;

/// The kind `webhook`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "webhook",
    channels: &Channel::ALL,
    summary: "any vendor by one signed POST to an address of yours",
    paid: false,
    development_only: false,
    keys: &[
        KeyInfo::text("url", "the address that takes messages, https").required(),
        KeyInfo::secret(
            "secret",
            "whsec_ and the base64 of 24 to 64 random bytes; the receiver verifies with it",
        )
        .required(),
        KeyInfo::of(Form::Flag, "plain_http", "true lets url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "gateway"
kind = "webhook"
channels = ["sms"]
url = "https://gateway.acme.example/codes"
secret_file = "/run/secrets/gateway"  # whsec_...
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    url: String,
    secret: SecretString,
    #[serde(default)]
    plain_http: bool,
}

struct Webhook {
    url: Url,
    key: SigningKey,
    secret: SecretString,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: Config = draft.read()?;
    let key = SigningKey::parse(&config.secret).ok_or_else(|| {
        draft.wrong("secret", "is not a signing secret", "whsec_ and the base64 of 24 to 64 random bytes")
    })?;
    let url = address::parse(&config.url, config.plain_http).map_err(|problem| {
        draft.wrong("url", problem, "use https, or plain_http = true in a trusted network")
    })?;
    let adapter = Webhook { url, key, secret: config.secret };
    Ok(Arc::new(draft.over_http(adapter)))
}

impl Adapter for Webhook {
    fn request(&self, message: &Message, at: Timestamp) -> Result<HttpRequest, Outcome> {
        let id = message.attempt.to_string();
        let body = Send {
            data: Data {
                attempt: message.number,
                attempt_id: &id,
                brand: &message.brand,
                channel: message.channel.as_str(),
                code: message.code.expose(),
                expires_in_seconds: message.expires_in.as_secs(),
                locale: &message.locale,
                subject: &message.subject,
                text: message.text.expose(),
                to: message.to.expose(),
                verification_id: message.verification,
            },
            timestamp: at.to_rfc3339(),
            r#type: "message.send",
        };
        let body = serde_json::to_vec(&body).map_err(|_| Outcome::rejected(Reason::Misconfigured))?;
        let seconds = at.as_millis().div_euclid(1000);
        let signature = self.key.sign(&id, seconds, &body);
        let header =
            |value: &str| HeaderValue::from_str(value).map_err(|_| Outcome::rejected(Reason::Misconfigured));
        Ok(HttpRequest::json(self.url.clone(), body)
            .with(HeaderName::from_static("webhook-id"), header(&id)?)
            .with(HeaderName::from_static("webhook-timestamp"), HeaderValue::from(seconds))
            .with(HeaderName::from_static("webhook-signature"), header(&signature)?))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        if response.is_success() && response.bytes().is_some_and(|bytes| bytes.trim_ascii().is_empty()) {
            return Sent::new(Outcome::Accepted { vendor_id: None }, &response.status.to_string());
        }
        let answer = response.json::<Answer>();
        let outcome = match &answer {
            Some(answer) if response.is_success() => answer.outcome("accepted"),
            // A failure cannot say that it was none.
            Some(answer) if answer.outcome.is_some() => match answer.outcome("unknown") {
                Outcome::Accepted { .. } => Outcome::Unknown,
                other => other,
            },
            _ if response.is_success() => Outcome::Unknown,
            _ => status::outcome(response, at),
        };
        match answer {
            Some(answer) => {
                let mut sent = Sent::new(outcome, &answer.told(response.status));
                sent.price = answer.price.filter(|price| is_price(price));
                sent
            }
            None => Sent::new(outcome, &response.raw()),
        }
    }

    fn questions(&self) -> Vec<HttpRequest> {
        vec![HttpRequest { method: http::Method::HEAD, ..HttpRequest::get(self.url.clone()) }]
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        // Any answer shows that somebody listens; nothing short of a message would show more.
        let status = answers.first().map_or(0, |answer| answer.status);
        let well = status < 500 && ![401, 403, 404].contains(&status);
        let fix = (!well).then(|| "see the receiver's own log".to_owned());
        Checkup { well, finding: format!("the receiver answers HEAD with {status}"), fix }
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![self.secret.clone()]
    }
}

/// What a receiver is sent.
#[derive(Serialize)]
struct Send<'a> {
    data: Data<'a>,
    timestamp: String,
    r#type: &'static str,
}

#[derive(Serialize)]
struct Data<'a> {
    attempt: u32,
    attempt_id: &'a str,
    brand: &'a str,
    channel: &'static str,
    code: &'a str,
    expires_in_seconds: u64,
    locale: &'a str,
    subject: &'a str,
    text: &'a str,
    to: &'a str,
    verification_id: VerificationId,
}

/// What a receiver may say.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    id: Value,
    outcome: Option<String>,
    scope: Option<Scope>,
    retry_after_seconds: Option<u64>,
    price: Option<String>,
    message: Option<String>,
}

impl Answer {
    fn outcome(&self, default: &str) -> Outcome {
        let word = self.outcome.as_deref().unwrap_or(default);
        if word == "accepted" {
            return Outcome::Accepted { vendor_id: self.id() };
        }
        let Ok(reason) = serde_json::from_value::<Reason>(Value::from(word)) else {
            return Outcome::Unknown;
        };
        let outcome = match self.scope {
            Some(scope) => Outcome::rejected_for(reason, scope),
            None => Outcome::rejected(reason),
        };
        let seconds = self.retry_after_seconds.map(|seconds| seconds.min(RETRY_AFTER_MAX));
        outcome.with_retry_after(seconds.map(Duration::from_secs))
    }

    fn id(&self) -> Option<String> {
        match &self.id {
            Value::String(id) if !id.is_empty() => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        }
    }

    fn told(&self, status: u16) -> String {
        json!({ "status": status, "id": self.id, "outcome": self.outcome, "message": self.message })
            .to_string()
    }
}

/// An amount and a currency, such as `0.0079 USD`.
fn is_price(text: &str) -> bool {
    text.split_once(' ').is_some_and(|(amount, currency)| {
        amount.parse::<f64>().is_ok_and(|amount| amount.is_finite() && amount >= 0.0)
            && currency.len() == 3
            && currency.bytes().all(|byte| byte.is_ascii_uppercase())
    })
}
