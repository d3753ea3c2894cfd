//! Why a person was not read or changed: for the caller, and inside an act.

use backstop_domain::{clock::Timestamp, ports::StoreError};
use serde::{Deserialize, Serialize};

use super::Denied;

/// Why a person was not read or changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ManageError {
    /// It is not the caller's to do.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A part of the request cannot be taken.
    #[error("{field}: {problem}")]
    OutOfBounds {
        /// Which.
        field: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Somebody else has the address.
    #[error("the address belongs to another user")]
    AddressTaken,
    /// The person does not hold it.
    #[error("the user does not hold this factor")]
    NotHeld,
    /// The proof of a factor is not right.
    #[error("the proof is not right")]
    NotRight,
    /// Too many tries.
    #[error("too many tries")]
    Locked {
        /// From when on the next one is taken.
        until: Option<Timestamp>,
    },
    /// The `Idempotency-Key` came with another body before.
    #[error("the Idempotency-Key was used for another request")]
    OtherBody,
    /// A call with this `Idempotency-Key` has not answered yet.
    #[error("a call with this Idempotency-Key is in progress")]
    InProgress,
    /// The store cannot be written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ManageError {
    pub(crate) fn of(field: &'static str, problem: impl ToString) -> Self {
        Self::OutOfBounds { field, problem: problem.to_string() }
    }
}

/// Why an act on a person changed nothing. Kept with the `Idempotency-Key`, so it repeats nothing of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refusal {
    Denied(Denied),
    AddressTaken,
    NotHeld,
    NotRight,
    /// The person could not sign in any more.
    LastWay,
    /// The person holds no second way, so none can be required.
    NoSecondWay,
    TooManyAddresses,
    TooManyPasskeys,
    PasskeyTaken,
    PasskeyMeanwhile,
    NoDeviceKey,
    NotTrusted,
    Suspended,
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<Refusal> for ManageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied(denied) => Self::Denied(denied),
            Refusal::AddressTaken => Self::AddressTaken,
            Refusal::NotHeld => Self::NotHeld,
            Refusal::NotRight => Self::NotRight,
            Refusal::LastWay => {
                Self::of("factor", "without it the person could not sign in any more; add another way first")
            }
            Refusal::NoSecondWay => Self::of(
                "second_factor",
                "cannot be required of a person who holds no second way; add one first",
            ),
            Refusal::TooManyAddresses => Self::of("addresses", "a user has at most 10 addresses"),
            Refusal::TooManyPasskeys => Self::of("passkey", "a person holds at most 20 passkeys"),
            Refusal::PasskeyTaken => Self::of("response", "this passkey is registered already"),
            Refusal::PasskeyMeanwhile => {
                Self::of("state", "another passkey was registered meanwhile; begin again")
            }
            Refusal::NoDeviceKey => Self::of("device", "an offline grant needs a device with a key"),
            Refusal::NotTrusted => Self::of("device", "the device is no longer trusted"),
            Refusal::Suspended => Self::of("user", "the user is suspended"),
        }
    }
}
