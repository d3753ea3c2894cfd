//! Vendors of text messages.

pub(crate) mod aws_sns;
pub(crate) mod twilio;
