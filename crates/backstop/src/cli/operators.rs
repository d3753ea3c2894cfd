//! `backstop operators`: who runs the installation.

use clap::{Args, Subcommand};

use super::{
    Answer, Exit,
    screen::{Style, columns},
};
use crate::control::protocol::{ControlReply, ControlRequest, Level};

/// What to do with operators.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  backstop operators list\n  backstop operators invite --owner\n  \
                        backstop operators remove Meera")]
pub struct OperatorsArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: OperatorsCommand,
}

/// What can be done with them.
#[derive(Debug, Subcommand)]
pub enum OperatorsCommand {
    /// Show who there is
    #[command(after_help = "Examples:\n  backstop operators list")]
    List,
    /// Print a link that makes one operator; good once, for 15 minutes
    #[command(after_help = "Examples:\n  backstop operators invite\n  backstop operators invite --owner")]
    Invite {
        /// One who may also invite and remove others; the first one always is
        #[arg(long)]
        owner: bool,
    },
    /// Remove one, by name or id; the last owner stays
    #[command(after_help = "Examples:\n  backstop operators remove Meera")]
    Remove {
        /// Who
        #[arg(value_name = "NAME")]
        who: String,
    },
}

impl OperatorsArguments {
    /// What is asked for.
    pub fn request(self) -> ControlRequest {
        match self.command {
            OperatorsCommand::List => ControlRequest::ListOperators,
            OperatorsCommand::Invite { owner } => ControlRequest::InviteOperator { owner },
            OperatorsCommand::Remove { who } => ControlRequest::RemoveOperator { who },
        }
    }
}

/// What came of it, for people.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    match reply {
        ControlReply::Operators(reply) if reply.operators.is_empty() => Some(
            Answer::new("", Exit::Well)
                .with_hint("there are no operators: `backstop operators invite` prints a link for the first"),
        ),
        ControlReply::Operators(reply) => {
            let rows: Vec<Vec<String>> = reply
                .operators
                .iter()
                .map(|one| {
                    let role = one.role.as_str().to_owned();
                    vec![one.name.clone(), role, one.email.clone(), one.joined_at.clone(), one.id.to_string()]
                })
                .collect();
            Some(Answer::new(columns(&rows, ""), Exit::Well))
        }
        ControlReply::InviteOperator(reply) => {
            Some(Answer::new(reply.link.expose(), Exit::Well).with_hint(format!(
                "makes one {}, once, until {}",
                reply.role.as_str(),
                reply.expires_at
            )))
        }
        ControlReply::RemoveOperator(reply) => {
            Some(Answer::new(format!("{} removed {}", style.lamp(Level::Well), reply.id), Exit::Well))
        }
        _ => None,
    }
}
