//! What the commands about people share: how a user is named, and what was ended.

use clap::Args;

use super::{Answer, Exit, screen::Style};
use crate::control::protocol::{ControlReply, ControlRequest, EndedReply, Level, PeopleRequest, Private};

/// Whose people.
#[derive(Debug, Args)]
pub struct Of {
    /// Of this application; needed only where there are several
    #[arg(long, visible_alias = "app", value_name = "NAME")]
    pub application: Option<String>,
}

/// Which user.
#[derive(Debug, Args)]
pub struct Person {
    /// Their id, or a confirmed telephone number or e-mail address
    #[arg(value_name = "USER")]
    pub user: String,
    /// Whose.
    #[command(flatten)]
    pub of: Of,
}

impl Of {
    /// The request.
    pub fn request(self, act: PeopleRequest) -> ControlRequest {
        ControlRequest::People { application: self.application, act }
    }
}

impl Person {
    /// The request.
    pub fn request(self, act: impl FnOnce(Private) -> PeopleRequest) -> ControlRequest {
        self.of.request(act(Private::new(self.user)))
    }
}

/// How many were ended. Nothing is a negative answer.
pub fn ended(reply: &ControlReply, style: Style) -> Option<Answer> {
    let ControlReply::Ended(EndedReply { user, what, count }) = reply else { return None };
    let (one, many) = match what.as_str() {
        "backup_codes" => ("the backup codes", "the backup codes"),
        "devices" => ("1 device", "devices"),
        _ => ("1 session", "sessions"),
    };
    Some(match count {
        0 => {
            let lamp = style.lamp(Level::Warning);
            Answer::new(format!("{lamp} {user}: there was nothing to revoke"), Exit::Warning)
        }
        1 => Answer::new(format!("{} {user}: {one} revoked", style.lamp(Level::Well)), Exit::Well),
        count => {
            Answer::new(format!("{} {user}: {count} {many} revoked", style.lamp(Level::Well)), Exit::Well)
        }
    })
}
