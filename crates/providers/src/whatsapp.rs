//! Vendors of WhatsApp messages.

pub(crate) mod cloud;
pub(crate) mod gupshup;
