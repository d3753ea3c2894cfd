//! SendGrid, Web API v3. <https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send>, read 2026-11.
//!
//! The answer to a mail that was taken is empty; its id is in a header. A wrong key and an account without credit have the
//! same status, so the message is looked at. It has no idempotency key: a message that got no answer is `Unknown`.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::Outcome,
    ports::{
        Provider,
        provider::{Balance, Checkup, Errand, Message, NoticeMail, Sent},
    },
    secret::SecretString,
};
use http::HeaderValue;
use lettre::message::Mailbox;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::{
    answer::{Credits, Domain, Failures, Scopes},
    receipts::Signed,
};
use crate::{
    adapter::{Adapter, Receipts},
    address,
    email::{AUTOMATIC, Mail, REFERENCE, mailbox, one_line},
    exchange::{HttpRequest, HttpResponse, bearer},
    registry::{BuildError, Draft, Form, KeyInfo, KindInfo},
    usual,
};

mod answer;
mod receipts;

/// What a key must be allowed to.
const SEND: &str = "mail.send";

/// The kind `sendgrid`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "sendgrid",
    channels: &[Channel::Email],
    summary: "SendGrid mail",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::secret("api_key", "an API key that may send mail").required(),
        KeyInfo::text("from", "the sender, as Acme <login@acme.example>").required(),
        KeyInfo::text("reply_to", "where answers go, if not to from"),
        KeyInfo::text(
            "webhook_public_key",
            "the verification key of the signed event webhook; without it no receipts are heard",
        ),
        KeyInfo::text("base_url", "the API's address; https://api.sendgrid.com unless set"),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "sendgrid"
kind = "sendgrid"
channels = ["email"]
api_key_file = "/run/secrets/sendgrid"
from = "Acme <login@acme.example>"
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    api_key: SecretString,
    from: String,
    reply_to: Option<String>,
    webhook_public_key: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct SendGrid {
    base: Url,
    authorization: HeaderValue,
    secret: SecretString,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    receipts: Option<Signed>,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let adapter = SendGrid::new(draft, draft.read()?)?;
    Ok(Arc::new(draft.over_http(adapter)))
}

impl SendGrid {
    fn new(draft: &Draft<'_>, config: Config) -> Result<Self, BuildError> {
        let base =
            draft.base_url(config.base_url.as_deref(), "https://api.sendgrid.com", config.plain_http)?;
        let authorization = bearer(&config.api_key)
            .map_err(|_| draft.wrong("api_key", "holds a character that no header can", "copy it again"))?;
        let receipts = config.webhook_public_key.as_deref().map(|text| {
            Signed::with(text).ok_or_else(|| {
                draft.wrong(
                    "webhook_public_key",
                    "is not the base64 of a P-256 key",
                    "copy the verification key of the signed event webhook from SendGrid's console",
                )
            })
        });
        Ok(Self {
            base,
            authorization,
            secret: config.api_key,
            from: mailbox(draft, "from", &config.from)?,
            reply_to: config.reply_to.as_deref().map(|text| mailbox(draft, "reply_to", text)).transpose()?,
            receipts: receipts.transpose()?,
        })
    }

    fn get(&self, path: &str) -> HttpRequest {
        HttpRequest::get(address::below(&self.base, path)).authorized(&self.authorization)
    }

    fn post(&self, path: &str, body: &Value) -> HttpRequest {
        HttpRequest::json(address::below(&self.base, path), body.to_string().into_bytes())
            .authorized(&self.authorization)
    }
}

fn person(mailbox: &Mailbox) -> Value {
    let mut person = json!({ "email": mailbox.email.to_string() });
    if let Some(name) = &mailbox.name {
        person["name"] = json!(name);
    }
    person
}

impl SendGrid {
    fn mail(&self, mail: &Mail<'_>) -> HttpRequest {
        // Plain text comes first, or SendGrid refuses the mail.
        let mut content = vec![json!({ "type": "text/plain", "value": mail.text })];
        if let Some(html) = mail.html {
            content.push(json!({ "type": "text/html", "value": html }));
        }
        let headers: Map<String, Value> =
            AUTOMATIC.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let mut to = json!({ "to": [{ "email": mail.to.expose() }] });
        if let Some(reference) = mail.reference() {
            to["custom_args"] = json!({ REFERENCE: reference });
        }
        let mut body = json!({
            "personalizations": [to],
            "from": person(&self.from),
            "subject": one_line(mail.subject),
            "content": content,
            "headers": headers,
            // Tracking would put remote pictures and foreign links into the mail.
            "tracking_settings": {
                "click_tracking": { "enable": false, "enable_text": false },
                "open_tracking": { "enable": false },
            },
        });
        if let Some(reply_to) = &self.reply_to {
            body["reply_to"] = person(reply_to);
        }
        self.post("v3/mail/send", &body)
    }
}

impl Adapter for SendGrid {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        Mail::of(message).map(|mail| self.mail(&mail)).ok_or(usual::NOT_OURS)
    }

    fn notice(&self, notice: &NoticeMail) -> Option<Result<HttpRequest, Outcome>> {
        Some(Mail::of_notice(notice).map(|mail| self.mail(&mail)).ok_or(usual::NOT_OURS))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        answer::outcome(response, at)
    }

    fn questions(&self) -> Vec<HttpRequest> {
        vec![self.get("v3/scopes"), self.get("v3/user/credits")]
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        let ill = |finding: String, fix: &str| Checkup { well: false, finding, fix: Some(fix.to_owned()) };
        let Some(scopes) = answers.first() else { return ill("not asked".to_owned(), "report this") };
        if !scopes.is_success() {
            let finding =
                Failures::read(scopes).map_or_else(|| scopes.raw(), |told| told.told(scopes.status));
            return ill(finding, "check api_key, and base_url for an account in the EU");
        }
        let Some(Scopes { scopes }) = scopes.json() else {
            return ill(scopes.raw(), "check base_url: this does not look like SendGrid");
        };
        if !scopes.iter().any(|scope| scope == SEND) {
            return ill("the key may not send mail".to_owned(), "give the API key the scope mail.send");
        }
        // A key that may send and nothing else is as it should be.
        match answers.get(1).and_then(Credits::read) {
            Some(credits) => {
                Checkup { well: true, finding: format!("the key may send, {credits}"), fix: None }
            }
            None => {
                Checkup { well: true, finding: "the key may send, credits not shown".to_owned(), fix: None }
            }
        }
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        self.receipts.as_ref().map(|signed| signed as &dyn Receipts)
    }

    fn balance(&self) -> Option<HttpRequest> {
        Some(self.get("v3/user/credits"))
    }

    fn balance_in(&self, answer: &HttpResponse) -> Option<Balance> {
        Credits::read(answer)?.balance()
    }

    fn errand(&self, errand: &Errand) -> Option<Vec<HttpRequest>> {
        let Errand::VerifySender(sender) = errand else { return None };
        let domain = sender.rsplit('@').next().unwrap_or_default();
        Some(vec![
            self.post("v3/whitelabel/domains", &json!({ "domain": domain, "automatic_security": true })),
        ])
    }

    fn errand_done(&self, _errand: &Errand, answers: &[HttpResponse]) -> Checkup {
        let [answer] = answers else {
            return Checkup { well: false, finding: "not asked".to_owned(), fix: None };
        };
        match answer.json::<Domain>().filter(|_| answer.is_success()) {
            Some(domain) => Checkup { well: true, finding: domain.told(), fix: None },
            None => Checkup {
                well: false,
                finding: Failures::read(answer).map_or_else(|| answer.raw(), |told| told.told(answer.status)),
                fix: Some("check the sender, and that the key has the scope whitelabel.create".to_owned()),
            },
        }
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![self.secret.clone()]
    }
}
