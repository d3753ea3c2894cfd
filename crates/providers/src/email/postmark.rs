//! Postmark. <https://postmarkapp.com/developer/api/email-api>, read 2026-11.
//!
//! Refusals carry a code of Postmark's own, most of them under one status. It has no idempotency key: a message that got no
//! answer is `Unknown`. Its webhooks are not signed, so the secret part of their address is all that tells them from others.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::Outcome,
    ports::{
        Provider,
        provider::{Checkup, Message, NoticeMail, Sent},
    },
    secret::SecretString,
};
use http::{HeaderName, HeaderValue, header::ACCEPT};
use lettre::message::Mailbox;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use self::receipts::Unsigned;
use crate::{
    adapter::{Adapter, Receipts},
    address,
    email::{AUTOMATIC, Mail, REFERENCE, mailbox, one_line},
    exchange::{HttpRequest, HttpResponse},
    registry::{BuildError, Draft, Form, KeyInfo, KindInfo},
    usual,
};

mod answer;
mod receipts;

const TOKEN: HeaderName = HeaderName::from_static("x-postmark-server-token");
/// The longest value that Postmark takes beside a mail.
const METADATA_MAX: usize = 80;

/// The kind `postmark`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "postmark",
    channels: &[Channel::Email],
    summary: "Postmark mail",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::secret("server_token", "the API token of the server that sends").required(),
        KeyInfo::text("from", "the sender, as Acme <login@acme.example>").required(),
        KeyInfo::text("reply_to", "where answers go, if not to from"),
        KeyInfo::text("message_stream", "the stream to send in; outbound unless set"),
        KeyInfo::text("base_url", "the API's address; https://api.postmarkapp.com unless set"),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "postmark"
kind = "postmark"
channels = ["email"]
server_token_file = "/run/secrets/postmark"
from = "Acme <login@acme.example>"
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    server_token: SecretString,
    from: String,
    reply_to: Option<String>,
    message_stream: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct Postmark {
    base: Url,
    token: HeaderValue,
    secret: SecretString,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    stream: String,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: Config = draft.read()?;
    let base =
        draft.base_url(config.base_url.as_deref(), "https://api.postmarkapp.com", config.plain_http)?;
    let token = usual::credential(draft, "server_token", "", &config.server_token)?;
    let adapter = Postmark {
        base,
        token,
        secret: config.server_token,
        from: mailbox(draft, "from", &config.from)?,
        reply_to: config.reply_to.as_deref().map(|text| mailbox(draft, "reply_to", text)).transpose()?,
        stream: config.message_stream.unwrap_or_else(|| "outbound".to_owned()),
    };
    Ok(Arc::new(draft.over_http(adapter)))
}

impl Postmark {
    fn mail(&self, mail: &Mail<'_>) -> HttpRequest {
        let headers = AUTOMATIC.map(|(name, value)| json!({ "Name": name, "Value": value }));
        let mut body = json!({
            "From": self.from.to_string(), "To": mail.to.expose(), "Subject": one_line(mail.subject),
            "TextBody": mail.text, "Headers": headers, "MessageStream": self.stream,
            // Tracking would put remote pictures and foreign links into the mail.
            "TrackOpens": false, "TrackLinks": "None",
        });
        if let Some(html) = mail.html {
            body["HtmlBody"] = json!(html);
        }
        if let Some(reply_to) = &self.reply_to {
            body["ReplyTo"] = json!(reply_to.to_string());
        }
        if let Some(reference) = mail.reference().filter(|reference| reference.len() <= METADATA_MAX) {
            body["Metadata"] = json!({ REFERENCE: reference });
        }
        let url = address::below(&self.base, "email");
        HttpRequest::json(url, body.to_string().into_bytes()).with(TOKEN, self.token.clone())
    }
}

impl Adapter for Postmark {
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
        let url = address::below(&self.base, "server");
        let json = HeaderValue::from_static("application/json");
        vec![HttpRequest::get(url).with(TOKEN, self.token.clone()).with(ACCEPT, json)]
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        answer::checkup(answers)
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        Some(&Unsigned)
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![self.secret.clone()]
    }
}
