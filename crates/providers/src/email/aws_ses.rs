//! Amazon SES, API v2. <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>, read 2026-11.
//!
//! `Accepted` is not sent: SES may still drop a mail, and says so through an SNS topic. It has no idempotency key: a message
//! that got no answer is `Unknown` and is not sent again here.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::Outcome,
    ports::{
        Provider,
        provider::{Checkup, Errand, Message, NoticeMail, Sent},
    },
    secret::SecretString,
};
use lettre::message::{Mailbox, header};
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use self::{answer::Taken, checkup::Identity, receipts::Listening};
use crate::{
    adapter::{Adapter, Receipts},
    address,
    aws::{Signer, account, account::AccessKey, notification::Topic},
    email::{AUTOMATIC, Mail, REFERENCE, mailbox, one_line},
    exchange::{HttpRequest, HttpResponse},
    registry::{BuildError, Draft, Form, KeyInfo, KindInfo},
    usual,
};

mod answer;
mod checkup;
mod receipts;

/// The kind `aws-ses`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "aws-ses",
    channels: &[Channel::Email],
    summary: "Amazon SES mail",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::text("region", "the AWS region, such as ap-south-1").required(),
        KeyInfo::text(
            "access_key_id",
            "an access key; without it the official chain is asked: environment, profile, role",
        ),
        KeyInfo::secret("secret_access_key", "the secret of access_key_id"),
        KeyInfo::secret("session_token", "the session token of a temporary access_key_id"),
        KeyInfo::text("from", "the sender, as Acme <login@acme.example>").required(),
        KeyInfo::text("reply_to", "where answers go, if not to from"),
        KeyInfo::text("configuration_set", "the configuration set whose events tell what became of mails"),
        KeyInfo::text("topic_arn", "the SNS topic that posts those events to us; without it none are heard"),
        KeyInfo::text("base_url", "the API's address; https://email.REGION.amazonaws.com unless set"),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "ses"
kind = "aws-ses"
channels = ["email"]
region = "ap-south-1"                 # without access_key_id: environment, profile or role
from = "Acme <login@acme.example>"
configuration_set = "codes"
topic_arn = "arn:aws:sns:ap-south-1:123456789012:codes"
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    region: String,
    access_key_id: Option<String>,
    secret_access_key: Option<SecretString>,
    session_token: Option<SecretString>,
    from: String,
    reply_to: Option<String>,
    configuration_set: Option<String>,
    topic_arn: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct Ses {
    base: Url,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    configuration_set: Option<String>,
    listening: Option<Listening>,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: Config = draft.read()?;
    account::check_region(draft, &config.region)?;
    let key = AccessKey {
        id: config.access_key_id.as_deref(),
        secret: config.secret_access_key.as_ref(),
        token: config.session_token.as_ref(),
    };
    let source = account::source(draft, &config.region, &key)?;
    let signer = Signer::new(source, config.region.clone(), "ses");
    let adapter = Ses::new(draft, config)?;
    Ok(Arc::new(draft.over_http(adapter).signed(signer)))
}

impl Ses {
    fn new(draft: &Draft<'_>, config: Config) -> Result<Self, BuildError> {
        let usual = format!("https://{}/", account::host("email", &config.region));
        let base = draft.base_url(config.base_url.as_deref(), &usual, config.plain_http)?;
        let from = mailbox(draft, "from", &config.from)?;
        let reply_to = config.reply_to.as_deref().map(|text| mailbox(draft, "reply_to", text)).transpose()?;
        if config.configuration_set.as_deref().is_some_and(|name| !is_name(name)) {
            return Err(draft.wrong(
                "configuration_set",
                "is not the name of a configuration set",
                "up to 64 letters, digits, hyphens or underscores",
            ));
        }
        let listening = match &config.topic_arn {
            None => None,
            Some(arn) => Some(Listening {
                topic: Topic::new(arn, &base).ok_or_else(|| {
                    draft.wrong("topic_arn", "is not the name of a topic", "copy it from the SNS console")
                })?,
                gives_tags_back: config.configuration_set.is_some(),
            }),
        };
        Ok(Self { base, from, reply_to, configuration_set: config.configuration_set, listening })
    }

    fn below(&self, path: &str) -> Url {
        address::below(&self.base, &format!("v2/email/{path}"))
    }

    /// Asks about a sender: an address or a domain.
    fn identity(&self, name: &str) -> HttpRequest {
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        HttpRequest::get(self.below(&format!("identities/{name}")))
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// An address as it stands in a header: names beyond ASCII in encoded words.
fn encoded(mailbox: &Mailbox) -> String {
    let mut headers = header::Headers::new();
    headers.set(header::From::from(lettre::message::Mailboxes::from(mailbox.clone())));
    let line = headers.to_string();
    line.trim_start_matches("From: ").replace("\r\n", "")
}

impl Ses {
    fn mail(&self, mail: &Mail<'_>) -> HttpRequest {
        let data = |text: &str| json!({ "Data": text, "Charset": "UTF-8" });
        let mut body = json!({ "Text": data(mail.text) });
        if let Some(html) = mail.html {
            body["Html"] = data(html);
        }
        let headers = AUTOMATIC.map(|(name, value)| json!({ "Name": name, "Value": value }));
        let mut request = json!({
            "FromEmailAddress": encoded(&self.from),
            "Destination": { "ToAddresses": [mail.to.expose()] },
            "Content": { "Simple": {
                "Subject": data(&one_line(mail.subject)), "Body": body, "Headers": headers,
            } },
        });
        if let Some(reference) = mail.reference() {
            request["EmailTags"] = json!([{ "Name": REFERENCE, "Value": reference }]);
        }
        if let Some(reply_to) = &self.reply_to {
            request["ReplyToAddresses"] = json!([encoded(reply_to)]);
        }
        if let Some(name) = &self.configuration_set {
            request["ConfigurationSetName"] = json!(name);
        }
        HttpRequest::json(self.below("outbound-emails"), request.to_string().into_bytes())
    }
}

impl Adapter for Ses {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        Mail::of(message).map(|mail| self.mail(&mail)).ok_or(usual::NOT_OURS)
    }

    fn notice(&self, notice: &NoticeMail) -> Option<Result<HttpRequest, Outcome>> {
        Some(Mail::of_notice(notice).map(|mail| self.mail(&mail)).ok_or(usual::NOT_OURS))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        if response.is_success() {
            return match response.json::<Taken>() {
                Some(taken) => taken.outcome(),
                None => Sent::new(Outcome::Unknown, &response.raw()),
            };
        }
        answer::refused(response, self.from.email.as_ref(), at)
    }

    fn questions(&self) -> Vec<HttpRequest> {
        let from = &self.from.email;
        vec![
            HttpRequest::get(self.below("account")),
            self.identity(from.as_ref()),
            self.identity(from.domain()),
        ]
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        checkup::read(answers, self.from.email.as_ref())
    }

    fn errand(&self, errand: &Errand) -> Option<Vec<HttpRequest>> {
        match errand {
            Errand::VerifySender(sender) => {
                let body = json!({ "EmailIdentity": sender }).to_string().into_bytes();
                Some(vec![HttpRequest::json(self.below("identities"), body), self.identity(sender)])
            }
            Errand::SetSpendLimit(_) => None,
        }
    }

    fn errand_done(&self, errand: &Errand, answers: &[HttpResponse]) -> Checkup {
        match (errand, answers) {
            (Errand::VerifySender(sender), [begun, now]) => Identity::asked_for(sender, begun, now),
            _ => Checkup { well: false, finding: "not asked".to_owned(), fix: None },
        }
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        self.listening.as_ref().map(|listening| listening as &dyn Receipts)
    }

    fn secrets(&self) -> Vec<SecretString> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_with_a_name_beyond_ascii_is_one_line_of_ascii() {
        let mailbox = |text: &str| encoded(&text.parse::<Mailbox>().unwrap());
        assert_eq!(mailbox("login@acme.example"), "login@acme.example");
        assert_eq!(mailbox("Acme Ltd <login@acme.example>"), "\"Acme Ltd\" <login@acme.example>");
        let long = mailbox("फेरीकार्ट सुरक्षा और पहचान सत्यापन विभाग <login@acme.example>");
        assert!(long.is_ascii() && !long.contains(['\r', '\n']), "{long}");
        assert!(long.starts_with("=?utf-8?b?") && long.ends_with("<login@acme.example>"), "{long}");
    }
}
