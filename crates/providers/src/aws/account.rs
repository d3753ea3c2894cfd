//! What the AWS kinds have alike in their configuration: the region, and where credentials come from.

use backstop_domain::secret::SecretString;

use super::{Chain, Source};
use crate::registry::{BuildError, Draft};

/// A configured access key, in parts.
pub(crate) struct AccessKey<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) secret: Option<&'a SecretString>,
    pub(crate) token: Option<&'a SecretString>,
}

/// The configured pair, or the official chain where there is none.
///
/// # Errors
/// If half of a pair is missing.
pub(crate) fn source(draft: &Draft<'_>, region: &str, key: &AccessKey<'_>) -> Result<Source, BuildError> {
    match (key.id, key.secret) {
        (Some(id), Some(secret)) => Ok(Source::fixed(id, secret, key.token)),
        (None, None) => Ok(Source::Chain(Chain::new(draft.shared.client.clone(), region.to_owned()))),
        (Some(_), None) => {
            Err(draft.wrong("secret_access_key", "is missing", "set it beside access_key_id, or neither"))
        }
        (None, Some(_)) => {
            Err(draft.wrong("access_key_id", "is missing", "set it beside secret_access_key, or neither"))
        }
    }
}

/// Refuses what could be no region: it becomes part of a host name.
///
/// # Errors
/// Names the key.
pub(crate) fn check_region(draft: &Draft<'_>, region: &str) -> Result<(), BuildError> {
    if is_region(region) {
        return Ok(());
    }
    Err(draft.wrong("region", "is not the name of a region", "such as ap-south-1 or us-east-1"))
}

/// Whether a text could be a region.
pub(crate) fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The usual host of a service in a region.
pub(crate) fn host(service: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("{service}.{region}.amazonaws.com{suffix}")
}
