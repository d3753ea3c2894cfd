//! Writing down what a vendor said, and what it means for the delivery.
//!
//! An answer may come late: after recovery gave the attempt up, after a receipt settled it, after another worker took
//! the delivery. It is written all the same wherever it moves the attempt or the delivery forward, because a vendor that
//! took a message is a fact; where it does not, only the vendor's words are kept.

use backstop_domain::{
    application::ApplicationId,
    attempt::AttemptState,
    delivery::DeliveryState,
    id::{DeliveryId, VerificationId},
    outcome::VendorResponse,
    ports::store::AttemptResult,
};
use rusqlite::{named_params, params};
use serde::Serialize;

use crate::{
    error::{Result, internal},
    sqlite::{fields::Fields, lookups, writer::Unit},
};

/// The vendor's answer as it is kept: readable by plain SQL, with our word for it.
#[derive(Serialize)]
struct Kept<'a> {
    success: bool,
    response: &'a str,
    outcome: &'a str,
}

/// Writes an answer down.
pub(super) fn finish_attempt(unit: &mut Unit, result: &AttemptResult) -> Result<()> {
    unit.memory.see(result.now);
    let Some(state) = attempt_state(unit, result)? else {
        return Err(internal("an answer came for an attempt that was never written down").into());
    };
    let response = result.vendor_response.as_ref().map(|said| kept(said, &result.outcome)).transpose()?;
    if forward(state, result.state) {
        settle(unit, result, response)?;
    } else if let Some(response) = response {
        keep_words(unit, result, response)?;
    }
    if result.opt_out {
        opt_out(unit, result)?;
    }
    match delivery_state(unit, result)? {
        Some(from) => {
            let key = (result.application, result.verification, result.delivery);
            end(unit, key, from, result.delivery_state.unwrap_or(from))
        }
        None => Ok(()),
    }
}

/// Ends a delivery that stands at `from`; one that stands further on than `to` keeps its state. Its lease ends with it,
/// or with the last of its attempts that is still being sent: until then a crash must leave somebody to call that
/// attempt unknown.
pub(super) fn end(
    unit: &Unit,
    (application, verification, id): (ApplicationId, VerificationId, DeliveryId),
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
    unit.connection
        .prepare_cached(
            "UPDATE deliveries SET state = ?4, \
             lease_holder = CASE WHEN sending THEN lease_holder END, \
             lease_until = CASE WHEN sending THEN lease_until END \
             FROM (SELECT EXISTS (SELECT 1 FROM attempts WHERE application_id = ?1 AND verification_id = ?2 \
             AND delivery_id = ?3 AND state = 'sending') AS sending) \
             WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3",
        )?
        .execute(params![application.0, verification.to_string(), id.to_string(), state.as_str()])?;
    Ok(())
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

/// Where the attempt stands; nothing else of it decides.
fn attempt_state(unit: &Unit, result: &AttemptResult) -> Result<Option<AttemptState>> {
    let mut query = unit.connection.prepare_cached(
        "SELECT application_id, verification_id, id, state FROM attempts \
         WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3",
    )?;
    let key = params![result.application.0, result.verification.to_string(), result.id.to_string()];
    let mut found = query.query_and_then(key, |row| Fields::after_key(row, "attempts", 3).parsed("state"))?;
    found.next().transpose()
}

/// Where the delivery stands.
fn delivery_state(unit: &Unit, result: &AttemptResult) -> Result<Option<DeliveryState>> {
    let mut query = unit.connection.prepare_cached(
        "SELECT application_id, verification_id, id, state FROM deliveries \
         WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3",
    )?;
    let key = params![result.application.0, result.verification.to_string(), result.delivery.to_string()];
    let mut found =
        query.query_and_then(key, |row| Fields::after_key(row, "deliveries", 3).parsed("state"))?;
    found.next().transpose()
}

fn settle(unit: &Unit, result: &AttemptResult, response: Option<String>) -> Result<()> {
    let rejection = result.rejection.as_ref().map(serde_json::to_string).transpose();
    let changed = unit
        .connection
        .prepare_cached(
            "UPDATE attempts SET state = :state, outcome = :outcome, rejection = :rejection, \
             vendor_id = coalesce(:vendor_id, vendor_id), vendor_response = coalesce(:response, vendor_response), \
             price = coalesce(:price, price), finished_at = :now \
             WHERE application_id = :application AND verification_id = :verification AND id = :id",
        )?
        .execute(named_params! {
            ":application": result.application.0,
            ":verification": result.verification.to_string(),
            ":id": result.id.to_string(),
            ":state": result.state.as_str(),
            ":outcome": result.outcome,
            ":rejection": rejection.map_err(|error| internal(error.to_string()))?,
            ":vendor_id": result.vendor_id,
            ":response": response,
            ":price": result.price,
            ":now": result.now.as_millis(),
        })?;
    lookups::one(changed, "settling an attempt")
}

fn keep_words(unit: &Unit, result: &AttemptResult, response: String) -> Result<()> {
    unit.connection
        .prepare_cached(
            "UPDATE attempts SET vendor_response = ?4 \
             WHERE application_id = ?1 AND verification_id = ?2 AND id = ?3",
        )?
        .execute(params![
            result.application.0,
            result.verification.to_string(),
            result.id.to_string(),
            response
        ])?;
    Ok(())
}

fn opt_out(unit: &Unit, result: &AttemptResult) -> Result<()> {
    unit.connection
        .prepare_cached(
            "INSERT INTO opt_outs (application_id, recipient, provider, at) \
             SELECT v.application_id, v.recipient, a.provider, ?4 FROM attempts a JOIN verifications v \
             ON v.application_id = a.application_id AND v.id = a.verification_id \
             WHERE a.application_id = ?1 AND a.verification_id = ?2 AND a.id = ?3 \
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            result.application.0,
            result.verification.to_string(),
            result.id.to_string(),
            result.now.as_millis()
        ])?;
    Ok(())
}

fn kept(said: &VendorResponse, outcome: &str) -> Result<String> {
    let kept = Kept { success: said.success, response: &said.response, outcome };
    Ok(serde_json::to_string(&kept).map_err(|error| internal(error.to_string()))?)
}
