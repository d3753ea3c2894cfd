//! The port that codes leave through.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    channel::Channel,
    code::{Code, SubmittedCode},
    id::{AttemptId, NoticeId, VerificationId},
    outcome::{Outcome, VendorResponse},
    receipt::{AttemptReference, VendorEvent},
    recipient::Recipient,
    secret::SecretString,
    template::Spoken,
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
    /// The same as a page, for mail.
    pub html: Option<SecretString>,
    /// The language of the text.
    pub locale: String,
    /// How much longer the code lives: no vendor should deliver it later.
    pub expires_in: Duration,
    /// Our name for this attempt, for vendors that give one back with a receipt.
    pub reference: AttemptReference,
    /// Where the vendor finds us.
    pub links: Links,
}

/// A mail without a code: a security event told to somebody.
#[derive(Debug, Clone)]
pub struct NoticeMail {
    /// This try.
    pub attempt: AttemptId,
    /// The notice, the same over every try: receivers tell a repetition by it.
    pub notice: NoticeId,
    /// Who it goes to.
    pub to: Recipient,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The language of the text.
    pub locale: &'static str,
}

/// Addresses of ours for a vendor; none where nobody configured how we are reached from outside.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// Takes receipts of this attempt: `https://verify.acme.example/receipts/twilio-main/…?attempt=1-06dz…-06dz…`.
    pub receipts: Option<String>,
    /// Gives out the script of this attempt's call. Whoever knows it can hear the code: never in a log.
    pub voice: Option<SecretString>,
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

/// What is left in a vendor account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// Millionths of the unit; less than nothing where the vendor lets an account go into debt.
    pub micros: i64,
    /// ISO 4217 letters, or the vendor's own unit: `credits`.
    pub unit: String,
}

/// Something an operator asks a vendor to do for the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Begin to verify that this sender is ours.
    VerifySender(String),
    /// Set the vendor's own monthly limit, in whole units of the account's currency.
    SetSpendLimit(u32),
}

/// A request of a vendor to us, as it came in.
#[derive(Clone, Default)]
pub struct Callback {
    /// The method, in capitals.
    pub method: String,
    /// The address as the vendor was told it: scheme, host, path and query, unchanged in order and encoding.
    pub url: String,
    /// Names in small letters, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The bytes as they came.
    pub body: Vec<u8>,
}

impl Callback {
    /// The first header of this name, in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What stands after the question mark.
    pub fn query(&self) -> &str {
        self.url.split_once('?').map_or("", |(_, query)| query)
    }
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback")
            .field("method", &self.method)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What we answer a vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Reply {
    /// An empty 200: heard.
    pub const OK: Self = Self { status: 200, content_type: "text/plain", body: String::new() };
}

/// A callback that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// What it tells; nothing for a handshake.
    pub events: Vec<VendorEvent>,
    /// What the vendor wants to hear.
    pub reply: Reply,
}

/// Why a callback was refused. For the log alone: who forges one learns nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRefused {
    /// It is not from the vendor, as far as can be told.
    #[error("its signature is missing, wrong or too old: {0}")]
    Forged(&'static str),
    /// It is from the vendor, and nobody can read it.
    #[error("it cannot be read: {0}")]
    Unreadable(&'static str),
    /// It cannot be judged now; the vendor shall say it again.
    #[error("it cannot be judged now: {0}")]
    NotNow(String),
}

/// Hears what a vendor says later.
#[async_trait]
pub trait Receiver: Send + Sync {
    /// Whether the vendor signs what it says. If not, a secret part of the address is all that there is.
    fn is_signed(&self) -> bool;

    /// Whether the vendor says only its own id of a message, so that open attempts must be found by it.
    fn finds_by_vendor_id(&self) -> bool;

    /// Verifies and reads a callback.
    async fn receive(&self, callback: &Callback) -> Result<Heard, CallbackRefused>;
}

/// Gives a vendor that makes calls the script of one.
pub trait Speaker: Send + Sync {
    /// The answer to a vendor that asks what to say, in the vendor's own language: it asks for a key first, and tells the
    /// code to whoever pressed one. `again` is the address that this callback came to.
    ///
    /// # Errors
    /// If the callback is not the vendor's.
    fn speak(&self, callback: &Callback, script: &Spoken, again: &str) -> Result<Reply, CallbackRefused>;
}

/// A submitted code that a vendor is to compare with the one that it made itself.
#[derive(Debug, Clone)]
pub struct VendorCheck {
    /// Whom the vendor sent its code to.
    pub to: Recipient,
    /// How it travelled.
    pub channel: Channel,
    /// The vendor's own id of the message, where the latest one was given any.
    pub vendor_id: Option<String>,
    /// What the person typed.
    pub code: SubmittedCode,
}

/// What a vendor says of a submitted code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VendorVerdict {
    /// It is the code.
    Right,
    /// It is not.
    Wrong,
    /// The vendor knows of no code to compare with: expired, used, tried too often, never made.
    Gone,
    /// No answer that says which; why, without secrets.
    Unknown(String),
}

/// Compares what people type with codes that the vendor made itself.
#[async_trait]
pub trait Checker: Send + Sync {
    /// Asks the vendor. A code that is right may be used up by this very question.
    async fn check(&self, check: &VendorCheck) -> VendorVerdict;
}

/// A configured vendor account. Rarer abilities are optional.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Hands one message over. Never fails: whatever happens is an [`Outcome`].
    async fn send(&self, message: &Message) -> Sent;

    /// Hands a mail without a code over; `None`: this vendor carries codes alone.
    async fn send_notice(&self, _notice: &NoticeMail) -> Option<Sent> {
        None
    }

    /// Looks whether the vendor can be reached and believes our credentials. Sends nothing.
    async fn check_up(&self) -> Checkup;

    /// Hears receipts; `None`: this vendor tells nothing later.
    fn receiver(&self) -> Option<&dyn Receiver> {
        None
    }

    /// Speaks to people; `None`: this vendor fetches no script.
    fn speaker(&self) -> Option<&dyn Speaker> {
        None
    }

    /// Makes and checks the codes itself; `None`: it sends ours.
    fn checker(&self) -> Option<&dyn Checker> {
        None
    }

    /// What is left in the account. `Ok(None)`: the vendor does not say.
    ///
    /// # Errors
    /// Why it could not be asked, without secrets.
    async fn balance(&self) -> Result<Option<Balance>, String> {
        Ok(None)
    }

    /// Does an operator's errand; `None`: this vendor knows no such thing.
    async fn errand(&self, _errand: &Errand) -> Option<Checkup> {
        None
    }
}
