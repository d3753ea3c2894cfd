//! A Twilio account as configured: its credentials, and what sends over each channel.

use std::collections::BTreeMap;

use backstop_domain::{channel::Channel, secret::SecretString, template::languages};
use http::HeaderValue;
use serde::Deserialize;

use crate::{
    exchange::basic,
    registry::{BuildError, Draft},
};

const COPY: &str = "copy it from Twilio's console";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) account_sid: String,
    pub(super) auth_token: Option<SecretString>,
    api_key: Option<String>,
    api_secret: Option<SecretString>,
    from: Option<String>,
    messaging_service_sid: Option<String>,
    whatsapp_from: Option<String>,
    content_sid: Option<String>,
    #[serde(default)]
    content_sids: BTreeMap<String, String>,
    pub(super) base_url: Option<String>,
    #[serde(default)]
    pub(super) plain_http: bool,
}

/// What opens the account.
pub(super) struct Credentials {
    pub(super) authorization: HeaderValue,
    pub(super) secrets: Vec<SecretString>,
}

impl Credentials {
    /// An API key where there is one; the token beside it only verifies callbacks.
    pub(super) fn new(draft: &Draft<'_>, config: &Config) -> Result<Self, BuildError> {
        if !is_sid(&config.account_sid, "AC") {
            return Err(draft.wrong("account_sid", "is not AC and 32 letters and digits", COPY));
        }
        let (user, secret) = match (&config.auth_token, &config.api_key, &config.api_secret) {
            (_, Some(key), Some(_)) if !is_sid(key, "SK") => {
                return Err(draft.wrong("api_key", "is not SK and 32 letters and digits", COPY));
            }
            (_, Some(key), Some(secret)) => (key, secret),
            (_, Some(_), None) => {
                return Err(draft.wrong("api_secret", "is missing", "set it beside api_key"));
            }
            (_, None, Some(_)) => {
                return Err(draft.wrong("api_key", "is missing", "set it beside api_secret"));
            }
            (Some(token), None, None) => (&config.account_sid, token),
            (None, None, None) => {
                let fix = "set auth_token, or api_key and api_secret";
                return Err(draft.wrong("auth_token", "is missing", fix));
            }
        };
        if draft.config.channels.contains(&Channel::Voice) && config.auth_token.is_none() {
            let fix = "set it: Twilio signs with it when it asks what a call is to say";
            return Err(draft.wrong("auth_token", "is missing, and voice needs it", fix));
        }
        let authorization = basic(user, secret).map_err(|_| {
            draft.wrong("auth_token", "holds a character that no header can", "copy it again")
        })?;
        let header = authorization.to_str().unwrap_or_default();
        let pair = SecretString::new(header.strip_prefix("Basic ").unwrap_or_default());
        let secrets = [Some(secret.clone()), config.auth_token.clone(), Some(pair)];
        Ok(Self { authorization, secrets: secrets.into_iter().flatten().collect() })
    }
}

/// What sends.
pub(super) struct Senders {
    /// Of texts and calls.
    pub(super) from: Option<String>,
    pub(super) messaging_service_sid: Option<String>,
    /// Of WhatsApp, as `whatsapp:+1...`.
    pub(super) whatsapp_from: Option<String>,
    content_sid: Option<String>,
    content_sids: BTreeMap<String, String>,
}

impl Senders {
    /// Each channel has its sender, and WhatsApp its template.
    pub(super) fn new(draft: &Draft<'_>, config: Config) -> Result<Self, BuildError> {
        let Config { from, messaging_service_sid, whatsapp_from, content_sid, content_sids, .. } = config;
        let carries = |channel| draft.config.channels.contains(&channel);
        let service = &messaging_service_sid;
        if service.as_ref().is_some_and(|sid| !is_sid(sid, "MG")) {
            let problem = "is not MG and 32 letters and digits";
            return Err(draft.wrong("messaging_service_sid", problem, COPY));
        }
        if carries(Channel::Sms) && from.is_none() && service.is_none() {
            return Err(draft.wrong("from", "is missing", "set from, or messaging_service_sid"));
        }
        if carries(Channel::Voice) && !from.as_deref().is_some_and(is_number) {
            let problem = "is no number, and voice needs one";
            return Err(draft.wrong("from", problem, "a number of the account, such as +14155550100"));
        }
        let whatsapp_from = whatsapp_from.map(|from| from.trim_start_matches("whatsapp:").to_owned());
        if carries(Channel::Whatsapp) && whatsapp_from.is_none() && service.is_none() {
            let fix = "set it, or messaging_service_sid of a service with a WhatsApp sender";
            return Err(draft.wrong("whatsapp_from", "is missing", fix));
        }
        if whatsapp_from.as_deref().is_some_and(|from| !is_number(from)) {
            return Err(draft.wrong("whatsapp_from", "is not a number", "such as +14155550100"));
        }
        if carries(Channel::Whatsapp) && content_sid.is_none() {
            let fix = "set the sid of the approved authentication template, HX and 32 characters";
            return Err(draft.wrong("content_sid", "is missing", fix));
        }
        if content_sid.as_ref().is_some_and(|sid| !is_sid(sid, "HX")) {
            return Err(draft.wrong("content_sid", "is not HX and 32 letters and digits", COPY));
        }
        if content_sids.keys().any(|locale| languages().all(|known| known != locale)) {
            let fix = format!("the languages are {}", languages().collect::<Vec<_>>().join(", "));
            return Err(draft.wrong("content_sids", "names a language without texts", &fix));
        }
        if content_sids.values().any(|sid| !is_sid(sid, "HX")) {
            let problem = "holds a value that is not HX and 32 letters and digits";
            return Err(draft.wrong("content_sids", problem, COPY));
        }
        let whatsapp_from = whatsapp_from.map(|from| format!("whatsapp:{from}"));
        Ok(Self { from, messaging_service_sid, whatsapp_from, content_sid, content_sids })
    }

    /// The WhatsApp template in a language, or the one for all.
    pub(super) fn template(&self, locale: &str) -> Option<&str> {
        self.content_sids.get(locale).or(self.content_sid.as_ref()).map(String::as_str)
    }
}

fn is_sid(text: &str, prefix: &str) -> bool {
    text.len() == 34 && text.starts_with(prefix) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether it is a number in E.164 form.
pub(super) fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
