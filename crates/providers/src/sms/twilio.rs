//! Twilio: texts and WhatsApp by Programmable Messaging, calls by Programmable Voice, API 2010-04-01.
//! <https://www.twilio.com/docs/messaging/api/message-resource>, <https://www.twilio.com/docs/whatsapp/api> and
//! <https://www.twilio.com/docs/voice/api/call-resource>, read 2026-11.
//!
//! The answer to a send repeats the text and with it the code, so only named fields of it are kept. A message has no
//! idempotency key: one that got no answer is `Unknown` and is not sent again here. A call carries no code: Twilio asks
//! for its script when somebody answers, and is told the code when that person presses a key. So no answering machine
//! needs to be told from a person, which would cost time and money and be wrong at times.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::{
        Provider,
        provider::{Balance, Checkup, Message, Sent, Speaker},
    },
    recipient::{PhoneNumber, Recipient},
    secret::SecretString,
};
use reqwest::Url;
use serde_json::json;

use self::{
    account::{Credentials, Senders, is_number},
    answer::{Credit, Resource},
    receipts::Signed,
};
use crate::{
    adapter::{Adapter, Receipts},
    address,
    exchange::{HttpRequest, HttpResponse},
    registry::{BuildError, Draft, Form, KeyInfo, KindInfo},
    status,
    twilio_account::Failure,
};

mod account;
mod answer;
mod checkup;
mod code;
mod receipts;

/// The kind `twilio`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "twilio",
    channels: &[Channel::Sms, Channel::Whatsapp, Channel::Voice],
    summary: "Twilio: texts, WhatsApp and calls",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::text("account_sid", "the account, AC and 32 characters").required(),
        KeyInfo::secret("auth_token", "the account's token; beside an API key it only verifies callbacks"),
        KeyInfo::text("api_key", "an API key, SK and 32 characters, instead of auth_token"),
        KeyInfo::secret("api_secret", "the secret of api_key"),
        KeyInfo::text(
            "from",
            "the sender of texts and calls: a number in E.164 form; for texts also a short code, or up to 11 letters and digits",
        ),
        KeyInfo::text(
            "messaging_service_sid",
            "a messaging service, MG and 32 characters, instead of or beside from",
        ),
        KeyInfo::text("whatsapp_from", "the sender of WhatsApp messages, a number in E.164 form"),
        KeyInfo::text("content_sid", "the approved WhatsApp authentication template, HX and 32 characters"),
        KeyInfo::of(
            Form::Table,
            "content_sids",
            "templates of further languages, such as { hi = \"HX...\" }",
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

/// How long a telephone rings, in seconds: about six rings, so that a voicemail box seldom answers.
const RINGS_FOR: &str = "30";

struct Twilio {
    messages: Url,
    calls: Url,
    account: Url,
    balance: Url,
    numbers: Option<Url>,
    credentials: Credentials,
    senders: Senders,
    signed: Option<Signed>,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: account::Config = draft.read()?;
    let credentials = Credentials::new(draft, &config)?;
    let base = draft.base_url(config.base_url.as_deref(), "https://api.twilio.com", config.plain_http)?;
    let account = format!("2010-04-01/Accounts/{}", config.account_sid);
    let below = |path: &str| address::below(&base, &format!("{account}{path}"));
    let signed = config.auth_token.clone().map(Signed);
    let senders = Senders::new(draft, config)?;
    let numbers = senders.from.as_ref().filter(|from| is_number(from)).map(|from| {
        let mut url = below("/IncomingPhoneNumbers.json");
        url.query_pairs_mut().append_pair("PhoneNumber", from);
        url
    });
    Ok(Arc::new(draft.over_http(Twilio {
        messages: below("/Messages.json"),
        calls: below("/Calls.json"),
        account: below(".json"),
        balance: below("/Balance.json"),
        numbers,
        credentials,
        senders,
        signed,
    })))
}

impl Twilio {
    fn post(&self, url: &Url, fields: &[(&str, &str)]) -> HttpRequest {
        HttpRequest::form(url.clone(), fields).authorized(&self.credentials.authorization)
    }

    fn get(&self, url: &Url) -> HttpRequest {
        HttpRequest::get(url.clone()).authorized(&self.credentials.authorization)
    }

    /// Where receipts go, if anybody could verify them.
    fn callback<'a>(&self, message: &'a Message) -> Option<(&'static str, &'a str)> {
        let url = message.links.receipts.as_deref().filter(|_| self.signed.is_some());
        url.map(|url| ("StatusCallback", url))
    }

    fn text(&self, message: &Message, number: &PhoneNumber) -> HttpRequest {
        let attempt = message.number.to_string();
        let validity = validity(message);
        let mut fields = vec![("To", number.expose()), ("Body", message.text.expose())];
        fields.extend(self.senders.from.as_deref().map(|from| ("From", from)));
        fields.extend(self.senders.messaging_service_sid.as_deref().map(|sid| ("MessagingServiceSid", sid)));
        fields.extend(self.callback(message));
        fields.extend([("ValidityPeriod", validity.as_str()), ("Attempt", attempt.as_str())]);
        self.post(&self.messages, &fields)
    }

    fn whatsapp(&self, message: &Message, number: &PhoneNumber) -> Option<HttpRequest> {
        let to = format!("whatsapp:{}", number.expose());
        let variables = json!({ "1": message.code.expose() }).to_string();
        let validity = validity(message);
        let mut fields = vec![("To", to.as_str())];
        fields.push(match (&self.senders.whatsapp_from, &self.senders.messaging_service_sid) {
            (Some(from), _) => ("From", from),
            (None, Some(sid)) => ("MessagingServiceSid", sid),
            (None, None) => return None,
        });
        fields.push(("ContentSid", self.senders.template(&message.locale)?));
        fields.push(("ContentVariables", &variables));
        fields.extend(self.callback(message));
        fields.push(("ValidityPeriod", &validity));
        Some(self.post(&self.messages, &fields))
    }

    fn call(&self, message: &Message, number: &PhoneNumber) -> Option<HttpRequest> {
        let (from, script) = (self.senders.from.as_deref()?, message.links.voice.as_ref()?);
        let mut fields = vec![("To", number.expose()), ("From", from), ("Url", script.expose())];
        fields.extend(self.callback(message));
        fields.push(("Timeout", RINGS_FOR));
        Some(self.post(&self.calls, &fields))
    }
}

/// How long Twilio may hold the message back.
fn validity(message: &Message) -> String {
    message.expires_in.as_secs().clamp(1, 36_000).to_string()
}

impl Adapter for Twilio {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let request = match (message.channel, &message.to) {
            (Channel::Sms, Recipient::Phone(number)) => Some(self.text(message, number)),
            (Channel::Whatsapp, Recipient::Phone(number)) => self.whatsapp(message, number),
            (Channel::Voice, Recipient::Phone(number)) => self.call(message, number),
            _ => None,
        };
        request.ok_or(Outcome::rejected_for(Reason::Misconfigured, Scope::Route))
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
                let known = failure.code().and_then(code::outcome);
                let outcome = known.unwrap_or_else(|| match response.status {
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
        [Some(&self.account), Some(&self.balance), self.numbers.as_ref()]
            .into_iter()
            .flatten()
            .map(|url| self.get(url))
            .collect()
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        checkup::read(answers)
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        self.signed.as_ref().map(|signed| signed as &dyn Receipts)
    }

    fn speaker(&self) -> Option<&dyn Speaker> {
        self.signed.as_ref().map(|signed| signed as &dyn Speaker)
    }

    fn balance(&self) -> Option<HttpRequest> {
        Some(self.get(&self.balance))
    }

    fn balance_in(&self, answer: &HttpResponse) -> Option<Balance> {
        answer.json::<Credit>()?.balance()
    }

    fn secrets(&self) -> Vec<SecretString> {
        self.credentials.secrets.clone()
    }
}
