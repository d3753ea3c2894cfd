//! The language of a person's messages.

use crate::manage::ManageError;

/// The longest tag that is kept.
const LONGEST: usize = 35;

/// Reads a BCP 47 tag by its form. Which languages there are is for whoever looks for a text in one.
pub(crate) fn locale(text: &str) -> Result<String, ManageError> {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let language = text.split('-').next().unwrap_or_default();
    let fits = text.len() <= LONGEST
        && (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && text.split('-').all(part);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(ManageError::of("locale", "is no language tag such as en or pt-BR"))
    }
}
