//! Writing down what a vendor said, and what it means for the delivery.
//!
//! An answer may come late: after recovery gave the attempt up, after a receipt settled it, after another worker took
//! the delivery. It is written all the same wherever it moves the attempt or the delivery forward, because a vendor that
//! took a message is a fact; where it does not, only the vendor's words are kept.

use backstop_domain::{
    attempt::AttemptState, delivery::DeliveryState, outcome::VendorResponse, ports::store::AttemptResult,
};
use serde::Serialize;

use super::{DeliveryKey, Outbox};
use crate::error::{Result, internal};

/// The vendor's answer as it is kept: readable by plain SQL, with our word for it.
#[derive(Serialize)]
struct Kept<'a> {
    success: bool,
    response: &'a str,
    outcome: &'a str,
}

/// Writes an answer down.
pub(crate) fn finish_attempt<O: Outbox>(outbox: &mut O, result: &AttemptResult) -> Result<()> {
    outbox.see(result.now);
    let Some(state) = outbox.attempt_state(result)? else {
        return Err(internal("an answer came for an attempt that was never written down").into());
    };
    let response = result.vendor_response.as_ref().map(|said| kept(said, &result.outcome)).transpose()?;
    if forward(state, result.state) {
        outbox.settle(result, response)?;
    } else if let Some(response) = response {
        outbox.keep_words(result, response)?;
    }
    if result.opt_out {
        outbox.opt_out(result)?;
    }
    let key = (result.application, result.verification, result.delivery);
    match outbox.delivery(key)? {
        Some((from, _)) => end(outbox, key, from, result.delivery_state.unwrap_or(from)),
        None => Ok(()),
    }
}

/// Ends a delivery that stands at `from`; one that stands further on than `to` keeps its state.
pub(crate) fn end<O: Outbox>(
    outbox: &mut O,
    key: DeliveryKey,
    from: DeliveryState,
    to: DeliveryState,
) -> Result<()> {
    let rank = |state| match state {
        DeliveryState::Queued => 0,
        DeliveryState::Undeliverable => 1,
        DeliveryState::Sent => 2,
        DeliveryState::Delivered => 3,
    };
    let state = if rank(to) < rank(from) { from } else { to };
    if state == DeliveryState::Queued {
        return Ok(());
    }
    outbox.end(key, state)
}

/// Whether `to` is further on than `from`: from sending over unknown to the vendor's answer, and on to the receipt.
fn forward(from: AttemptState, to: AttemptState) -> bool {
    let rank = |state| match state {
        AttemptState::Sending => 0,
        AttemptState::Unknown => 1,
        AttemptState::Accepted | AttemptState::Rejected => 2,
        AttemptState::Delivered | AttemptState::Undelivered => 3,
    };
    rank(to) > rank(from)
}

fn kept(said: &VendorResponse, outcome: &str) -> Result<String> {
    let kept = Kept { success: said.success, response: &said.response, outcome };
    Ok(serde_json::to_string(&kept).map_err(|error| internal(error.to_string()))?)
}
