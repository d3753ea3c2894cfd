//! Vendors of text messages; some of them also make calls.

pub(crate) mod aws_sns;
pub(crate) mod gupshup;
mod india;
pub(crate) mod messagebird;
pub(crate) mod msg91;
pub(crate) mod plivo;
pub(crate) mod telnyx;
pub(crate) mod textlocal;
pub(crate) mod twilio;
pub(crate) mod vonage;
