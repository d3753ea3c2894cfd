//! What a handler is given: who called, what was asked, and nothing that was not checked.
//!
//! Each extractor refuses with a problem and never repeats what it refused. They run in the order of a handler's
//! arguments, the body last: nobody's body is read before the key is believed, but for the calls that answer evenly.

mod caller;
mod client_ip;
mod idempotency;
mod json;
mod manager;
mod part;
mod query;
mod sign_in;
mod strict;
mod verification;

pub use client_ip::Peer;

pub(crate) use caller::{Caller, origin_of};
pub(crate) use client_ip::person;
pub(crate) use idempotency::IdempotencyHeader;
pub(crate) use json::{BODY_LIMIT, Json, collect};
pub(crate) use manager::{Manager, OfUser, OfUserByKey, Person};
pub(crate) use part::{DevicePart, PasskeyPart, SessionPart};
pub(crate) use query::Query;
pub(crate) use sign_in::SignInCaller;
pub(crate) use strict::Object;
pub(crate) use verification::OfVerification;
