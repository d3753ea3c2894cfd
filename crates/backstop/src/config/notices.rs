//! `[notices]`: who is told of security events.

use backstop_domain::recipient::EmailAddress;
use serde::Deserialize;

use super::{error::ConfigError, read::Section, webhook::WebhookConfig};

/// What the section can say.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NoticesSection {
    person: bool,
    operators: Vec<String>,
    operator_webhook: Option<String>,
}

impl Default for NoticesSection {
    fn default() -> Self {
        Self { person: true, operators: Vec::new(), operator_webhook: None }
    }
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notices {
    /// Whether people are told of what happens to their own account.
    pub person: bool,
    /// The addresses of those who run the service.
    pub operators: Vec<EmailAddress>,
    /// The webhook that hears what operators hear.
    pub operator_webhook: Option<String>,
}

pub(crate) fn resolve(
    section: &Section<'_>,
    webhooks: &[WebhookConfig],
    warnings: &mut Vec<String>,
) -> Result<Notices, ConfigError> {
    let NoticesSection { person, operators, operator_webhook } = section.read()?;
    let address = |text: &String| {
        EmailAddress::parse(text).map_err(|_| {
            let finding = "holds something that is not an e-mail address";
            section.wrong("operators", finding, "operators = [\"ops@acme.example\"]")
        })
    };
    if let Some(name) = &operator_webhook {
        let finding = match webhooks.iter().find(|webhook| webhook.name == *name) {
            None => Some("names no [[webhook]]"),
            Some(webhook) => webhook.application.as_ref().map(|_| "names an application's webhook"),
        };
        if let Some(finding) = finding {
            let fix = "name a [[webhook]] that has no application";
            return Err(section.wrong("operator_webhook", finding, fix));
        }
    }
    for webhook in webhooks.iter().filter(|webhook| webhook.application.is_none()) {
        if operator_webhook.as_ref() != Some(&webhook.name) {
            warnings.push(format!(
                "webhook.{} is told nothing: set its application, or notices.operator_webhook",
                webhook.name
            ));
        }
    }
    let operators = operators.iter().map(address).collect::<Result<_, _>>()?;
    Ok(Notices { person, operators, operator_webhook })
}
