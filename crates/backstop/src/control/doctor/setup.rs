//! What can be told of a set-up without asking anybody: what is missing for receipts, calls and India, and credentials that
//! are older or lie more open than they have to.
//!
//! How old a credential is, no vendor tells with it. Where it stands in a file of its own, the file says when it was written.

use std::{fs, path::Path, time::Duration};

use backstop_domain::{channel::Channel, clock::Timestamp};

use super::line;
use crate::{
    config::ProviderSettings,
    control::protocol::{DoctorLine, Level},
    wiring::Installation,
};

/// A credential that is older should be made anew.
const OLD: Duration = Duration::from_secs(90 * 86_400);

/// A line for each thing that somebody should look at. None, if nothing is to be said.
pub(super) fn examine(installation: &Installation) -> Vec<DoctorLine> {
    let config = &installation.config;
    let sends_to_india = config
        .countries
        .allow
        .as_ref()
        .is_some_and(|allow| allow.iter().any(|region| region.as_str() == "IN"));
    let machine = Machine::look();
    let mut lines = Vec::new();
    for settings in config.providers.iter().filter(|settings| settings.enabled) {
        let facts = Facts {
            sends_to_india,
            is_reached: config.server.public_url.is_some(),
            hears: provider(installation, settings).is_some_and(|provider| provider.receiver().is_some()),
            speaks: provider(installation, settings).is_some_and(|provider| provider.speaker().is_some()),
            machine,
            oldest: oldest(&settings.secret_files, installation.clock.now()),
        };
        lines.extend(judge(settings, &facts));
    }
    lines
}

fn provider(
    installation: &Installation,
    settings: &ProviderSettings,
) -> Option<std::sync::Arc<dyn backstop_domain::ports::Provider>> {
    installation.engine.routes().provider(&settings.config.name)
}

/// Where the program runs, as far as AWS is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Machine {
    /// A role could be attached to it.
    is_at_aws: bool,
    /// Access keys are in its environment.
    has_keys: bool,
}

impl Machine {
    fn look() -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let container = [
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
        ];
        let vendor = fs::read_to_string("/sys/devices/virtual/dmi/id/sys_vendor").unwrap_or_default();
        Self {
            is_at_aws: container.into_iter().any(is_set) || vendor.trim() == "Amazon EC2",
            has_keys: is_set("AWS_ACCESS_KEY_ID"),
        }
    }
}

/// What is known about a provider.
struct Facts {
    sends_to_india: bool,
    is_reached: bool,
    hears: bool,
    speaks: bool,
    machine: Machine,
    /// How long ago the oldest of its files was written.
    oldest: Option<Duration>,
}

fn judge(settings: &ProviderSettings, facts: &Facts) -> Vec<DoctorLine> {
    let name = settings.config.name.as_str();
    let serves = |channel| settings.config.channels.contains(&channel);
    let warn = |finding: String, fix: &str| line(name, Level::Warning, finding, Some(fix.to_owned()));
    let mut lines = Vec::new();
    if facts.sends_to_india && settings.paid && serves(Channel::Sms) && settings.config.dlt.is_none() {
        let finding = "has no DLT ids: texts to India pass it over".to_owned();
        lines.push(warn(
            finding,
            "dlt = { entity = \"...\", header = \"...\", template = \"...\" }, or a rule that leaves it out",
        ));
    }
    if !facts.is_reached && facts.speaks && serves(Channel::Voice) {
        let finding = "cannot call: the vendor has nowhere to ask what to say";
        let fix = Some("server.public_url = \"https://...\", how the vendor reaches this service".to_owned());
        lines.push(line(name, Level::Broken, finding, fix));
    }
    if !facts.is_reached && facts.hears {
        let finding = "its receipts go nowhere: what was not delivered is not noticed".to_owned();
        lines.push(warn(finding, "server.public_url = \"https://...\", how the vendor reaches this service"));
    }
    let is_aws = settings.config.kind.starts_with("aws-");
    let has_keys = settings.config.settings.contains_key("access_key_id") || facts.machine.has_keys;
    if is_aws && has_keys && facts.machine.is_at_aws {
        let finding = "uses access keys, though this machine can have a role".to_owned();
        lines.push(warn(finding, "attach a role that may send, and take the keys out"));
    }
    if let Some(age) = facts.oldest.filter(|age| *age > OLD) {
        let finding = format!("a credential's file was last written {} d ago", age.as_secs() / 86_400);
        lines.push(warn(finding, "make a new credential at the vendor, and write it there"));
    }
    lines
}

/// How long ago the oldest file was written.
fn oldest(files: &[impl AsRef<Path>], now: Timestamp) -> Option<Duration> {
    let written = files.iter().filter_map(|file| fs::metadata(file).ok()?.modified().ok());
    let since_epoch = written.filter_map(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let oldest = since_epoch.min()?;
    let millis = i64::try_from(oldest.as_millis()).ok()?;
    Some(now.since(Timestamp::from_millis(millis)))
}

#[cfg(test)]
mod tests;
