//! `backstop devices`: the devices that a person trusts.

use backstop_domain::id::DeviceId;
use clap::{Args, Subcommand};

use super::{
    Answer, Exit,
    people::{self, Person},
    screen::{Style, columns},
};
use crate::control::protocol::{ControlReply, ControlRequest, PeopleRequest};

/// What to do with devices.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  backstop devices list usr_...\n  backstop devices revoke usr_... --all")]
pub struct DevicesArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: DevicesCommand,
}

/// What can be done with devices.
#[derive(Debug, Subcommand)]
pub enum DevicesCommand {
    /// List the devices that a person trusts, oldest first
    #[command(after_help = "Times are in UTC.\n\nExamples:\n  backstop devices list +919876543210\n  \
                      backstop devices list usr_... --json")]
    List {
        /// Whose.
        #[command(flatten)]
        person: Person,
    },
    /// Trust a device no more, with its PIN
    #[command(
        after_help = "The person's sessions end too. Exit code 1 if there is no such device.\n\nExamples:\n  \
                      backstop devices revoke usr_... dev_...\n  backstop devices revoke +919876543210 --all"
    )]
    Revoke {
        /// Whose.
        #[command(flatten)]
        person: Person,
        /// The device's id, as `backstop devices list` prints it
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        device: Option<DeviceId>,
        /// All of the person's devices
        #[arg(long)]
        all: bool,
    },
}

impl DevicesArguments {
    /// The request.
    pub fn request(self) -> ControlRequest {
        match self.command {
            DevicesCommand::List { person } => person.request(|user| PeopleRequest::ListDevices { user }),
            DevicesCommand::Revoke { person, device, .. } => {
                person.request(|user| PeopleRequest::RevokeDevices { user, device })
            }
        }
    }
}

/// A table, or what was ended.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    let ControlReply::Devices(found) = reply else { return people::ended(reply, style) };
    if found.devices.is_empty() {
        return Some(Answer::new(format!("{} trusts no device", found.user), Exit::Well));
    }
    let title = ["id", "remembered", "trusted until", "last seen", "PIN", "name"];
    let mut rows = vec![title.map(|cell| style.muted(cell)).to_vec()];
    rows.extend(found.devices.iter().map(|device| {
        vec![
            device.id.to_string(),
            device.created_at.clone(),
            device.trusted_until.clone(),
            device.last_seen_at.clone(),
            if device.pin { "yes" } else { "-" }.to_owned(),
            device.name.expose().replace(char::is_control, " "),
        ]
    }));
    Some(Answer::new(columns(&rows, ""), Exit::Well))
}
