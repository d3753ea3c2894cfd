//! A seed in the open, for the one moment in which its person sees it.
//!
//! Never prints, is wiped on drop, and cannot be made from what is stored.

use std::{fmt, sync::LazyLock};

use data_encoding::{BASE32_NOPAD, Encoding};
use zeroize::Zeroizing;

use super::{InvalidTotp, TotpForm};
use crate::secret::SecretString;

/// The fewest bytes of a seed that is taken over: 128 bits.
const SHORTEST: usize = 16;
/// The most: the block of SHA-512, beyond which HMAC hashes it down.
const LONGEST: usize = 128;

/// Base32 as people hand it over: either case, spaces and hyphens anywhere, bits left over at the end ignored, as apps do.
#[expect(clippy::expect_used, reason = "a constant specification is always a valid encoding")]
static KIND_BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = BASE32_NOPAD.specification();
    specification.check_trailing_bits = false;
    specification.ignore.push_str(" -");
    specification.translate.from.push_str("abcdefghijklmnopqrstuvwxyz");
    specification.translate.to.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    specification.encoding().expect("base32")
});

/// A new seed, to be shown once.
#[derive(Clone)]
pub struct TotpSecret {
    seed: Zeroizing<Vec<u8>>,
    form: TotpForm,
}

impl TotpSecret {
    pub(super) fn new(seed: &[u8], form: TotpForm) -> Self {
        Self { seed: Zeroizing::new(seed.to_vec()), form }
    }

    pub(super) fn parse(text: &str, form: TotpForm) -> Result<Self, InvalidTotp> {
        let form = form.validate()?;
        // Long before anything is decoded: spaces may double the text, no more.
        if text.len() > 4 * LONGEST {
            return Err(InvalidTotp::TooLong);
        }
        let bare = text.trim_matches(' ').trim_end_matches('=');
        let seed = KIND_BASE32.decode(bare.as_bytes()).map_err(|_| InvalidTotp::NotBase32)?;
        let seed = Zeroizing::new(seed);
        match seed.len() {
            ..SHORTEST => Err(InvalidTotp::TooShort),
            SHORTEST..=LONGEST => Ok(Self { seed, form }),
            _ => Err(InvalidTotp::TooLong),
        }
    }

    pub(super) fn seed(&self) -> &[u8] {
        &self.seed
    }

    pub(super) const fn form(&self) -> TotpForm {
        self.form
    }

    /// The seed in base32, for people who cannot scan.
    pub fn base32(&self) -> SecretString {
        SecretString::new(BASE32_NOPAD.encode(&self.seed))
    }

    /// The `otpauth://totp/` URI that apps scan: `issuer` is the application's name, `account` what the person knows their account
    /// by. The colon parts the two, so those inside them become spaces.
    pub fn provisioning_uri(&self, issuer: &str, account: &str) -> SecretString {
        let plain = |text: &str| text.replace(':', " ").trim().to_owned();
        let issuer = Some(plain(issuer)).filter(|issuer| !issuer.is_empty());
        // The seed and the form were let in, so the library takes them.
        let uri = self.form.with(&self.seed, issuer, plain(account)).map(|totp| totp.get_url());
        SecretString::new(uri.unwrap_or_default())
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
