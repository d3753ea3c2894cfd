//! A text that the gateway holds against an approved one.

use backstop_domain::{code::Code, secret::SecretString};

const CODE: &str = "{code}";

/// What the authentication template of the gateway says.
pub(crate) const USUAL: &str =
    "*{code}* is your verification code. For your security, do not share this code.";

/// A text with one place for the code.
pub(crate) struct ApprovedText(String);

impl ApprovedText {
    /// Reads it; `None`: it does not hold `{code}` once, or holds other braces.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = text.matches(CODE).count() == 1 && text.matches(['{', '}']).count() == 2;
        fits.then(|| Self(text.to_owned()))
    }

    /// The text of the gateway's own template.
    pub(crate) fn usual() -> Self {
        Self(USUAL.to_owned())
    }

    /// The text with a code in it.
    pub(crate) fn with(&self, code: &Code) -> SecretString {
        SecretString::new(self.0.replace(CODE, code.expose()))
    }
}
