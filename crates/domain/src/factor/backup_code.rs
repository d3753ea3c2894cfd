//! Single-use codes to keep on paper, for the day when no other way is left.
//!
//! A set is shown once. Of each code a keyed hash is kept, bound to application and user: without the installation's keys a stolen
//! database gives nothing to try codes against, and a row moved to another person fits nobody. A code works once, a new set replaces
//! the old one whole, and a guess costs the same whatever slot it meets. How often may be guessed is a rule of its own.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    clock::Timestamp,
    keyring::{Keyring, LookupHash},
    ports::Random,
    secret::SecretString,
};

/// With so many left, or fewer, the person is offered a new set.
pub const WARN_AT: usize = 3;
/// Characters between two hyphens.
const GROUP: usize = 4;
const SHORTEST: u8 = 6;
const LONGEST: u8 = 16;
const MOST: u8 = 20;
/// Crockford's base32: no I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How many codes a set has, and how long they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupCodeForm {
    count: u8,
    length: u8,
}

impl BackupCodeForm {
    /// 1 to 20 codes of 6 to 16 characters; `None` for anything else.
    pub fn new(count: u8, length: u8) -> Option<Self> {
        let fits = (1..=MOST).contains(&count) && (SHORTEST..=LONGEST).contains(&length);
        fits.then_some(Self { count, length })
    }
}

impl Default for BackupCodeForm {
    fn default() -> Self {
        Self { count: 10, length: 8 }
    }
}

/// The text cannot be a backup code. Never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a backup code is 6 to 16 letters and digits")]
pub struct InvalidBackupCode;

/// What a person typed, read kindly: case, spaces and hyphens do not matter, I and L are 1, O is 0.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SubmittedBackupCode(String);

impl SubmittedBackupCode {
    /// Reads what was typed.
    ///
    /// # Errors
    /// [`InvalidBackupCode`] if no code could look like this; nothing is to be charged then.
    pub fn parse(text: &str) -> Result<Self, InvalidBackupCode> {
        if text.len() > 4 * usize::from(LONGEST) {
            return Err(InvalidBackupCode);
        }
        let mut code = Self(String::with_capacity(text.len()));
        for typed in text.chars().filter(|c| !matches!(c, ' ' | '-')) {
            let read = match typed.to_ascii_lowercase() {
                'i' | 'l' => '1',
                'o' => '0',
                other => other,
            };
            if !u8::try_from(read).is_ok_and(|byte| ALPHABET.contains(&byte)) {
                return Err(InvalidBackupCode);
            }
            code.0.push(read);
        }
        let fits = (usize::from(SHORTEST)..=usize::from(LONGEST)).contains(&code.0.len());
        fits.then_some(code).ok_or(InvalidBackupCode)
    }
}

impl fmt::Debug for SubmittedBackupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[code]")
    }
}

/// What a submitted code turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Right, and used up now.
    Right {
        /// Codes that are left. At [`WARN_AT`] a new set is due.
        left: usize,
    },
    /// None of the set, or used before.
    Wrong,
}

/// One code of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupCodeSlot {
    /// The keyed hash of the code and whose it is.
    pub hash: LookupHash,
    /// When it was used up.
    pub used_at: Option<Timestamp>,
}

/// A person's set of codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupCodes {
    /// In the order in which they were shown.
    pub slots: Vec<BackupCodeSlot>,
    /// When the set was made.
    pub generated_at: Timestamp,
}

impl BackupCodes {
    /// Makes a set; put in the place of an old one, it kills that. `context` names the application, the user and the column; the
    /// same one must come with every later call. The codes beside it, grouped as in `abcd-efgh`, are to be shown now and never again.
    pub fn generate(
        context: &[u8],
        ring: &Keyring,
        random: &dyn Random,
        now: Timestamp,
        form: BackupCodeForm,
    ) -> (Vec<SecretString>, Self) {
        let (mut shown, mut slots) = (Vec::new(), Vec::new());
        for _ in 0..form.count {
            let code = generate_one(random, usize::from(form.length));
            slots.push(BackupCodeSlot { hash: keyed_hash(ring, context, &code), used_at: None });
            shown.push(grouped(&code));
        }
        (shown, Self { slots, generated_at: now })
    }

    /// Judges a code and uses it up if it is right. Looks at every slot, whatever it finds.
    pub fn take(
        &mut self,
        ring: &Keyring,
        context: &[u8],
        submitted: &SubmittedBackupCode,
        now: Timestamp,
    ) -> Taken {
        let hash = keyed_hash(ring, context, &submitted.0);
        let mut found = u64::MAX;
        for (place, slot) in (0_u64..).zip(&self.slots) {
            let unused = Choice::from(u8::from(slot.used_at.is_none()));
            found.conditional_assign(&place, slot.hash.0.ct_eq(&hash.0) & unused);
        }
        match usize::try_from(found).ok().and_then(|place| self.slots.get_mut(place)) {
            Some(slot) => {
                slot.used_at = Some(now);
                Taken::Right { left: self.left() }
            }
            None => Taken::Wrong,
        }
    }

    /// How many codes are not used up.
    pub fn left(&self) -> usize {
        self.slots.iter().filter(|slot| slot.used_at.is_none()).count()
    }
}

/// Five bits a character, so 40 for a code of eight, without bias: 32 divides 256.
fn generate_one(random: &dyn Random, length: usize) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    random.fill(&mut bytes);
    Zeroizing::new(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

fn grouped(code: &str) -> SecretString {
    let mut text = String::with_capacity(code.len() * 2);
    for (place, character) in code.chars().enumerate() {
        if place > 0 && place % GROUP == 0 {
            text.push('-');
        }
        text.push(character);
    }
    SecretString::new(text)
}

fn keyed_hash(ring: &Keyring, context: &[u8], code: &str) -> LookupHash {
    let mut bound = Zeroizing::new(Vec::with_capacity(16 + context.len() + code.len()));
    for part in [context, code.as_bytes()] {
        bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bound.extend_from_slice(part);
    }
    ring.lookup("backup code", &bound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keyring::{KeyUse, Kid, generate},
        ports::random::SeededRandom,
    };

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const RAVI: &[u8] = b"1|users|usr_ravi|backup_codes";

    fn ring(seed: u64) -> Keyring {
        let random = SeededRandom::new(seed);
        let keys =
            KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)));
        Keyring::new(keys).unwrap()
    }

    fn set(seed: u64, form: BackupCodeForm) -> (Vec<SecretString>, BackupCodes) {
        BackupCodes::generate(RAVI, &ring(1), &SeededRandom::new(seed), NOW, form)
    }

    fn take(codes: &mut BackupCodes, typed: &str) -> Taken {
        codes.take(&ring(1), RAVI, &SubmittedBackupCode::parse(typed).unwrap(), NOW)
    }

    #[test]
    fn each_of_the_ten_codes_works_once() {
        let (shown, mut codes) = set(1, BackupCodeForm::default());
        assert_eq!((shown.len(), codes.left()), (10, 10));
        for (code, left) in shown.iter().rev().zip((0..10).rev()) {
            assert_eq!(take(&mut codes, code.expose()), Taken::Right { left });
            assert_eq!(take(&mut codes, code.expose()), Taken::Wrong);
        }
        assert!(codes.slots.iter().all(|slot| slot.used_at == Some(NOW)));
    }

    #[test]
    fn a_code_is_shown_in_groups_and_read_back_however_it_is_typed() {
        let (shown, _) = set(2, BackupCodeForm::default());
        for code in &shown {
            let code = code.expose();
            assert_eq!((code.len(), code.find('-')), (9, Some(4)));
            assert!(code.bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)));
        }
        let with_zero_and_one =
            |code: &&SecretString| code.expose().contains('0') && code.expose().contains('1');
        let (shown, mut codes) = (0..100)
            .map(|seed| set(seed, BackupCodeForm::default()))
            .find(|(shown, _)| shown.iter().any(|code| with_zero_and_one(&code)))
            .unwrap();
        let code = shown.iter().find(with_zero_and_one).unwrap().expose();
        let again = codes.clone();
        for typed in [
            code.to_uppercase(),
            code.replace('-', ""),
            format!(" {} ", code.replace('-', " - ")),
            code.replace('1', "I").replace('0', "o"),
            code.replace('1', "l").replace('0', "O"),
        ] {
            codes.clone_from(&again);
            assert_eq!(take(&mut codes, &typed), Taken::Right { left: 9 }, "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_refused_before_anything_is_counted() {
        for typed in [
            "",
            "-",
            "abcde",
            "abcd-efgu",
            "abcd_efgh",
            "abcd-efgh\n",
            "аbcd-efgh",
            "０1234567",
            &"a".repeat(17),
            &"-".repeat(1_000_000),
        ] {
            assert!(SubmittedBackupCode::parse(typed).is_err(), "{typed:?}");
        }
    }

    #[test]
    fn a_code_of_another_person_another_set_or_another_installation_is_wrong_and_uses_nothing_up() {
        let (shown, mut codes) = set(3, BackupCodeForm::default());
        let before = codes.clone();
        let code = SubmittedBackupCode::parse(shown[0].expose()).unwrap();
        let asha = b"1|users|usr_asha|backup_codes";
        assert_eq!(codes.take(&ring(1), asha, &code, NOW), Taken::Wrong);
        assert_eq!(codes.take(&ring(2), RAVI, &code, NOW), Taken::Wrong);
        let (_, mut newer) = set(4, BackupCodeForm::default());
        assert_eq!(take(&mut newer, shown[0].expose()), Taken::Wrong);
        assert_eq!(take(&mut codes, "zzzz-zzzz"), Taken::Wrong);
        assert_eq!((&codes, newer.left()), (&before, 10));
    }

    #[test]
    fn where_the_context_ends_and_the_code_begins_is_part_of_the_hash() {
        let ring = ring(1);
        assert_ne!(keyed_hash(&ring, b"1|a", "bcdefgh"), keyed_hash(&ring, b"1|ab", "cdefgh"));
    }

    #[test]
    fn what_is_stored_holds_no_code_and_comes_back_equal() {
        let (shown, mut codes) = set(5, BackupCodeForm::default());
        take(&mut codes, shown[7].expose());
        let stored = serde_json::to_string(&codes).unwrap();
        for code in &shown {
            assert!(!stored.contains(&code.expose().replace('-', "")) && !stored.contains(code.expose()));
        }
        assert_eq!(serde_json::from_str::<BackupCodes>(&stored).unwrap(), codes);
    }

    #[test]
    fn a_set_has_the_form_that_was_asked_for_within_bounds() {
        for (count, length) in [(1, 6), (20, 16), (5, 10)] {
            let (shown, mut codes) = set(6, BackupCodeForm::new(count, length).unwrap());
            assert_eq!(shown.len(), usize::from(count));
            assert_eq!(shown[0].expose().replace('-', "").len(), usize::from(length));
            let left = usize::from(count) - 1;
            assert_eq!(take(&mut codes, shown[0].expose()), Taken::Right { left });
        }
        for (count, length) in [(0, 8), (21, 8), (10, 5), (10, 17)] {
            assert_eq!(BackupCodeForm::new(count, length), None);
        }
    }
}
