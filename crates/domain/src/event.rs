//! What happened, who did it, to whom: an event of the audit log, before it is a record.
//!
//! Everything in it but `detail` goes into the chain, which nobody can change or erase: ids and words, nothing personal.
//! `detail` is the place of what is personal (a masked address, a network, a reason): it is sealed beside the chain, and can
//! be erased with the user it belongs to. See [`crate::audit`].

mod kind;

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use crate::{
    application::ApplicationId,
    clock::Timestamp,
    id::{OperatorId, UserId},
    secret::SecretString,
};

pub use kind::EventKind;

/// The most characters of a text in the chain.
const LONGEST_TEXT: usize = 200;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person of an application.
    User(UserId),
    /// An application's key, by the hint that people recognise it by.
    ApplicationKey(String),
    /// Somebody who runs the installation.
    Operator(OperatorId),
    /// Whoever may run the program's commands.
    CommandLine,
    /// The program itself.
    System,
    /// Somebody who did not say who they are, or could not prove it.
    Anonymous,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::ApplicationKey(hint) => write!(f, "key:{hint}"),
            Self::Operator(id) => write!(f, "operator:{id}"),
            Self::CommandLine => f.write_str("command_line"),
            Self::System => f.write_str("system"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventResult {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

impl EventResult {
    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// Who did it.
    pub actor: Actor,
    /// In which application.
    pub application: Option<ApplicationId>,
    /// To which person.
    pub subject: Option<UserId>,
    /// To which thing: an id or a configured name.
    pub object: Option<String>,
    /// How it ended.
    pub result: EventResult,
    /// By which way in, or with which new setting.
    pub method: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// What is personal about it. Never a secret: no code, key or token.
    pub detail: Option<SecretString>,
}

impl Event {
    /// An event with what every one has; it was done.
    pub fn new(at: Timestamp, kind: EventKind, actor: Actor) -> Self {
        Self {
            at,
            kind,
            actor,
            application: None,
            subject: None,
            object: None,
            result: EventResult::Done,
            method: None,
            request_id: None,
            detail: None,
        }
    }

    /// Names the thing that it was done to.
    #[must_use]
    pub fn with_object(self, object: impl Into<String>) -> Self {
        Self { object: Some(object.into()), ..self }
    }

    /// The body of its record: canonical JSON, which is one line with sorted keys and without what is not there.
    pub fn body(&self, commitment: Option<&[u8]>) -> String {
        let text = |text: &str| Value::from(text.chars().take(LONGEST_TEXT).collect::<String>());
        let hex = |bytes: &[u8]| Value::from(data_encoding::HEXLOWER.encode(bytes));
        let fields = [
            ("actor", Some(text(&self.actor.to_string()))),
            ("application", self.application.map(|application| Value::from(application.0))),
            ("code", self.kind.code().map(Value::from)),
            ("commitment", commitment.map(hex)),
            ("kind", Some(Value::from(self.kind.as_str()))),
            ("method", self.method.as_deref().map(text)),
            ("object", self.object.as_deref().map(text)),
            ("request_id", self.request_id.as_deref().map(text)),
            ("result", Some(Value::from(self.result.as_str()))),
            ("subject", self.subject.map(|subject| Value::from(subject.to_string()))),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        serde_json::to_string(&fields.collect::<BTreeMap<_, _>>()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event::new(Timestamp::from_millis(5), EventKind::EmergencyUsed, Actor::CommandLine)
    }

    #[test]
    fn a_body_is_one_line_of_json_with_sorted_keys_and_no_personal_value() {
        let full = Event {
            application: Some(ApplicationId(7)),
            object: Some("line\r\nbreak \u{1b}[31m".into()),
            method: Some("key".into()),
            detail: Some(SecretString::new("+91987••••10")),
            ..event()
        };
        assert_eq!(
            full.body(Some(&[0xab, 1])),
            r#"{"actor":"command_line","application":7,"code":"EMERGENCY_LOGIN_USED","commitment":"ab01","#
                .to_owned()
                + r#""kind":"emergency.used","method":"key","object":"line\r\nbreak \u001b[31m","result":"done"}"#
        );
        assert!(!format!("{full:?}").contains("987"));
    }

    #[test]
    fn a_text_of_any_length_is_cut_to_what_a_record_may_hold() {
        let long = event().with_object("ä".repeat(10_000)).body(None);
        assert!(long.contains(&"ä".repeat(LONGEST_TEXT)) && long.len() < 600);
    }
}
