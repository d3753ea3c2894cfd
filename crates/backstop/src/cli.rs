//! The command line: one file per command, data to stdout, talk to stderr.
//!
//! A command builds a request, [`crate::control`] carries it out, and a pure function turns the reply into text. Exit
//! codes are for scripts: 0 well, 1 a warning or a negative answer, 2 something does not work or was not understood.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::{
    config::{self, Config, ConfigError, Loaded, Source},
    control::{
        self,
        protocol::{ControlReply, ControlRequest, Refusal},
    },
    core_dumps,
};

pub mod audit;
pub mod backup;
pub mod check_config;
pub mod codes;
pub mod costs;
pub mod devices;
pub mod doctor;
pub mod emergency;
pub mod init;
pub mod keys;
pub mod migrate;
pub mod operators;
pub mod people;
pub mod providers;
pub mod restore;
pub mod route;
pub mod screen;
pub mod send;
pub mod serve;
pub mod sessions;
pub mod stats;
#[cfg(test)]
mod tests;
pub mod users;
pub mod verify;

use screen::{Screen, Style};

/// Gets one-time codes to people over whichever channel and provider still works, and checks them.
#[derive(Debug, Parser)]
#[command(
    name = "backstop",
    version,
    subcommand_help_heading = "Commands",
    after_help = "Without a command it serves. Without any configuration it is a development set-up on 127.0.0.1:8080 \
                  whose messages all land in an inbox page.\n\n\
                  Exit codes: 0 well, 1 a warning or a negative answer, 2 something does not work.\n\n\
                  Examples:\n  backstop\n  backstop init\n  backstop --config /etc/backstop.toml serve\n  backstop doctor"
)]
pub struct Arguments {
    /// Read this file instead of backstop.toml in the working directory
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service (what happens without a command)
    Serve(serve::ServeArguments),
    /// Write a first configuration, a root key and an application's key
    Init(init::InitArguments),
    /// Read the configuration and say what it comes to
    CheckConfig(check_config::CheckConfigArguments),
    /// Look whether everything works: store, keys, every provider
    Doctor(doctor::DoctorArguments),
    /// Send a code from the terminal
    Send(send::SendArguments),
    /// Check a code from the terminal
    Verify(verify::VerifyArguments),
    /// Show how the providers are; test one, switch it on or off, limit what it may cost
    Providers(providers::ProvidersArguments),
    /// Show what would be tried for a number or address, and why
    Route(route::RouteArguments),
    /// Show who got in, over what, and what the vendors answered
    Stats(stats::StatsArguments),
    /// Show what a month cost, and what another order would have cost
    Costs(costs::CostsArguments),
    /// Bring the store to this version's schema
    Migrate(migrate::MigrateArguments),
    /// Make, list and end API keys; rotate the keyring
    Keys(keys::KeysArguments),
    /// Make, import, read, change, suspend and erase users
    Users(users::UsersArguments),
    /// Make, count and end a user's backup codes
    Codes(codes::CodesArguments),
    /// List and end the trust in a user's devices
    Devices(devices::DevicesArguments),
    /// List and end a user's sessions
    Sessions(sessions::SessionsArguments),
    /// Show how emergency access stands; approve a use, end a session
    Emergency(emergency::EmergencyArguments),
    /// Show, invite and remove those who run the installation
    Operators(operators::OperatorsArguments),
    /// See that the audit log is whole, and read it
    Audit(audit::AuditArguments),
    /// Copy the store into a file, while the service runs
    Backup(backup::BackupArguments),
    /// Put a backup in the store's place, while no service runs
    Restore(restore::RestoreArguments),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Well.
    Well,
    /// With a warning, or a negative answer.
    Warning,
    /// Something does not work, or was not understood.
    Broken,
}

impl Exit {
    /// The number for the shell.
    pub const fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Warning => 1,
            Self::Broken => 2,
        }
    }
}

/// What a command has to say, for people and for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Lines for people, without the last line end.
    pub text: String,
    /// A word to the person beside the data; goes to stderr.
    pub hint: Option<String>,
    /// How it ended.
    pub exit: Exit,
}

impl Answer {
    /// An answer without a hint.
    pub fn new(text: impl Into<String>, exit: Exit) -> Self {
        Self { text: text.into(), hint: None, exit }
    }

    /// Adds a word to the person.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut screen = Screen::of_process(arguments.json);
    let exit = run(arguments, &mut screen).unwrap_or_else(|error| {
        screen.say(&failure(&error));
        Exit::Broken
    });
    ExitCode::from(exit.code())
}

/// Why a command has no answer: three lines about the configuration, or else one about what was being done.
fn failure(error: &anyhow::Error) -> String {
    match error.downcast_ref::<ConfigError>() {
        Some(refusal) => refusal.to_string(),
        None => format!("backstop: {error:#}"),
    }
}

/// Runs one command.
///
/// # Errors
/// What kept the command from an answer, to be printed as it is.
pub fn run(arguments: Arguments, screen: &mut Screen) -> anyhow::Result<Exit> {
    core_dumps::off()?;
    let Arguments { config: file, command, .. } = arguments;
    let command = command.unwrap_or(Command::Serve(serve::ServeArguments {}));
    match command {
        Command::Init(init) => return init.run(file, screen),
        Command::CheckConfig(check) => return check.run(file, screen),
        Command::Providers(ref providers) if providers.of_kinds() => {
            let reply = providers::kinds::KindsReply::of_registry();
            screen.answer(&providers::kinds::answer(screen.style()), &reply)?;
            return Ok(Exit::Well);
        }
        _ => {}
    }
    let Some(loaded) = load(file, screen)? else { return Ok(Exit::Broken) };
    let config = &loaded.config;
    match command {
        Command::Serve(_) => {
            crate::serve(loaded)?;
            Ok(Exit::Well)
        }
        Command::Migrate(migrate::MigrateArguments { from: Some(from), to }) => {
            let reply = control::move_store(config, &from, to.as_deref(), |line| screen.say(line))?;
            screen.answer(&migrate::moved(&reply, screen.style()), &reply)
        }
        Command::Migrate(_) => {
            let reply = control::migrate(config)?;
            screen.answer(&migrate::answer(&reply, screen.style()), &reply)
        }
        Command::Restore(restore) => {
            let reply = control::restore(config, restore.file.as_deref())?;
            screen.answer(&restore::answer(&reply, screen.style()), &reply)
        }
        Command::Doctor(doctor) => doctor.run(config, screen),
        Command::Send(send) => talk(screen, config, send.request(), send::answer),
        Command::Verify(verify) => talk(screen, config, verify.request(), verify::answer),
        Command::Providers(providers) => {
            let answer = if providers.receipts { providers::answer_with_receipts } else { providers::answer };
            talk(screen, config, providers.request(), answer)
        }
        Command::Route(route) => talk(screen, config, route.request(), route::answer),
        Command::Stats(stats) => talk(screen, config, stats.request(), stats::answer),
        Command::Costs(costs) => talk(screen, config, costs.request(), costs::answer),
        Command::Audit(audit) => audit.run(config, screen),
        Command::Users(users) => users.run(config, screen),
        Command::Codes(codes) => {
            let answer = if codes.as_page() { codes::page } else { codes::answer };
            talk(screen, config, codes.request(), answer)
        }
        Command::Devices(devices) => talk(screen, config, devices.request(), devices::answer),
        Command::Sessions(sessions) => talk(screen, config, sessions.request(), sessions::answer),
        Command::Emergency(emergency) => talk(screen, config, emergency.request(), emergency::answer),
        Command::Operators(operators) => talk(screen, config, operators.request(), operators::answer),
        Command::Keys(keys) => talk(screen, config, keys.request(), keys::answer),
        Command::Backup(backup) => talk(screen, config, backup.request()?, backup::answer),
        Command::Init(_) | Command::CheckConfig(_) => Ok(Exit::Well),
    }
}

/// Reads the configuration; says what is wrong with it, and what is odd.
fn load(file: Option<PathBuf>, screen: &mut Screen) -> anyhow::Result<Option<Loaded>> {
    match config::load(&Source::of_process(file, true)?) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                screen.say(&format!("warning: {warning}"));
            }
            Ok(Some(loaded))
        }
        Err(error) => {
            screen.say(&error.to_string());
            Ok(None)
        }
    }
}

/// Asks, and prints what comes back. `answer` gives `None` for a reply that belongs to another request.
fn talk(
    screen: &mut Screen,
    config: &Config,
    request: ControlRequest,
    answer: fn(&ControlReply, Style) -> Option<Answer>,
) -> anyhow::Result<Exit> {
    let reply = control::call(config, request)?;
    let answer = match &reply {
        ControlReply::Refused(refusal) => refused(refusal),
        other => answer(other, screen.style())
            .ok_or_else(|| anyhow::anyhow!("the running service gave an answer to another question"))?,
    };
    screen.answer(&answer, &reply)
}

/// Prints a reply that is not what was asked for: a refusal, or one to another question.
fn stranger(reply: &ControlReply, screen: &mut Screen) -> anyhow::Result<Exit> {
    match reply {
        ControlReply::Refused(refusal) => screen.answer(&refused(refusal), reply),
        _ => anyhow::bail!("the running service gave an answer to another question"),
    }
}

/// What was not done, and what to do instead.
pub fn refused(refusal: &Refusal) -> Answer {
    let answer = Answer::new("", Exit::Broken);
    let fix = refusal.fix.as_ref().map_or(String::new(), |fix| format!("\n  fix: {fix}"));
    answer.with_hint(format!("backstop: {}{fix}", refusal.problem))
}

impl Screen {
    /// Prints an answer: its text, or `data` as JSON.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn answer(&mut self, answer: &Answer, data: &impl Serialize) -> anyhow::Result<Exit> {
        if self.json() {
            let line = serde_json::to_string(data)?;
            writeln!(self.out(), "{line}")?;
        } else if !answer.text.is_empty() {
            let text = &answer.text;
            writeln!(self.out(), "{text}")?;
        }
        if let Some(hint) = &answer.hint
            && !(self.json() && answer.exit == Exit::Well)
        {
            self.say(hint);
        }
        Ok(answer.exit)
    }
}
