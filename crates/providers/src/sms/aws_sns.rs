//! Amazon SNS, text messages. <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>, read 2026-11.
//!
//! `Accepted` means queued: SNS takes messages for people who opted out and for accounts whose monthly spend is used up,
//! and says so nowhere but in CloudWatch. It has no idempotency key and no validity period.

use std::sync::Arc;

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::{
        Provider,
        provider::{Checkup, Errand, Message, Sent},
    },
    recipient::Recipient,
    secret::SecretString,
};
use reqwest::Url;
use serde::Deserialize;

use self::answer::{Attributes, Failure, Published, Sandbox};
use crate::{
    adapter::Adapter,
    aws::{Signer, account, account::AccessKey},
    exchange::{HttpRequest, HttpResponse},
    registry::{BuildError, Dlt, Draft, Form, KeyInfo, KindInfo},
    status,
};

mod answer;

const VERSION: (&str, &str) = ("Version", "2010-03-31");
/// The account's own limit, in US dollars a month.
const SPEND_LIMIT: &str = "MonthlySpendLimit";

/// The kind `aws-sns`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "aws-sns",
    channels: &[Channel::Sms],
    summary: "Amazon SNS text messages",
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
        KeyInfo::text("sender_id", "3 to 11 letters, digits or hyphens, with a letter in it"),
        KeyInfo::text("origination_number", "one of your numbers, 5 to 14 digits"),
        KeyInfo::text("base_url", "the API's address; https://sns.REGION.amazonaws.com unless set"),
        KeyInfo::of(Form::Flag, "plain_http", "true lets base_url be plain http to another machine"),
    ],
    sample: r#"[[provider]]
name = "sns"
kind = "aws-sns"
channels = ["sms"]
region = "ap-south-1"                 # without access_key_id: environment, profile or role
sender_id = "ACMEIN"
dlt = { entity = "1101000000000000000", header = "ACMEIN", template = "1107000000000000000" }
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
    sender_id: Option<String>,
    origination_number: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

struct Sns {
    url: Url,
    sender_id: Option<String>,
    origination_number: Option<String>,
    dlt: Option<Dlt>,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: Config = draft.read()?;
    check(draft, &config)?;
    let key = AccessKey {
        id: config.access_key_id.as_deref(),
        secret: config.secret_access_key.as_ref(),
        token: config.session_token.as_ref(),
    };
    let source = account::source(draft, &config.region, &key)?;
    let signer = Signer::new(source, config.region.clone(), "sns");
    let adapter = Sns::new(draft, config)?;
    Ok(Arc::new(draft.over_http(adapter).signed(signer)))
}

fn check(draft: &Draft<'_>, config: &Config) -> Result<(), BuildError> {
    account::check_region(draft, &config.region)?;
    if config.sender_id.as_ref().is_some_and(|id| !is_sender_id(id)) {
        return Err(draft.wrong(
            "sender_id",
            "is not a sender id",
            "3 to 11 letters, digits or inner hyphens, with a letter",
        ));
    }
    let is_number =
        |text: &String| (5..=14).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if config
        .origination_number
        .as_ref()
        .is_some_and(|text| !is_number(&text.trim_start_matches('+').to_owned()))
    {
        return Err(draft.wrong("origination_number", "is not a number", "5 to 14 digits"));
    }
    Ok(())
}

fn is_sender_id(text: &str) -> bool {
    (3..=11).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl Sns {
    fn new(draft: &Draft<'_>, config: Config) -> Result<Self, BuildError> {
        let usual = format!("https://{}/", account::host("sns", &config.region));
        let url = draft.base_url(config.base_url.as_deref(), &usual, config.plain_http)?;
        let origination_number =
            config.origination_number.map(|text| text.trim_start_matches('+').to_owned());
        Ok(Self { url, sender_id: config.sender_id, origination_number, dlt: draft.config.dlt.clone() })
    }

    /// The attributes of a message, as name, type and value.
    fn attributes(&self, recipient: &Recipient) -> Vec<(&'static str, &str)> {
        let mut attributes = vec![("AWS.SNS.SMS.SMSType", "Transactional")];
        attributes.extend(self.sender_id.as_deref().map(|id| ("AWS.SNS.SMS.SenderID", id)));
        attributes.extend(
            self.origination_number.as_deref().map(|number| ("AWS.MM.SMS.OriginationNumber", number)),
        );
        let indian = recipient.region().is_some_and(|region| region.as_str() == "IN");
        if let Some(Dlt::Ids { entity, template, .. }) = self.dlt.as_ref().filter(|_| indian) {
            attributes.push(("AWS.MM.SMS.EntityId", entity));
            attributes.push(("AWS.MM.SMS.TemplateId", template));
        }
        attributes
    }
}

impl Adapter for Sns {
    fn request(&self, message: &Message, _at: Timestamp) -> Result<HttpRequest, Outcome> {
        let Recipient::Phone(number) = &message.to else {
            return Err(Outcome::rejected_for(Reason::Misconfigured, Scope::Route));
        };
        let attributes: Vec<(String, &str)> = self
            .attributes(&message.to)
            .into_iter()
            .zip(1..)
            .flat_map(|((name, value), entry)| {
                let entry = format!("MessageAttributes.entry.{entry}");
                [
                    (format!("{entry}.Name"), name),
                    (format!("{entry}.Value.DataType"), "String"),
                    (format!("{entry}.Value.StringValue"), value),
                ]
            })
            .collect();
        let mut fields = vec![
            ("Action", "Publish"),
            VERSION,
            ("PhoneNumber", number.expose()),
            ("Message", message.text.expose()),
        ];
        fields.extend(attributes.iter().map(|(name, value)| (name.as_str(), *value)));
        Ok(HttpRequest::form(self.url.clone(), &fields))
    }

    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent {
        if response.is_success() {
            return match Published::read(response) {
                Some(published) => published.outcome(),
                None => Sent::new(Outcome::Unknown, &response.raw()),
            };
        }
        match Failure::read(response) {
            Some(failure) => {
                let outcome =
                    failure.outcome(response.status).unwrap_or_else(|| status::outcome(response, at));
                let outcome = match status::retry_after(response, at) {
                    Some(span) => outcome.with_retry_after(Some(span)),
                    None => outcome,
                };
                Sent::new(outcome, &failure.told(response.status))
            }
            None => Sent::new(status::outcome(response, at), &response.raw()),
        }
    }

    fn questions(&self) -> Vec<HttpRequest> {
        vec![HttpRequest::form(self.url.clone(), &[("Action", "GetSMSSandboxAccountStatus"), VERSION])]
    }

    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        let ill = |finding: String, fix: &str| Checkup { well: false, finding, fix: Some(fix.to_owned()) };
        let Some(answer) = answers.first() else {
            return ill("not asked".to_owned(), "report this");
        };
        match (Sandbox::read(answer), Failure::read(answer)) {
            (Some(sandbox), _) if sandbox.is_in() => ill(
                "credentials are good, but the account is in the SMS sandbox: ten verified numbers alone"
                    .to_owned(),
                "ask AWS to move the account out of the SMS sandbox",
            ),
            (Some(_), _) => {
                let finding = "credentials are good, the account is out of the SMS sandbox".to_owned();
                Checkup { well: true, finding, fix: None }
            }
            // A key that may publish and nothing else is as it should be.
            (None, Some(failure)) if failure.is_about_permission() => Checkup {
                well: true,
                finding: "credentials are good, but may not ask whether the account is in the SMS sandbox"
                    .to_owned(),
                fix: Some("to be told, allow sns:GetSMSSandboxAccountStatus".to_owned()),
            },
            (None, Some(failure)) => ill(failure.told(answer.status), "check region and credentials"),
            (None, None) => ill(answer.raw(), "check base_url: this does not look like SNS"),
        }
    }

    fn errand(&self, errand: &Errand) -> Option<Vec<HttpRequest>> {
        let Errand::SetSpendLimit(limit) = errand else { return None };
        let set = [
            ("Action", "SetSMSAttributes"),
            VERSION,
            ("attributes.entry.1.key", SPEND_LIMIT),
            ("attributes.entry.1.value", &limit.to_string()),
        ];
        let get = [("Action", "GetSMSAttributes"), VERSION, ("attributes.member.1", SPEND_LIMIT)];
        Some(vec![HttpRequest::form(self.url.clone(), &set), HttpRequest::form(self.url.clone(), &get)])
    }

    fn errand_done(&self, errand: &Errand, answers: &[HttpResponse]) -> Checkup {
        let ill = |finding: String, fix: &str| Checkup { well: false, finding, fix: Some(fix.to_owned()) };
        let (Errand::SetSpendLimit(limit), [set, get]) = (errand, answers) else {
            return ill("not asked".to_owned(), "report this");
        };
        if !set.is_success() {
            let finding = Failure::read(set).map_or_else(|| set.raw(), |failure| failure.told(set.status));
            return ill(finding, "allow sns:SetSMSAttributes, or ask AWS for a higher quota of SMS spending");
        }
        match Attributes::read(get).and_then(|attributes| attributes.value(SPEND_LIMIT)) {
            Some(value) if value == limit.to_string() => {
                Checkup { well: true, finding: format!("the monthly limit is {limit} USD"), fix: None }
            }
            Some(value) => ill(format!("the monthly limit is {value} USD still"), "see the SNS console"),
            None => Checkup {
                well: true,
                finding: "set; what it is now may not be asked".to_owned(),
                fix: Some("to be told, allow sns:GetSMSAttributes".to_owned()),
            },
        }
    }

    fn secrets(&self) -> Vec<SecretString> {
        Vec::new()
    }
}
