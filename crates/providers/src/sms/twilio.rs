//! Twilio Programmable Messaging, API 2010-04-01. <https://www.twilio.com/docs/messaging/api/message-resource>, read
//! 2026-11.
//!
//! The answer to a send repeats the text and with it the code, so only named fields of it are kept. A message has no
//! idempotency key: one that got no answer is `Unknown` and is not sent again here.

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
use reqwest::Url;
use serde::Deserialize;

use self::{
    answer::{Account, Credit, Failure, Resource},
    receipts::Signed,
};
use crate::{
    adapter::{Adapter, Receipts},
    address,
    exchange::{HttpRequest, HttpResponse, basic},
    registry::{BuildError, Draft, Form, KeyInfo, KindInfo},
    status,
};

mod answer;
mod code;
mod receipts;

/// The kind `twilio`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "twilio",
    channels: &[Channel::Sms],
    summary: "Twilio Programmable Messaging",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::text("account_sid", "the account, AC and 32 characters").required(),
        KeyInfo::secret("auth_token", "the account's token; or use api_key and api_secret"),
        KeyInfo::text("api_key", "an API key, SK and 32 characters, instead of auth_token"),
        KeyInfo::secret("api_secret", "the secret of api_key"),
        KeyInfo::text(
            "from",
            "the sender: a number in E.164 form, a short code, or up to 11 letters and digits",
        ),
        KeyInfo::text(
            "messaging_service_sid",
            "a messaging service, MG and 32 characters, instead of or beside from",
        ),
        KeyInfo::text("base_url", "the API's address; https://api.twilio.com unless set"),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "twilio-main"
kind = "twilio"
channels = ["sms"]
account_sid = "AC00000000000000000000000000000000"
auth_token_file = "/run/secrets/twilio"
from = "+14155550100"
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    account_sid: String,
    auth_token: Option<SecretString>,
    api_key: Option<String>,
    api_secret: Option<SecretString>,
    from: Option<String>,
    messaging_service_sid: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct Twilio {
    messages: Url,
    account: Url,
    balance: Url,
    authorization: HeaderValue,
    secret: SecretString,
    from: Option<String>,
    messaging_service_sid: Option<String>,
    receipts: Option<Signed>,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let adapter = Twilio::new(draft, draft.read()?)?;
    Ok(Arc::new(draft.over_http(adapter)))
}

impl Twilio {
    fn new(draft: &Draft<'_>, config: Config) -> Result<Self, BuildError> {
        if !is_sid(&config.account_sid, "AC") {
            return Err(draft.wrong(
                "account_sid",
                "is not AC and 32 letters and digits",
                "copy it from Twilio's console",
            ));
        }
        let receipts = config.auth_token.clone().map(Signed);
        let (user, secret) = match (config.auth_token, config.api_key, config.api_secret) {
            (Some(token), None, None) => (config.account_sid.clone(), token),
            (None, Some(key), Some(secret)) if is_sid(&key, "SK") => (key, secret),
            (None, Some(_), Some(_)) => {
                return Err(draft.wrong(
                    "api_key",
                    "is not SK and 32 letters and digits",
                    "copy it from Twilio's console",
                ));
            }
            _ => {
                return Err(draft.wrong(
                    "auth_token",
                    "is missing or not alone",
                    "set auth_token, or api_key and api_secret",
                ));
            }
        };
        let service = config.messaging_service_sid;
        if config.from.is_none() && service.is_none() {
            return Err(draft.wrong("from", "is missing", "set from, or messaging_service_sid"));
        }
        if service.as_ref().is_some_and(|sid| !is_sid(sid, "MG")) {
            return Err(draft.wrong(
                "messaging_service_sid",
                "is not MG and 32 letters and digits",
                "copy it from Twilio's console",
            ));
        }
        let base = draft.base_url(config.base_url.as_deref(), "https://api.twilio.com", config.plain_http)?;
        let authorization = basic(&user, &secret).map_err(|_| {
            draft.wrong("auth_token", "holds a character that no header can", "copy it again")
        })?;
        let below =
            |path: &str| address::below(&base, &format!("2010-04-01/Accounts/{}{path}", config.account_sid));
        Ok(Self {
            messages: below("/Messages.json"),
            account: below(".json"),
            balance: below("/Balance.json"),
            authorization,
            secret,
            from: config.from,
            messaging_service_sid: service,
            receipts,
        })
    }
}

impl Adapter for Twilio {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let Recipient::Phone(number) = &message.to else {
            return Err(Outcome::rejected_for(Reason::Misconfigured, Scope::Route));
        };
        let validity = message.expires_in.as_secs().clamp(1, 36_000).to_string();
        let attempt = message.number.to_string();
        let mut fields = vec![("To", number.expose()), ("Body", message.text.expose())];
        fields.extend(self.from.as_deref().map(|from| ("From", from)));
        fields.extend(self.messaging_service_sid.as_deref().map(|sid| ("MessagingServiceSid", sid)));
        let receipts = message.links.receipts.as_deref().filter(|_| self.receipts.is_some());
        fields.extend(receipts.map(|url| ("StatusCallback", url)));
        fields.extend([("ValidityPeriod", validity.as_str()), ("Attempt", attempt.as_str())]);
        Ok(HttpRequest::form(self.messages.clone(), &fields).authorized(&self.authorization))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        if response.is_success() {
            return match response.json::<Resource>() {
                Some(message) => message.outcome(),
                None => Sent::new(Outcome::Unknown, &response.raw()),
            };
        }
        match response.json::<Failure>() {
            Some(failure) => {
                let outcome = failure.outcome().unwrap_or_else(|| match response.status {
                    // Twilio formed this answer itself: it says that it failed.
                    500..=599 => Outcome::rejected(Reason::Unavailable),
                    _ => status::outcome(response, at),
                });
                let outcome = match status::retry_after(response, at) {
                    Some(span) => outcome.with_retry_after(Some(span)),
                    None => outcome,
                };
                Sent::new(outcome, &failure.told(response.status))
            }
            None => Sent::new(status::outcome(response, at), &response.raw()),
        }
    }

    fn questions(&self) -> Vec<HttpRequest> {
        [&self.account, &self.balance]
            .map(|url| HttpRequest::get(url.clone()).authorized(&self.authorization))
            .to_vec()
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        let ill = |finding: String, fix: &str| Checkup { well: false, finding, fix: Some(fix.to_owned()) };
        let Some(account) = answers.first() else {
            return ill("not asked".to_owned(), "report this");
        };
        if !account.is_success() {
            let finding = account
                .json::<Failure>()
                .map_or_else(|| account.raw(), |failure| failure.told(account.status));
            return ill(finding, "check account_sid and auth_token (or api_key and api_secret)");
        }
        let Some(status) = account.json::<Account>().map(|account| account.status) else {
            return ill(account.raw(), "check base_url: this does not look like Twilio");
        };
        if status != "active" {
            return ill(format!("the account is {status}"), "see Twilio's console");
        }
        // Sub-accounts may not ask for the balance; that says nothing about sending.
        match answers.get(1).and_then(HttpResponse::json::<Credit>) {
            Some(balance) if balance.is_used_up() => {
                ill(format!("active, balance {balance}"), "top the account up")
            }
            Some(balance) => Checkup { well: true, finding: format!("active, balance {balance}"), fix: None },
            None => Checkup { well: true, finding: "active, balance not shown".to_owned(), fix: None },
        }
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        self.receipts.as_ref().map(|signed| signed as &dyn Receipts)
    }

    fn balance(&self) -> Option<HttpRequest> {
        Some(HttpRequest::get(self.balance.clone()).authorized(&self.authorization))
    }

    fn balance_in(&self, answer: &HttpResponse) -> Option<Balance> {
        answer.json::<Credit>()?.balance()
    }

    fn secrets(&self) -> Vec<SecretString> {
        let header = self.authorization.to_str().unwrap_or_default();
        let pair = header.strip_prefix("Basic ").unwrap_or_default().to_owned();
        vec![self.secret.clone(), SecretString::new(pair)]
    }
}

fn is_sid(text: &str, prefix: &str) -> bool {
    text.len() == 34 && text.starts_with(prefix) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
