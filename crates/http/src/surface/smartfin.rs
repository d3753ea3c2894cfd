//! What SmartFin does with a code beside checking it: a person registers, or changes a password that they forgot.
//!
//! A code to change a password belongs to a person, and goes to nobody where there is none: the answer is the same.

use std::sync::Arc;

use backstop_domain::{purpose::Purpose, recipient::Recipient};
use backstop_engine::{
    Caller, VerificationReport,
    sign_in::{Knock, OtpStart},
    verify::Selection,
};

use super::refused;
use crate::{Entrance, error::Problem};

pub(super) const PASSWORD_RESET: &str = "password_reset";

/// Sends a code to change a password with; to somebody unknown nothing, with the same answer.
pub(super) async fn reset_code(
    entrance: &Arc<Entrance>,
    caller: &Caller,
    to: Recipient,
    selection: Selection,
    purpose: Purpose,
) -> Result<VerificationReport, Problem> {
    let start =
        OtpStart { knock: Knock::Address(to), selection, purpose, locale: None, session: None, wait: false };
    let started = entrance.doors.engine.sign_in_otp(caller, start, None).await;
    Ok(started.map_err(|error| refused(error, "no code can be sent to this address"))?.verification)
}
