//! `[[webhook]]`: where an application, or those who run the service, hear of security events.
//!
//! While a secret is changed both stand here, the old one first: posts are signed with each, so the receiver may change when it
//! likes, and then the old one goes.

use std::{collections::BTreeSet, fmt, path::PathBuf};

use backstop_domain::{notice::NoticeKind, secret::SecretString};
use backstop_providers::{HttpClient, InvalidWebhook, WebhookNotifier};
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};

use super::{
    ApplicationConfig, Profile,
    application::Surroundings,
    error::{ConfigError, Place},
    read::Section,
    secret_file,
};

/// What one entry can say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WebhookSection {
    name: String,
    application: Option<String>,
    /// Its path is often a secret of its own.
    url: Option<SecretString>,
    #[serde(deserialize_with = "one_or_more")]
    secret: Vec<String>,
    #[serde(deserialize_with = "one_or_more")]
    secret_file: Vec<String>,
    events: Option<Vec<String>>,
}

/// A receiver of events, as configured.
#[derive(Clone)]
pub struct WebhookConfig {
    /// Names it.
    pub name: String,
    /// Whose events; `None`: those that operators hear of.
    pub application: Option<String>,
    /// Which events; `None`: all.
    pub events: Option<BTreeSet<NoticeKind>>,
    url: SecretString,
    secrets: Vec<SecretString>,
    url_place: Place,
    secret_place: Place,
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookConfig")
            .field("name", &self.name)
            .field("application", &self.application)
            .field("events", &self.events)
            .field("secrets", &self.secrets.len())
            .finish_non_exhaustive()
    }
}

/// Reads one entry.
pub(crate) fn resolve(
    section: &Section<'_>,
    applications: &[ApplicationConfig],
    around: &Surroundings<'_>,
) -> Result<WebhookConfig, ConfigError> {
    let said: WebhookSection = section.read()?;
    if let Some(name) = &said.application
        && !applications.iter().any(|application| application.name == *name)
    {
        return Err(section.wrong("application", "names no [[application]]", "name one"));
    }
    let Some(url) = said.url else {
        let fix = "url = \"https://shop.example/hooks/backstop\", or remove the webhook";
        return Err(section.wrong("url", "is missing", fix));
    };
    let example = format!("secret_file = \"/run/secrets/{}-webhook\"", said.name);
    let (secret_key, secrets) = match (said.secret.as_slice(), said.secret_file.as_slice()) {
        ([], []) => return Err(section.wrong("secret", "is missing", example)),
        ([], files) => ("secret_file", read_files(section, files, around)?),
        (texts, []) => ("secret", texts.iter().map(SecretString::new).collect()),
        _ => return Err(section.wrong("secret", "and secret_file are both set", "keep one of them")),
    };
    Ok(WebhookConfig {
        events: said.events.map(|events| kinds(section, &events)).transpose()?,
        name: said.name,
        application: said.application,
        url,
        secrets,
        url_place: section.place("url"),
        secret_place: section.place(secret_key),
    })
}

fn read_files(
    section: &Section<'_>,
    files: &[String],
    around: &Surroundings<'_>,
) -> Result<Vec<SecretString>, ConfigError> {
    if !around.read_secrets {
        return Ok(Vec::new());
    }
    let (key, place) = (format!("{}.secret_file", section.name), section.place("secret_file"));
    let path = |file: &String| around.working_directory.join(PathBuf::from(file));
    files.iter().map(|file| secret_file::read(&path(file), &key, &place)).collect()
}

fn kinds(section: &Section<'_>, events: &[String]) -> Result<BTreeSet<NoticeKind>, ConfigError> {
    let known = NoticeKind::ALL.map(NoticeKind::as_str).join(", ");
    let read = |event: &String| {
        let finding = format!("names \"{event}\", which is no event");
        event.parse().map_err(|_| section.wrong("events", finding, format!("name some of {known}")))
    };
    let kinds: BTreeSet<NoticeKind> = events.iter().map(read).collect::<Result<_, _>>()?;
    if kinds.is_empty() {
        let fix = "name some, or remove events: then it hears of all";
        return Err(section.wrong("events", "is empty, so it would hear of nothing", fix));
    }
    Ok(kinds)
}

impl WebhookConfig {
    /// The way to it.
    ///
    /// # Errors
    /// If the address is not https outside development, or a secret is none.
    pub(crate) fn notifier(
        &self,
        profile: Profile,
        client: HttpClient,
    ) -> Result<WebhookNotifier, ConfigError> {
        let plain_http = profile == Profile::Development;
        let made = WebhookNotifier::new(self.url.expose(), plain_http, &self.secrets, client);
        made.map_err(|error| {
            let (key, place, fix) = match error {
                InvalidWebhook::Url(_) => {
                    ("url", &self.url_place, "url = \"https://shop.example/hooks/backstop\"")
                }
                InvalidWebhook::Secret => (
                    "secret",
                    &self.secret_place,
                    "whsec_ and the base64 of 24 to 64 random bytes: echo whsec_$(openssl rand -base64 32)",
                ),
            };
            let problem = format!("webhook.{}.{key} cannot be used", self.name);
            ConfigError::new(problem, place.clone(), format!("{key} {error}"), fix)
        })
    }
}

/// A text, or a list of them.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Texts;
    impl<'de> Visitor<'de> for Texts {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text in quotes, or a list of them")
        }

        fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<String>, A::Error> {
            let mut texts = Vec::new();
            while let Some(text) = items.next_element()? {
                texts.push(text);
            }
            Ok(texts)
        }
    }
    deserializer.deserialize_any(Texts)
}
