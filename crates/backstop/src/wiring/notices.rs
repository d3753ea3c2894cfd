//! Who is told of security events: from the configuration to what the engine tells by.

use std::sync::Arc;

use backstop_domain::{
    application::Application,
    notice::{Audience, Endpoint},
};
use backstop_engine::notify::{NoticeSettings, Webhook};
use backstop_providers::HttpClient;

use crate::config::{Config, ConfigError};

/// Joins addresses and webhooks to the applications of the store.
pub(super) fn settings(
    config: &Config,
    applications: &[Application],
    client: &HttpClient,
) -> Result<NoticeSettings, ConfigError> {
    let (mut endpoints, mut webhooks) = (Vec::new(), Vec::new());
    for webhook in &config.webhooks {
        let notifier = Arc::new(webhook.notifier(config.profile, client.clone())?);
        webhooks.push(Webhook { name: webhook.name.clone(), notifier });
        let owner = applications.iter().find(|known| webhook.application.as_ref() == Some(&known.name));
        if owner.is_some() || config.notices.operator_webhook.as_ref() == Some(&webhook.name) {
            endpoints.push(Endpoint {
                name: webhook.name.clone(),
                application: owner.map(|owner| owner.id),
                kinds: webhook.events.clone(),
            });
        }
    }
    let audience =
        Audience { person: config.notices.person, operators: config.notices.operators.clone(), endpoints };
    Ok(NoticeSettings { audience, webhooks, support_phone: config.server.support_phone.clone() })
}
