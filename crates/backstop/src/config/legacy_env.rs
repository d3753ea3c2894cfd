//! The variables of the five services: their `.env` keeps working.
//!
//! They count only beside a config file or with `BACKSTOP_PROFILE=production`, and say less than the file: a provider
//! kind that the file configures is not configured a second time from variables. A group that is half set, or holds
//! what a sample file holds, disables its provider with a warning. Nothing here stops the boot but a value that no
//! setting can take.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    entries::Entry,
    error::Place,
    secret_file::is_placeholder,
    tree::{Node, Value},
};

/// Variables by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// A vendor's variables.
struct Group {
    kind: &'static str,
    channels: &'static [&'static str],
    /// `true` or `false` in it switches the group.
    switch: Option<&'static str>,
    /// One of these makes the group count.
    marks: &'static [&'static str],
    /// These make it count where nothing else configures a provider: other programs set them too.
    weak_marks: &'static [&'static str],
    /// Without these it is half set: setting, and the variables that may hold it.
    required: &'static [(&'static str, &'static [&'static str])],
    /// These may be there.
    optional: &'static [(&'static str, &'static str)],
    /// Either both or none.
    pair: Option<(&'static str, &'static str)>,
}

const TWILIO: Group = Group {
    kind: "twilio",
    channels: &["sms"],
    switch: Some("TWILIO_ENABLED"),
    marks: &["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM_NUMBER"],
    weak_marks: &[],
    required: &[
        ("account_sid", &["TWILIO_ACCOUNT_SID"]),
        ("auth_token", &["TWILIO_AUTH_TOKEN"]),
        ("from", &["TWILIO_FROM_NUMBER"]),
    ],
    optional: &[],
    pair: None,
};

const AWS_SNS: Group = Group {
    kind: "aws-sns",
    channels: &["sms"],
    switch: Some("AWS_SNS_ENABLED"),
    marks: &["AWS_SNS_REGION", "AWS_SNS_SENDER_ID"],
    weak_marks: &["AWS_ACCESS_KEY_ID"],
    required: &[("region", &["AWS_SNS_REGION", "AWS_REGION"])],
    optional: &[
        ("sender_id", "AWS_SNS_SENDER_ID"),
        ("access_key_id", "AWS_ACCESS_KEY_ID"),
        ("secret_access_key", "AWS_SECRET_ACCESS_KEY"),
        ("session_token", "AWS_SESSION_TOKEN"),
    ],
    pair: Some(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
};

const SMTP: Group = Group {
    kind: "smtp",
    channels: &["email"],
    switch: None,
    marks: &["SMTP_HOST", "SMTP_FROM", "SMTP_USER", "SMTP_PASSWORD"],
    weak_marks: &[],
    required: &[("host", &["SMTP_HOST"]), ("from", &["SMTP_FROM"])],
    optional: &[("port", "SMTP_PORT"), ("username", "SMTP_USER"), ("password", "SMTP_PASSWORD")],
    pair: Some(("SMTP_USER", "SMTP_PASSWORD")),
};

/// Variables of the services whose functions this version does not have.
const NOT_SERVED: [&str; 9] = [
    "TWILIO_VERIFY_SERVICE_SID",
    "SENDGRID_API_KEY",
    "SENDGRID_FROM_EMAIL",
    "GUPSHUP_USERID",
    "GUPSHUP_PASSWORD",
    "MSG91_AUTH_KEY",
    "TEXTLOCAL_API_KEY",
    "SMS_BACKUP_ENABLED",
    "EMERGENCY_MASTER_KEY",
];

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
    // Each service had its own order: with AWS_SNS_ variables Twilio came first, with plain AWS_ ones it came second.
    let twilio_first = variables.keys().any(|name| name.starts_with("AWS_SNS_"));
    let groups = if twilio_first { [TWILIO, AWS_SNS, SMTP] } else { [AWS_SNS, TWILIO, SMTP] };
    for group in groups {
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
                    table.insert("dlt".into(), Node::text("at-vendor", whole));
                }
                // The port that begins encrypted; every other one is upgraded, as the kind does unless told.
                if let Some((_, variable, _)) =
                    settings.iter().find(|(key, _, value)| *key == "port" && value == "465")
                {
                    table.insert("tls".into(), Node::text("implicit", place(variable)));
                }
                for (key, variable, value) in settings {
                    table.insert(key.to_owned(), Node::text(value, place(variable)));
                }
                legacy.providers.push(Entry { name, node, owner: owner.map(|(owner, _)| owner.to_owned()) });
            }
        }
    }
    for name in NOT_SERVED.into_iter().filter(|name| variables.contains_key(*name)) {
        legacy
            .warnings
            .push(format!("{name} is set and not used: this version does not have what it configures"));
    }
    legacy
}

/// The vendors' variables that are set, for development to name.
pub(crate) fn vendor_variables(variables: &Variables) -> Vec<&str> {
    let groups = [TWILIO, AWS_SNS, SMTP];
    let marks = groups.iter().flat_map(|group| group.marks.iter().chain(group.weak_marks));
    marks.chain(&NOT_SERVED).copied().filter(|name| variables.contains_key(*name)).collect()
}

enum Found {
    Nothing,
    Broken(String),
    Settings(Vec<(&'static str, &'static str, String)>),
}

impl Group {
    /// A variable of the group that is set.
    fn present(&self, variables: &Variables) -> Option<&'static str> {
        self.marks.iter().chain(self.weak_marks).copied().find(|name| variables.contains_key(*name))
    }

    fn read(&self, variables: &Variables, alone: bool) -> Found {
        let switch =
            self.switch.and_then(|name| variables.get(name)).map(|value| value.trim().to_ascii_lowercase());
        let on = match switch.as_deref() {
            Some("true" | "1" | "yes" | "on") => true,
            Some(_) => return Found::Nothing,
            None => false,
        };
        let marked = self.marks.iter().any(|name| variables.contains_key(*name));
        let weakly = alone && self.weak_marks.iter().any(|name| variables.contains_key(*name));
        if !(on || marked || weakly) {
            return Found::Nothing;
        }
        let mut settings = Vec::new();
        for (key, names) in self.required {
            let Some(name) = names.iter().copied().find(|name| variables.contains_key(*name)) else {
                return Found::Broken(format!("{} is missing", names.join(" or ")));
            };
            settings.push((*key, name));
        }
        if let Some((one, other)) = self.pair
            && variables.contains_key(one) != variables.contains_key(other)
        {
            let (set, missing) = if variables.contains_key(one) { (one, other) } else { (other, one) };
            return Found::Broken(format!("{set} is set and {missing} is missing"));
        }
        settings.extend(self.optional.iter().filter(|(_, name)| variables.contains_key(*name)).copied());
        match settings.iter().find(|(_, name)| is_placeholder(&variables[*name])) {
            Some((_, name)) => Found::Broken(format!("{name} holds a placeholder")),
            None => {
                let value = |name: &str| variables[name].trim().to_owned();
                Found::Settings(settings.into_iter().map(|(key, name)| (key, name, value(name))).collect())
            }
        }
    }
}
