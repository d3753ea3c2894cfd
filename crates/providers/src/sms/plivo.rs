//! Plivo: texts by its Message API and calls by its Voice API, v1.
//! <https://www.plivo.com/docs/messaging/api/message/send-a-message> and
//! <https://www.plivo.com/docs/voice/api/call/make-a-call>, read 2026-11.
//!
//! Neither takes an idempotency key: what got no answer is `Unknown` and is not sent again here. Credit, opt-outs and
//! routes that end nowhere show in the receipt, after an acceptance. A call carries no code: Plivo asks for its script
//! when somebody answers, and is told the code when that person presses a key.

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
use http::HeaderValue;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use self::{
    answer::{Account, Failure, Taken},
    receipts::Signed,
};
use crate::{
    adapter::{Adapter, Receipts},
    address,
    exchange::{HttpRequest, HttpResponse, basic},
    registry::{BuildError, Dlt, Draft, Form, KeyInfo, KindInfo},
    status,
    usual::{ill, well},
};

mod answer;
mod code;
mod receipts;
mod signature;

/// The kind `plivo`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "plivo",
    channels: &[Channel::Sms, Channel::Voice],
    summary: "Plivo: texts and calls",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::text("auth_id", "the account or sub-account, MA or SA and 18 characters").required(),
        KeyInfo::secret("auth_token", "its token, which also verifies callbacks").required(),
        KeyInfo::text(
            "from",
            "the sender of texts and calls: a number with its country code; for texts also a short code, or up to 11 letters and digits",
        ),
        KeyInfo::text("powerpack_uuid", "a Powerpack that picks the sender of texts, instead of from"),
        KeyInfo::text("base_url", "the API's address; https://api.plivo.com unless set"),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "plivo-main"
kind = "plivo"
channels = ["sms"]
auth_id = "MA000000000000000000"
auth_token_file = "/run/secrets/plivo"
from = "+14155550100"
"#,
    build,
};

/// How long a telephone rings, in seconds: about six rings, so that a voicemail box seldom answers.
const RINGS_FOR: u32 = 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    auth_id: String,
    auth_token: SecretString,
    from: Option<String>,
    powerpack_uuid: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct Plivo {
    messages: Url,
    calls: Url,
    account: Url,
    authorization: HeaderValue,
    from: Option<String>,
    powerpack: Option<String>,
    dlt: Option<Dlt>,
    signed: Signed,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let Config { auth_id, auth_token, from, powerpack_uuid, base_url, plain_http } = draft.read()?;
    let is_account = auth_id.len() == 20 && (auth_id.starts_with("MA") || auth_id.starts_with("SA"));
    if !is_account || !auth_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        let problem = "is not MA or SA and 18 letters and digits";
        return Err(draft.wrong("auth_id", problem, "copy it from Plivo's console"));
    }
    let carries = |channel| draft.config.channels.contains(&channel);
    let from = from.map(|from| from.trim_start_matches('+').to_owned());
    if carries(Channel::Sms) && from.is_none() && powerpack_uuid.is_none() {
        return Err(draft.wrong("from", "is missing", "set from, or powerpack_uuid"));
    }
    if from.as_deref().is_some_and(|from| !is_sender(from)) {
        return Err(draft.wrong(
            "from",
            "is no sender",
            "a number such as +14155550100, or up to 11 letters and digits",
        ));
    }
    if carries(Channel::Voice) && !from.as_deref().is_some_and(is_number) {
        let problem = "is no number, and voice needs one";
        return Err(draft.wrong("from", problem, "a number of the account, such as +14155550100"));
    }
    let is_uuid = |text: &String| text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if powerpack_uuid.as_ref().is_some_and(|uuid| uuid.len() != 36 || !is_uuid(uuid)) {
        return Err(draft.wrong("powerpack_uuid", "is not a UUID", "copy it from Plivo's console"));
    }
    let base = draft.base_url(base_url.as_deref(), "https://api.plivo.com", plain_http)?;
    let authorization = basic(&auth_id, &auth_token)
        .map_err(|_| draft.wrong("auth_token", "holds a character that no header can", "copy it again"))?;
    // The slash at the end counts.
    let below = |path: &str| address::below(&base, &format!("v1/Account/{auth_id}/{path}"));
    Ok(Arc::new(draft.over_http(Plivo {
        messages: below("Message/"),
        calls: below("Call/"),
        account: below(""),
        authorization,
        from,
        powerpack: powerpack_uuid,
        dlt: draft.config.dlt.clone(),
        signed: Signed(auth_token),
    })))
}

fn is_number(text: &str) -> bool {
    (7..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_sender(text: &str) -> bool {
    is_number(text)
        || ((3..=11).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

impl Plivo {
    fn post(&self, url: &Url, body: &Value) -> HttpRequest {
        HttpRequest::json(url.clone(), body.to_string().into_bytes()).authorized(&self.authorization)
    }

    fn text(&self, message: &Message, number: &PhoneNumber) -> Option<HttpRequest> {
        let mut body = json!({
            "dst": digits(number),
            "text": message.text.expose(),
            "type": "sms",
            // Plivo keeps neither the text nor the whole number.
            "log": "false",
            // The least and the most that it takes.
            "message_expiry": message.expires_in.as_secs().clamp(5, 10_799),
        });
        if let Some(url) = &message.links.receipts {
            body["url"] = json!(url);
            body["method"] = json!("POST");
        }
        let indian = number.region().is_some_and(|region| region.as_str() == "IN");
        match (&self.dlt, &self.powerpack, &self.from) {
            (Some(Dlt::Ids { entity, header, template }), ..) if indian => {
                body["src"] = json!(header);
                body["dlt_entity_id"] = json!(entity);
                body["dlt_template_id"] = json!(template);
            }
            (_, Some(powerpack), _) => body["powerpack_uuid"] = json!(powerpack),
            (_, None, Some(from)) => body["src"] = json!(from),
            (_, None, None) => return None,
        }
        Some(self.post(&self.messages, &body))
    }

    fn call(&self, message: &Message, number: &PhoneNumber) -> Option<HttpRequest> {
        let mut body = json!({
            "from": self.from.as_ref()?,
            "to": digits(number),
            "answer_url": message.links.voice.as_ref()?.expose(),
            "answer_method": "POST",
            "ring_timeout": RINGS_FOR,
        });
        if let Some(url) = &message.links.receipts {
            body["hangup_url"] = json!(url);
            body["hangup_method"] = json!("POST");
        }
        Some(self.post(&self.calls, &body))
    }
}

/// The number as Plivo writes it.
fn digits(number: &PhoneNumber) -> &str {
    number.expose().trim_start_matches('+')
}

impl Adapter for Plivo {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let request = match (message.channel, &message.to) {
            (Channel::Sms, Recipient::Phone(number)) => self.text(message, number),
            (Channel::Voice, Recipient::Phone(number)) => self.call(message, number),
            _ => None,
        };
        request.ok_or(Outcome::rejected_for(Reason::Misconfigured, Scope::Route))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        if response.is_success() {
            return match response.json::<Taken>() {
                Some(taken) => taken.outcome(response.status),
                None => Sent::new(Outcome::Unknown, &response.raw()),
            };
        }
        match response.json::<Failure>() {
            Some(failure) => {
                let outcome =
                    failure.outcome(response.status).unwrap_or_else(|| status::outcome(response, at));
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
        vec![HttpRequest::get(self.account.clone()).authorized(&self.authorization)]
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        let Some(answer) = answers.first() else {
            return ill("not asked".to_owned(), "report this");
        };
        if !answer.is_success() {
            let told = answer.json::<Failure>().map(|failure| failure.told(answer.status));
            return ill(told.unwrap_or_else(|| answer.raw()), "check auth_id and auth_token");
        }
        match answer.json::<Account>() {
            None => ill(answer.raw(), "check base_url: this does not look like Plivo"),
            Some(account) if account.is_used_up() => {
                ill(format!("active, {account}"), "top the account up, or set auto recharge")
            }
            Some(account) if account.is_trial() => {
                ill(format!("a trial account, {account}: it reaches verified numbers alone"), "buy credit")
            }
            Some(account) => well(format!("active, {account}")),
        }
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        Some(&self.signed)
    }

    fn speaker(&self) -> Option<&dyn Speaker> {
        Some(&self.signed)
    }

    fn balance(&self) -> Option<HttpRequest> {
        self.questions().pop()
    }

    fn balance_in(&self, answer: &HttpResponse) -> Option<Balance> {
        answer.json::<Account>()?.balance()
    }

    fn secrets(&self) -> Vec<SecretString> {
        let header = self.authorization.to_str().unwrap_or_default();
        let pair = header.strip_prefix("Basic ").unwrap_or_default().to_owned();
        vec![self.signed.0.clone(), SecretString::new(pair)]
    }
}
