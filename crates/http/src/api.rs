//! The JSON API. A handler parses, makes one engine call and answers.

pub(crate) mod factors;
pub(crate) mod health;
pub(crate) mod messaging;
pub(crate) mod sign_in;
pub(crate) mod tokens;
pub(crate) mod told;
pub(crate) mod users;
pub(crate) mod verifications;
