//! A vendor's later word: what became of a message, and what people answer to it.
//!
//! A receipt moves an attempt forward and approves nothing. Where it is about an attempt that this vendor never had, it is
//! about nothing. The words come from outside, so they are parsed by the vendor's adapter after its signature was
//! verified, and hold no recipient and no code.

use std::{fmt, str::FromStr};

use crate::{
    application::ApplicationId,
    attempt::AttemptState,
    channel::Channel,
    id::{AttemptId, Id, Kind, VerificationId},
    outcome::Rejection,
    recipient::PhoneNumber,
};

/// Names an attempt to a vendor that gives the name back: `1-06dz…-06dz…`, at most 94 characters of letters, digits and
/// hyphens. A name, no secret: whoever says it must be the vendor of the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttemptReference {
    /// Whose.
    pub application: ApplicationId,
    /// Of which verification.
    pub verification: VerificationId,
    /// Which attempt.
    pub attempt: AttemptId,
}

/// The text is not a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the reference of an attempt")]
pub struct InvalidReference;

impl fmt::Display for AttemptReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verification, attempt) = (self.verification.to_string(), self.attempt.to_string());
        let body = |text: &str| text.split_once('_').map(|(_, body)| body.to_owned()).unwrap_or_default();
        write!(f, "{}-{}-{}", self.application.0, body(&verification), body(&attempt))
    }
}

impl FromStr for AttemptReference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let mut parts = text.split('-');
        let (Some(application), Some(verification), Some(attempt), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidReference);
        };
        Ok(Self {
            application: ApplicationId(application.parse().map_err(|_| InvalidReference)?),
            verification: with_prefix(verification)?,
            attempt: with_prefix(attempt)?,
        })
    }
}

fn with_prefix<K: Kind>(body: &str) -> Result<Id<K>, InvalidReference> {
    format!("{}_{body}", K::PREFIX).parse().map_err(|_| InvalidReference)
}

/// Which message a receipt is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The vendor gave our own name for it back.
    Reference(AttemptReference),
    /// The vendor says its id alone.
    VendorId(String),
}

/// What the vendor says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptState {
    /// Queued or sent on: nothing that we did not know.
    OnItsWay,
    /// It arrived.
    Delivered,
    /// It was sent and did not arrive.
    Undelivered,
    /// It was never sent on.
    Failed,
}

impl ReceiptState {
    /// The state of the attempt after it; `None`: no change.
    pub const fn attempt(self) -> Option<AttemptState> {
        match self {
            Self::OnItsWay => None,
            Self::Delivered => Some(AttemptState::Delivered),
            Self::Undelivered => Some(AttemptState::Undelivered),
            Self::Failed => Some(AttemptState::Rejected),
        }
    }
}

/// A vendor's later word on one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// Which message.
    pub about: About,
    /// What became of it.
    pub state: ReceiptState,
    /// Why it did not arrive, in our words, where the vendor says so.
    pub rejection: Option<Rejection>,
    /// What it cost, as `0.0079 USD`, where the vendor says so.
    pub price: Option<String>,
    /// In the vendor's words: useful fields only, without recipient and code.
    pub response: String,
}

/// What a person wrote back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboundWord {
    /// No more messages over this channel.
    Stop,
    /// Messages again.
    Start,
}

impl InboundWord {
    /// The word of a text, if it is one of the agreed ones and nothing else: the carriers' English list (CTIA Messaging
    /// Principles and Best Practices, 2023, and Twilio's default keywords).
    pub fn read(text: &str) -> Option<Self> {
        let word = text.trim().trim_end_matches(['.', '!']).to_ascii_uppercase();
        match word.as_str() {
            "STOP" | "STOPALL" | "STOP ALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" | "OPTOUT"
            | "OPT OUT" | "OPT-OUT" | "REVOKE" => Some(Self::Stop),
            "START" | "UNSTOP" | "YES" => Some(Self::Start),
            _ => None,
        }
    }
}

/// A word that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// From whom.
    pub from: PhoneNumber,
    /// Over which channel.
    pub channel: Channel,
    /// What it was.
    pub word: InboundWord,
}

/// One thing that a vendor tells in a callback.
#[derive(Debug, Clone, PartialEq)]
pub enum VendorEvent {
    /// What became of a message.
    Receipt(Receipt),
    /// What a person wrote back.
    Inbound(Inbound),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Timestamp, ports::random::SeededRandom};

    fn reference() -> AttemptReference {
        let random = SeededRandom::new(3);
        let at = Timestamp::from_millis(1_767_225_600_000);
        AttemptReference {
            application: ApplicationId(7),
            verification: Id::new(at, &random),
            attempt: Id::new(at, &random),
        }
    }

    #[test]
    fn a_reference_reads_back_and_is_plain_and_short() {
        let text = reference().to_string();
        assert_eq!(text.parse(), Ok(reference()));
        assert!(text.len() <= 80 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{text}");
    }

    #[test]
    fn what_is_not_a_reference_is_refused() {
        let text = reference().to_string();
        for wrong in
            ["", "-", "1-2-3", &text[1..], &text[..text.len() - 1], &format!("{text}-1"), &format!("x{text}")]
        {
            assert_eq!(wrong.parse::<AttemptReference>(), Err(InvalidReference), "{wrong}");
        }
    }

    #[test]
    fn only_the_word_alone_stops_messages() {
        for text in ["STOP", " stop ", "Stop.", "unsubscribe", "opt-out"] {
            assert_eq!(InboundWord::read(text), Some(InboundWord::Stop), "{text}");
        }
        assert_eq!(InboundWord::read("start"), Some(InboundWord::Start));
        for text in ["", "please stop calling", "stop?", "482913", "starting"] {
            assert_eq!(InboundWord::read(text), None, "{text}");
        }
    }
}
