//! The vendors' variables, one group each.
//!
//! A group counts by its marks; half of it, or a sample file's words in it, is no provider but a warning.

use super::Variables;
use crate::config::secret_file::is_placeholder;

/// A vendor's variables.
pub(super) struct Group {
    pub(super) kind: &'static str,
    pub(super) channels: &'static [&'static str],
    /// `true` or `false` in it switches the group.
    switch: Option<&'static str>,
    /// One of these makes the group count.
    marks: &'static [&'static str],
    /// These make it count where nothing else configures a provider: other programs set them too.
    weak_marks: &'static [&'static str],
    /// Of each list one must be there, or the weak marks say nothing.
    weak_with: &'static [&'static [&'static str]],
    /// Without these it is half set: setting, and the variables that may hold it.
    required: &'static [(&'static str, &'static [&'static str])],
    /// These may be there.
    optional: &'static [(&'static str, &'static str)],
    /// Either both or none.
    pair: Option<(&'static str, &'static str)>,
    /// What the service had in its code: setting and value.
    pub(super) fixed: &'static [(&'static str, &'static str)],
}

pub(super) const TWILIO: Group = Group {
    kind: "twilio",
    channels: &["sms"],
    switch: Some("TWILIO_ENABLED"),
    marks: &["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM_NUMBER"],
    weak_marks: &[],
    weak_with: &[],
    required: &[
        ("account_sid", &["TWILIO_ACCOUNT_SID"]),
        ("auth_token", &["TWILIO_AUTH_TOKEN"]),
        ("from", &["TWILIO_FROM_NUMBER"]),
    ],
    optional: &[],
    pair: None,
    fixed: &[],
};

pub(super) const TWILIO_VERIFY: Group = Group {
    kind: "twilio-verify",
    channels: &["sms", "whatsapp", "email"],
    switch: None,
    marks: &["TWILIO_VERIFY_SERVICE_SID"],
    weak_marks: &[],
    weak_with: &[],
    required: &[
        ("account_sid", &["TWILIO_ACCOUNT_SID"]),
        ("auth_token", &["TWILIO_AUTH_TOKEN"]),
        ("service_sid", &["TWILIO_VERIFY_SERVICE_SID"]),
    ],
    optional: &[],
    pair: None,
    fixed: &[],
};

pub(super) const AWS_SNS: Group = Group {
    kind: "aws-sns",
    channels: &["sms"],
    switch: Some("AWS_SNS_ENABLED"),
    marks: &["AWS_SNS_REGION", "AWS_SNS_SENDER_ID"],
    weak_marks: &["AWS_ACCESS_KEY_ID"],
    weak_with: &[],
    required: &[("region", &["AWS_SNS_REGION", "AWS_REGION"])],
    optional: &[
        ("sender_id", "AWS_SNS_SENDER_ID"),
        ("access_key_id", "AWS_ACCESS_KEY_ID"),
        ("secret_access_key", "AWS_SECRET_ACCESS_KEY"),
        ("session_token", "AWS_SESSION_TOKEN"),
    ],
    pair: Some(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
    fixed: &[],
};

pub(super) const MSG91: Group = Group {
    kind: "msg91",
    channels: &["sms"],
    switch: None,
    marks: &["MSG91_AUTH_KEY", "MSG91_TEMPLATE_ID", "MSG91_FLOW_ID"],
    weak_marks: &[],
    weak_with: &[],
    required: &[("auth_key", &["MSG91_AUTH_KEY"]), ("template_id", &["MSG91_TEMPLATE_ID", "MSG91_FLOW_ID"])],
    optional: &[],
    pair: None,
    fixed: &[],
};

pub(super) const TEXTLOCAL: Group = Group {
    kind: "textlocal",
    channels: &["sms"],
    switch: None,
    marks: &["TEXTLOCAL_API_KEY", "TEXTLOCAL_SENDER"],
    weak_marks: &[],
    weak_with: &[],
    required: &[("api_key", &["TEXTLOCAL_API_KEY"])],
    optional: &[("sender", "TEXTLOCAL_SENDER")],
    pair: None,
    fixed: &[],
};

pub(super) const GUPSHUP: Group = Group {
    kind: "gupshup",
    channels: &["sms"],
    switch: None,
    marks: &["GUPSHUP_USERID", "GUPSHUP_PASSWORD"],
    weak_marks: &[],
    weak_with: &[],
    required: &[("userid", &["GUPSHUP_USERID"]), ("password", &["GUPSHUP_PASSWORD"])],
    optional: &[],
    pair: None,
    // That service knew the media gateway alone.
    fixed: &[("base_url", "https://mediaapi.smsgupshup.com/GatewayAPI/rest"), ("is_template", "true")],
};

/// Whose mail it is: SES has no variable of its own for it.
const MAIL_FROM: &[&str] = &["SENDGRID_FROM_EMAIL", "SMTP_FROM"];

pub(super) const AWS_SES: Group = Group {
    kind: "aws-ses",
    channels: &["email"],
    switch: None,
    marks: &[],
    weak_marks: &["AWS_ACCESS_KEY_ID"],
    weak_with: &[&["AWS_REGION"], MAIL_FROM],
    required: &[("region", &["AWS_REGION"]), ("from", MAIL_FROM)],
    optional: &[
        ("access_key_id", "AWS_ACCESS_KEY_ID"),
        ("secret_access_key", "AWS_SECRET_ACCESS_KEY"),
        ("session_token", "AWS_SESSION_TOKEN"),
    ],
    pair: Some(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
    fixed: &[],
};

pub(super) const SENDGRID: Group = Group {
    kind: "sendgrid",
    channels: &["email"],
    switch: None,
    marks: &["SENDGRID_API_KEY", "SENDGRID_FROM_EMAIL"],
    weak_marks: &[],
    weak_with: &[],
    required: &[("api_key", &["SENDGRID_API_KEY"]), ("from", &["SENDGRID_FROM_EMAIL"])],
    optional: &[],
    pair: None,
    fixed: &[],
};

pub(super) const SMTP: Group = Group {
    kind: "smtp",
    channels: &["email"],
    switch: None,
    marks: &["SMTP_HOST", "SMTP_FROM", "SMTP_USER", "SMTP_PASSWORD"],
    weak_marks: &[],
    weak_with: &[],
    required: &[("host", &["SMTP_HOST"]), ("from", &["SMTP_FROM"])],
    optional: &[("port", "SMTP_PORT"), ("username", "SMTP_USER"), ("password", "SMTP_PASSWORD")],
    pair: Some(("SMTP_USER", "SMTP_PASSWORD")),
    fixed: &[],
};

/// What a group says.
pub(super) enum Found {
    Nothing,
    Broken(String),
    Settings(Vec<(&'static str, &'static str, String)>),
}

impl Group {
    /// Every variable that makes it count.
    pub(super) fn all_marks(&self) -> impl Iterator<Item = &'static str> + use<> {
        let (marks, weak_marks) = (self.marks, self.weak_marks);
        marks.iter().chain(weak_marks).copied()
    }

    /// A variable of the group that is set.
    pub(super) fn present(&self, variables: &Variables) -> Option<&'static str> {
        self.all_marks().find(|name| variables.contains_key(*name))
    }

    /// Reads it; `alone`: nothing else configures a provider.
    pub(super) fn read(&self, variables: &Variables, alone: bool) -> Found {
        let switch =
            self.switch.and_then(|name| variables.get(name)).map(|value| value.trim().to_ascii_lowercase());
        let on = match switch.as_deref() {
            Some("true" | "1" | "yes" | "on") => true,
            Some(_) => return Found::Nothing,
            None => false,
        };
        let is_there = |names: &[&str]| names.iter().any(|name| variables.contains_key(*name));
        let weakly = alone && is_there(self.weak_marks) && self.weak_with.iter().all(|names| is_there(names));
        if !(on || is_there(self.marks) || weakly) {
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
