//! What both databases know of people alike: the words of columns, documents as JSON, and how long what is kept.

use std::time::Duration;

use backstop_domain::{keyring::LookupHash, ports::store::Lookup};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Result, bad_row, internal};

/// The most users of one page.
pub(crate) const MAX_PAGE: u32 = 500;
/// Rows of a table that one call of housekeeping deletes.
pub(crate) const FORGOTTEN_PER_CALL: u32 = 1000;
/// The longest lock is a day; a count of failures in a row is forgiven after this long without one.
pub(crate) const TRIES_KEPT_FOR: Duration = Duration::from_secs(40 * 86_400);
/// The kinds of look-ups.
pub(crate) const LOOKUP_KINDS: [&str; 2] = ["address", "passkey"];

/// The word for a look-up.
pub(crate) const fn kind_of(lookup: Lookup) -> &'static str {
    match lookup {
        Lookup::Address(_) => LOOKUP_KINDS[0],
        Lookup::Passkey(_) => LOOKUP_KINDS[1],
    }
}

/// What a look-up looks for.
pub(crate) const fn hash_of(lookup: Lookup) -> LookupHash {
    match lookup {
        Lookup::Address(hash) | Lookup::Passkey(hash) => hash,
    }
}

/// A document as it is kept.
pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value).map_err(|error| internal(error.to_string()))?)
}

/// Reads a document.
pub(crate) fn read_json<T: DeserializeOwned>(
    table: &'static str,
    column: &'static str,
    text: &str,
) -> Result<T> {
    serde_json::from_str(text).map_err(|_| bad_row(table, column, "?".into(), "not the expected JSON"))
}
