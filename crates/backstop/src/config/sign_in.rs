//! `[sign_in]`: how long what people hold is good for. The defaults are the domain's.

use std::time::Duration;

use backstop_domain::sign_in::SignInPolicy;
use serde::Deserialize;

use super::{error::ConfigError, read::Section, span::Span};

const DAY: u64 = 86_400;

/// What the section can say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SignInSection {
    access_token_ttl: Option<Span>,
    session_ttl: Option<Span>,
    session_idle: Option<Span>,
    step_up_within: Option<Span>,
    device_ttl: Option<Span>,
    pin_ttl: Option<Span>,
    pin_length: Option<u8>,
    totp_skew: Option<u8>,
    backup_codes: Option<u8>,
    backup_code_length: Option<u8>,
    sms_backup: Option<bool>,
    offline_grant_ttl: Option<Span>,
}

/// Reads the section. What nothing can call back is short by force.
pub(crate) fn resolve(
    section: &Section<'_>,
    legacy_sms_backup: Option<bool>,
) -> Result<SignInPolicy, ConfigError> {
    let said: SignInSection = section.read()?;
    let usual = SignInPolicy::default();
    let span = |key: &str, said: Option<Span>, usual: Duration, (least, most): (u64, u64)| {
        let value = said.unwrap_or(Span(usual));
        let fix = format!("{key} = \"{}\"", Span(usual));
        section.within(key, &value, &(Span::seconds(least)..=Span::seconds(most)), &fix).map(|()| value.0)
    };
    let number = |key: &str, said: Option<u8>, usual: u8, (least, most): (u8, u8)| {
        let value = said.unwrap_or(usual);
        section.within(key, &value, &(least..=most), &format!("{key} = {usual}")).map(|()| value)
    };
    Ok(SignInPolicy {
        access_token_ttl: span("access_token_ttl", said.access_token_ttl, usual.access_token_ttl, (60, 900))?,
        session_ttl: span("session_ttl", said.session_ttl, usual.session_ttl, (600, 30 * DAY))?,
        session_idle: span("session_idle", said.session_idle, usual.session_idle, (600, 30 * DAY))?,
        step_up_within: span("step_up_within", said.step_up_within, usual.step_up_within, (60, 3600))?,
        device_ttl: span("device_ttl", said.device_ttl, usual.device_ttl, (3600, 30 * DAY))?,
        pin_ttl: span("pin_ttl", said.pin_ttl, usual.pin_ttl, (3600, 90 * DAY))?,
        pin_length: number("pin_length", said.pin_length, usual.pin_length, (4, 6))?,
        totp_skew: number("totp_skew", said.totp_skew, usual.totp_skew, (0, 1))?,
        backup_codes: number("backup_codes", said.backup_codes, usual.backup_codes, (4, 20))?,
        backup_code_length: number(
            "backup_code_length",
            said.backup_code_length,
            usual.backup_code_length,
            (8, 16),
        )?,
        sms_backup: said.sms_backup.or(legacy_sms_backup).unwrap_or(usual.sms_backup),
        offline_grant_ttl: span(
            "offline_grant_ttl",
            said.offline_grant_ttl,
            usual.offline_grant_ttl,
            (300, 3 * DAY),
        )?,
    })
}
