//! The one list of kinds: what each is called, what it can carry, which keys it takes, and how it is built.
//!
//! A provider is built once, at boot, from its part of the configuration. Whatever is wrong with that part is found
//! here, before anything is sent, and said with the key and the fix; no error repeats a value, which may be a secret.

use std::{fmt, sync::Arc, time::Duration};

use backstop_domain::{
    channel::Channel,
    clock::Clock,
    ports::{Provider, Random, Tasks},
};
use serde_json::{Map, Value};

use crate::{
    HttpClient, console, email::aws_ses, email::postmark, email::resend, email::sendgrid, email::smtp, inbox,
    inbox::DevInbox, sms::aws_sns, sms::gupshup, sms::messagebird, sms::msg91, sms::plivo, sms::telnyx,
    sms::textlocal, sms::twilio, sms::vonage, telegram, twilio_verify, webhook, whatsapp::cloud,
    whatsapp::gupshup as gupshup_whatsapp,
};

mod draft;

pub(crate) use draft::Draft;

/// One provider of the configuration. Its settings may hold secrets, so `Debug` prints their names alone.
#[derive(Clone)]
pub struct ProviderConfig {
    /// What the operator calls it.
    pub name: String,
    /// Which kind it is.
    pub kind: String,
    /// What it is to carry.
    pub channels: Vec<Channel>,
    /// How long one hand-over may take, all in all.
    pub timeout: Duration,
    /// How its texts are registered in India.
    pub dlt: Option<Dlt>,
    /// The kind's own keys, secrets already read from their files.
    pub settings: Map<String, Value>,
}

/// How a provider's texts are registered with India's operators (TRAI's TCCCPR 2018, distributed ledger): without, they
/// drop what it sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dlt {
    /// The vendor knows the registration by itself: it is kept in its panel, or its international gateway needs none.
    AtVendor,
    /// Every message carries it.
    Ids {
        /// The principal entity.
        entity: String,
        /// The registered sender, six letters for transactional texts.
        header: String,
        /// The registered text.
        template: String,
    },
}

impl fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderConfig")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("channels", &self.channels)
            .field("timeout", &self.timeout)
            .field("settings", &self.settings.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// What providers share.
#[derive(Clone)]
pub struct Shared {
    /// The one HTTP client.
    pub client: HttpClient,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Tasks and sleeps.
    pub tasks: Arc<dyn Tasks>,
    /// The development inbox; production has none.
    pub inbox: Option<Arc<DevInbox>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("inbox", &self.inbox.is_some()).finish_non_exhaustive()
    }
}

/// One key of a kind.
#[derive(Debug, Clone, Copy)]
pub struct KeyInfo {
    /// As the configuration spells it.
    pub name: &'static str,
    /// Whether a provider of this kind cannot be without it.
    pub required: bool,
    /// Whether its value is a secret: it may come from a file, and is never shown.
    pub secret: bool,
    /// What its value looks like.
    pub form: Form,
    /// What it is, in a line.
    pub what: &'static str,
}

/// What a key's value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// A table of texts.
    Table,
}

impl KeyInfo {
    pub(crate) const fn text(name: &'static str, what: &'static str) -> Self {
        Self { name, required: false, secret: false, form: Form::Text, what }
    }

    pub(crate) const fn secret(name: &'static str, what: &'static str) -> Self {
        Self { name, required: false, secret: true, form: Form::Text, what }
    }

    pub(crate) const fn of(form: Form, name: &'static str, what: &'static str) -> Self {
        Self { name, required: false, secret: false, form, what }
    }

    pub(crate) const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

/// A kind of provider.
#[derive(Debug, Clone, Copy)]
pub struct KindInfo {
    /// Its name in the configuration.
    pub kind: &'static str,
    /// What it can carry.
    pub channels: &'static [Channel],
    /// What it is, in a line.
    pub summary: &'static str,
    /// Whether the vendor charges for messages.
    pub paid: bool,
    /// Whether production refuses it.
    pub development_only: bool,
    /// Its own keys.
    pub keys: &'static [KeyInfo],
    /// A `[[provider]]` of this kind to start from, in TOML.
    pub sample: &'static str,
    /// Builds one from a checked configuration.
    pub(crate) build: fn(&Draft<'_>) -> Result<Arc<dyn Provider>, BuildError>,
}

/// Why a provider cannot be built. Never holds a value of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("provider `{provider}`{}: {problem}; {fix}", self.key_part())]
pub struct BuildError {
    /// The configured name.
    pub provider: String,
    /// The key that is to blame.
    pub key: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

impl BuildError {
    fn key_part(&self) -> String {
        self.key.as_ref().map(|key| format!(", key `{key}`")).unwrap_or_default()
    }
}

/// The kinds, in the order in which people read them.
static KINDS: &[KindInfo] = &[
    smtp::INFO,
    aws_ses::INFO,
    sendgrid::INFO,
    postmark::INFO,
    resend::INFO,
    twilio::INFO,
    twilio_verify::INFO,
    aws_sns::INFO,
    vonage::INFO,
    plivo::INFO,
    telnyx::INFO,
    messagebird::INFO,
    msg91::INFO,
    textlocal::INFO,
    gupshup::INFO,
    cloud::INFO,
    gupshup_whatsapp::INFO,
    telegram::INFO,
    webhook::INFO,
    console::INFO,
    inbox::INFO,
];

/// Every kind.
pub fn kinds() -> &'static [KindInfo] {
    KINDS
}

/// Builds a provider.
///
/// # Errors
/// Names the key and the fix if the configuration does not describe a working provider of its kind.
pub fn build(config: &ProviderConfig, shared: &Shared) -> Result<Arc<dyn Provider>, BuildError> {
    let draft = Draft::new(config, shared)?;
    draft.build()
}
