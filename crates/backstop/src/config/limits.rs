//! `[limits]`: how many messages and checks. The defaults are the domain's; 0 is no limit.
//!
//! In production the limits that protect a person have a hard cap, and none of them can be switched off: past the cap
//! the boot stops. In development anything goes, so that a benchmark can be run.

use std::time::Duration;

use backstop_domain::limit::Limits;
use serde::Deserialize;

use super::{error::ConfigError, profile::Profile, read::Section, span::Span};

/// What the section can say; what it does not say stays as it was.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitsSection {
    resend_after: Option<Span>,
    recipient_per_hour: Option<u32>,
    recipient_per_day: Option<u32>,
    installation_recipient_per_day: Option<u32>,
    checks_per_hour: Option<u32>,
    checks_per_day: Option<u32>,
    application_per_minute: Option<u32>,
    network_per_hour: Option<u32>,
}

/// Puts the section over `base`.
pub(crate) fn resolve(
    section: Option<&Section<'_>>,
    base: &Limits,
    profile: Profile,
) -> Result<Limits, ConfigError> {
    let Some(section) = section else { return Ok(base.clone()) };
    let said: LimitsSection = section.read()?;
    let limits = Limits {
        resend_after: said.resend_after.map_or(base.resend_after, |span| span.0),
        recipient_per_hour: said.recipient_per_hour.unwrap_or(base.recipient_per_hour),
        recipient_per_day: said.recipient_per_day.unwrap_or(base.recipient_per_day),
        installation_recipient_per_day: said
            .installation_recipient_per_day
            .unwrap_or(base.installation_recipient_per_day),
        checks_per_hour: said.checks_per_hour.unwrap_or(base.checks_per_hour),
        checks_per_day: said.checks_per_day.unwrap_or(base.checks_per_day),
        application_per_minute: said.application_per_minute.unwrap_or(base.application_per_minute),
        network_per_hour: said.network_per_hour.unwrap_or(base.network_per_hour),
    };
    let day = Span(Duration::from_secs(86_400));
    let shortest = if profile == Profile::Production { Span::seconds(15) } else { Span::seconds(0) };
    section.within(
        "resend_after",
        &Span(limits.resend_after),
        &(shortest..=day),
        "resend_after = \"60s\"",
    )?;
    if profile == Profile::Production {
        let caps = [
            ("recipient_per_hour", limits.recipient_per_hour, 20, 5),
            ("recipient_per_day", limits.recipient_per_day, 20, 10),
            ("installation_recipient_per_day", limits.installation_recipient_per_day, 40, 20),
            ("checks_per_hour", limits.checks_per_hour, 50, 10),
            ("checks_per_day", limits.checks_per_day, 50, 20),
        ];
        for (key, value, cap, usual) in caps {
            section.within(key, &value, &(1..=cap), &format!("{key} = {usual}"))?;
        }
    }
    Ok(limits)
}
