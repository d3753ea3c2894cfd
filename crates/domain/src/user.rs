//! A person of an application, and the ways in that they hold.
//!
//! A user is one aggregate: identity, addresses and every factor. The store locks and loads it whole, a pure rule changes it,
//! and the store writes what changed; so a rule never sees half a person, and two rules never run on one at once.
//! Addresses are sealed, with a keyed hash to find them by and a masked form for people. Only a confirmed address belongs to
//! one user alone and can sign in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    application::ApplicationId,
    channel::Channel,
    clock::Timestamp,
    factor::{
        backup_code::BackupCodes, passkey::Passkeys, password::PasswordHash, totp::Totp,
        trusted_device::Device,
    },
    id::UserId,
    keyring::{Keyring, KeyringError, LookupHash, Sealed},
    ports::{Random, store::Lookup},
    recipient::Recipient,
};

/// The most addresses that one user keeps.
pub const MAX_ADDRESSES: usize = 10;
/// For so long an address that was given to somebody recovers nothing, so that whoever put it there in their place has to wait
/// while every old mailbox hears of it. An address is an authenticator (NIST SP 800-63B-4, 4.1.2.1); the number of hours is ours.
pub const RECOVERY_HOLD: Duration = Duration::from_secs(86_400);

/// Whether a user may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// Yes.
    Active,
    /// No, until the application says otherwise. To the public this looks like an unknown person.
    Suspended,
}

impl UserStatus {
    /// Every status.
    pub const ALL: [Self; 2] = [Self::Active, Self::Suspended];

    /// The word in JSON and SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// When a second way is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// Never.
    Off,
    /// Once a second factor is enrolled.
    #[default]
    Optional,
    /// Always.
    Required,
}

impl SecondFactor {
    /// Every setting.
    pub const ALL: [Self; 3] = [Self::Off, Self::Optional, Self::Required];

    /// The word in JSON and SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

/// The word is none of those that it could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {0}")]
pub struct UnknownWord(&'static str);

impl FromStr for UserStatus {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or(UnknownWord("active, suspended"))
    }
}
impl FromStr for SecondFactor {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|setting| setting.as_str() == text);
        found.ok_or(UnknownWord("off, optional, required"))
    }
}

/// What a user is in the application: `admin`, `driver`, ...: 1 to 32 characters from `a-z`, `0-9`, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Role(String);

/// The word cannot be a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is 1 to 32 characters from a-z, 0-9, _ and -")]
pub struct InvalidRole;

impl Role {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl Default for Role {
    fn default() -> Self {
        Self("user".into())
    }
}
impl FromStr for Role {
    type Err = InvalidRole;
    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        let fits = (1..=32).contains(&text.len()) && text.bytes().all(allowed);
        if fits { Ok(Self(text.into())) } else { Err(InvalidRole) }
    }
}
impl TryFrom<String> for Role {
    type Error = InvalidRole;
    fn try_from(text: String) -> Result<Self, InvalidRole> {
        text.parse()
    }
}
impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.0
    }
}
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a user can be reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Address {
    /// The keyed hash that it is found by.
    pub hash: LookupHash,
    /// For people to read.
    pub masked: String,
    /// In full.
    pub sealed: Sealed,
    /// Whether it is a telephone number; else it is an e-mail address.
    pub phone: bool,
    /// When the user got it.
    pub added_at: Timestamp,
    /// When the user was shown to hold it.
    pub confirmed_at: Option<Timestamp>,
}

/// The keyed hash that an address is found by. Unlike the one of limits, it is the address as it is, not the mailbox behind it.
pub fn address_hash(ring: &Keyring, address: &Recipient) -> LookupHash {
    ring.lookup("address", address.identity().as_bytes())
}

impl Address {
    /// Seals an address of `user`.
    pub fn seal(
        ring: &Keyring,
        (application, user): (ApplicationId, UserId),
        address: &Recipient,
        (now, confirmed): (Timestamp, bool),
        random: &dyn Random,
    ) -> Self {
        Self {
            hash: address_hash(ring, address),
            masked: address.masked(),
            sealed: ring.seal(address.expose().as_bytes(), &context(application, user, "address"), random),
            phone: matches!(address, Recipient::Phone(_)),
            added_at: now,
            confirmed_at: confirmed.then_some(now),
        }
    }
}

/// The place that a user's sealed values belong to.
pub fn context(application: ApplicationId, user: UserId, column: &str) -> Vec<u8> {
    format!("{application}|users|{user}|{column}").into_bytes()
}

/// The factors that a user holds. Empty until one is enrolled.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ways {
    /// What is kept of their password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordHash>,
    /// Their authenticator app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp: Option<Totp>,
    /// One that waits for its first code; the other stays good until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp_enrolment: Option<Totp>,
    /// Their backup codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_codes: Option<BackupCodes>,
    /// Devices that they trust.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// Their passkeys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passkeys: Option<Passkeys>,
}

impl Ways {
    /// Whether a second factor is enrolled: one that is asked for beside any first way.
    pub fn has_second_factor(&self) -> bool {
        self.totp.is_some() || self.passkeys.as_ref().is_some_and(|passkeys| !passkeys.held().is_empty())
    }
}

/// A person of one application.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Names them.
    pub id: UserId,
    /// Whose.
    pub application: ApplicationId,
    /// When they were made.
    pub created_at: Timestamp,
    /// When anything of them last changed.
    pub updated_at: Timestamp,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// What they are in the application.
    pub role: Role,
    /// When a second way is asked for.
    pub second_factor: SecondFactor,
    /// The rest, kept as one document.
    pub profile: Profile,
}

/// What the store keeps of a user as one document.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// The language of messages, as BCP 47.
    pub locale: Option<String>,
    /// Where they can be reached, the first of a kind first asked.
    pub addresses: Vec<Address>,
    /// How they can get in.
    pub ways: Ways,
    /// How many notices they were sent: the number of the latest.
    pub notices: u64,
}

impl User {
    /// Opens one of the user's addresses.
    ///
    /// # Errors
    /// If the sealed value does not open.
    pub fn open(&self, ring: &Keyring, address: &Address) -> Result<Recipient, KeyringError> {
        let plain = ring.open(&address.sealed, &context(self.application, self.id, "address"))?;
        let text = String::from_utf8(plain).map_err(|_| KeyringError::DoesNotOpen)?;
        Ok(Recipient::restore(text))
    }

    /// Addresses that the user was shown to hold.
    pub fn confirmed(&self) -> impl Iterator<Item = &Address> {
        self.profile.addresses.iter().filter(|address| address.confirmed_at.is_some())
    }

    /// Whether a forgotten password may be replaced by what is sent to this address of theirs. One that they had from the beginning
    /// may be used at once.
    pub fn recovers_by(&self, address: &Address, now: Timestamp) -> bool {
        let is_new = |confirmed| address.added_at > self.created_at && now < confirmed + RECOVERY_HOLD;
        address.confirmed_at.is_some_and(|confirmed| !is_new(confirmed))
    }

    /// Until when one of their addresses recovers nothing yet.
    pub fn on_hold_until(&self, now: Timestamp) -> Option<Timestamp> {
        let held = self.confirmed().filter(|address| !self.recovers_by(address, now));
        held.filter_map(|address| Some(address.confirmed_at? + RECOVERY_HOLD)).max()
    }

    /// What leads to this user alone.
    pub fn lookups(&self) -> BTreeSet<Lookup> {
        let addresses = self.confirmed().map(|address| Lookup::Address(address.hash));
        let passkeys = self.profile.ways.passkeys.iter().flat_map(|passkeys| passkeys.held());
        addresses.chain(passkeys.map(|passkey| Lookup::Passkey(passkey.id.lookup()))).collect()
    }

    /// The address of this hash.
    pub fn address(&self, hash: LookupHash) -> Option<&Address> {
        self.profile.addresses.iter().find(|address| address.hash == hash)
    }

    /// For each channel that does not reach `to`, the first of these addresses that it reaches.
    ///
    /// # Errors
    /// If a sealed value does not open.
    pub fn fallbacks<'a>(
        &self,
        ring: &Keyring,
        to: &Recipient,
        addresses: impl Iterator<Item = &'a Address>,
    ) -> Result<BTreeMap<Channel, Recipient>, KeyringError> {
        let mut found = BTreeMap::new();
        for address in addresses {
            let recipient = self.open(ring, address)?;
            for channel in Channel::ALL {
                if !channel.reaches(to) && channel.reaches(&recipient) {
                    found.entry(channel).or_insert_with(|| recipient.clone());
                }
            }
        }
        Ok(found)
    }
}
