//! What a verification is: types, rules, states, routing, and the ports to the outside. No runtime, no IO, no clock.
//!
//! Start at [`verification`] for what is proven and how a check is judged, at [`plan`] for how a code travels, and at
//! [`ports`] for what the outside must offer. Everything else is a word of those three.

pub mod application;
pub mod attempt;
pub mod audit;
pub mod breaker;
pub mod channel;
pub mod clock;
pub mod code;
pub mod credit;
pub mod delivery;
pub mod emergency;
pub mod event;
pub mod factor;
pub mod id;
pub mod keyring;
pub mod limit;
pub mod notice;
pub mod offline;
pub mod operator;
pub mod outcome;
pub mod plan;
pub mod ports;
pub mod price;
pub mod purpose;
pub mod ranking;
pub mod receipt;
pub mod recipient;
pub mod rule;
pub mod secret;
pub mod sign_in;
pub mod spend;
pub mod template;
pub mod token;
pub mod user;
pub mod verification;
