//! The port that codes leave through.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    channel::Channel,
    code::Code,
    id::{AttemptId, VerificationId},
    outcome::{Outcome, VendorResponse},
    recipient::Recipient,
    secret::SecretString,
};

/// One message to hand over: what a vendor needs, and no more.
#[derive(Debug, Clone)]
pub struct Message {
    /// The attempt; sent along where the vendor takes a reference.
    pub attempt: AttemptId,
    /// Which attempt of this verification it is, from 1, over all providers.
    pub number: u32,
    /// The verification.
    pub verification: VerificationId,
    /// How it travels.
    pub channel: Channel,
    /// Who it goes to.
    pub to: Recipient,
    /// The code alone, for vendors with templates of their own.
    pub code: Code,
    /// The application's name for people.
    pub brand: String,
    /// The subject, for mail.
    pub subject: String,
    /// The text as the person will read it, or the script to read out.
    pub text: SecretString,
    /// The language of the text.
    pub locale: String,
    /// How much longer the code lives: no vendor should deliver it later.
    pub expires_in: Duration,
}

/// What a vendor did with a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// In our words.
    pub outcome: Outcome,
    /// In its own, redacted: never the code, the recipient or a credential.
    pub response: VendorResponse,
    /// What it cost, as `0.0079 USD`, where the vendor says so.
    pub price: Option<String>,
}

impl Sent {
    /// An answer without a price.
    pub fn new(outcome: Outcome, response: &str) -> Self {
        let success = matches!(outcome, Outcome::Accepted { .. });
        Self { outcome, response: VendorResponse::new(success, response), price: None }
    }
}

/// What a look at a provider, without sending, told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkup {
    /// Whether it could send now, as far as can be told.
    pub well: bool,
    /// What was seen, in a line, without secrets.
    pub finding: String,
    /// What to do about it, where something is wrong.
    pub fix: Option<String>,
}

/// A configured vendor account.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Hands one message over. Never fails: whatever happens is an [`Outcome`].
    async fn send(&self, message: &Message) -> Sent;

    /// Looks whether the vendor can be reached and believes our credentials. Sends nothing.
    async fn check_up(&self) -> Checkup;
}
