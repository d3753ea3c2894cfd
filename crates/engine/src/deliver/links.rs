//! Our own addresses for vendors: where receipts of an attempt go, and where the script of a call is fetched.
//!
//! Nothing has to be configured or kept for them but how we are reached from outside: the secret parts are keyed hashes
//! of what they open, under the look-up key, which never changes. So every node knows them, after a restart too.

use backstop_domain::{
    channel::Channel, keyring::Keyring, ports::provider::Links, receipt::AttemptReference,
    secret::SecretString,
};
use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

use crate::Engine;

/// Bytes of a keyed hash in an address: 128 bits nobody guesses, and short, since some vendors take 100 characters.
const SECRET_BYTES: usize = 16;

/// The secret part of an address that opens `what`.
fn secret_of(ring: &Keyring, label: &str, what: &str) -> String {
    let hash = ring.lookup(label, what.as_bytes());
    BASE64URL_NOPAD.encode(&hash.0[..SECRET_BYTES])
}

fn opens(ring: &Keyring, label: &str, what: &str, secret: &str) -> bool {
    secret_of(ring, label, what).as_bytes().ct_eq(secret.as_bytes()).into()
}

impl Engine {
    /// The addresses of an attempt.
    pub(crate) fn links(&self, provider: &str, channel: Channel, reference: AttemptReference) -> Links {
        let Some(base) = &self.public_url else { return Links::default() };
        let speaks = channel == Channel::Voice && self.routes.speaks(provider);
        Links {
            receipts: self.receipts_url(provider).map(|url| format!("{url}?attempt={reference}")),
            voice: speaks.then(|| {
                let text = reference.to_string();
                let secret = secret_of(&self.keyring(), "voice", &text);
                SecretString::new(format!("{base}/voice/{text}.{secret}"))
            }),
        }
    }

    /// Where this provider's callbacks go, for a vendor's panel; `None` where it tells nothing, or nobody configured how we
    /// are reached.
    pub fn receipts_url(&self, provider: &str) -> Option<String> {
        let base = self.public_url.as_ref()?;
        self.routes.hears(provider).then(|| {
            format!("{base}/receipts/{provider}/{}", secret_of(&self.keyring(), "receipts", provider))
        })
    }

    /// Whether this is the secret part of the provider's address.
    pub(crate) fn opens_receipts(&self, provider: &str, secret: &str) -> bool {
        opens(&self.keyring(), "receipts", provider, secret)
    }

    /// The attempt whose call this token of an address opens.
    pub(crate) fn call_of(&self, token: &str) -> Option<AttemptReference> {
        let (reference, secret) = token.split_once('.')?;
        let parsed = reference.parse().ok()?;
        opens(&self.keyring(), "voice", reference, secret).then_some(parsed)
    }
}
