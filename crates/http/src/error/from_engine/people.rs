//! What the engine refuses of people: signing in, managing. Towards the public nothing here tells whether a person exists.

use backstop_domain::{clock::Timestamp, factor::password::InvalidPassword};
use backstop_engine::{
    emergency::EmergencyError,
    manage::{Denied, ManageError},
    sign_in::{SignInError, SignUpError},
    sms_backup::SmsBackupError,
};

use super::{in_progress, key_reused, secret_key};
use crate::error::{Code, Problem};

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Refused => {
                Self::new(Code::SignInRefused, "wrong, unknown, used up or over: what it was is not told")
            }
            SignInError::Locked { until } => too_many_tries(until),
            SignInError::MfaToken => Self::new(Code::MfaTokenInvalid, "begin again with a first way"),
            SignInError::SameWay => Self::new(Code::SameWay, "`ways` named those that would do"),
            SignInError::OutOfBounds { field, problem } => Self::field(field, problem),
            SignInError::Limited(limit) => limit.into(),
            SignInError::OtherBody => key_reused(),
            SignInError::InProgress => in_progress(),
            SignInError::Start(error) => error.into(),
            SignInError::Check(error) => error.into(),
            SignInError::Store(error) => error.into(),
        }
    }
}

impl From<EmergencyError> for Problem {
    fn from(error: EmergencyError) -> Self {
        match error {
            EmergencyError::Off => Self::new(Code::EmergencyOff, "no master key is configured"),
            EmergencyError::WrongKey => {
                Self::new(Code::EmergencyKeyWrong, "this was recorded and told to the operators")
            }
            EmergencyError::NotServed => {
                Self::new(Code::EmergencyNotServed, "it serves active people of some roles alone")
            }
            EmergencyError::Network => Self::new(Code::EmergencyNotServed, "it is not open to this network"),
            EmergencyError::Locked { until } => too_many_tries(Some(until)),
            EmergencyError::OutOfBounds { field, problem } => Self::field(field, problem),
            EmergencyError::RequestOver => {
                Self::new(Code::EmergencyRequestOver, "leave `request_id` out to make a new request")
            }
            EmergencyError::OtherBody => key_reused(),
            EmergencyError::InProgress => in_progress(),
            EmergencyError::Store(error) => error.into(),
        }
    }
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::AddressTaken => address_taken(),
            SignUpError::Password(why) => password_refused("password", why),
            SignUpError::SignIn(error) => error.into(),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotFound => no_user(),
            Denied::NeedsSecretKey => secret_key("this call"),
            Denied::SessionEnded => Self::new(Code::SessionEnded, "sign in again"),
            Denied::StepUp => Self::new(
                Code::StepUpRequired,
                "the sign-in is too long ago or not sure enough: POST /v1/sign-in/step-up says how to renew it",
            ),
        }
    }
}

impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::Denied(denied) => denied.into(),
            ManageError::OutOfBounds { field, problem } => {
                Self::new(Code::InvalidRequest, format!("`{field}`: {problem}"))
            }
            ManageError::AddressTaken => address_taken(),
            ManageError::NotHeld => no_such_part(),
            ManageError::NotRight => Self::new(Code::NotRight, "nothing was changed"),
            ManageError::Locked { until } => too_many_tries(until),
            ManageError::OtherBody => key_reused(),
            ManageError::InProgress => in_progress(),
            ManageError::Store(error) => error.into(),
        }
    }
}

impl From<SmsBackupError> for Problem {
    fn from(error: SmsBackupError) -> Self {
        match error {
            SmsBackupError::Off => Self::new(Code::SmsBackupOff, "`sign_in.sms_backup` is off"),
            SmsBackupError::Manage(error) => error.into(),
            SmsBackupError::Start(error) => error.into(),
            SmsBackupError::Check(error) => error.into(),
        }
    }
}

/// Foreign and missing alike.
pub(crate) fn no_user() -> Problem {
    Problem::new(Code::NotFound, "this application has no such user")
}

/// A factor, a device or a session that the user does not hold.
pub(crate) fn no_such_part() -> Problem {
    Problem::new(Code::NotHeld, "the user has none such")
}

/// A text that cannot become a password. The reason never holds it.
pub(crate) fn password_refused(field: &str, why: InvalidPassword) -> Problem {
    Problem::new(Code::PasswordRefused, format!("`{field}`: {why}"))
}

fn address_taken() -> Problem {
    Problem::new(Code::AddressTaken, "a confirmed address belongs to one user of the application alone")
}

fn too_many_tries(until: Option<Timestamp>) -> Problem {
    match until {
        Some(until) => Problem::new(Code::TooManyTries, "nothing was looked at").until(until),
        None => Problem::new(Code::TooManyTries, "this way in opens again only when it is set up anew"),
    }
}
