//! Gupshup, WhatsApp: one kind with three surfaces, as the account is: self-serve API v1, partner API v3, enterprise gateway.
//! <https://docs.gupshup.io/docs/template-messages> and <https://partner-docs.gupshup.io>, read 2026-11.
//!
//! Each sends an approved template of the category authentication. Answers and receipts are read by their shape, whichever
//! surface they come from.

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

use self::{
    receipts::ByGupshupId,
    surface::{Config, Surface, read},
};
use crate::{
    adapter::{Adapter, Receipts},
    exchange::{HttpRequest, HttpResponse},
    loose,
    registry::{BuildError, Draft, Form, KeyInfo, KindInfo},
    sms::gupshup as enterprise,
};

mod answer;
mod code;
mod receipts;
mod surface;

/// The kind `gupshup-whatsapp`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "gupshup-whatsapp",
    channels: &[Channel::Whatsapp],
    summary: "WhatsApp by Gupshup: self-serve, partner or enterprise account",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::text("surface", "partner, self-serve or enterprise: what the account is").required(),
        KeyInfo::text("template", "partner: the template's name; self-serve: its id"),
        KeyInfo::text("app_id", "partner: the app's id"),
        KeyInfo::secret("app_token", "partner: the app's access token, sk_..."),
        KeyInfo::text("language", "partner: the template's language; en unless set"),
        KeyInfo::secret("api_key", "self-serve: the account's API key"),
        KeyInfo::text("source", "self-serve: our WhatsApp number, digits with country code"),
        KeyInfo::text("app_name", "self-serve: the app's name"),
        KeyInfo::of(
            Form::Number,
            "code_params",
            "self-serve: how often the template takes the code, 1 or 2 (text and button); 2 unless set",
        ),
        KeyInfo::text("userid", "enterprise: the user id of the account that sends"),
        KeyInfo::secret("password", "enterprise: its password"),
        KeyInfo::text(
            "text",
            "enterprise: the approved text with {code} once; unset: the usual one for codes",
        ),
        KeyInfo::text("base_url", "the API's address; the surface's own unless set"),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "gupshup-wa"
kind = "gupshup-whatsapp"
channels = ["whatsapp"]
surface = "partner"
app_id = "947d28b8-459b-4dfe-9d4c-0ac8c6c245c9"
app_token_file = "/run/secrets/gupshup-app"
template = "login_code"
language = "en"
"#,
    build,
};

struct Gupshup {
    surface: Surface,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: Config = draft.read()?;
    let adapter = Gupshup { surface: read(draft, config)? };
    Ok(Arc::new(draft.over_http(adapter)))
}

impl Adapter for Gupshup {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let number = loose::digits(&message.to)
            .ok_or_else(|| Outcome::rejected_for(Reason::Misconfigured, Scope::Route))?;
        self.surface
            .send(number, &message.code)
            .ok_or_else(|| Outcome::rejected_for(Reason::Misconfigured, Scope::Route))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        answer::judge(response, at)
    }

    fn questions(&self) -> Vec<HttpRequest> {
        match &self.surface {
            Surface::Partner(_) => self.surface.balance().into_iter().collect(),
            Surface::Enterprise(account) => vec![account.empty()],
            Surface::SelfServe(_) => Vec::new(),
        }
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        match &self.surface {
            Surface::Partner(_) => answer::wallet_checkup(answers),
            Surface::Enterprise(_) => enterprise::answer::checkup(answers),
            Surface::SelfServe(_) => Checkup {
                well: true,
                finding: "not asked: a self-serve account tells nothing without a message".to_owned(),
                fix: None,
            },
        }
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        Some(&ByGupshupId)
    }

    fn balance(&self) -> Option<HttpRequest> {
        self.surface.balance()
    }

    fn balance_in(&self, answer: &HttpResponse) -> Option<Balance> {
        answer::wallet(answer).map(|wallet| wallet.balance)
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![self.surface.secret().clone()]
    }
}
