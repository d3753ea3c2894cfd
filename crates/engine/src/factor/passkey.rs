//! Passkeys: the two ceremonies of WebAuthn, registration and sign-in, as functions over plain data.
//!
//! This is the only place that knows the library (`webauthn_rp`, [why](../../../docs/decisions/0014-webauthn-rp-verifies-passkeys.md)).
//! A ceremony has two halves. The first gives the browser its options and a `passkey_…` token; the second takes the token and
//! the authenticator's response and says what was proven. Between them nothing is kept here: the token is what the library
//! must remember, sealed by the keyring for one application and one ceremony, good for five minutes. So any node finishes
//! what another began, and a crash loses nothing.
//!
//! What a token cannot know is whether it was used. Each verified response names what must count once ([`Once`]); the
//! caller has the store write that down in the same act that signs the person in or adds the passkey, and refuses if it
//! stands there already.
//!
//! Where a step fails, [`PasskeyError`] says which, for the log. A public caller hears one answer for all of them.

mod decoy;
mod registration;
mod relying_party;
mod response;
mod sign_in;
mod state;

use backstop_domain::{
    clock::Timestamp,
    factor::passkey::{CredentialId, Passkey, Transport},
    keyring::{Keyring, LookupHash},
    ports::Random,
};
use serde_json::Value;

pub use decoy::decoys;
pub use registration::{Newcomer, registration_options, verify_registration};
pub use relying_party::{InvalidRelyingParty, RelyingParty};
pub use sign_in::{Named, SignedIn, UserVerification, Whom, named, sign_in_options, verify_sign_in};

/// Where and when a ceremony takes place.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The name of the application.
    pub application: &'a str,
    /// The application, as authenticators know it.
    pub relying_party: &'a RelyingParty,
    /// Seals what is remembered between the halves.
    pub keyring: &'a Keyring,
    /// Chance.
    pub random: &'a dyn Random,
    /// The present moment.
    pub now: Timestamp,
}

impl std::fmt::Debug for Setting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting").field("application", &self.application).finish_non_exhaustive()
    }
}

/// The first half of a ceremony.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    pub options: Value,
    /// The token that must come back with the response.
    pub state: String,
    /// When the token is good for nothing.
    pub expires_at: Timestamp,
}

/// What must count once: the store keeps `hash` until `until`, and an act that finds it there refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once {
    /// Keyed hash of the challenge.
    pub hash: LookupHash,
    /// When the token expires by itself and the hash can be forgotten.
    pub until: Timestamp,
}

/// What a browser is told of a passkey: nothing that proves anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Its id.
    pub id: CredentialId,
    /// How its authenticator is reached.
    pub transports: Vec<Transport>,
}

impl From<&Passkey> for Descriptor {
    fn from(passkey: &Passkey) -> Self {
        Self { id: passkey.id.clone(), transports: passkey.transports.clone() }
    }
}

/// Why a ceremony came to nothing. It never repeats what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// The token is none of ours, or of another application, ceremony or person.
    #[error("the state belongs to no such ceremony")]
    NotOurs,
    /// The token was good once.
    #[error("the ceremony took too long")]
    Expired,
    /// The response is not what a browser makes.
    #[error("the response is not a public key credential")]
    Malformed,
    /// A step of the verification failed.
    #[error("the response does not verify: {0}")]
    Refused(Step),
    /// What was kept cannot be read: a passkey's record, or the system's clock is before 1970.
    #[error("what a ceremony needs cannot be read")]
    Unreadable,
}

/// The step of the verification that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Step {
    /// What the browser signed is damaged, or of the other ceremony.
    #[error("client data")]
    ClientData,
    /// Another challenge.
    #[error("challenge")]
    Challenge,
    /// A page of somebody else.
    #[error("origin")]
    Origin,
    /// Inside a page of somebody else.
    #[error("cross origin")]
    CrossOrigin,
    /// Made for another domain.
    #[error("relying party")]
    RelyingParty,
    /// Nobody touched the authenticator.
    #[error("user presence")]
    UserPresence,
    /// The authenticator did not make sure who it is.
    #[error("user verification")]
    UserVerification,
    /// An algorithm that was not offered.
    #[error("algorithm")]
    Algorithm,
    /// Not signed by this key.
    #[error("signature")]
    Signature,
    /// The authenticator's own data is damaged.
    #[error("authenticator data")]
    AuthenticatorData,
    /// Another passkey or another person than was asked for.
    #[error("credential")]
    Credential,
    /// A passkey that could not be copied suddenly can, or the reverse.
    #[error("backup state")]
    Backup,
    /// An extension that says what it must not.
    #[error("extension")]
    Extension,
}

#[cfg(test)]
mod tests;
