//! The vendors over HTTP, one file each: how one is configured in tests, what it has no word for, and what it is sent.
//!
//! Whatever holds for every vendor is tested once for all of [`ALL`]: fixtures, receipts, mistakes, privacy.

use backstop_domain::channel::Channel;
use backstop_providers::registry::Dlt;
use serde_json::Value;

pub(crate) mod aws_ses;
mod aws_sns;
mod gupshup;
mod gupshup_whatsapp;
mod messagebird;
mod msg91;
mod plivo;
mod postmark;
mod resend;
mod sendgrid;
mod telegram_gateway;
mod telnyx;
mod textlocal;
mod twilio;
mod twilio_verify;
mod vonage;
mod webhook;
mod whatsapp_cloud;

/// One vendor.
pub(crate) struct Vendor {
    pub(crate) kind: &'static str,
    /// The channels that its provider is configured for; fixtures go over the first unless they say otherwise.
    pub(crate) channels: &'static [Channel],
    /// Its own keys, for a vendor at this address.
    pub(crate) settings: fn(base: &str) -> Value,
    /// How its texts are registered in India.
    pub(crate) dlt: Option<fn() -> Dlt>,
    /// Outcomes that it has no word for.
    pub(crate) cannot: &'static [&'static str],
    /// What must be in no answer, log line or `Debug`.
    pub(crate) secrets: &'static [&'static str],
    /// Changes of its keys (`null` takes one away) that are mistakes, each with the key that is to be named.
    pub(crate) mistakes: fn() -> Vec<(Value, &'static str)>,
}

/// Every vendor over HTTP.
pub(crate) static ALL: &[Vendor] = &[
    aws_ses::VENDOR,
    sendgrid::VENDOR,
    postmark::VENDOR,
    resend::VENDOR,
    twilio::VENDOR,
    twilio_verify::VENDOR,
    aws_sns::VENDOR,
    vonage::VENDOR,
    plivo::VENDOR,
    telnyx::VENDOR,
    messagebird::VENDOR,
    msg91::VENDOR,
    textlocal::VENDOR,
    gupshup::VENDOR,
    whatsapp_cloud::VENDOR,
    gupshup_whatsapp::VENDOR,
    telegram_gateway::VENDOR,
    webhook::VENDOR,
];

pub(crate) fn find(kind: &str) -> Option<&'static Vendor> {
    ALL.iter().find(|vendor| vendor.kind == kind)
}
