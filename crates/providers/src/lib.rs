//! The Provider port, once per vendor.
//!
//! A vendor reached over HTTP is an [`adapter::Adapter`]: pure functions from a message to a request and from a response
//! to an outcome. [`adapter::HttpProvider`] joins it to the one shared [`HttpClient`], which does the IO, and passes
//! every answer through [`redaction`] before anybody sees it. SMTP brings its own IO behind the same port.
//!
//! The guarantee: whatever a vendor does, `send` comes back within the provider's time-out with one of the outcomes of
//! the domain. `Accepted` is said only when the vendor said so; a request that may have reached it and has no answer
//! is `Unknown`. Nothing here remembers anything that a crash could lose.
//!
//! [`registry`] is the one list of kinds. [`WebhookNotifier`] posts events to applications; it carries no code.

mod adapter;
mod address;
mod amount;
mod aws;
mod client;
mod console;
mod email;
mod exchange;
mod gsm;
mod inbox;
mod jwt;
mod loose;
mod notifier;
mod prelude;
mod redaction;
pub mod registry;
mod sms;
mod status;
mod telegram;
mod twilio_account;
mod twilio_verify;
mod usual;
mod voice;
mod webhook;
mod whatsapp;

pub use client::{ClientError, HttpClient};
pub use inbox::DevInbox;
pub use notifier::{InvalidWebhook, WebhookNotifier};
