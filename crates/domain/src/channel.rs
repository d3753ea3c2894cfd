//! How a code travels, and how strong a proof each way gives.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::recipient::Recipient;

/// How a code travels. The order is the strength of the proof, weakest first: a code that was ever handed to a
/// weaker channel proves no more than that channel does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A mail to an address.
    Email,
    /// A call that reads the code out.
    Voice,
    /// A text message.
    Sms,
    /// A Telegram message to the number's account.
    Telegram,
    /// A WhatsApp message to the number's account.
    Whatsapp,
}

/// No channel has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown channel; the channels are sms, whatsapp, voice, email, telegram")]
pub struct UnknownChannel;

impl Channel {
    /// Every channel, weakest first.
    pub const ALL: [Self; 5] = [Self::Email, Self::Voice, Self::Sms, Self::Telegram, Self::Whatsapp];

    /// The name in JSON, SQL and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Voice => "voice",
            Self::Sms => "sms",
            Self::Telegram => "telegram",
            Self::Whatsapp => "whatsapp",
        }
    }

    /// Whether a code for `recipient` can travel this way.
    pub const fn reaches(self, recipient: &Recipient) -> bool {
        matches!((self, recipient), (Self::Email, Recipient::Email(_)))
            || (!matches!(self, Self::Email) && matches!(recipient, Recipient::Phone(_)))
    }

    /// Authentication method references, in the manner of RFC 8176: `otp` and the way it came.
    pub const fn amr(self) -> [&'static str; 2] {
        match self {
            Self::Voice => ["otp", "tel"],
            other => ["otp", other.as_str()],
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Channel {
    type Err = UnknownChannel;
    fn from_str(text: &str) -> Result<Self, UnknownChannel> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text).ok_or(UnknownChannel)
    }
}
