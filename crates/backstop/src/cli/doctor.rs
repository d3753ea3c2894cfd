//! `backstop doctor`: looks at everything that must work, and says what to do about what does not.

mod interactive;

use clap::Args;

use super::{
    Answer, Exit,
    screen::{Screen, Style, columns},
    talk,
};
use crate::{
    config::Config,
    control::protocol::{ControlReply, ControlRequest, DoctorLine, Level, Private},
};

/// What to look at.
#[derive(Debug, Args)]
#[command(
    after_help = "With --interactive each provider alone sends a real code, one after the other, and you type what arrived. How \
                        old a credential is, is known only where it stands in a file of its own.\n\n\
                        Exit code 0 if all is well, 1 with a warning, 2 if something does not work.\n\n\
                        Examples:\n  backstop doctor\n  backstop doctor --send-to-phone +919876543210\n  \
                        TEST_EMAIL=ravi@example.com backstop doctor --json\n  \
                        backstop doctor --interactive --send-to-phone +919876543210"
)]
pub struct DoctorArguments {
    /// Also send a real code to this number
    #[arg(long, value_name = "NUMBER", env = "TEST_PHONE", hide_env_values = true)]
    pub send_to_phone: Option<String>,
    /// Also send a real code to this address
    #[arg(long, value_name = "ADDRESS", env = "TEST_EMAIL", hide_env_values = true)]
    pub send_to_email: Option<String>,
    /// Send through each provider alone, and ask for the code that arrived
    #[arg(long)]
    pub interactive: bool,
}

impl DoctorArguments {
    /// Looks, and prints what was found.
    ///
    /// # Errors
    /// If the installation cannot be asked, or the output cannot be written.
    pub fn run(self, config: &Config, screen: &mut Screen) -> anyhow::Result<Exit> {
        if self.interactive {
            return interactive::run(self, config, screen);
        }
        talk(screen, config, self.request(), answer)
    }

    /// The request.
    pub fn request(self) -> ControlRequest {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Private::new);
        ControlRequest::Doctor {
            send_to_phone: given(self.send_to_phone),
            send_to_email: given(self.send_to_email),
        }
    }
}

/// What was found, one line each, and the sum.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    let ControlReply::Doctor(found) = reply else { return None };
    let row = |line: &DoctorLine| {
        let mut row = vec![style.lamp(line.level), line.subject.clone(), line.finding.clone()];
        row.extend(line.fix.as_ref().map(|fix| format!("fix: {fix}")));
        row
    };
    let rows: Vec<_> = found.lines.iter().map(row).collect();
    let count = |level: Level| found.lines.iter().filter(|line| line.level == level).count();
    let (well, warnings, broken) = (count(Level::Well), count(Level::Warning), count(Level::Broken));
    let mut sum = vec![format!("{well} checked well")];
    if warnings > 0 {
        sum.push(format!("{warnings} to look at"));
    }
    match broken {
        0 => {}
        1 => sum.push("1 does not work".into()),
        many => sum.push(format!("{many} do not work")),
    }
    let exit = match found.lines.iter().map(|line| line.level).max() {
        None | Some(Level::Well) => Exit::Well,
        Some(Level::Warning) => Exit::Warning,
        Some(Level::Broken) => Exit::Broken,
    };
    Some(Answer::new(format!("{}\n {}", columns(&rows, " "), sum.join(", ")), exit))
}
