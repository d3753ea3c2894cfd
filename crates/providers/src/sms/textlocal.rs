//! Textlocal, India and United Kingdom. <https://api.textlocal.in/docs/sendsms>, read 2026-11.
//!
//! Errors come with 200, so the word in `status` decides. The key travels in the body of a POST alone. In India Textlocal
//! holds the text against the templates of the account by itself: the request has no field for their ids.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::{
        Provider,
        provider::{Balance, Checkup, Message, Sent},
    },
    secret::SecretString,
};
use reqwest::Url;
use serde::Deserialize;

use self::{
    answer::{Answer, credits},
    receipts::ByReference,
};
use super::india;
use crate::{
    adapter::{Adapter, Receipts},
    address, amount,
    exchange::{HttpRequest, HttpResponse},
    gsm, loose,
    registry::{BuildError, Dlt, Draft, Form, KeyInfo, KindInfo},
    status,
    usual::{ill, well},
};

mod answer;
mod receipts;

/// The kind `textlocal`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "textlocal",
    channels: &[Channel::Sms],
    summary: "Textlocal, India and United Kingdom",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::secret("api_key", "the account's API key").required(),
        KeyInfo::text("sender", "3 to 11 letters, digits or spaces; to India the header of dlt goes instead"),
        KeyInfo::text(
            "base_url",
            "the API's address; https://api.textlocal.in unless set, https://api.txtlocal.com for the UK",
        ),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "textlocal"
kind = "textlocal"
channels = ["sms"]
api_key_file = "/run/secrets/textlocal"
dlt = { entity = "1101000000000000000", header = "ACMEIN", template = "1107000000000000000" }
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    api_key: SecretString,
    sender: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct Textlocal {
    send: Url,
    balance: Url,
    api_key: SecretString,
    sender: Option<String>,
    dlt: Option<Dlt>,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: Config = draft.read()?;
    let is_sender = |text: &String| {
        (3..=11).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
    };
    if config.sender.as_ref().is_some_and(|sender| !is_sender(sender)) {
        return Err(draft.wrong("sender", "is not a sender", "3 to 11 letters, digits or spaces"));
    }
    let base = draft.base_url(config.base_url.as_deref(), "https://api.textlocal.in", config.plain_http)?;
    let adapter = Textlocal {
        send: address::below(&base, "/send/"),
        balance: address::below(&base, "/balance/"),
        api_key: config.api_key,
        sender: config.sender,
        dlt: draft.config.dlt.clone(),
    };
    Ok(Arc::new(draft.over_http(adapter)))
}

impl Adapter for Textlocal {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let number = loose::digits(&message.to)
            .ok_or_else(|| Outcome::rejected_for(Reason::Misconfigured, Scope::Route))?;
        let reference = message.reference.to_string();
        let mut fields = vec![
            ("apikey", self.api_key.expose()),
            ("numbers", number),
            ("message", message.text.expose()),
            ("format", "json"),
            ("custom", &reference),
        ];
        let header = india::ids(self.dlt.as_ref(), &message.to).map(|ids| ids.header);
        fields.extend(header.or(self.sender.as_deref()).map(|sender| ("sender", sender)));
        fields.extend(message.links.receipts.as_deref().map(|url| ("receipt_url", url)));
        if !gsm::fits(message.text.expose()) {
            fields.push(("unicode", "true"));
        }
        Ok(HttpRequest::form(self.send.clone(), &fields))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        match response.json::<Answer>() {
            Some(answer) => Sent::new(answer.outcome(response, at), &answer.told(response.status)),
            None => Sent::new(status::outcome(response, at), &response.raw()),
        }
    }

    fn questions(&self) -> Vec<HttpRequest> {
        self.balance().into_iter().collect()
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        let Some(answer) = answers.first() else { return ill("not asked".to_owned(), "report this") };
        match (credits(answer), answer.json::<Answer>()) {
            (Some(credits), _) if credits <= 0.0 => {
                ill("the key is good, no credits are left".to_owned(), "top the account up")
            }
            (Some(credits), _) => well(format!("the key is good, {credits} credits are left")),
            (None, Some(told)) => {
                ill(told.told(answer.status), "check api_key, and that base_url is your country's")
            }
            (None, None) => ill(answer.raw(), "check base_url: this does not look like Textlocal"),
        }
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        Some(&ByReference)
    }

    fn balance(&self) -> Option<HttpRequest> {
        Some(HttpRequest::form(
            self.balance.clone(),
            &[("apikey", self.api_key.expose()), ("format", "json")],
        ))
    }

    fn balance_in(&self, answer: &HttpResponse) -> Option<Balance> {
        let micros = amount::micros(&credits(answer)?.to_string())?;
        Some(Balance { micros, unit: "credits".to_owned() })
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![self.api_key.clone()]
    }
}
