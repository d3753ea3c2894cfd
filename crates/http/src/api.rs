//! The JSON API. A handler parses, makes one engine call and answers.

pub(crate) mod health;
pub(crate) mod messaging;
pub(crate) mod verifications;
