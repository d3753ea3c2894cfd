//! Writing down what a vendor said, and what it means for the delivery.
//!
//! An answer may come late: after recovery gave the attempt up, after a receipt settled it, after another worker took
//! the delivery. It is written all the same wherever it moves the attempt or the delivery forward, because a vendor that
//! took a message is a fact; where it does not, only the vendor's words are kept.

use backstop_domain::{
    attempt::AttemptState, clock::Timestamp, delivery::DeliveryState, outcome::VendorResponse,
    ports::store::AttemptResult, receipt::AttemptReference,
};
use serde::Serialize;

use super::{
    DeliveryKey, Outbox,
    spending::{self, Books},
};
use crate::error::{Result, internal};

/// The vendor's answer as it is kept: readable by plain SQL, with our word for it.
#[derive(Serialize)]
struct Kept<'a> {
    success: bool,
    response: &'a str,
    outcome: &'a str,
}

/// Writes an answer down.
pub(crate) fn finish_attempt<O: Outbox + Books>(outbox: &mut O, result: &AttemptResult) -> Result<()> {
    outbox.see(result.now);
    let Some(was) = outbox.attempt_state(result)? else {
        return Err(internal("an answer came for an attempt that was never written down").into());
    };
    let response = result.vendor_response.as_ref().map(|said| kept(said, &result.outcome)).transpose()?;
    // Only a receipt takes back what an answer said.
    let taken_back = was == AttemptState::Accepted && result.state == AttemptState::Rejected;
    let moves = forward(was, result.state) && !taken_back;
    if moves {
        outbox.settle(result, response)?;
    } else if response.is_some() || result.vendor_id.is_some() || result.price.is_some() {
        outbox.keep_words(result, response)?;
    }
    if !result.handles.is_empty() {
        outbox.keep_handles(result)?;
    }
    spending::settle(outbox, result)?;
    if result.opt_out {
        let (application, verification) = (result.application, result.verification);
        outbox.opt_out(AttemptReference { application, verification, attempt: result.id }, result.now)?;
    }
    let is = if moves { result.state } else { was };
    change_delivery(outbox, result, was, is)
}

/// What the answer means for the delivery, whose attempt was at `was` and is at `is`.
fn change_delivery<O: Outbox>(
    outbox: &mut O,
    result: &AttemptResult,
    was: AttemptState,
    is: AttemptState,
) -> Result<()> {
    let key = (result.application, result.verification, result.delivery);
    let Some((from, _)) = outbox.delivery(key)? else { return Ok(()) };
    let mut to = result.delivery_state.unwrap_or(from);
    if to == DeliveryState::Sent && !is_taken(is) && !outbox.states(key)?.into_iter().any(is_taken) {
        // A receipt was faster, and says that it did not arrive: somebody has to go on once the lease has ended.
        to = from;
    }
    // An attempt that was not being sent any more held no lease open: whoever has it now works on something else.
    // Nor does one end the lease of the worker that has it and goes on.
    if rank(to) > rank(from) || (was == AttemptState::Sending && !result.goes_on) {
        end(outbox, key, from, to, result.silent_at)?;
    }
    Ok(())
}

/// Whether a vendor has the message, as far as it said.
pub(super) fn is_taken(state: AttemptState) -> bool {
    matches!(state, AttemptState::Accepted | AttemptState::Delivered)
}

fn rank(state: DeliveryState) -> u8 {
    match state {
        DeliveryState::Queued => 0,
        DeliveryState::Undeliverable => 1,
        DeliveryState::Sent => 2,
        DeliveryState::Delivered => 3,
    }
}

/// Ends a delivery that stands at `from`; one that stands further on than `to` keeps its state. One that is sent rests until
/// `silent_at`, if that is given.
pub(crate) fn end<O: Outbox>(
    outbox: &mut O,
    key: DeliveryKey,
    from: DeliveryState,
    to: DeliveryState,
    silent_at: Option<Timestamp>,
) -> Result<()> {
    let state = if rank(to) < rank(from) { from } else { to };
    if state == DeliveryState::Queued {
        return Ok(());
    }
    outbox.end(key, state, silent_at.filter(|_| state == DeliveryState::Sent))
}

/// Whether `to` is further on than `from`: from sending over unknown to the vendor's answer, and on to the receipts, of
/// which an arrival is the last word.
pub(super) fn forward(from: AttemptState, to: AttemptState) -> bool {
    let rank = |state| match state {
        AttemptState::Sending => 0,
        AttemptState::Unknown => 1,
        AttemptState::Accepted => 2,
        AttemptState::Rejected | AttemptState::Undelivered => 3,
        AttemptState::Delivered => 4,
    };
    rank(to) > rank(from)
}

fn kept(said: &VendorResponse, outcome: &str) -> Result<String> {
    let kept = Kept { success: said.success, response: &said.response, outcome };
    Ok(serde_json::to_string(&kept).map_err(|error| internal(error.to_string()))?)
}
