//! `backstop codes`: a person's backup codes.

use clap::{Args, Subcommand};

use super::{
    Answer, Exit,
    people::{self, Person},
    screen::Style,
};
use crate::control::protocol::{CodesReply, ControlReply, ControlRequest, Level, PeopleRequest};

/// So few left are a reason to make new ones.
const FEW: u32 = 3;

/// What to do with backup codes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  backstop codes generate usr_... --print > codes.txt\n  \
                        backstop codes count +919876543210\n  backstop codes revoke usr_...")]
pub struct CodesArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: CodesCommand,
}

/// What can be done with them.
#[derive(Debug, Subcommand)]
pub enum CodesCommand {
    /// Make ten backup codes, each good for one sign-in; they are shown once
    #[command(
        after_help = "The codes of before stop working. Only hashes of the new ones are kept.\n\nExamples:\n  \
                      backstop codes generate usr_...\n  backstop codes generate +919876543210 --print | lpr\n  \
                      backstop codes generate usr_... --json | jq -r '.codes[]'"
    )]
    Generate {
        /// Whose.
        #[command(flatten)]
        person: Person,
        /// As a page of plain text, to print and to keep
        #[arg(long)]
        print: bool,
    },
    /// Count those that are left
    #[command(after_help = "Exit code 1 if there are none, or 3 or fewer are left.\n\n\
                      Examples:\n  backstop codes count usr_...")]
    Count {
        /// Whose.
        #[command(flatten)]
        person: Person,
    },
    /// End all of them at once
    #[command(after_help = "Exit code 1 if there were none.\n\nExamples:\n  backstop codes revoke usr_...")]
    Revoke {
        /// Whose.
        #[command(flatten)]
        person: Person,
    },
}

impl CodesArguments {
    /// Whether new ones are to come as a page.
    pub fn as_page(&self) -> bool {
        matches!(self.command, CodesCommand::Generate { print: true, .. })
    }

    /// The request.
    pub fn request(self) -> ControlRequest {
        match self.command {
            CodesCommand::Generate { person, .. } => {
                person.request(|user| PeopleRequest::GenerateCodes { user })
            }
            CodesCommand::Count { person } => person.request(|user| PeopleRequest::CountCodes { user }),
            CodesCommand::Revoke { person } => person.request(|user| PeopleRequest::RevokeCodes { user }),
        }
    }
}

/// New codes, one on a line; how many are left; what was ended.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    if let ControlReply::Codes(made) = reply {
        let lines: Vec<_> = made.codes.iter().map(|code| code.expose()).collect();
        return Some(Answer::new(lines.join("\n"), Exit::Well).with_hint(kept(made)));
    }
    let ControlReply::CodesLeft(counted) = reply else { return people::ended(reply, style) };
    let user = counted.user;
    let Some(left) = counted.left else {
        let answer =
            Answer::new(format!("{} {user}: no backup codes", style.lamp(Level::Warning)), Exit::Warning);
        return Some(answer.with_hint(format!("make them with: backstop codes generate {user}")));
    };
    let (level, exit) = if left > FEW { (Level::Well, Exit::Well) } else { (Level::Warning, Exit::Warning) };
    let made = counted.generated_at.as_deref().unwrap_or_default();
    let answer = Answer::new(format!("{} {user}: {left} left, made {made}", style.lamp(level)), exit);
    Some(match exit {
        Exit::Well => answer,
        _ => answer.with_hint(format!("make new ones with: backstop codes generate {user}")),
    })
}

/// New codes as a page. Whose they are does not stand there: a page that is found opens nothing by itself.
pub fn page(reply: &ControlReply, _: Style) -> Option<Answer> {
    let ControlReply::Codes(made) = reply else { return None };
    let title = format!("Backup codes for {}", made.brand);
    let mut lines = vec![title.clone(), "=".repeat(title.chars().count()), String::new()];
    lines.push(format!("Made {}. They take the place of any from before.", made.generated_at));
    lines.push("Each opens your account once, where you are asked for a code.".into());
    lines.push("Cross it out then. Keep this page where nobody else looks.".into());
    lines.push(String::new());
    let half = made.codes.len().div_ceil(2);
    for (place, code) in made.codes.iter().take(half).enumerate() {
        let cell = |place: usize, code: &str| format!("{:>4}. [ ] {code}", place + 1);
        let mut line = cell(place, code.expose());
        if let Some(other) = made.codes.get(place + half) {
            line = format!("{line}    {}", cell(place + half, other.expose()));
        }
        lines.push(line);
    }
    Some(Answer::new(lines.join("\n"), Exit::Well).with_hint(kept(made)))
}

fn kept(made: &CodesReply) -> String {
    format!("{} backup codes for {}: keep them now, only hashes are stored", made.codes.len(), made.user)
}
