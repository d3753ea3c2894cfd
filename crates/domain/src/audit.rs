//! The audit log: a chain of records that shows every edit, deletion and cut.
//!
//! Records are numbered without a gap from 1. Each holds the hash of the one before, and its own is SHA-256 over that hash
//! and its canonical JSON: whoever changes, deletes or moves a record breaks the chain at it. Whoever rewrites everything
//! after it, or cuts the end off, meets a [`Checkpoint`]: a signature over number and hash, kept beside the log and outside
//! the database. Personal details stand beside the chain, sealed; the record holds a commitment, SHA-256 over a random salt
//! and the detail, and the salt is sealed with it: without the row nobody can guess what it was, and the chain stays whole.

mod signer;
mod verifier;

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    clock::Timestamp,
    event::Event,
    id::UserId,
    keyring::{Keyring, KeyringError, Sealed},
    ports::Random,
    secret::SecretString,
};

pub use signer::{Signature, Signer};
pub use verifier::{Broken, Fault, Verified, Verifier};

/// SHA-256 of a record and all before it.
pub type ChainHash = [u8; 32];

/// Bytes of the salt of a commitment.
const SALT: usize = 32;

/// Where the chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The number of the last record; 0: there is none.
    pub seq: u64,
    /// Its hash; zeros before the first.
    pub hash: ChainHash,
}

/// An event, made ready to be appended: what depends on the keyring is done, what depends on the chain is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// When it happened.
    pub at: Timestamp,
    /// What the chain will hold, as canonical JSON.
    pub body: String,
    /// What stands beside the chain.
    pub detail: Option<NewDetail>,
}

/// A sealed detail, before its record has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDetail {
    /// Whose it is: it is erased with this user.
    pub user: Option<UserId>,
    /// Salt and detail.
    pub sealed: Sealed,
}

/// A sealed detail at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedDetail {
    /// Of which record.
    pub seq: u64,
    /// Whose it is.
    pub user: Option<UserId>,
    /// Salt and detail.
    pub sealed: Sealed,
}

impl NewRecord {
    /// Makes an event ready. Its detail belongs to its subject.
    pub fn of(event: &Event, ring: &Keyring, random: &dyn Random) -> Self {
        let Some(detail) = &event.detail else {
            return Self { at: event.at, body: event.body(None), detail: None };
        };
        let mut plain = vec![0; SALT];
        random.fill(&mut plain);
        plain.extend(detail.expose().as_bytes());
        let commitment: ChainHash = Sha256::digest(&plain).into();
        let sealed = ring.seal(&plain, &context(&commitment, event.subject), random);
        let detail = Some(NewDetail { user: event.subject, sealed });
        Self { at: event.at, body: event.body(Some(&commitment)), detail }
    }
}

/// A detail opens only beside the record that it was made for, and as the user's that it was made for.
fn context(commitment: &ChainHash, user: Option<UserId>) -> Vec<u8> {
    let user = user.map_or(String::new(), |user| user.to_string());
    [b"audit_details|".as_slice(), commitment, b"|", user.as_bytes()].concat()
}

/// One link of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number, from 1 without a gap.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// The hash of the record before; zeros in the first.
    pub prev: ChainHash,
    /// What happened, as canonical JSON.
    pub body: String,
    /// Its own hash.
    pub hash: ChainHash,
}

/// What of a body is read again.
#[derive(Deserialize)]
struct Committed {
    commitment: Option<String>,
}

impl Record {
    /// The record that follows `head`.
    pub fn after(head: Head, new: &NewRecord) -> Self {
        let record = Self {
            seq: head.seq.saturating_add(1),
            at: new.at,
            prev: head.hash,
            body: new.body.clone(),
            hash: ChainHash::default(),
        };
        Self { hash: record.computed_hash(), ..record }
    }

    /// The hash that its content has: SHA-256 over the hash before and `{"at":…,"body":…,"seq":…}`, with `at` in milliseconds.
    pub fn computed_hash(&self) -> ChainHash {
        let canonical =
            format!(r#"{{"at":{},"body":{},"seq":{}}}"#, self.at.as_millis(), self.body, self.seq);
        Sha256::new().chain_update(self.prev).chain_update(canonical).finalize().into()
    }

    /// The end of a chain that ends with it.
    pub const fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }

    /// Opens its detail.
    ///
    /// # Errors
    /// If the detail is not the one that was recorded, or its key is gone.
    pub fn open(&self, detail: &SealedDetail, ring: &Keyring) -> Result<SecretString, KeyringError> {
        let committed: Committed = serde_json::from_str(&self.body).map_err(|_| KeyringError::DoesNotOpen)?;
        let commitment =
            committed.commitment.and_then(|hex| data_encoding::HEXLOWER.decode(hex.as_bytes()).ok());
        let commitment = commitment.and_then(|bytes| ChainHash::try_from(bytes).ok());
        let commitment = commitment.ok_or(KeyringError::DoesNotOpen)?;
        let plain = ring.open(&detail.sealed, &context(&commitment, detail.user))?;
        if ChainHash::from(Sha256::digest(&plain)) != commitment {
            return Err(KeyringError::DoesNotOpen);
        }
        let text = plain.get(SALT..).and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        text.map(SecretString::new).ok_or(KeyringError::DoesNotOpen)
    }
}

/// A signature over the chain up to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number of that record.
    pub seq: u64,
    /// When it was signed.
    pub at: Timestamp,
    /// The record's hash.
    pub hash: ChainHash,
    /// Over all of that.
    pub signature: Signature,
}

impl Checkpoint {
    /// Signs the chain as it is.
    ///
    /// # Errors
    /// If the ring has no key to sign with.
    pub fn of(head: Head, at: Timestamp, signer: &dyn Signer) -> Result<Self, KeyringError> {
        let signature = signer.sign(&message(head.seq, at, &head.hash))?;
        Ok(Self { seq: head.seq, at, hash: head.hash, signature })
    }

    /// Whether one of our keys signed it as it is.
    pub fn is_signed(&self, signer: &dyn Signer) -> bool {
        signer.verifies(&message(self.seq, self.at, &self.hash), &self.signature)
    }
}

/// No other message of ours begins like this.
fn message(seq: u64, at: Timestamp, hash: &ChainHash) -> Vec<u8> {
    let hash = data_encoding::HEXLOWER.encode(hash);
    format!("backstop audit checkpoint v1|{seq}|{}|{hash}", at.as_millis()).into_bytes()
}

/// A checkpoint as a line of JSON: `Display` writes it, and it is read back with serde.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: u64,
    at: i64,
    hash: String,
    key: String,
    signature: String,
}

impl Checkpoint {
    /// Reads the line that `Display` writes; `None` if it is none.
    pub fn from_line(line: &str) -> Option<Self> {
        let Line { seq, at, hash, key, signature } = serde_json::from_str(line).ok()?;
        let hash = data_encoding::HEXLOWER.decode(hash.as_bytes()).ok()?.try_into().ok()?;
        let signature = data_encoding::HEXLOWER.decode(signature.as_bytes()).ok()?;
        Some(Self {
            seq,
            at: Timestamp::from_millis(at),
            hash,
            signature: Signature { key, bytes: signature },
        })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = Line {
            seq: self.seq,
            at: self.at.as_millis(),
            hash: data_encoding::HEXLOWER.encode(&self.hash),
            key: self.signature.key.clone(),
            signature: data_encoding::HEXLOWER.encode(&self.signature.bytes),
        };
        f.write_str(&serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests;
