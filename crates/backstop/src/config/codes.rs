//! `[codes]`: how codes are made and judged. The defaults are the domain's.

use std::time::Duration;

use backstop_domain::{
    application::CodePolicy,
    code::{Alphabet, CodeForm, MAX_LENGTH, MIN_LENGTH},
};
use serde::Deserialize;

use super::{error::ConfigError, read::Section, span::Span};

const SHORTEST: Span = Span::seconds(31);
const LONGEST: Span = Span(Duration::from_secs(86_400));

/// What the section can say; what it does not say stays as it was.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Codes {
    length: Option<usize>,
    alphabet: Option<Alphabet>,
    ttl: Option<Span>,
    max_checks: Option<u32>,
}

/// Puts the section over `base`.
pub(crate) fn resolve(section: Option<&Section<'_>>, base: &CodePolicy) -> Result<CodePolicy, ConfigError> {
    let Some(section) = section else { return Ok(base.clone()) };
    let codes: Codes = section.read()?;
    let length = codes.length.unwrap_or(usize::from(base.form.length));
    section.within("length", &length, &(MIN_LENGTH..=MAX_LENGTH), "length = 6")?;
    let ttl = codes.ttl.unwrap_or(Span(base.ttl));
    section.within("ttl", &ttl, &(SHORTEST..=LONGEST), "ttl = \"10m\"")?;
    let max_checks = codes.max_checks.unwrap_or(base.max_checks);
    section.within("max_checks", &max_checks, &(1..=10), "max_checks = 3")?;
    Ok(CodePolicy {
        form: CodeForm {
            length: u8::try_from(length).unwrap_or(base.form.length),
            alphabet: codes.alphabet.unwrap_or(base.form.alphabet),
        },
        ttl: ttl.0,
        max_checks,
    })
}
