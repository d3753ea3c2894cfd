//! Twilio Verify v2. <https://www.twilio.com/docs/verify/api>, read 2026-11.
//!
//! With `custom_code` it carries our code like any other vendor. Without, Twilio makes the code and checks it: then it is
//! a [`Checks`], and our code goes nowhere. The text is one of Twilio's own templates in either case.
//!
//! A start has no idempotency key: one that got no answer is `Unknown` and is not sent again here. There are no status
//! callbacks for a verification, so there are no receipts.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::{
        Provider,
        provider::{Checkup, Message, Sent, VendorCheck, VendorVerdict},
    },
    secret::SecretString,
};
use reqwest::Url;
use serde::Deserialize;

use self::answer::{Checked, Service, Verification};
use crate::{
    adapter::{Adapter, Checks},
    address,
    exchange::{HttpRequest, HttpResponse},
    registry::{BuildError, Draft, Form, KeyInfo, KindInfo},
    status,
    twilio_account::{Account, Credentials, Failure, must_be_sid},
};

mod answer;
mod code;

/// The kind `twilio-verify`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "twilio-verify",
    channels: &[Channel::Sms, Channel::Whatsapp, Channel::Voice, Channel::Email],
    summary: "Twilio Verify",
    paid: true,
    development_only: false,
    keys: &[
        KeyInfo::text("account_sid", "the account, AC and 32 characters").required(),
        KeyInfo::secret("auth_token", "the account's token; or use api_key and api_secret"),
        KeyInfo::text("api_key", "an API key, SK and 32 characters, instead of auth_token"),
        KeyInfo::secret("api_secret", "the secret of api_key"),
        KeyInfo::text("service_sid", "the Verify service, VA and 32 characters").required(),
        KeyInfo::of(
            Form::Flag,
            "custom_code",
            "false lets Twilio make and check the codes, where the service does not allow ours; true unless set",
        ),
        KeyInfo::text(
            "template_sid",
            "an approved template, HJ and 32 characters; the service's own unless set",
        ),
        KeyInfo::text("base_url", "the API's address; https://verify.twilio.com unless set"),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "twilio-verify"
kind = "twilio-verify"
channels = ["sms"]
account_sid = "AC00000000000000000000000000000000"
auth_token_file = "/run/secrets/twilio"
service_sid = "VA00000000000000000000000000000000"
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    account_sid: String,
    auth_token: Option<SecretString>,
    api_key: Option<String>,
    api_secret: Option<SecretString>,
    service_sid: String,
    #[serde(default = "yes")]
    custom_code: bool,
    template_sid: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

const fn yes() -> bool {
    true
}

struct TwilioVerify {
    service: Url,
    verifications: Url,
    checks: Url,
    account: Account,
    custom_code: bool,
    template_sid: Option<String>,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let adapter = TwilioVerify::new(draft, draft.read()?)?;
    Ok(Arc::new(draft.over_http(adapter)))
}

impl TwilioVerify {
    fn new(draft: &Draft<'_>, config: Config) -> Result<Self, BuildError> {
        let Config { account_sid, auth_token, api_key, api_secret, .. } = config;
        let account = Account::new(draft, Credentials { account_sid, auth_token, api_key, api_secret })?;
        must_be_sid(draft, "service_sid", &config.service_sid, "VA")?;
        if let Some(template) = &config.template_sid {
            must_be_sid(draft, "template_sid", template, "HJ")?;
        }
        let base =
            draft.base_url(config.base_url.as_deref(), "https://verify.twilio.com", config.plain_http)?;
        let below = |path: &str| address::below(&base, &format!("v2/Services/{}{path}", config.service_sid));
        Ok(Self {
            service: below(""),
            verifications: below("/Verifications"),
            checks: below("/VerificationCheck"),
            account,
            custom_code: config.custom_code,
            template_sid: config.template_sid,
        })
    }
}

/// Twilio's word for a channel.
fn word(channel: Channel) -> Option<&'static str> {
    match channel {
        Channel::Sms => Some("sms"),
        Channel::Whatsapp => Some("whatsapp"),
        Channel::Voice => Some("call"),
        Channel::Email => Some("email"),
        Channel::Telegram => None,
    }
}

impl Adapter for TwilioVerify {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let Some(channel) = word(message.channel).filter(|_| message.channel.reaches(&message.to)) else {
            return Err(Outcome::rejected_for(Reason::Misconfigured, Scope::Route));
        };
        let mut fields =
            vec![("To", message.to.expose()), ("Channel", channel), ("Locale", message.locale.as_str())];
        if self.custom_code {
            fields.push(("CustomCode", message.code.expose()));
        }
        fields.extend(self.template_sid.as_deref().map(|sid| ("TemplateSid", sid)));
        Ok(HttpRequest::form(self.verifications.clone(), &fields).authorized(&self.account.authorization))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        if response.is_success() {
            return match response.json::<Verification>() {
                Some(verification) => verification.outcome(),
                None => Sent::new(Outcome::Unknown, &response.raw()),
            };
        }
        let Some(failure) = response.json::<Failure>() else {
            return Sent::new(status::outcome(response, at), &response.raw());
        };
        let outcome = code::outcome(&failure).unwrap_or_else(|| match response.status {
            // Twilio formed this answer itself: it says that it failed.
            500..=599 => Outcome::rejected(Reason::Unavailable),
            _ => status::outcome(response, at),
        });
        let outcome = match status::retry_after(response, at) {
            Some(span) => outcome.with_retry_after(Some(span)),
            None => outcome,
        };
        Sent::new(outcome, &failure.told(response.status))
    }

    fn questions(&self) -> Vec<HttpRequest> {
        vec![HttpRequest::get(self.service.clone()).authorized(&self.account.authorization)]
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        let ill = |finding: String, fix: &str| Checkup { well: false, finding, fix: Some(fix.to_owned()) };
        let Some(answer) = answers.first() else {
            return ill("not asked".to_owned(), "report this");
        };
        if !answer.is_success() {
            return match answer.json::<Failure>() {
                Some(failure) if failure.code() == Some(20404) => {
                    ill(failure.told(answer.status), "check service_sid: this account has no such service")
                }
                Some(failure) => ill(
                    failure.told(answer.status),
                    "check account_sid and auth_token (or api_key and api_secret)",
                ),
                None => ill(answer.raw(), "check base_url: this does not look like Twilio"),
            };
        }
        match answer.json::<Service>() {
            Some(service) => service.checkup(self.custom_code),
            None => ill(answer.raw(), "check base_url: this does not look like Twilio"),
        }
    }

    fn checks(&self) -> Option<&dyn Checks> {
        (!self.custom_code).then_some(self as &dyn Checks)
    }

    fn secrets(&self) -> Vec<SecretString> {
        self.account.secrets()
    }
}

impl Checks for TwilioVerify {
    fn question(&self, check: &VendorCheck) -> HttpRequest {
        let whose = match &check.vendor_id {
            Some(id) => ("VerificationSid", id.as_str()),
            None => ("To", check.to.expose()),
        };
        let fields = [whose, ("Code", check.code.expose())];
        HttpRequest::form(self.checks.clone(), &fields).authorized(&self.account.authorization)
    }

    fn verdict(&self, check: &VendorCheck, answer: &HttpResponse) -> VendorVerdict {
        let unknown = || VendorVerdict::Unknown(format!("answered {} without a verdict", answer.status));
        if answer.is_success() {
            return answer.json::<Checked>().map_or_else(unknown, |checked| checked.verdict(check));
        }
        let Some(failure) = answer.json::<Failure>() else { return unknown() };
        match failure.code() {
            // It forgets a verification that is approved, expired or was tried too often.
            Some(20404 | 60202) => VendorVerdict::Gone,
            // No code of the service has that form.
            Some(60200) if failure.blames("Code") => VendorVerdict::Wrong,
            Some(code) => VendorVerdict::Unknown(format!("answered {}, error {code}", answer.status)),
            None => unknown(),
        }
    }
}
