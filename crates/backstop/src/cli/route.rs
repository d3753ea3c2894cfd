//! `backstop route`: what would be tried for a recipient and why, or what was tried for a verification.

use backstop_domain::{
    channel::Channel,
    id::VerificationId,
    purpose::Purpose,
    ranking::{Candidate, Decision, Verdict},
};
use clap::Args;

use super::{
    Answer, Exit,
    providers::figures::seconds,
    screen::{Style, columns},
};
use crate::control::protocol::{
    AttemptRow, ControlReply, ControlRequest, Level, Private, Recorded, RecordedReply, RouteReply, RungRow,
};

/// About whom.
#[derive(Debug, Args)]
#[command(
    after_help = "Sends nothing and keeps nothing of the number. A ranking explores with a share of the traffic, so two looks \
                  may differ; the seed is what chance it took.\n\nExit code 1 if nothing would be sent.\n\n\
                  Examples:\n  backstop route +919876543210\n  backstop route +919876543210 --purpose password_reset --channel sms\n  \
                  backstop route ravi@example.com --application shop --json\n  backstop route --verification ver_..."
)]
pub struct RouteArguments {
    /// A number such as +919876543210, or an e-mail address
    #[arg(required_unless_present = "verification", conflicts_with = "verification")]
    pub to: Option<String>,
    /// For this application; needed only where there are several
    #[arg(long, conflicts_with = "verification")]
    pub application: Option<String>,
    /// What the code is for: login, registration, password_reset, or an own word
    #[arg(long, conflicts_with = "verification")]
    pub purpose: Option<Purpose>,
    /// Only over this channel: sms, whatsapp, voice, email, telegram
    #[arg(long, conflicts_with = "verification")]
    pub channel: Option<Channel>,
    /// Show what was tried for this verification, and why, instead
    #[arg(long, value_name = "ID")]
    pub verification: Option<VerificationId>,
}

impl RouteArguments {
    /// The request.
    pub fn request(self) -> ControlRequest {
        match self.verification {
            Some(id) => ControlRequest::Recorded { id },
            None => ControlRequest::Route {
                to: Private::new(self.to.unwrap_or_default()),
                application: self.application,
                purpose: self.purpose,
                channel: self.channel,
            },
        }
    }
}

/// The ladder, or the attempts.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    match reply {
        ControlReply::Route(told) => Some(planned(told, style)),
        ControlReply::Recorded(told) => Some(recorded(told, style)),
        _ => None,
    }
}

fn planned(told: &RouteReply, style: Style) -> Answer {
    let region = told.region.as_ref().map_or(String::new(), |region| format!(", {region}"));
    let head = format!("{}{region}  {} of {}", told.to, told.purpose, told.application);
    let rungs = told.ladder.iter().map(|row| rung(row, style));
    let mut blocks: Vec<String> = std::iter::once(head).chain(rungs).collect();
    let mut exit = Exit::Well;
    if let Some(refused) = &told.refused {
        blocks.push(format!("{} nothing would be sent: {refused}", style.lamp(Level::Warning)));
        exit = Exit::Warning;
    }
    Answer::new(blocks.join("\n"), exit)
}

fn rung(row: &RungRow, style: Style) -> String {
    let note = match (&row.refused, &row.decision) {
        (Some(refused), _) => format!("not used: {refused}"),
        (None, Some(decision)) => basis(decision),
        (None, None) => String::new(),
    };
    let head = format!("\n{}  {}", row.channel, style.muted(&note));
    match &row.decision {
        Some(decision) if !decision.candidates.is_empty() => {
            let seed = if row.refused.is_some() || decision.candidates.len() < 2 {
                String::new()
            } else {
                format!("\n  {}", style.muted(&format!("seed {}", decision.seed)))
            };
            format!("{head}\n{}{seed}", candidates(decision, style))
        }
        _ => head,
    }
}

/// What the order rests on.
fn basis(decision: &Decision) -> String {
    let rule = decision.rule.as_ref().map_or(String::new(), |rule| format!("; {rule}"));
    format!("by {}{rule}", decision.ranking)
}

fn candidates(decision: &Decision, style: Style) -> String {
    let mut place = 0;
    let row = |candidate: &Candidate| {
        let lamp = match candidate.verdict {
            Verdict::Chosen => style.lamp(Level::Well),
            Verdict::Explored => style.trying(),
            Verdict::Next => style.idle(),
            Verdict::Suspect => style.lamp(Level::Warning),
            Verdict::PassedOver => style.lamp(Level::Broken),
        };
        let number = if candidate.verdict == Verdict::PassedOver {
            "-".to_owned()
        } else {
            place += 1;
            place.to_string()
        };
        vec![lamp, number, candidate.to_string()]
    };
    let rows: Vec<Vec<String>> = decision.candidates.iter().map(row).collect();
    columns(&rows, "  ")
}

fn recorded(told: &RecordedReply, style: Style) -> Answer {
    let head = format!("{}  {} to {}", told.id, told.status, told.to);
    if told.attempts.is_empty() {
        return Answer::new(format!("{head}\nnothing was handed over yet"), Exit::Well);
    }
    let attempts = told.attempts.iter().zip(1..).map(|(row, number)| attempt(row, number, style));
    let blocks: Vec<String> = std::iter::once(head).chain(attempts).collect();
    Answer::new(blocks.join("\n\n"), Exit::Well)
}

fn attempt(row: &AttemptRow, number: usize, style: Style) -> String {
    let answered = row.answered_millis.map_or(String::new(), |millis| format!(" after {}", seconds(millis)));
    let outcome = row.outcome.as_deref().filter(|outcome| *outcome != row.state.as_str());
    let outcome = outcome.map_or(String::new(), |outcome| format!(", {outcome}"));
    let price = row.price.as_ref().map_or(String::new(), |price| format!(", {price}"));
    let head = format!(
        "{number}. {} through {}: {}{outcome}{answered}{price}  {}",
        row.channel,
        row.provider,
        row.state,
        style.muted(&row.started_at)
    );
    match &row.decision {
        None => format!("{head}\n  {}", style.muted("no choice: one provider serves this channel")),
        Some(Recorded::Unreadable(_)) => {
            format!("{head}\n  {}", style.muted("another version of the program wrote why; --json shows it"))
        }
        Some(Recorded::Decision(decision)) => format!(
            "{head}\n  {}\n{}",
            style.muted(&format!("{}; seed {}", basis(decision), decision.seed)),
            candidates(decision, style)
        ),
    }
}
