//! The names that every adapter needs: of the domain, of one exchange with a vendor, of its configuration.

pub(crate) use std::sync::Arc;

pub(crate) use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    outcome::{Outcome, Reason, Rejection, Scope},
    ports::{
        Provider,
        provider::{Balance, Callback, CallbackRefused, Checkup, Message, Sent},
    },
    receipt::{About, Receipt, ReceiptState, VendorEvent},
    recipient::Recipient,
    secret::SecretString,
};
pub(crate) use http::HeaderValue;
pub(crate) use reqwest::Url;
pub(crate) use serde::Deserialize;
pub(crate) use serde_json::{Value, json};

pub(crate) use crate::{
    adapter::{Adapter, Receipts, Received},
    exchange::{HttpRequest, HttpResponse},
    loose,
    registry::{BuildError, Draft, KeyInfo, KindInfo},
    usual,
};
