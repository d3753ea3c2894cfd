//! Notices: security events told to a person, to operators and to the application. Messages without a code.
//!
//! A notice has one target and is one row, written in the transaction of the event that it tells, and sent afterwards, at
//! least once. It names people by id and by masked texts alone ([`Detail`] takes nothing else); the one thing in full, the
//! address that a mail goes to, is sealed, and wiped when the notice has ended. Who is told is [`audience`], what a mail
//! says is [`text`], what a webhook is posted is [`event`], and when a failure is tried again is [`schedule`].

pub mod audience;
pub mod detail;
pub mod event;
pub mod schedule;
pub mod text;

use std::{fmt, str::FromStr};

use crate::{
    application::ApplicationId,
    clock::Timestamp,
    id::{NoticeId, UserId},
    keyring::{Keyring, KeyringError, Sealed},
    ports::Random,
    recipient::{EmailAddress, Recipient},
};

pub use audience::{Audience, Endpoint, Happening};
pub use detail::Detail;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// A device was remembered: it can sign in without a code.
    NewDevice,
    /// Somebody got in with a backup code.
    BackupCodeUsed,
    /// Few backup codes are left.
    BackupCodesLow,
    /// New backup codes were made; the old ones are void.
    BackupCodesGenerated,
    /// A way in was added.
    FactorAdded,
    /// A way in was removed.
    FactorRemoved,
    /// The password was changed.
    PasswordChanged,
    /// A telephone number or an e-mail address was changed.
    AddressChanged,
    /// A refresh token came a second time: it was copied, and every session of its family has ended.
    SessionReuse,
    /// A device token came a second time: it was copied, and the device is no longer trusted.
    DeviceReplayed,
    /// Somebody tried emergency access, and it was refused.
    EmergencyTried,
    /// Somebody got in by emergency access.
    EmergencyUsed,
    /// A way to sign in is locked after wrong tries.
    SignInLocked,
    /// Somebody got back into the account after all ways were lost.
    AccountRecovered,
    /// Tries to sign in fail far more often than usual, over all people of an application.
    FailuresRising,
}

/// No such kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such kind of notice")]
pub struct UnknownKind;

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::NewDevice,
        Self::BackupCodeUsed,
        Self::BackupCodesLow,
        Self::BackupCodesGenerated,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::PasswordChanged,
        Self::AddressChanged,
        Self::SessionReuse,
        Self::DeviceReplayed,
        Self::EmergencyTried,
        Self::EmergencyUsed,
        Self::SignInLocked,
        Self::AccountRecovered,
        Self::FailuresRising,
    ];

    /// The type of the event in webhooks, in the configuration, in SQL and in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewDevice => "user.new_device",
            Self::BackupCodeUsed => "user.backup_code_used",
            Self::BackupCodesLow => "user.backup_codes_low",
            Self::BackupCodesGenerated => "user.backup_codes_generated",
            Self::FactorAdded => "user.factor_added",
            Self::FactorRemoved => "user.factor_removed",
            Self::PasswordChanged => "user.password_changed",
            Self::AddressChanged => "user.address_changed",
            Self::SessionReuse => "user.session_reuse",
            Self::DeviceReplayed => "user.device_replayed",
            Self::EmergencyTried => "emergency.tried",
            Self::EmergencyUsed => "emergency.used",
            Self::SignInLocked => "user.sign_in_locked",
            Self::AccountRecovered => "user.account_recovered",
            Self::FailuresRising => "sign_in.failures_rising",
        }
    }

    /// Whether those who run the service are told too.
    pub const fn is_for_operators(self) -> bool {
        matches!(self, Self::EmergencyTried | Self::EmergencyUsed | Self::FailuresRising)
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for NoticeKind {
    type Err = UnknownKind;
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The person, by mail.
    Person(Address),
    /// An operator, by mail.
    Operator(Address),
    /// A configured `[[webhook]]`, by its name.
    Webhook(String),
}

/// Where a mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address; gone once the notice has ended.
    pub sealed: Option<Sealed>,
    /// The same for people to read.
    pub masked: String,
}

/// What is sent one beside the other: a line that stands still holds no other one up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// Every mail.
    Mail,
    /// One webhook.
    Webhook(String),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail => f.write_str("mail"),
            Self::Webhook(name) => write!(f, "webhook:{name}"),
        }
    }
}

impl Target {
    /// In which line it waits.
    pub fn line(&self) -> Line {
        match self {
            Self::Person(_) | Self::Operator(_) => Line::Mail,
            Self::Webhook(name) => Line::Webhook(name.clone()),
        }
    }
}

/// A notice to write down; it is due at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotice {
    /// Names it, over every try.
    pub id: NoticeId,
    /// Whose person, or where it happened.
    pub application: ApplicationId,
    /// What happened.
    pub kind: NoticeKind,
    /// Whom it is about, where that is known.
    pub user: Option<UserId>,
    /// Who is told.
    pub target: Target,
    /// When it happened.
    pub at: Timestamp,
    /// What else can be told, masked.
    pub detail: Detail,
    /// Counts the events of one person, so that a receiver can put them in order.
    pub sequence: u64,
}

impl NewNotice {
    fn context(application: ApplicationId, id: NoticeId) -> Vec<u8> {
        format!("{application}|notices|{id}|address").into_bytes()
    }

    /// Seals the address that a mail of this notice goes to.
    pub fn seal(
        (application, id): (ApplicationId, NoticeId),
        to: &EmailAddress,
        ring: &Keyring,
        random: &dyn Random,
    ) -> Address {
        let sealed = ring.seal(to.expose().as_bytes(), &Self::context(application, id), random);
        Address { sealed: Some(sealed), masked: to.masked() }
    }

    /// The address that a mail of this notice goes to. `None`: it goes nowhere by mail, or has ended.
    ///
    /// # Errors
    /// If the key is gone, or the value was changed or moved.
    pub fn address(&self, ring: &Keyring) -> Result<Option<Recipient>, KeyringError> {
        let (Target::Person(address) | Target::Operator(address)) = &self.target else { return Ok(None) };
        let Some(sealed) = &address.sealed else { return Ok(None) };
        let plain = ring.open(sealed, &Self::context(self.application, self.id))?;
        let text = String::from_utf8(plain).map_err(|_| KeyringError::DoesNotOpen)?;
        Ok(Some(Recipient::restore(text)))
    }
}

#[cfg(test)]
mod tests;
