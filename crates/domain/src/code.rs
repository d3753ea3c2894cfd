//! One-time codes: deriving, reading what a person typed, comparing.
//!
//! A code is never at rest. It is a keyed function of everything it is good for, so every worker, every channel and
//! every check computes the same one, and a stolen database holds nothing to try codes against.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    application::ApplicationId,
    id::VerificationId,
    keyring::{Keyring, KeyringError, Kid},
    purpose::Purpose,
};

/// Fewest characters of a code.
pub const MIN_LENGTH: usize = 4;
/// Most characters of a code.
pub const MAX_LENGTH: usize = 10;

/// What a code is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alphabet {
    /// `0` to `9`.
    #[default]
    Digits,
    /// Digits and capital letters, without the look-alikes 0 O 1 I L.
    Alphanumeric,
}

impl Alphabet {
    const fn characters(self) -> &'static [u8] {
        match self {
            Self::Digits => b"0123456789",
            Self::Alphanumeric => b"23456789ABCDEFGHJKMNPQRSTUVWXYZ",
        }
    }
}

/// The form of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeForm {
    /// 4 to 10 characters.
    pub length: u8,
    /// What it is written in.
    pub alphabet: Alphabet,
}

/// Everything that a code is good for, and for nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// Whose verification.
    pub application: ApplicationId,
    /// Which verification.
    pub verification: VerificationId,
    /// 128 random bits of the row.
    pub salt: &'a [u8; 16],
    /// The raw recipient that the verification was started for.
    pub recipient: &'a str,
    /// What it proves.
    pub purpose: &'a Purpose,
    /// SHA-256 of the transaction, or empty.
    pub transaction: &'a [u8],
}

/// A one-time code. Never prints, is wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Code(String);

impl Code {
    /// Computes the code of a verification: HMAC-SHA-256 over length-prefixed parts, reduced without bias by refusing
    /// the bytes that would favour some characters.
    ///
    /// # Errors
    /// If the keyring no longer holds `kid`.
    pub fn derive(
        ring: &Keyring,
        kid: Kid,
        binding: &Binding<'_>,
        form: CodeForm,
    ) -> Result<Self, KeyringError> {
        let alphabet = form.alphabet.characters();
        let fair = 256 - 256 % alphabet.len();
        let length = usize::from(form.length);
        let mut code = String::with_capacity(length);
        for block in 0_u32.. {
            let mut bytes = ring.code_prf(
                kid,
                &[
                    b"backstop code v1",
                    &binding.application.0.to_be_bytes(),
                    binding.verification.as_bytes(),
                    binding.salt,
                    binding.recipient.as_bytes(),
                    binding.purpose.as_str().as_bytes(),
                    binding.transaction,
                    &block.to_be_bytes(),
                ],
            )?;
            for byte in bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair) {
                if code.len() < length {
                    code.push(char::from(alphabet[byte % alphabet.len()]));
                }
            }
            bytes.zeroize();
            if code.len() == length {
                break;
            }
        }
        Ok(Self(code))
    }

    /// Takes a caller's own code.
    ///
    /// # Errors
    /// [`InvalidCode`] unless it is 4 to 10 ASCII letters and digits.
    pub fn custom(text: &str) -> Result<Self, InvalidCode> {
        let fits = (MIN_LENGTH..=MAX_LENGTH).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidCode) }
    }

    /// Reads the code out, to put it into a message. Never log what comes back.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[code]")
    }
}

/// The text cannot be a code. Never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code is 4 to 10 digits or letters")]
pub struct InvalidCode;

/// What a person typed: ASCII letters and digits, freed of the spaces and hyphens that people put between them.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SubmittedCode(String);

impl SubmittedCode {
    /// Reads what was typed. Digits of other scripts are refused, not folded.
    ///
    /// # Errors
    /// [`InvalidCode`] if no code could look like this; nothing is to be charged then.
    pub fn parse(text: &str) -> Result<Self, InvalidCode> {
        if text.len() > 4 * MAX_LENGTH {
            return Err(InvalidCode);
        }
        let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        Code::custom(&bare).map(|code| Self(code.0.to_ascii_uppercase()))
    }

    /// What was typed, for a vendor that made the code.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is digits alone, as the codes of vendors are.
    pub fn is_digits(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Whether this has the length that `code` has. Only if so does a comparison, and a charge, make sense.
    pub fn fits(&self, code: &Code) -> bool {
        self.0.len() == code.0.len()
    }

    /// Compares in constant time, without regard to case.
    pub fn matches(&self, code: &Code) -> bool {
        let mut wanted = code.0.to_ascii_uppercase();
        let equal = self.0.as_bytes().ct_eq(wanted.as_bytes()).into();
        wanted.zeroize();
        equal
    }
}

impl std::fmt::Debug for SubmittedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[code]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Timestamp,
        keyring::{KeyUse, generate},
        ports::random::{Random, SeededRandom},
    };

    fn ring(seed: u64) -> Keyring {
        let random = SeededRandom::new(seed);
        let keys =
            KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)));
        Keyring::new(keys).unwrap()
    }

    const SIX: CodeForm = CodeForm { length: 6, alphabet: Alphabet::Digits };

    #[test]
    fn every_bound_part_changes_the_code() {
        let ring = ring(1);
        let random = SeededRandom::new(2);
        let login = Purpose::login();
        let other: Purpose = "transaction".parse().unwrap();
        let base = Binding {
            application: ApplicationId(1),
            verification: VerificationId::new(Timestamp::from_millis(1), &random),
            salt: &[7; 16],
            recipient: "+919876543210",
            purpose: &login,
            transaction: b"",
        };
        let long = CodeForm { length: 10, alphabet: Alphabet::Alphanumeric };
        let code =
            |binding: &Binding<'_>| Code::derive(&ring, Kid(1), binding, long).unwrap().expose().to_owned();
        let first = code(&base);
        assert_eq!(first, code(&base), "the same verification always gets the same code");
        let variants = [
            Binding { application: ApplicationId(2), ..base },
            Binding { verification: VerificationId::new(Timestamp::from_millis(1), &random), ..base },
            Binding { salt: &[8; 16], ..base },
            Binding { recipient: "+919876543211", ..base },
            Binding { purpose: &other, ..base },
            Binding { transaction: &[1; 32], ..base },
        ];
        for variant in &variants {
            assert_ne!(first, code(variant), "{variant:?}");
        }
        assert_ne!(first, Code::derive(&self::ring(9), Kid(1), &base, long).unwrap().expose());
    }

    #[test]
    fn a_million_codes_favour_no_digit_in_any_place() {
        let ring = ring(3);
        let random = SeededRandom::new(4);
        let verification = VerificationId::new(Timestamp::from_millis(1), &random);
        let login = Purpose::login();
        let mut counts = [[0_u32; 10]; 6];
        for _ in 0..1_000_000 {
            let mut salt = [0; 16];
            random.fill(&mut salt);
            let binding = Binding {
                application: ApplicationId(1),
                verification,
                salt: &salt,
                recipient: "+919876543210",
                purpose: &login,
                transaction: b"",
            };
            let code = Code::derive(&ring, Kid(1), &binding, SIX).unwrap();
            for (place, digit) in code.expose().bytes().enumerate() {
                counts[place][usize::from(digit - b'0')] += 1;
            }
        }
        for (place, digits) in counts.iter().enumerate() {
            let expected = 100_000.0;
            let chi: f64 = digits.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
            // Nine degrees of freedom: 33.7 is passed by one fair source in ten thousand.
            assert!(chi < 33.7, "place {place}: chi-square {chi}, {digits:?}");
        }
    }

    #[test]
    fn codes_have_the_form_asked_for() {
        let ring = ring(5);
        let random = SeededRandom::new(6);
        let login = Purpose::login();
        for length in 4..=10 {
            for alphabet in [Alphabet::Digits, Alphabet::Alphanumeric] {
                let binding = Binding {
                    application: ApplicationId(1),
                    verification: VerificationId::new(Timestamp::from_millis(1), &random),
                    salt: &[1; 16],
                    recipient: "a@example.com",
                    purpose: &login,
                    transaction: b"",
                };
                let code = Code::derive(&ring, Kid(1), &binding, CodeForm { length, alphabet }).unwrap();
                assert_eq!(code.expose().len(), usize::from(length));
                assert!(code.expose().bytes().all(|byte| alphabet.characters().contains(&byte)));
                assert!(!code.expose().contains(['O', 'I', 'L']));
            }
        }
    }

    #[test]
    fn what_a_person_types_is_read_kindly_and_what_cannot_be_a_code_is_refused() {
        let code = Code::custom("4829K3").unwrap();
        for typed in ["4829K3", "482-9k3", " 4829 k3 "] {
            assert!(SubmittedCode::parse(typed).unwrap().matches(&code), "{typed}");
        }
        assert!(!SubmittedCode::parse("4829K4").unwrap().matches(&code));
        assert!(!SubmittedCode::parse("4829K").unwrap().fits(&code));
        for typed in [
            "",
            "123",
            "12345678901",
            "٤٨٢٩١٣",
            "４８２９１３",
            "1234\0",
            "1234\n",
            "12 34!",
            &"1".repeat(1_000_000),
        ] {
            assert!(SubmittedCode::parse(typed).is_err(), "{typed:?}");
        }
    }
}
