//! WhatsApp Business Cloud API, Meta's own. <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages> and
//! <https://developers.facebook.com/docs/whatsapp/business-management-api/authentication-templates>, read 2026-11.
//!
//! A code travels in an authentication template, whose text is Meta's. The same request serves all its buttons (copy code, one-tap,
//! zero-tap): which one it is, is a property of the template. There is no idempotency key, so what got no answer is `Unknown` and is
//! not sent again here. Whether a number is on WhatsApp is told only later, by a status.

use std::{collections::BTreeMap, sync::Arc};

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::{
        Provider,
        provider::{Checkup, Message, Sent},
    },
    recipient::Recipient,
    secret::SecretString,
    template::languages,
};
use http::HeaderValue;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use self::{
    answer::{Failure, Taken},
    receipts::Webhook,
};
use crate::{
    adapter::{Adapter, Receipts},
    address,
    exchange::{HttpRequest, HttpResponse, bearer},
    registry::{BuildError, Draft, Form, KeyInfo, KindInfo},
    status,
};

mod answer;
mod code;
mod receipts;

/// The kind `whatsapp-cloud`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "whatsapp-cloud",
    channels: &[Channel::Whatsapp],
    summary: "WhatsApp Business Cloud API, directly at Meta",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::text("phone_number_id", "the id of the number that sends, digits alone").required(),
        KeyInfo::secret("access_token", "a system user's token with whatsapp_business_messaging").required(),
        KeyInfo::secret("app_secret", "the app's secret, which signs what Meta says later").required(),
        KeyInfo::secret("verify_token", "any text, said to Meta with the webhook's address").required(),
        KeyInfo::text("template", "the authentication template").required(),
        KeyInfo::text("language", "the template's language for everyone else; en_US unless set"),
        KeyInfo::of(Form::Table, "languages", "the template's further languages, by ours: { hi = \"hi\" }"),
        KeyInfo::text(
            "business_account_id",
            "the WhatsApp business account, so that doctor can see the template",
        ),
        KeyInfo::text("version", "the version of the Graph API; v23.0 unless set"),
        KeyInfo::text("base_url", "the API's address; https://graph.facebook.com unless set"),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "whatsapp"
kind = "whatsapp-cloud"
channels = ["whatsapp"]
phone_number_id = "106540352242922"
access_token_file = "/run/secrets/whatsapp"
app_secret_file = "/run/secrets/whatsapp-app"
verify_token_file = "/run/secrets/whatsapp-verify"
template = "otp_code"
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    phone_number_id: String,
    access_token: SecretString,
    app_secret: SecretString,
    verify_token: SecretString,
    template: String,
    language: Option<String>,
    #[serde(default)]
    languages: BTreeMap<String, String>,
    business_account_id: Option<String>,
    version: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct Cloud {
    messages: Url,
    sender: Url,
    templates: Option<Url>,
    authorization: HeaderValue,
    access_token: SecretString,
    template: String,
    language: String,
    languages: BTreeMap<String, String>,
    webhook: Webhook,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let adapter = Cloud::new(draft, draft.read()?)?;
    Ok(Arc::new(draft.over_http(adapter)))
}

impl Cloud {
    fn new(draft: &Draft<'_>, config: Config) -> Result<Self, BuildError> {
        let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let must = |holds: bool, key: &str, problem: &str, fix: &str| {
            if holds { Ok(()) } else { Err(draft.wrong(key, problem, fix)) }
        };
        let language = config.language.unwrap_or_else(|| "en_US".to_owned());
        let version = config.version.as_deref().unwrap_or("v23.0");
        let account = config.business_account_id.as_deref();
        let digits = "is not digits alone";
        let copy = "copy it from WhatsApp Manager";
        must(
            is_id(&config.phone_number_id),
            "phone_number_id",
            digits,
            "take the id, not the number itself",
        )?;
        must(account.is_none_or(is_id), "business_account_id", digits, copy)?;
        must(is_name(&config.template), "template", "is not small letters, digits and _", copy)?;
        must(is_name(&language), "language", "is not the code of a language", "write it like en_US")?;
        let ours = config.languages.keys().all(|key| languages().any(|known| known == key));
        let known = format!("the languages are {}", languages().collect::<Vec<_>>().join(", "));
        must(ours, "languages", "names a language that no message comes out in", &known)?;
        let known = config.languages.values().all(|code| is_name(code));
        must(
            known,
            "languages",
            "holds what is not the code of a language",
            "write it like { hi = \"hi\" }",
        )?;
        let numbered = version.strip_prefix('v').is_some_and(|rest| {
            rest.split_once('.').is_some_and(|(major, minor)| is_id(major) && is_id(minor))
        });
        must(numbered, "version", "is not a version", "write it like v23.0")?;
        let authorization = bearer(&config.access_token).map_err(|_| {
            draft.wrong("access_token", "holds a character that no header can", "copy it again")
        })?;
        let base =
            draft.base_url(config.base_url.as_deref(), "https://graph.facebook.com", config.plain_http)?;
        let below = |path: &str| address::below(&base, &format!("{version}/{path}"));
        let mut sender = below(&config.phone_number_id);
        sender.query_pairs_mut().append_pair("fields", "verified_name,quality_rating,name_status");
        let templates = account.map(|account| {
            let mut url = below(&format!("{account}/message_templates"));
            url.query_pairs_mut()
                .append_pair("name", &config.template)
                .append_pair("fields", "name,language,status,category")
                .append_pair("limit", "100");
            url
        });
        Ok(Self {
            messages: below(&format!("{}/messages", config.phone_number_id)),
            sender,
            templates,
            authorization,
            access_token: config.access_token,
            template: config.template,
            language,
            languages: config.languages,
            webhook: Webhook {
                app_secret: config.app_secret,
                verify_token: config.verify_token,
                phone_number_id: config.phone_number_id,
            },
        })
    }

    /// The template's language for one of ours.
    fn language(&self, locale: &str) -> &str {
        self.languages.get(locale).unwrap_or(&self.language)
    }
}

impl Adapter for Cloud {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let Recipient::Phone(number) = &message.to else {
            return Err(Outcome::rejected_for(Reason::Misconfigured, Scope::Route));
        };
        let code = json!([{ "type": "text", "text": message.code.expose() }]);
        let body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": number.expose().trim_start_matches('+'),
            "type": "template",
            "biz_opaque_callback_data": message.reference.to_string(),
            "template": {
                "name": self.template,
                "language": { "code": self.language(&message.locale) },
                "components": [
                    { "type": "body", "parameters": code },
                    { "type": "button", "sub_type": "url", "index": "0", "parameters": code },
                ],
            },
        });
        let body = body.to_string().into_bytes();
        Ok(HttpRequest::json(self.messages.clone(), body).authorized(&self.authorization))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        // The code alone tells, whatever the status.
        if let Some(failure) = response.json::<Failure>() {
            let outcome = failure.outcome(response.status);
            let outcome = match status::retry_after(response, at) {
                Some(span) => outcome.with_retry_after(Some(span)),
                None => outcome,
            };
            return Sent::new(outcome, &failure.told(response.status));
        }
        if !response.is_success() {
            return Sent::new(status::outcome(response, at), &response.raw());
        }
        match response.json::<Taken>() {
            Some(taken) => taken.outcome(),
            // From its id on the answer is not kept: see [`answer`].
            None => Sent::new(Outcome::Unknown, response.raw().split("wamid").next().unwrap_or_default()),
        }
    }

    fn questions(&self) -> Vec<HttpRequest> {
        [Some(&self.sender), self.templates.as_ref()]
            .into_iter()
            .flatten()
            .map(|url| HttpRequest::get(url.clone()).authorized(&self.authorization))
            .collect()
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        let mut languages: Vec<&str> = self.languages.values().map(String::as_str).collect();
        languages.push(&self.language);
        answer::checkup(&self.template, &languages, answers)
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        Some(&self.webhook)
    }

    fn secrets(&self) -> Vec<SecretString> {
        let Webhook { app_secret, verify_token, .. } = &self.webhook;
        vec![self.access_token.clone(), app_secret.clone(), verify_token.clone()]
    }
}
