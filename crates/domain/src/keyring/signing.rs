//! The ring's signing keys: Ed25519 (RFC 8032), by ring.
//!
//! A key is published from the moment it is in the ring, signs once every running node has loaded it, and stays published until
//! the last token that it can have signed is over. It is named by its thumbprint (RFC 7638), so that a key of another
//! installation behind the same address is never taken for this one by somebody who remembers the old set.

use std::time::Duration;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::{Keyring, KeyringError, Kid, RingKey};
use crate::{clock::Timestamp, token::jwk::Jwk};

/// The length of a signature.
pub(crate) const SIGNATURE: usize = 64;

/// How long a signing key stays published after a newer one was made: the longest life of a token, and an hour in which the
/// newer one reaches every node.
pub const PUBLISHED_FOR: Duration = Duration::from_secs(73 * 3600);

/// A key pair, ready to sign.
pub(super) struct Signer {
    pair: Ed25519KeyPair,
    public: VerifyingKey,
    created_at: Timestamp,
}

impl Signer {
    /// The seed was opened by the root key, which notices a changed one: it needs no public half beside it to be checked by.
    pub(super) fn new(entry: &RingKey) -> Result<Self, KeyringError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(entry.key.expose());
        let pair = pair.map_err(|_| KeyringError::DoesNotOpen)?;
        let bytes = pair.public_key().as_ref().try_into().map_err(|_| KeyringError::DoesNotOpen)?;
        Ok(Self { pair, public: VerifyingKey(bytes), created_at: entry.created_at })
    }
}

/// The public half of a signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(pub [u8; 32]);

impl VerifyingKey {
    /// The form in which it is published.
    pub fn jwk(&self) -> Jwk {
        Jwk::ed25519(&self.0)
    }

    /// What the world calls it: its thumbprint.
    pub fn kid(&self) -> String {
        self.jwk().thumbprint()
    }

    /// Whether the holder of the private half signed `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl Keyring {
    /// The key that new tokens are signed with.
    ///
    /// # Errors
    /// [`KeyringError::MissingKey`] in a ring that has none yet.
    pub fn signing_key(&self) -> Result<VerifyingKey, KeyringError> {
        self.signer().map(|signer| signer.public)
    }

    /// Signs with that key.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<[u8; SIGNATURE], KeyringError> {
        let signature = self.signer()?.pair.sign(message);
        signature.as_ref().try_into().map_err(|_| KeyringError::DoesNotOpen)
    }

    /// The keys that a token may be signed with at `now`, oldest first; also the one that signs next.
    pub fn published(&self, now: Timestamp) -> impl Iterator<Item = VerifyingKey> {
        let followed_at = |kid: &Kid| {
            self.signers.range(Kid(kid.0.saturating_add(1))..).next().map(|(_, next)| next.created_at)
        };
        self.signers
            .iter()
            .filter(move |(kid, _)| {
                Some(**kid) >= self.sign || followed_at(kid).is_none_or(|at| now < at + PUBLISHED_FOR)
            })
            .map(|(_, signer)| signer.public)
    }

    fn signer(&self) -> Result<&Signer, KeyringError> {
        let signer = self.sign.and_then(|kid| self.signers.get(&kid));
        signer.ok_or(KeyringError::MissingKey(0))
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;

    use super::*;
    use crate::{
        keyring::{KeyUse, generate},
        ports::random::SeededRandom,
        secret::SecretKey,
    };

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap().try_into().unwrap()
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * 3_600_000)
    }

    fn key(kid: u32, key_use: KeyUse, created_at: Timestamp) -> RingKey {
        let key = generate(&SeededRandom::new(u64::from(kid)));
        RingKey { kid: Kid(kid), key_use, key, created_at }
    }

    fn ring(signing: impl IntoIterator<Item = RingKey>) -> Keyring {
        let first = [KeyUse::Code, KeyUse::Seal, KeyUse::Lookup].into_iter().zip(1..);
        let first = first.map(|(key_use, kid)| key(kid, key_use, at(0)));
        Keyring::new(first.chain(signing)).unwrap()
    }

    #[test]
    fn signatures_and_the_thumbprint_are_those_of_rfc_8037() {
        let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let entry = RingKey { key: SecretKey::new(seed), ..key(4, KeyUse::Sign, at(0)) };
        let ring = ring([entry]);
        let public = ring.signing_key().unwrap();
        assert_eq!(BASE64URL_NOPAD.encode(&public.0), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(public.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = ring.sign(message).unwrap();
        assert_eq!(
            BASE64URL_NOPAD.encode(&signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        assert!(public.verifies(message, &signature));
        assert!(!public.verifies(b"another message", &signature));
    }

    #[test]
    fn a_ring_of_before_there_were_tokens_opens_and_signs_nothing() {
        let ring = ring([]);
        assert_eq!(ring.sign(b"message"), Err(KeyringError::MissingKey(0)));
        assert_eq!(ring.published(at(0)).count(), 0);
        assert_eq!(ring.newest_active(), Kid(2));
    }

    #[test]
    fn a_new_key_is_published_at_once_and_signs_when_every_node_has_it() {
        let behind = ring([key(4, KeyUse::Sign, at(0)), key(7, KeyUse::Sign, at(5))]).active_up_to(Kid(4));
        let both: Vec<_> = behind.published(at(5)).collect();
        assert_eq!((both.len(), behind.signing_key().unwrap()), (2, both[0]));
        let ahead = behind.active_up_to(Kid(7));
        assert_eq!((ahead.signing_key().unwrap(), ahead.newest_active()), (both[1], Kid(7)));
    }

    #[test]
    fn the_first_signing_key_signs_though_a_node_that_knows_no_tokens_never_loads_it() {
        let ring = ring([key(4, KeyUse::Code, at(1)), key(6, KeyUse::Sign, at(2))]).active_up_to(Kid(3));
        assert!(ring.sign(b"message").is_ok());
        assert_eq!((ring.newest_active(), ring.code_kid()), (Kid(2), Kid(1)), "no other key hides behind it");
    }

    #[test]
    fn an_old_key_is_published_until_its_last_token_is_over() {
        let ring = ring([2, 4, 9].map(|kid| key(kid + 10, KeyUse::Sign, at(i64::from(kid)))));
        let published = |ring: &Keyring, hours| ring.published(at(hours)).count();
        assert_eq!([76, 77, 81, 82, 1000].map(|hours| published(&ring, hours)), [3, 2, 2, 1, 1]);
        let never_followed = ring.active_up_to(Kid(12));
        assert_eq!(published(&never_followed, 1000), 3, "what still signs stays");
    }
}
