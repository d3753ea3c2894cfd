//! What both databases know of people alike: the words of columns, documents as JSON, and how long what is kept.

use std::time::Duration;

use backstop_domain::{
    clock::Timestamp,
    factor::tries::{Budget, Tries},
    keyring::LookupHash,
    ports::store::Lookup,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    acts::people::NETWORK,
    error::{Result, bad_row, internal},
};

/// The most users of one page.
pub(crate) const MAX_PAGE: u32 = 500;
/// Rows of a table that one call of housekeeping deletes.
pub(crate) const FORGOTTEN_PER_CALL: u32 = 1000;
/// A count of failures in a row is forgiven after this long without one; of a person as for an address that nobody has, or the
/// one that is forgotten sooner would tell which addresses lead to somebody.
const TRIES_KEPT_FOR: Duration = Duration::from_secs(40 * 86_400);
/// The longest window is a day: what counts nothing but its windows is as good as new after this long.
const WINDOWS_KEPT_FOR: Duration = Duration::from_secs(2 * 86_400);
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

/// Until when tries are kept that were written at `now`. A network is neither slowed down nor disabled by failures in a row.
pub(crate) fn tries_until(factor: &str, tries: &Tries, now: Timestamp) -> Timestamp {
    let as_new = tries.is_idle(&Budget::PIN, now + WINDOWS_KEPT_FOR);
    now + if as_new || factor == NETWORK { WINDOWS_KEPT_FOR } else { TRIES_KEPT_FOR }
}

/// A document as it is kept.
pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value).map_err(|error| internal(error.to_string()))?)
}

/// Reads a document; `key` names its row.
pub(crate) fn read_json<T: DeserializeOwned>(
    table: &'static str,
    column: &'static str,
    key: impl FnOnce() -> String,
    text: &str,
) -> Result<T> {
    serde_json::from_str(text).map_err(|_| bad_row(table, column, key(), "not the expected JSON"))
}
