//! What both databases know of operators and emergency access alike.

use std::time::Duration;

use backstop_domain::{
    clock::Timestamp, emergency::KeyUsed, id::EmergencyRequestId, keyring::LookupHash, operator::Invitation,
};

use crate::{
    error::Result,
    fields::{Cells, Fields},
    people::{json, read_json},
};

/// How long a request is kept after it was made.
pub(crate) const REQUESTS_KEPT_FOR: Duration = Duration::from_secs(30 * 86_400);
/// The key in `meta` of the emergency key that was last used.
pub(crate) const KEY_USED: &str = "emergency_key_used";

/// The columns of an invitation, in the order in which [`invitation`] reads them.
pub(crate) const INVITATION: &str = "hash, role, is_first, expires_at";

/// Reads a row of the columns [`INVITATION`].
pub(crate) fn invitation(row: &impl Cells) -> Result<Invitation> {
    let mut fields = Fields::of(row, "operator_invitations", 0);
    Ok(Invitation {
        hash: LookupHash(fields.take("hash")?),
        role: fields.parsed("role")?,
        is_first: fields.take("is_first")?,
        expires_at: fields.moment("expires_at")?,
    })
}

/// Reads what `meta` holds of the key that was last used.
pub(crate) fn key_used(text: Option<&str>) -> Result<Option<KeyUsed>> {
    text.map(|text| read_json("meta", "value", || KEY_USED.into(), text)).transpose()
}

/// What `meta` holds of it.
pub(crate) fn key_used_text(used: &KeyUsed) -> Result<String> {
    json(used)
}

/// The first id that is not older than that.
pub(crate) fn first_since(since: Timestamp) -> String {
    EmergencyRequestId::first_at(since).to_string()
}
