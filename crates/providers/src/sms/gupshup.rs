//! Gupshup Enterprise, GatewayAPI/rest, India: the plain SMS gateway, and the media gateway that takes approved templates.
//! <https://docs.gupshup.io/docs/send-a-message-sms>, read 2026-11.
//!
//! Errors come with 200, so the body decides. The password travels in the body of a POST alone: in an address every log on
//! the way would keep it.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::{
        Provider,
        provider::{Checkup, Message, Sent},
    },
    receipt::ReceiptState,
    secret::SecretString,
};
use reqwest::Url;
use serde::Deserialize;

use self::{
    answer::Answer,
    receipts::ByExternalId,
    text::{ApprovedText, USUAL},
};
use super::india;
use crate::{
    adapter::{Adapter, Receipts},
    exchange::{HttpRequest, HttpResponse},
    gsm, loose,
    registry::{BuildError, Dlt, Draft, Form, KeyInfo, KindInfo},
};

pub(crate) mod answer;
pub(crate) mod code;
pub(crate) mod receipts;
pub(crate) mod text;

/// The kind `gupshup`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "gupshup",
    channels: &[Channel::Sms],
    summary: "Gupshup Enterprise gateway, India",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::text("userid", "the account's user id").required(),
        KeyInfo::secret("password", "the account's password").required(),
        KeyInfo::text("mask", "the sender header of the account; to India the header of dlt goes instead"),
        KeyInfo::of(
            Form::Flag,
            "is_template",
            "true for the media gateway, which takes approved templates alone",
        ),
        KeyInfo::text(
            "text",
            "the approved text with {code} once; unset: the application's text, or with \
                               is_template the gateway's own for codes",
        ),
        KeyInfo::text(
            "base_url",
            "the gateway's address; https://enterprise.smsgupshup.com/GatewayAPI/rest unless set",
        ),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "gupshup"
kind = "gupshup"
channels = ["sms"]
userid = "2000000000"
password_file = "/run/secrets/gupshup"
dlt = { entity = "1101000000000000000", header = "ACMEIN", template = "1107000000000000000" }
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    userid: String,
    password: SecretString,
    mask: Option<String>,
    #[serde(default)]
    is_template: bool,
    text: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct Gupshup {
    url: Url,
    userid: String,
    password: SecretString,
    mask: Option<String>,
    is_template: bool,
    text: Option<ApprovedText>,
    dlt: Option<Dlt>,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: Config = draft.read()?;
    if !config.userid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(draft.wrong(
            "userid",
            "is not letters and digits",
            "copy it from Gupshup's welcome mail",
        ));
    }
    let is_mask = |mask: &String| {
        (3..=10).contains(&mask.len()) && mask.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if config.mask.as_ref().is_some_and(|mask| !is_mask(mask)) {
        return Err(draft.wrong("mask", "is not a header", "up to 8 letters and digits, or 10 digits"));
    }
    let text = match config.text.as_deref().map(ApprovedText::parse) {
        Some(None) => {
            return Err(draft.wrong("text", "does not hold {code} once and no other braces", USUAL));
        }
        Some(own) => own,
        None => config.is_template.then(ApprovedText::usual),
    };
    let usual = "https://enterprise.smsgupshup.com/GatewayAPI/rest";
    let url = draft.base_url(config.base_url.as_deref(), usual, config.plain_http)?;
    let adapter = Gupshup {
        url,
        userid: config.userid,
        password: config.password,
        mask: config.mask,
        is_template: config.is_template,
        text,
        dlt: draft.config.dlt.clone(),
    };
    Ok(Arc::new(draft.over_http(adapter)))
}

impl Gupshup {
    /// What every call begins with. The two gateways' documentations spell the method and the form differently.
    fn call(&self) -> Vec<(&str, &str)> {
        let (method, format) =
            if self.is_template { ("SENDMESSAGE", "json") } else { ("SendMessage", "JSON") };
        vec![
            ("method", method),
            ("userid", &self.userid),
            ("password", self.password.expose()),
            ("auth_scheme", "plain"),
            ("v", "1.1"),
            ("format", format),
        ]
    }
}

impl Adapter for Gupshup {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let number = loose::digits(&message.to)
            .ok_or_else(|| Outcome::rejected_for(Reason::Misconfigured, Scope::Route))?;
        let text = match &self.text {
            Some(text) => text.with(&message.code),
            None => message.text.clone(),
        };
        let plain = self.is_template || gsm::fits(text.expose());
        let mut fields = self.call();
        fields.extend([
            ("send_to", number),
            ("msg", text.expose()),
            ("msg_type", if plain { "TEXT" } else { "Unicode_text" }),
        ]);
        if self.is_template {
            fields.push(("isTemplate", "true"));
        }
        match india::ids(self.dlt.as_ref(), &message.to) {
            Some(ids) => fields.extend([
                ("mask", ids.header),
                ("principalEntityId", ids.entity),
                ("dltTemplateId", ids.template),
            ]),
            None => fields.extend(self.mask.as_deref().map(|mask| ("mask", mask))),
        }
        Ok(HttpRequest::form(self.url.clone(), &fields))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        Answer::judge(response, at, code::refusal)
    }

    /// A message to nobody that says nothing: it can go nowhere, and a wrong password is refused all the same.
    fn questions(&self) -> Vec<HttpRequest> {
        vec![HttpRequest::form(self.url.clone(), &self.call())]
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        answer::checkup(answers)
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        Some(&ByExternalId { failed: ReceiptState::Undelivered, refusal: code::undelivered })
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![self.password.clone()]
    }
}
