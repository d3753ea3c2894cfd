//! Secrets that an answer tells, once. A secret has no way to be serialized by itself, so every field that tells one says so.

use backstop_domain::secret::SecretString;
use serde::{Serializer, ser::SerializeSeq as _};

/// Tells a secret.
pub(crate) fn one<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// Tells a secret, or nothing.
pub(crate) fn maybe<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => one(secret, serializer),
        None => serializer.serialize_none(),
    }
}

/// Tells a list of secrets.
pub(crate) fn each<S: Serializer>(secrets: &[SecretString], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(secrets.len()))?;
    for secret in secrets {
        list.serialize_element(secret.expose())?;
    }
    list.end()
}
