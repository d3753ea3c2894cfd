//! `backstop emergency`: how emergency access stands, what waits for an approval, who is in.

use backstop_domain::{
    emergency::request::RequestState,
    id::{EmergencyRequestId, SessionId},
};
use clap::{Args, Subcommand};

use super::{
    Answer, Exit,
    screen::{Style, columns},
};
use crate::control::protocol::{ControlReply, ControlRequest, EmergencyStatusReply, Level, Private};

/// What to do with emergency access.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  backstop emergency status\n  backstop emergency requests\n  \
                        backstop emergency approve emr_... --operator Meera\n  backstop emergency sessions")]
pub struct EmergencyArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: EmergencyCommand,
}

/// What can be done with it.
#[derive(Debug, Subcommand)]
pub enum EmergencyCommand {
    /// Show whether it is on, whether its key must be replaced, and which reviews and drills are due
    #[command(after_help = "Examples:\n  backstop emergency status\n  backstop emergency status --json")]
    Status,
    /// Show who asked to be let in during the last day
    #[command(after_help = "Examples:\n  backstop emergency requests")]
    Requests,
    /// Approve a request; it lets one person in, once, within 15 minutes
    #[command(after_help = "Examples:\n  backstop emergency approve emr_... --operator Meera")]
    Approve {
        /// The request
        #[arg(value_name = "ID")]
        id: EmergencyRequestId,
        /// Who approves it; never whoever asked
        #[arg(long, value_name = "NAME")]
        operator: Option<String>,
    },
    /// Show the sessions that are open
    #[command(after_help = "Examples:\n  backstop emergency sessions")]
    Sessions,
    /// Review what it was used for, within 72 hours of each use
    #[command(
        after_help = "Examples:\n  backstop emergency review ses_... --operator Meera --finding 'SMS was down, ticket 4711'\n  \
                            backstop emergency review ses_... --operator Meera --drill --finding 'in after 40 s'"
    )]
    Review {
        /// The session that it opened
        #[arg(value_name = "SESSION")]
        id: SessionId,
        /// Who reviews it; never whom it let in
        #[arg(long, value_name = "NAME")]
        operator: Option<String>,
        /// It was a drill: the next one is due 90 days after it
        #[arg(long)]
        drill: bool,
        /// What was found, for the audit log
        #[arg(long, value_name = "TEXT")]
        finding: String,
    },
    /// End one at once
    #[command(after_help = "Examples:\n  backstop emergency revoke ses_...")]
    Revoke {
        /// The session
        #[arg(value_name = "SESSION")]
        id: SessionId,
    },
}

impl EmergencyArguments {
    /// What is asked for.
    pub fn request(self) -> ControlRequest {
        match self.command {
            EmergencyCommand::Status => ControlRequest::EmergencyStatus,
            EmergencyCommand::Requests => ControlRequest::EmergencyRequests,
            EmergencyCommand::Approve { id, operator } => ControlRequest::ApproveEmergency { id, operator },
            EmergencyCommand::Sessions => ControlRequest::EmergencySessions,
            EmergencyCommand::Review { id, operator, drill, finding } => {
                ControlRequest::ReviewEmergency { id, operator, drill, finding: Private::new(finding) }
            }
            EmergencyCommand::Revoke { id } => ControlRequest::RevokeEmergency { id },
        }
    }
}

/// What came of it, for people.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    match reply {
        ControlReply::EmergencyStatus(reply) => Some(status(reply, style)),
        ControlReply::EmergencyRequests(reply) => {
            let rows = reply.requests.iter().map(|one| {
                let reason =
                    one.reason.as_ref().map_or(String::new(), |reason| reason.expose().replace('\n', " "));
                let network = one.network.clone().unwrap_or_default();
                let state = one.state.as_str().to_owned();
                vec![one.id.to_string(), state, one.asked_at.clone(), one.user.to_string(), network, reason]
            });
            let waits = reply.requests.iter().any(|one| one.state == RequestState::Waiting);
            let answer = Answer::new(columns(&rows.collect::<Vec<_>>(), ""), Exit::Well);
            Some(if waits {
                answer.with_hint("approve one with `backstop emergency approve ID --operator NAME`")
            } else {
                answer
            })
        }
        ControlReply::EmergencyApproved(reply) => {
            let text = format!("{} approved {}, once, for 15 minutes", style.lamp(Level::Well), reply.id);
            Some(Answer::new(text, Exit::Well))
        }
        ControlReply::EmergencySessions(reply) => {
            let rows = reply.sessions.iter().map(|one| {
                let network = one.network.clone().unwrap_or_default();
                let ids = [one.id.to_string(), one.application.clone(), one.user.to_string()];
                [ids.to_vec(), vec![one.began_at.clone(), one.ends_at.clone(), network]].concat()
            });
            Some(Answer::new(columns(&rows.collect::<Vec<_>>(), ""), Exit::Well))
        }
        ControlReply::EmergencyReviewed(reply) => {
            let what =
                if reply.drill { "as a drill; the next one is due 90 days after it" } else { "as a use" };
            let text = format!("{} reviewed {} {what}", style.lamp(Level::Well), reply.session);
            Some(Answer::new(text, Exit::Well))
        }
        ControlReply::EmergencyRevoked(reply) if reply.ended => {
            Some(Answer::new(format!("{} ended {}", style.lamp(Level::Well), reply.id), Exit::Well))
        }
        ControlReply::EmergencyRevoked(_) => {
            Some(Answer::new("", Exit::Warning).with_hint("no open session of emergency access has this id"))
        }
        _ => None,
    }
}

fn status(reply: &EmergencyStatusReply, style: Style) -> Answer {
    let networks =
        if reply.networks.is_empty() { "everywhere".to_owned() } else { reply.networks.join(", ") };
    let mut rows = Vec::new();
    if reply.on {
        rows.push(vec!["roles".to_owned(), reply.roles.join(", ")]);
        rows.push(vec!["networks".to_owned(), networks]);
        rows.push(vec!["approvals".to_owned(), reply.approvals.to_string()]);
        rows.push(vec![
            "last drill".to_owned(),
            reply.last_drill.clone().unwrap_or_else(|| "never".to_owned()),
        ]);
    }
    for used in &reply.to_review {
        let user = used.user.map_or(String::new(), |user| format!(" by {user}"));
        let late = if used.overdue { ", overdue" } else { "" };
        rows.push(vec!["to review".to_owned(), format!("{}, {}{user}{late}", used.session, used.at)]);
    }
    // What is most urgent is said first.
    let mut owed = Vec::new();
    if let Some(at) = &reply.key_used_at {
        let hint = "replace the key: `openssl rand -base64 32`, write it where the old one is, restart";
        owed.push((format!("its key was used at {at}"), hint));
    }
    if reply.to_review.iter().any(|used| used.overdue) {
        owed.push((
            "a use was not reviewed within 72 hours".to_owned(),
            "review it: `backstop emergency review SESSION --operator NAME --finding TEXT`",
        ));
    }
    if reply.drill_due {
        let hint =
            "try the way in, then `backstop emergency review SESSION --drill --operator NAME --finding TEXT`";
        owed.push(("it was not tried for 90 days".to_owned(), hint));
    }
    let told: Vec<&str> = owed.iter().map(|(what, _)| what.as_str()).collect();
    let (level, exit) =
        if owed.is_empty() { (Level::Well, Exit::Well) } else { (Level::Warning, Exit::Warning) };
    let lamp = if reply.on || !owed.is_empty() { style.lamp(level) } else { style.idle() };
    let is = if reply.on { "on" } else { "off: no master key is configured" };
    let head = [&[is], told.as_slice()].concat().join("; ");
    let rows = if rows.is_empty() { String::new() } else { format!("\n{}", columns(&rows, "  ")) };
    let answer = Answer::new(format!("{lamp} {head}{rows}"), exit);
    match owed.first() {
        Some((_, hint)) => answer.with_hint(*hint),
        None => answer,
    }
}
