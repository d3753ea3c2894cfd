//! The passkeys of a person: what is kept of them, and the rules that need nobody's cryptography.
//!
//! Nothing here is a secret: an authenticator keeps the private key and we keep the public one, so a thief of the
//! database can sign in with none of it. What a person's document holds is a random *user handle*, made once, that the
//! authenticator keeps beside the key, and the passkeys themselves. Their public keys stand there as the verifying
//! library wrote them; nobody else reads them.
//!
//! The signature counter is judged here and not with the signature, because two assertions can be verified at once and
//! only the lock on the person puts them in an order. A counter that does not rise is told and refuses nothing: keys that
//! are synchronised have none, and two tabs may answer out of order.

mod id;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

pub use id::{CredentialId, InvalidCredentialId, Transport, UserHandle};

/// More passkeys than this no person has use for, and every sign-in would have to name them all.
pub const MOST_PASSKEYS: usize = 20;

/// One passkey of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// Names it, among all people.
    pub id: CredentialId,
    /// The public key and what was agreed about it, as the verifying library wrote it.
    #[serde(with = "id::base64url")]
    pub record: Vec<u8>,
    /// The highest signature counter seen; 0 for those that do not count.
    pub counter: u32,
    /// Whether it may be copied to other devices of the person. Never changes.
    pub backup_eligible: bool,
    /// Whether it was copied when it was last used.
    pub backed_up: bool,
    /// How a browser can reach the authenticator.
    pub transports: Vec<Transport>,
    /// Whether the authenticator knew the person (by finger, face or PIN) when it was made.
    pub user_verified: bool,
    /// What the person calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last signed the person in.
    pub last_used_at: Option<Timestamp>,
}

/// A passkey whose registration was verified, with the handle that its authenticator keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPasskey {
    /// The handle.
    pub handle: UserHandle,
    /// The passkey.
    pub passkey: Passkey,
}

/// What a person's document holds of passkeys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkeys {
    handle: UserHandle,
    held: Vec<Passkey>,
}

/// Why a passkey cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotAdd {
    /// The person holds it already.
    #[error("this passkey is registered already")]
    Duplicate,
    /// The person holds as many as anybody may.
    #[error("a person holds at most {MOST_PASSKEYS} passkeys")]
    TooMany,
    /// It was made under another handle: another registration was first.
    #[error("another passkey was registered meanwhile; begin again")]
    OtherHandle,
}

/// What the counter of an assertion said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// It rose, or the authenticator does not count.
    Fine,
    /// It did not rise: perhaps a copy of the authenticator. A signal of risk and not a refusal.
    DidNotRise,
}

impl Passkeys {
    /// The handle that the authenticators of this person keep.
    pub fn handle(&self) -> &UserHandle {
        &self.handle
    }

    /// The passkeys, oldest first.
    pub fn held(&self) -> &[Passkey] {
        &self.held
    }

    /// The passkey of this id.
    pub fn find(&self, id: &CredentialId) -> Option<&Passkey> {
        self.held.iter().find(|passkey| passkey.id == *id)
    }

    /// Adds a verified passkey to what the person holds, which is nothing before the first one.
    ///
    /// That nobody else holds this id is for the store to say: see [`CredentialId::lookup`].
    ///
    /// # Errors
    /// [`CannotAdd`]; nothing is changed then.
    pub fn add(holds: &mut Option<Self>, new: NewPasskey) -> Result<(), CannotAdd> {
        let Some(passkeys) = holds else {
            *holds = Some(Self { handle: new.handle, held: vec![new.passkey] });
            return Ok(());
        };
        if passkeys.handle != new.handle {
            return Err(CannotAdd::OtherHandle);
        }
        if passkeys.find(&new.passkey.id).is_some() {
            return Err(CannotAdd::Duplicate);
        }
        if passkeys.held.len() >= MOST_PASSKEYS {
            return Err(CannotAdd::TooMany);
        }
        passkeys.held.push(new.passkey);
        Ok(())
    }

    /// Writes down that this passkey signed the person in. `None` if it was removed meanwhile: then nobody is signed in.
    pub fn used(
        &mut self,
        id: &CredentialId,
        counter: u32,
        backed_up: bool,
        now: Timestamp,
    ) -> Option<Counter> {
        let passkey = self.held.iter_mut().find(|passkey| passkey.id == *id)?;
        let said = match passkey.counter {
            0 => Counter::Fine,
            seen if counter > seen => Counter::Fine,
            _ => Counter::DidNotRise,
        };
        passkey.counter = passkey.counter.max(counter);
        passkey.backed_up = backed_up;
        passkey.last_used_at = passkey.last_used_at.max(Some(now));
        Some(said)
    }

    /// Takes a passkey away. The handle stays, so that a new passkey takes the place of the old one on its authenticator.
    pub fn remove(&mut self, id: &CredentialId) -> Option<Passkey> {
        let at = self.held.iter().position(|passkey| passkey.id == *id)?;
        Some(self.held.remove(at))
    }
}

#[cfg(test)]
mod tests;
