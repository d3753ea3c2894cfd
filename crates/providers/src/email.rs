//! Vendors of mail.

pub(crate) mod smtp;
