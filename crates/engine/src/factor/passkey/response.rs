//! A browser's response on its way to the library.
//!
//! The words for transports and kinds of authenticator grow with every edition of WebAuthn, which says to pass over those that
//! one does not know. The library refuses them, so they are taken out first. Nothing of this is signed.

use backstop_domain::factor::passkey::Transport;
use serde::Deserialize as _;
use serde_json::Value;

use super::PasskeyError;

/// The response without words that nobody here knows.
pub(super) fn plain(response: &Value) -> Result<Vec<u8>, PasskeyError> {
    let mut response = response.clone();
    if let Some(fields) = response.as_object_mut() {
        fields.remove("authenticatorAttachment");
    }
    if let Some(Value::Array(transports)) = response.pointer_mut("/response/transports") {
        transports.retain(|word| Transport::deserialize(word).is_ok());
    }
    serde_json::to_vec(&response).map_err(|_| PasskeyError::Malformed)
}
