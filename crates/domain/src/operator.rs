//! Operators: the people who run the installation, and how one becomes one.
//!
//! Nobody is one by default and no application's key makes one. Somebody joins with an invitation: 256 random bits, of which
//! only a keyed hash is kept, good once and for a quarter of an hour. One that was made while there was nobody is void as soon
//! as there is somebody, so the link of a first start cannot be used twice, however often it was printed. The last owner stays.

use std::{fmt, str::FromStr, time::Duration};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    factor::totp::Totp,
    id::OperatorId,
    keyring::{Keyring, KeyringError, LookupHash, Sealed},
    ports::Random,
    recipient::EmailAddress,
    secret::SecretString,
};

/// How long an invitation is good for.
pub const INVITED_FOR: Duration = Duration::from_mins(15);
/// Random bytes of its token.
const TOKEN: usize = 32;
/// The longest name of an operator.
const LONGEST_NAME: usize = 60;

/// What an operator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorRole {
    /// Everything, other operators too.
    Owner,
    /// Everything but that.
    Operator,
}

impl OperatorRole {
    /// Every role.
    pub const ALL: [Self; 2] = [Self::Owner, Self::Operator];

    /// The word in JSON and SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Operator => "operator",
        }
    }
}

/// No such role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of owner, operator")]
pub struct UnknownRole;

impl FromStr for OperatorRole {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// The name that an operator goes by: 1 to 60 characters on one line, without spaces at its ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OperatorName(String);

/// The text cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 60 characters on one line")]
pub struct InvalidName;

impl OperatorName {
    /// Reads one.
    ///
    /// # Errors
    /// If it is empty, too long, or holds what a terminal would not just show.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let name = text.trim();
        let fits = (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if fits { Ok(Self(name.to_owned())) } else { Err(InvalidName) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether people would take the two for one.
    pub fn is_same(&self, other: &str) -> bool {
        self.0.to_lowercase() == other.trim().to_lowercase()
    }
}
impl TryFrom<String> for OperatorName {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::parse(&text)
    }
}
impl From<OperatorName> for String {
    fn from(name: OperatorName) -> Self {
        name.0
    }
}
impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Somebody who runs the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// Names them.
    pub id: OperatorId,
    /// The name that they go by.
    pub name: OperatorName,
    /// Their address.
    pub email: Sealed,
    /// The same for people to read.
    pub masked: String,
    /// What they may do.
    pub role: OperatorRole,
    /// When they joined.
    pub joined_at: Timestamp,
    /// Their authenticator app.
    pub totp: Totp,
}

/// The place that an operator's sealed values belong to.
pub fn context(id: OperatorId, column: &str) -> Vec<u8> {
    format!("operators|{id}|{column}").into_bytes()
}

impl Operator {
    /// Seals the address of an operator.
    pub fn seal(id: OperatorId, email: &EmailAddress, ring: &Keyring, random: &dyn Random) -> Sealed {
        ring.seal(email.expose().as_bytes(), &context(id, "email"), random)
    }

    /// Reads it.
    ///
    /// # Errors
    /// If the key is gone, or the value was changed or moved.
    pub fn open_email(&self, ring: &Keyring) -> Result<EmailAddress, KeyringError> {
        let plain = ring.open(&self.email, &context(self.id, "email"))?;
        let text = String::from_utf8(plain).map_err(|_| KeyringError::DoesNotOpen)?;
        EmailAddress::parse(&text).map_err(|_| KeyringError::DoesNotOpen)
    }
}

/// An invitation at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invitation {
    /// The keyed hash of its token.
    pub hash: LookupHash,
    /// What whoever joins with it will be.
    pub role: OperatorRole,
    /// Whether it was made while there was no operator: it is for the first one.
    pub is_first: bool,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

impl Invitation {
    /// Makes one. The token beside it is to be shown now and never again. The first operator is an owner.
    pub fn make(
        role: OperatorRole,
        is_first: bool,
        now: Timestamp,
        ring: &Keyring,
        random: &dyn Random,
    ) -> (Self, SecretString) {
        let mut bytes = zeroize::Zeroizing::new([0; TOKEN]);
        random.fill(&mut *bytes);
        let token = SecretString::new(HEXLOWER.encode(&*bytes));
        let role = if is_first { OperatorRole::Owner } else { role };
        (
            Self { hash: token_hash(ring, token.expose()), role, is_first, expires_at: now + INVITED_FOR },
            token,
        )
    }

    /// Whether somebody may join with it now, beside these.
    pub fn is_good(&self, operators: &[Operator], now: Timestamp) -> bool {
        now < self.expires_at && (!self.is_first || operators.is_empty())
    }
}

/// The keyed hash that an invitation is found by.
pub fn token_hash(ring: &Keyring, token: &str) -> LookupHash {
    ring.lookup("operator invitation", token.as_bytes())
}

/// Why somebody did not join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinRefusal {
    /// The invitation is unknown, used, over, or for a first operator where there is one.
    Invitation,
    /// Somebody goes by this name.
    NameTaken,
}

/// Whether `new` may join these with the invitation.
///
/// # Errors
/// Says why not.
pub fn may_join(
    operators: &[Operator],
    invitation: Option<&Invitation>,
    new: &Operator,
) -> Result<(), JoinRefusal> {
    let good = invitation.filter(|found| found.is_good(operators, new.joined_at) && found.role == new.role);
    good.ok_or(JoinRefusal::Invitation)?;
    if operators.iter().any(|one| one.name.is_same(new.name.as_str())) {
        return Err(JoinRefusal::NameTaken);
    }
    Ok(())
}

/// What became of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It was done.
    Removed,
    /// There is no such operator.
    NotFound,
    /// It is the last owner: there would be nobody left who may invite.
    LastOwner,
}

/// Whether one of these may be removed.
pub fn removal(operators: &[Operator], id: OperatorId) -> Removal {
    let Some(found) = operators.iter().find(|one| one.id == id) else { return Removal::NotFound };
    let owners = operators.iter().filter(|one| one.role == OperatorRole::Owner).count();
    match found.role {
        OperatorRole::Owner if owners == 1 => Removal::LastOwner,
        _ => Removal::Removed,
    }
}

#[cfg(test)]
mod tests;
