//! Telegram Gateway, for codes into Telegram by telephone number. <https://core.telegram.org/gateway/api>, read 2026-11.
//!
//! A code is sent at once, without `checkSendAbility`: that charges for the message in advance, so asking first saves nothing and costs a
//! round trip; the send itself refuses a number without Telegram free of charge. The status of an error is not documented: `ok` alone
//! tells. No call says what is left in the account, so the last answer that said it is remembered until a restart.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::{
        Provider,
        provider::{Balance, Checkup, Message, Sent},
    },
    recipient::Recipient,
    secret::SecretString,
};
use http::HeaderValue;
use parking_lot::Mutex;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use self::{answer::Answer, receipts::Reports};
use crate::{
    adapter::{Adapter, Receipts},
    address,
    amount::price,
    exchange::{HttpRequest, HttpResponse, bearer},
    registry::{BuildError, Draft, Form, KeyInfo, KindInfo},
    status,
};

mod answer;
mod receipts;

/// The kind `telegram-gateway`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "telegram-gateway",
    channels: &[Channel::Telegram],
    summary: "Telegram Gateway: codes into Telegram, by telephone number",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::secret("api_token", "the account's token").required(),
        KeyInfo::text("sender_username", "a verified channel of the account, as the sender"),
        KeyInfo::text("base_url", "the API's address; https://gatewayapi.telegram.org unless set"),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "telegram"
kind = "telegram-gateway"
channels = ["telegram"]
api_token_file = "/run/secrets/telegram"
"#,
    build,
};

/// The least and most that Telegram tries to deliver, in seconds.
const TTL: (u64, u64) = (30, 3600);
/// The fewest and most digits of a code.
const CODE: (usize, usize) = (4, 8);
/// The longest address for reports.
const CALLBACK_MAX: usize = 256;
/// A request that nobody made.
const NO_REQUEST: &str = "backstop-check-up";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    api_token: SecretString,
    sender_username: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct Gateway {
    send: Url,
    status: Url,
    authorization: HeaderValue,
    sender: Option<String>,
    reports: Reports,
    balance: Mutex<Option<Balance>>,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let adapter = Gateway::new(draft, draft.read()?)?;
    Ok(Arc::new(draft.over_http(adapter)))
}

impl Gateway {
    fn new(draft: &Draft<'_>, config: Config) -> Result<Self, BuildError> {
        let usual = "https://gatewayapi.telegram.org";
        let base = draft.base_url(config.base_url.as_deref(), usual, config.plain_http)?;
        let authorization = bearer(&config.api_token)
            .map_err(|_| draft.wrong("api_token", "holds a character that no header can", "copy it again"))?;
        let sender = config.sender_username.map(|name| name.trim_start_matches('@').to_owned());
        let is_name = |name: &String| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if sender.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(draft.wrong(
                "sender_username",
                "is not letters, digits and _",
                "write the channel's name like @acme",
            ));
        }
        Ok(Self {
            send: address::below(&base, "/sendVerificationMessage"),
            status: address::below(&base, "/checkVerificationStatus"),
            authorization,
            sender,
            reports: Reports { token: config.api_token },
            balance: Mutex::new(None),
        })
    }

    fn post(&self, url: &Url, body: &serde_json::Value) -> HttpRequest {
        HttpRequest::json(url.clone(), body.to_string().into_bytes()).authorized(&self.authorization)
    }
}

impl Adapter for Gateway {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let Recipient::Phone(number) = &message.to else {
            return Err(Outcome::rejected_for(Reason::Misconfigured, Scope::Route));
        };
        let code = message.code.expose();
        if !(CODE.0..=CODE.1).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            // Other codes can travel this way.
            return Err(Outcome::rejected_for(Reason::Misconfigured, Scope::Recipient));
        }
        let mut body = json!({
            "phone_number": number.expose(),
            "code": code,
            "ttl": message.expires_in.as_secs().clamp(TTL.0, TTL.1),
            "payload": message.reference.to_string(),
        });
        let takes = |url: &&String| url.len() <= CALLBACK_MAX && url.starts_with("https://");
        if let Some(url) = message.links.receipts.as_ref().filter(takes) {
            body["callback_url"] = json!(url);
        }
        if let Some(sender) = &self.sender {
            body["sender_username"] = json!(sender);
        }
        Ok(self.post(&self.send, &body))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        let Some(answer) = response.json::<Answer>() else {
            let outcome = match response.is_success() {
                true => Outcome::Unknown,
                false => status::outcome(response, at),
            };
            return Sent::new(outcome, &response.raw());
        };
        if let Some(balance) = answer.balance() {
            *self.balance.lock() = Some(balance);
        }
        answer.sent(response, at)
    }

    fn questions(&self) -> Vec<HttpRequest> {
        vec![self.post(&self.status, &json!({ "request_id": NO_REQUEST }))]
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        let ill = |finding: String, fix: &str| Checkup { well: false, finding, fix: Some(fix.to_owned()) };
        let Some(response) = answers.first() else { return ill("not asked".to_owned(), "report this") };
        let Some(answer) = response.json::<Answer>() else {
            return ill(response.raw(), "check base_url: this does not look like the Telegram Gateway");
        };
        if answer.refuses_the_token() || matches!(response.status, 401 | 403) {
            return ill(answer.told(response.status), "check api_token");
        }
        if response.status >= 500 {
            return ill(answer.told(response.status), "wait: Telegram says that it fails");
        }
        // It knows us, and no such request.
        let left = match self.balance_seen() {
            Some(Balance { micros, unit }) if micros <= 0 => {
                return ill(format!("the token is good, nothing is left ({unit})"), "top the account up");
            }
            Some(Balance { micros, unit }) => {
                format!("balance {}", price(micros, &unit).unwrap_or_default())
            }
            None => "balance told with the first message".to_owned(),
        };
        Checkup { well: true, finding: format!("the token is good, {left}"), fix: None }
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        Some(&self.reports)
    }

    fn balance_seen(&self) -> Option<Balance> {
        self.balance.lock().clone()
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![self.reports.token.clone()]
    }
}
