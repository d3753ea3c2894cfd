//! The variables of the five services: their `.env` keeps working.
//!
//! They count only beside a config file or with `BACKSTOP_PROFILE=production`, and say less than the file: a provider
//! kind that the file configures is not configured a second time from variables. A group that is half set, or holds
//! what a sample file holds, disables its provider with a warning. Nothing here stops the boot but a value that no
//! setting can take.

use std::{collections::BTreeMap, sync::Arc};

use backstop_domain::secret::SecretString;

use self::groups::{
    AWS_SES, AWS_SNS, Found, GUPSHUP, Group, MSG91, SENDGRID, SMTP, TEXTLOCAL, TWILIO, TWILIO_VERIFY,
};
use super::{
    entries::Entry,
    error::Place,
    secret_file::is_placeholder,
    tree::{Node, Value},
};

mod groups;

/// Variables by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// The key that opened in an emergency.
const MASTER_KEY: &str = "EMERGENCY_MASTER_KEY";
/// Whether a text stands in for TOTP.
const SMS_BACKUP: &str = "SMS_BACKUP_ENABLED";

/// Where the services' settings of codes and limits go: variable, section, key, unit.
const SETTINGS: [(&str, Part, &str, &str); 9] = [
    ("SMS_CODE_LENGTH", Part::Codes, "length", ""),
    ("SMS_CODE_VALIDITY_MINUTES", Part::Codes, "ttl", "m"),
    ("SMS_MAX_ATTEMPTS", Part::Codes, "max_checks", ""),
    ("OTP_LENGTH", Part::Codes, "length", ""),
    ("OTP_EXPIRY_MINUTES", Part::Codes, "ttl", "m"),
    ("OTP_MAX_ATTEMPTS", Part::Codes, "max_checks", ""),
    ("SMS_COOLDOWN_MINUTES", Part::Limits, "resend_after", "m"),
    ("SMS_DAILY_LIMIT", Part::Limits, "recipient_per_day", ""),
    ("RATE_LIMIT_OTP_PER_HOUR", Part::Limits, "recipient_per_hour", ""),
];

/// The variables of the service whose codes had four digits unless it said otherwise.
const FOUR_DIGITS: [&str; 3] = ["OTP_EXPIRY_MINUTES", "OTP_MAX_ATTEMPTS", "RATE_LIMIT_OTP_PER_HOUR"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Codes,
    Limits,
}

/// What the variables say.
pub(crate) struct Legacy {
    pub(crate) codes: Node,
    pub(crate) limits: Node,
    pub(crate) providers: Vec<Entry>,
    pub(crate) warnings: Vec<String>,
    pub(crate) master_key: Option<SecretString>,
    pub(crate) sms_backup: Option<bool>,
}

/// Reads the variables. `configured` are the kinds that the file has already; `owner` is the application whose
/// `env_file` they come from, and `source` that file's name.
pub(crate) fn read(variables: &Variables, configured: &[&str], owner: Option<(&str, &str)>) -> Legacy {
    let place = |name: &str| {
        Place::Variable(match owner {
            Some((_, source)) => Arc::from(format!("{source}: {name}")),
            None => Arc::from(name),
        })
    };
    let base = owner.map_or(Place::Environment, |(_, source)| Place::File { name: source.into(), line: 0 });
    let mut legacy = Legacy {
        codes: Node::empty(base.clone()),
        limits: Node::empty(base),
        providers: Vec::new(),
        warnings: Vec::new(),
        master_key: None,
        sms_backup: None,
    };
    for (name, part, key, unit) in SETTINGS {
        let Some(value) = variables.get(name) else { continue };
        let target = if part == Part::Codes { &mut legacy.codes } else { &mut legacy.limits };
        target.table_mut().insert(key.into(), Node::text(format!("{}{unit}", value.trim()), place(name)));
    }
    if let Some(name) = FOUR_DIGITS.into_iter().find(|name| variables.contains_key(*name))
        && !legacy.codes.table_mut().contains_key("length")
    {
        legacy.codes.table_mut().insert("length".into(), Node::text("4", place(name)));
        legacy.warnings.push(format!(
            "{name} is set and OTP_LENGTH is not: codes have 4 digits, as that service made them; \
             set OTP_LENGTH or codes.length for longer ones"
        ));
    }
    for group in in_order(variables) {
        if configured.contains(&group.kind) {
            continue;
        }
        match group.read(variables, configured.is_empty()) {
            Found::Nothing => {}
            Found::Broken(why) => {
                legacy.warnings.push(format!("the provider {} is off: {why}", group.kind));
            }
            Found::Settings(settings) => {
                let name = owner
                    .map_or_else(|| group.kind.to_owned(), |(owner, _)| format!("{owner}-{}", group.kind));
                let whole = place(group.present(variables).unwrap_or(group.kind));
                let mut node = Node::empty(whole.clone());
                let table = node.table_mut();
                table.insert("name".into(), Node::text(name.clone(), whole.clone()));
                table.insert("kind".into(), Node::text(group.kind, whole.clone()));
                let channels =
                    group.channels.iter().map(|channel| Node::text(*channel, whole.clone())).collect();
                table.insert("channels".into(), Node { value: Value::List(channels), place: whole.clone() });
                // The services sent no ids along: where they reached India, the vendor knows the registration.
                if group.channels.contains(&"sms") {
                    table.insert("dlt".into(), Node::text("at-vendor", whole.clone()));
                }
                // The port that begins encrypted; every other one is upgraded, as the kind does unless told.
                if let Some((_, variable, _)) =
                    settings.iter().find(|(key, _, value)| *key == "port" && value == "465")
                {
                    table.insert("tls".into(), Node::text("implicit", place(variable)));
                }
                for (key, value) in group.fixed {
                    table.insert((*key).to_owned(), Node::text(*value, whole.clone()));
                }
                for (key, variable, value) in settings {
                    table.insert(key.to_owned(), Node::text(value, place(variable)));
                }
                legacy.providers.push(Entry { name, node, owner: owner.map(|(owner, _)| owner.to_owned()) });
            }
        }
    }
    if let Some(key) = variables.get(MASTER_KEY).map(|key| key.trim()).filter(|key| !key.is_empty()) {
        if is_placeholder(key) {
            legacy.warnings.push(format!("emergency access is off: {MASTER_KEY} holds a placeholder"));
        } else {
            legacy.master_key = Some(SecretString::new(key));
        }
    }
    legacy.sms_backup = variables.get(SMS_BACKUP).and_then(|value| match value.trim() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => {
            legacy.warnings.push(format!("{SMS_BACKUP} is not used: it is neither true nor false"));
            None
        }
    });
    legacy
}

/// The vendors' variables that are set, for development to name.
pub(crate) fn vendor_variables(variables: &Variables) -> Vec<&str> {
    let marks = in_order(variables).flat_map(|group| group.all_marks());
    marks.chain([MASTER_KEY, SMS_BACKUP]).filter(|name| variables.contains_key(*name)).collect()
}

/// The groups in the order in which a channel tries them. Each service had its own: with `AWS_SNS_` variables Twilio came
/// first, with plain `AWS_` ones it came second. The Indian vendors
/// came after both. A service of Twilio Verify needs the account's variables and no sender: without one they are its alone. Mail goes over SES, then SendGrid, then a server of one's own.
fn in_order(variables: &Variables) -> impl Iterator<Item = Group> {
    let twilio_first = variables.keys().any(|name| name.starts_with("AWS_SNS_"));
    let (first, second) = if twilio_first { (TWILIO, AWS_SNS) } else { (AWS_SNS, TWILIO) };
    let groups = [first, second, TWILIO_VERIFY, MSG91, TEXTLOCAL, GUPSHUP, AWS_SES, SENDGRID, SMTP];
    let only_verify =
        variables.contains_key("TWILIO_VERIFY_SERVICE_SID") && !variables.contains_key("TWILIO_FROM_NUMBER");
    groups.into_iter().filter(move |group| !(only_verify && group.kind == TWILIO.kind))
}
