//! What the engine refuses, in the words of the API. No match here has a wildcard arm: a new refusal does not compile
//! until somebody has decided what the caller hears.

use backstop_domain::{
    limit::LimitExceeded,
    ports::StoreError,
    recipient::InvalidRecipient,
    verification::{NotRedeemable, Status},
};
use backstop_engine::verify::{
    CancelError, ChannelRefused, CheckError, ReadError, RedeemError, ResendError, StartError,
};

use super::{Code, Problem};

mod people;

pub(crate) use people::{no_such_part, no_user, password_refused};

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "a request was refused: the store is not available");
                Self::new(Code::Unavailable, "nothing was done; try again")
            }
            StoreError::Undecided(_) => {
                tracing::warn!(%error, "a request was not answered: the store went away");
                Self::new(
                    Code::Unavailable,
                    "it is not known whether this was done; ask again with the same Idempotency-Key",
                )
            }
            StoreError::BadRow { .. } | StoreError::Internal(_) => Self::internal(&error.to_string()),
        }
    }
}

impl From<InvalidRecipient> for Problem {
    fn from(error: InvalidRecipient) -> Self {
        Self::new(Code::InvalidRecipient, error.to_string())
    }
}

impl From<LimitExceeded> for Problem {
    fn from(limit: LimitExceeded) -> Self {
        let detail = format!("the limit {} is used up", limit.limit);
        Self { limit: Some(limit), ..Self::new(Code::RateLimited, detail) }
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::NeedsSecretKey(field) => {
                Self::new(Code::NeedsSecretKey, format!("`{field}` is the application's to say"))
            }
            StartError::PurposeNotPublic => {
                Self::new(Code::PurposeNotPublic, "the application lists the purposes that are public")
            }
            StartError::Channel(refused) => refused.into(),
            StartError::CountryNotAllowed => {
                Self::new(Code::CountryNotAllowed, "codes are not sent to numbers of this region")
            }
            StartError::NoChannel => Self::new(
                Code::NoChannel,
                "none of the channels that are configured reaches the recipient and is strong enough for the purpose",
            ),
            StartError::OutOfBounds { field, problem } => Self::field(field, problem),
            StartError::Limited(limit) => limit.into(),
            StartError::OtherBody => key_reused(),
            StartError::InProgress => in_progress(),
            StartError::Store(error) => error.into(),
        }
    }
}

impl From<CheckError> for Problem {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::NotFound => no_verification(),
            CheckError::WrongForm => wrong_form(),
            CheckError::NeedsSecretKey => secret_key("checking by recipient"),
            CheckError::Limited(limit) => limit.into(),
            CheckError::OtherBody => key_reused(),
            CheckError::InProgress => in_progress(),
            CheckError::NoAnswer => Self::new(
                Code::Unavailable,
                "the provider that checks this code did not answer; this was counted as a check: ask again with the \
                 same Idempotency-Key, and it is not counted again",
            ),
            CheckError::Busy { until } => Self::new(
                Code::Unavailable,
                "the provider that checks this code is being asked about another check; nothing was counted",
            )
            .until(until),
            CheckError::Store(error) => error.into(),
        }
    }
}

impl From<ResendError> for Problem {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::NotFound => no_verification(),
            ResendError::Ended(status) => ended(status),
            ResendError::Channel(refused) => refused.into(),
            ResendError::Limited(limit) => limit.into(),
            ResendError::OtherBody => key_reused(),
            ResendError::InProgress => in_progress(),
            ResendError::Store(error) => error.into(),
        }
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotFound => no_verification(),
            CancelError::NeedsSecretKey => secret_key("canceling"),
            CancelError::Ended(status) => ended(status),
            CancelError::Store(error) => error.into(),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotFound => no_verification(),
            ReadError::NeedsSecretKey => secret_key("listing"),
            ReadError::Store(error) => error.into(),
        }
    }
}

impl From<RedeemError> for Problem {
    fn from(error: RedeemError) -> Self {
        match error {
            RedeemError::NotFound => no_verification(),
            RedeemError::NeedsSecretKey => secret_key("redeeming"),
            RedeemError::OtherPurpose => Self::new(Code::OtherPurpose, "nothing was redeemed"),
            RedeemError::NotRedeemable(NotRedeemable::Already) => {
                Self::new(Code::AlreadyRedeemed, "a proof is handed over once")
            }
            RedeemError::NotRedeemable(NotRedeemable::TooLate) => {
                Self::new(Code::RedeemTooLate, "start a new verification")
            }
            RedeemError::NotRedeemable(NotRedeemable::NotApproved) => {
                Self::new(Code::NotApproved, "the right code has not come")
            }
            RedeemError::NotRedeemable(NotRedeemable::SignsIn) => {
                Self::new(Code::NotRedeemable, "a sign-in answers with tokens; there is nothing to redeem")
            }
            RedeemError::Store(error) => error.into(),
        }
    }
}

/// Foreign and missing alike.
pub(crate) fn no_verification() -> Problem {
    Problem::new(Code::NotFound, "this application has no such verification")
}

/// Of a code that no code can look like; nothing is charged for it.
pub(crate) fn wrong_form() -> Problem {
    Problem::new(Code::WrongForm, "the code has another length; this counted as no check")
}

fn secret_key(what: &str) -> Problem {
    Problem::new(Code::NeedsSecretKey, format!("{what} takes a secret key"))
}

fn ended(status: Status) -> Problem {
    Problem::new(Code::VerificationEnded, format!("its status is {status}"))
}

impl From<ChannelRefused> for Problem {
    fn from(refused: ChannelRefused) -> Self {
        match refused {
            ChannelRefused::NotPublic => {
                Self::new(Code::ChannelNotPublic, "the application lists the channels that are public")
            }
            ChannelRefused::CannotReach(channel) => {
                Self::new(Code::ChannelCannotReach, format!("{channel} needs another kind of recipient"))
            }
            ChannelRefused::BelowFloor(channel) => {
                Self::new(Code::BelowFloor, format!("the purpose asks for a stronger channel than {channel}"))
            }
            ChannelRefused::NotConfigured(channel) => {
                Self::new(Code::ChannelNotConfigured, format!("no provider is configured for {channel}"))
            }
        }
    }
}

fn key_reused() -> Problem {
    Problem::new(Code::IdempotencyKeyReused, "take a new key for a new request")
}

fn in_progress() -> Problem {
    Problem::new(
        Code::IdempotencyInProgress,
        "nothing was done by this call; ask again for the first one's answer",
    )
}
