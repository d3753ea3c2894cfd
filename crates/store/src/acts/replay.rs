//! The same `Idempotency-Key` within a minute gets the first answer, and charges nothing.
//!
//! The answer is kept in the act that gave it, so a crash keeps both or neither. Refusals are not kept: a caller that
//! was told to come back later may come back with the same key.

use backstop_domain::{
    clock::Timestamp,
    ports::store::{Idempotency, Once},
};
use serde::{Serialize, de::DeserializeOwned};

use super::Ledger;
use crate::{
    error::{Result, bad_row, internal},
    memory::Remembered,
};

/// What the key led to before, if it was used within the last minute.
pub(super) fn before<T: DeserializeOwned>(
    ledger: &impl Ledger,
    idempotency: Option<Idempotency>,
    now: Timestamp,
) -> Result<Option<Once<T>>> {
    let Some(Idempotency { key, body }) = idempotency else { return Ok(None) };
    let Some(remembered) = ledger.memory().remembered(key, now) else { return Ok(None) };
    if remembered.body != body {
        return Ok(Some(Once::OtherBody));
    }
    let answer = serde_json::from_str(&remembered.answer)
        .map_err(|_| bad_row("idempotency", "answer", format!("{key:?}"), "not an answer of this call"))?;
    Ok(Some(Once::Before(answer)))
}

/// Keeps the answer of a key.
pub(super) fn keep<T: Serialize>(
    ledger: &mut impl Ledger,
    idempotency: Option<Idempotency>,
    answer: &T,
    now: Timestamp,
) -> Result<()> {
    let Some(Idempotency { key, body }) = idempotency else { return Ok(()) };
    let answer = serde_json::to_string(answer).map_err(|error| internal(error.to_string()))?;
    ledger.remember(key, Remembered { body, answer, at: now })
}
