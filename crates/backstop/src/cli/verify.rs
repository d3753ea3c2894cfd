//! `backstop verify`: one check from the terminal, counted like any other.

use backstop_domain::{id::VerificationId, verification::Status};
use clap::Args;

use super::{Answer, Exit, screen::Style};
use crate::control::protocol::{ControlReply, ControlRequest, Level, Private};

/// What to check.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 0 if it was the code, 1 if not.\n\nExamples:\n  backstop verify ver_... 482913"
)]
pub struct VerifyArguments {
    /// The verification, as `backstop send` printed it
    pub id: VerificationId,
    /// The code
    pub code: String,
    /// Of this application; needed only where there are several
    #[arg(long)]
    pub application: Option<String>,
}

impl VerifyArguments {
    /// The request.
    pub fn request(self) -> ControlRequest {
        ControlRequest::Verify { application: self.application, id: self.id, code: Private::new(self.code) }
    }
}

/// Whether it was the code.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    let ControlReply::Verify(checked) = reply else { return None };
    if checked.valid {
        return Some(Answer::new(format!("{} valid, approved", style.lamp(Level::Well)), Exit::Well));
    }
    let rest = match (checked.status, checked.checks_left) {
        (Status::Pending, 1) => "last try".to_owned(),
        (Status::Pending, left) => format!("{left} tries left"),
        (other, _) => format!("the verification is {other}"),
    };
    Some(Answer::new(format!("{} not valid, {rest}", style.lamp(Level::Warning)), Exit::Warning))
}
