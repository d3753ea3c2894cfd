//! Vonage, its SMS API and its Voice API v1. <https://developer.vonage.com/en/api/sms> and
//! <https://developer.vonage.com/en/api/voice>, read 2026-11.
//!
//! A text that was refused is answered with a 200: the body alone tells. Texts have no field for our name of the attempt that is
//! long enough, and an address for receipts may have 100 characters, so their receipts are found by the ids of their parts.

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

use self::{
    answer::{Call, Credit, Failure, Texts},
    receipts::Keys,
    script::Calls,
    signature::{Method, TextKey},
    voice::Voice,
};
use crate::{
    adapter::{Adapter, Receipts},
    address,
    exchange::{HttpRequest, HttpResponse, basic},
    gsm,
    registry::{BuildError, Dlt, Draft, Form, KeyInfo, KindInfo},
    status,
};

mod answer;
mod checkup;
mod code;
mod receipts;
mod script;
mod signature;
mod voice;

/// The kind `vonage`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "vonage",
    channels: &[Channel::Sms, Channel::Voice],
    summary: "Vonage SMS API and Voice API",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::text("api_key", "the account's API key").required(),
        KeyInfo::secret("api_secret", "its secret").required(),
        KeyInfo::text("from", "for sms, the sender: a number, or up to 11 letters and digits"),
        KeyInfo::text("application_id", "for voice, the application that calls"),
        KeyInfo::secret("private_key", "for voice, the application's private key in PEM"),
        KeyInfo::text("call_from", "for voice, the number that calls, in E.164 form"),
        KeyInfo::secret("signature_secret", "the account's signature secret, where it signs callbacks"),
        KeyInfo::text(
            "signature_method",
            "how receipts of texts are signed: md5hash, md5, sha1, sha256, sha512",
        ),
        KeyInfo::of(Form::Flag, "signed_calls", "true: the application's signed_callbacks for voice is on"),
        KeyInfo::text("base_url", "the address of SMS and account; https://rest.nexmo.com unless set"),
        KeyInfo::text("voice_base_url", "the address of voice; https://api.nexmo.com unless set"),
        KeyInfo::of(Form::Flag, "plain_http", "true lets both be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "vonage-main"
kind = "vonage"
channels = ["sms"]
api_key = "abcd1234"
api_secret_file = "/run/secrets/vonage"
from = "14155550100"
"#,
    build,
};

/// The least and most that a text may be kept for.
const TTL: (u128, u128) = (20_000, 604_800_000);
/// The longest address for receipts of texts.
const CALLBACK_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    api_key: String,
    api_secret: SecretString,
    from: Option<String>,
    application_id: Option<String>,
    private_key: Option<SecretString>,
    call_from: Option<String>,
    signature_secret: Option<SecretString>,
    signature_method: Option<Method>,
    #[serde(default)]
    signed_calls: bool,
    base_url: Option<String>,
    voice_base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct Vonage {
    texts: Url,
    balance: Url,
    authorization: HeaderValue,
    secrets: Vec<SecretString>,
    from: Option<String>,
    dlt: Option<Dlt>,
    voice: Option<Voice>,
    keys: Keys,
    speaker: Calls,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let adapter = Vonage::new(draft, draft.read()?)?;
    Ok(Arc::new(draft.over_http(adapter)))
}

impl Vonage {
    fn new(draft: &Draft<'_>, config: Config) -> Result<Self, BuildError> {
        let base = draft.base_url(config.base_url.as_deref(), "https://rest.nexmo.com", config.plain_http)?;
        let has = |channel| draft.config.channels.contains(&channel);
        if has(Channel::Sms) && config.from.is_none() {
            return Err(draft.wrong("from", "is missing", "set the sender of texts"));
        }
        let authorization = basic(&config.api_key, &config.api_secret).map_err(|_| {
            draft.wrong("api_secret", "holds a character that no header can", "copy it again")
        })?;
        let voice = if has(Channel::Voice) { Some(Voice::new(draft, &config)?) } else { None };
        let keys = keys(draft, &config)?;
        let speaker = Calls { keys: keys.clone(), clock: Arc::clone(&draft.shared.clock) };
        let header = authorization.to_str().unwrap_or_default();
        let pair = SecretString::new(header.strip_prefix("Basic ").unwrap_or_default());
        let secrets = [Some(config.api_secret), Some(pair), config.private_key, config.signature_secret];
        Ok(Self {
            texts: address::below(&base, "/sms/json"),
            balance: address::below(&base, "/account/get-balance"),
            authorization,
            secrets: secrets.into_iter().flatten().collect(),
            from: config.from,
            dlt: draft.config.dlt.clone(),
            voice,
            keys,
            speaker,
        })
    }

    fn text(&self, number: &PhoneNumber, message: &Message) -> Result<HttpRequest, Outcome> {
        let text = message.text.expose();
        let indian = number.region().is_some_and(|region| region.as_str() == "IN");
        let dlt = self.dlt.as_ref().filter(|_| indian);
        let from = match dlt {
            Some(Dlt::Ids { header, .. }) => Some(header.as_str()),
            _ => self.from.as_deref(),
        };
        let from = from.ok_or(Outcome::rejected_for(Reason::Misconfigured, Scope::Route))?;
        let ttl = message.expires_in.as_millis().clamp(TTL.0, TTL.1).to_string();
        let mut fields = vec![
            ("from", from.trim_start_matches('+')),
            ("to", number.expose().trim_start_matches('+')),
            ("text", text),
            ("type", if gsm::fits(text) { "text" } else { "unicode" }),
            ("ttl", &ttl),
        ];
        if let Some(Dlt::Ids { entity, template, .. }) = dlt {
            fields.extend([("entity-id", entity.as_str()), ("content-id", template.as_str())]);
        }
        let receipts = message.links.receipts.as_deref().map(|url| url.split('?').next().unwrap_or(url));
        fields.extend(receipts.filter(|url| url.len() <= CALLBACK_MAX).map(|url| ("callback", url)));
        Ok(HttpRequest::form(self.texts.clone(), &fields).authorized(&self.authorization))
    }
}

/// What signs the callbacks of this account.
fn keys(draft: &Draft<'_>, config: &Config) -> Result<Keys, BuildError> {
    let has = |channel| draft.config.channels.contains(&channel);
    let secret = config.signature_secret.clone();
    if secret.is_none() && (config.signature_method.is_some() || config.signed_calls) {
        return Err(draft.wrong(
            "signature_secret",
            "is missing",
            "copy the signature secret from Vonage's dashboard, or take out signature_method and signed_calls",
        ));
    }
    if secret.is_some() && config.signature_method.is_none() && !config.signed_calls {
        return Err(draft.wrong(
            "signature_method",
            "is missing beside signature_secret",
            "set it as in Vonage's dashboard, or signed_calls = true where calls alone are signed",
        ));
    }
    let texts = secret.clone().zip(config.signature_method);
    let texts = texts.map(|(secret, method)| TextKey { secret, method });
    let calls = secret.filter(|_| config.signed_calls);
    Ok(Keys {
        api_key: config.api_key.clone(),
        application_id: config.application_id.clone(),
        all_signed: (!has(Channel::Sms) || texts.is_some()) && (!has(Channel::Voice) || calls.is_some()),
        texts,
        calls,
    })
}

impl Adapter for Vonage {
    fn request(&self, message: &Message, at: Timestamp) -> Result<HttpRequest, Outcome> {
        match (&message.to, message.channel, &self.voice) {
            (Recipient::Phone(number), Channel::Sms, _) => self.text(number, message),
            (Recipient::Phone(number), Channel::Voice, Some(voice)) => voice.call(number, message, at),
            _ => Err(Outcome::rejected_for(Reason::Misconfigured, Scope::Route)),
        }
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        if response.is_success() {
            return match (response.json::<Texts>(), response.json::<Call>()) {
                (Some(texts), _) => texts.outcome(),
                (None, Some(call)) => call.outcome(),
                (None, None) => Sent::new(Outcome::Unknown, &response.raw()),
            };
        }
        match response.json::<Failure>().filter(Failure::is_vonages) {
            Some(failure) => {
                let outcome = match response.status {
                    _ if failure.is_about_money() => Outcome::rejected(Reason::OutOfCredit),
                    400 | 422 if failure.names_the_recipient() => Outcome::rejected(Reason::InvalidRecipient),
                    // The application or its number is unknown.
                    404 => Outcome::rejected(Reason::Misconfigured),
                    // Vonage formed this answer itself: it says that it failed.
                    500..=599 => Outcome::rejected(Reason::Unavailable)
                        .with_retry_after(status::retry_after(response, at)),
                    _ => status::outcome(response, at),
                };
                Sent::new(outcome, &failure.told(response.status))
            }
            None => Sent::new(status::outcome(response, at), &response.raw()),
        }
    }

    fn questions(&self) -> Vec<HttpRequest> {
        let application = self.voice.as_ref().map(|voice| &voice.application);
        [Some(&self.balance), application]
            .into_iter()
            .flatten()
            .map(|url| HttpRequest::get(url.clone()).authorized(&self.authorization))
            .collect()
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        checkup::checkup(self.voice.as_ref(), &self.keys, answers)
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        Some(&self.keys)
    }

    fn speaker(&self) -> Option<&dyn Speaker> {
        self.voice.is_some().then_some(&self.speaker as &dyn Speaker)
    }

    fn balance(&self) -> Option<HttpRequest> {
        Some(HttpRequest::get(self.balance.clone()).authorized(&self.authorization))
    }

    fn balance_in(&self, answer: &HttpResponse) -> Option<Balance> {
        answer.json::<Credit>().filter(|_| answer.is_success())?.balance()
    }

    fn secrets(&self) -> Vec<SecretString> {
        self.secrets.clone()
    }
}
