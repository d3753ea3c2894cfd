//! Passwords: what may become one, and what a person types at a sign-in.
//!
//! A new password has 8 to 128 characters, of any kind, and is not among those that anybody would try first: no other rules, for
//! they make passwords worse (NIST SP 800-63B). Eight is enough because a password alone need not be: limits count wrong ones, and
//! a second way stands behind it. At a sign-in only the upper bounds hold, so an imported person with a short password still gets
//! in. A password is normalised (NFC), so the same letters typed on another keyboard are the same password; one that another system
//! hashed from letters in pieces does not match here, and its person resets it. It never prints and is wiped on drop.

mod hash;
mod worst;

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use self::hash::{InvalidPasswordHash, PasswordHash};

/// Fewest characters of a new password.
pub const SHORTEST: usize = 8;
/// Most characters of any.
pub const LONGEST: usize = 128;
/// Most bytes of any; what is hashed is bounded before it is hashed.
const MOST_BYTES: usize = 4 * LONGEST;
/// So few different characters are a pattern.
const FEWEST_DIFFERENT: usize = 4;
/// So many characters more do not make a guess a password.
const TRIMMINGS: usize = 5;

/// Why a text was not taken as a password. Never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    /// Nothing at all.
    #[error("the password is empty")]
    Empty,
    /// Under eight characters.
    #[error("a password has at least 8 characters")]
    TooShort,
    /// Over 128 characters, or over 512 bytes.
    #[error("a password has at most 128 characters")]
    TooLong,
    /// A character that no keyboard shows; some systems end a password at it.
    #[error("a password holds no control characters")]
    ControlCharacter,
    /// One of those that everybody tries.
    #[error("this password is one of the first that anybody would try")]
    TooCommon,
    /// One key over and over, or an alphabet.
    #[error("this password is a simple pattern; use more different characters")]
    Pattern,
    /// Made of what others know about the person or the service.
    #[error("this password is made of your own number or address, or of the name of the service")]
    Personal,
}

/// A password in the open. Hash it or compare it, and let it go.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// Reads a password that a person chose anew. `about` is what others know: the application's name, the person's telephone
    /// numbers and e-mail addresses.
    ///
    /// # Errors
    /// Says what is wrong with it, never what it was.
    pub fn choose(text: &str, about: &[&str]) -> Result<Self, InvalidPassword> {
        let password = Self::submitted(text)?;
        if password.0.chars().count() < SHORTEST {
            return Err(InvalidPassword::TooShort);
        }
        let folded = Zeroizing::new(password.0.to_lowercase());
        if worst::is_among(&folded, TRIMMINGS) {
            Err(InvalidPassword::TooCommon)
        } else if is_pattern(&folded) {
            Err(InvalidPassword::Pattern)
        } else if about.iter().any(|known| is_made_of(&folded, known)) {
            Err(InvalidPassword::Personal)
        } else {
            Ok(password)
        }
    }

    /// Reads a password that a person typed at a sign-in.
    ///
    /// # Errors
    /// If no password could look like this; nothing is to be hashed then.
    pub fn submitted(text: &str) -> Result<Self, InvalidPassword> {
        if text.is_empty() {
            return Err(InvalidPassword::Empty);
        }
        if text.len() > MOST_BYTES {
            return Err(InvalidPassword::TooLong);
        }
        // Normalising at most triples a text, so it never moves and leaves no copy behind.
        let mut password = Self(String::with_capacity(3 * text.len()));
        password.0.extend(text.nfc());
        if password.0.chars().any(char::is_control) {
            return Err(InvalidPassword::ControlCharacter);
        }
        if password.0.len() > MOST_BYTES || password.0.chars().count() > LONGEST {
            return Err(InvalidPassword::TooLong);
        }
        Ok(password)
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[password]")
    }
}

/// Few different characters, or each the next one of its alphabet, up or down.
fn is_pattern(folded: &str) -> bool {
    let characters = Zeroizing::new(folded.chars().map(u32::from).collect::<Vec<_>>());
    let mut different = characters.clone();
    different.sort_unstable();
    different.dedup();
    let runs = |step: i64| characters.windows(2).all(|pair| i64::from(pair[1]) - i64::from(pair[0]) == step);
    different.len() < FEWEST_DIFFERENT || runs(1) || runs(-1)
}

/// Whether the password is `known` with a few characters more: a name, the part of an address before its @, or the
/// digits of a number with or without its country's and the zeros before them.
fn is_made_of(folded: &str, known: &str) -> bool {
    let plain = |text: &str| -> Zeroizing<String> {
        Zeroizing::new(text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect())
    };
    let (password, length) = (plain(folded), folded.chars().count());
    let local = known.split('@').next().unwrap_or_default();
    [known, local].into_iter().any(|known| {
        let known = plain(known);
        let around = length.saturating_sub(known.chars().count());
        let holds = known.chars().count() >= 3 && around <= TRIMMINGS && password.contains(&**known);
        let digits = password.trim_start_matches('0');
        let is_number = digits.len() >= SHORTEST
            && known.bytes().all(|byte| byte.is_ascii_digit())
            && known.ends_with(digits);
        holds || is_number
    })
}

#[cfg(test)]
mod tests;
