//! `backstop sessions`: where a person is signed in.

use backstop_domain::id::SessionId;
use clap::{Args, Subcommand};

use super::{
    Answer, Exit,
    people::{self, Person},
    screen::{Style, columns},
};
use crate::control::protocol::{ControlReply, ControlRequest, Level, PeopleRequest, SessionRow};

/// What to do with sessions.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  backstop sessions list usr_...\n  backstop sessions revoke usr_... --all"
)]
pub struct SessionsArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: SessionsCommand,
}

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// List a person's sessions that have not run out, oldest first; ended ones too
    #[command(after_help = "Times are in UTC.\n\nExamples:\n  backstop sessions list +919876543210\n  \
                      backstop sessions list usr_... --json")]
    List {
        /// Whose.
        #[command(flatten)]
        person: Person,
    },
    /// End a session, or all of a person's
    #[command(
        after_help = "It cannot be refreshed any more. An access token that is out stays good to its end, ten minutes at the \
                      most, for whoever checks it without asking.\n\nExit code 1 if none was ended.\n\nExamples:\n  \
                      backstop sessions revoke usr_... ses_...\n  backstop sessions revoke +919876543210 --all"
    )]
    Revoke {
        /// Whose.
        #[command(flatten)]
        person: Person,
        /// The session's id, as `backstop sessions list` prints it
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        session: Option<SessionId>,
        /// All of the person's sessions
        #[arg(long)]
        all: bool,
    },
}

impl SessionsArguments {
    /// The request.
    pub fn request(self) -> ControlRequest {
        match self.command {
            SessionsCommand::List { person } => person.request(|user| PeopleRequest::ListSessions { user }),
            SessionsCommand::Revoke { person, session, .. } => {
                person.request(|user| PeopleRequest::RevokeSessions { user, session })
            }
        }
    }
}

/// A table, or what was ended.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    let ControlReply::Sessions(found) = reply else { return people::ended(reply, style) };
    if found.sessions.is_empty() {
        return Some(Answer::new(format!("{} has no session", found.user), Exit::Well));
    }
    let title = ["", "id", "kind", "ways", "sure", "began", "last used", "ends", "network", "ended"];
    let mut rows = vec![title.map(|cell| style.muted(cell)).to_vec()];
    rows.extend(found.sessions.iter().map(|session| row(session, style)));
    Some(Answer::new(columns(&rows, ""), Exit::Well))
}

fn row(session: &SessionRow, style: Style) -> Vec<String> {
    vec![
        if session.live { style.lamp(Level::Well) } else { style.idle() },
        session.id.to_string(),
        session.kind.clone(),
        session.amr.join(" "),
        session.acr.clone(),
        session.created_at.clone(),
        session.last_used_at.clone(),
        session.expires_at.clone(),
        session.network.as_ref().map_or("-", |network| network.expose()).to_owned(),
        session.ended.clone().unwrap_or_default(),
    ]
}
