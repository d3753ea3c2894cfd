//! `backstop init`: a first configuration, a root key and an application's key, so that `backstop serve` starts.
//!
//! The configuration is `config.sample.toml` with everything that is an example commented out, so what it explains is
//! what the program does. Nothing that exists is overwritten: a root key least of all.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use backstop_domain::ports::Random;
use clap::Args;
use serde::Serialize;

use super::{
    Answer, Exit,
    screen::{Screen, Style, columns},
};
use crate::{
    config::{DEFAULT_FILE, root_key::write_root_key},
    runtime::OsRandom,
};

/// The commented sample.
pub const SAMPLE: &str = include_str!("../../../../config.sample.toml");
const ROOT_KEY: &str = "data/root.key";
const APPLICATION_KEY: &str = "data/app.key";

/// Nothing to say.
#[derive(Debug, Args)]
#[command(
    after_help = "Writes backstop.toml (or the file of --config), data/root.key and data/app.key, and overwrites \
                        nothing.\n\nExamples:\n  backstop init && backstop serve\n  backstop init --config /etc/backstop.toml"
)]
pub struct InitArguments {}

/// What was written.
#[derive(Debug, Serialize)]
pub struct InitReply {
    /// The configuration.
    pub config: PathBuf,
    /// The root key.
    pub root_key: PathBuf,
    /// Whether it was made now, or was there.
    pub new_root_key: bool,
    /// The secret key of the application `app`.
    pub application_key: PathBuf,
    /// Whether it was made now, or was there.
    pub new_application_key: bool,
}

impl InitArguments {
    /// Writes the files under the working directory.
    ///
    /// # Errors
    /// If the configuration exists, or something cannot be written.
    pub fn run(&self, file: Option<PathBuf>, screen: &mut Screen) -> anyhow::Result<Exit> {
        let file = file.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        let reply = write(&std::env::current_dir()?, &file, &OsRandom)?;
        screen.answer(&answer(&reply, screen.style()), &reply)
    }
}

/// Writes the three files under `folder`.
///
/// # Errors
/// If the configuration exists, or something cannot be written.
pub fn write(folder: &Path, file: &Path, random: &dyn Random) -> anyhow::Result<InitReply> {
    let path = folder.join(file);
    anyhow::ensure!(
        !path.exists(),
        "{} is there already\n  fix: remove it first, or name another with --config",
        file.display()
    );
    let new_root_key = unless_there(write_root_key(&folder.join(ROOT_KEY), random).map(drop), ROOT_KEY)?;
    let mut bytes = [0; 24];
    random.fill(&mut bytes);
    let key = format!("sk_app_{}\n", hex::encode(bytes));
    let new_application_key = unless_there(write_new(&folder.join(APPLICATION_KEY), &key), APPLICATION_KEY)?;
    // Last, so that a configuration never names keys that are not there.
    write_new(&path, &starter(SAMPLE)).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(InitReply {
        config: file.to_owned(),
        root_key: ROOT_KEY.into(),
        new_root_key,
        application_key: APPLICATION_KEY.into(),
        new_application_key,
    })
}

/// Whether a file was made; that it was there before is no failure.
fn unless_there(written: io::Result<()>, name: &str) -> anyhow::Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error).with_context(|| format!("{name} cannot be written")),
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The sample with its examples commented out, and one application.
pub fn starter(sample: &str) -> String {
    let mut text = String::with_capacity(sample.len() + 200);
    // Entries of arrays and sections with a name of their own are examples, defaults and all.
    let mut settings = true;
    for line in sample.lines() {
        if line.starts_with('[') {
            settings = !line.starts_with("[[") && !line.contains('.');
        }
        let kept = settings && (line.starts_with('[') || line.ends_with("# default"));
        let example = !kept && !line.is_empty() && !line.starts_with('#');
        text.push_str(if example { "# " } else { "" });
        text.push_str(line);
        text.push('\n');
    }
    text.push_str("\n# Made by `backstop init`.\n[[application]]\nname = \"app\"\n");
    text.push_str(&format!("secret_key_file = \"{APPLICATION_KEY}\"\n"));
    text
}

/// What was written, for people.
pub fn answer(reply: &InitReply, style: Style) -> Answer {
    let row = |path: &Path, note: &str| vec![path.display().to_string(), style.muted(note)];
    let kept = |new: bool, note: &'static str| if new { note } else { "was there, and stays" };
    let rows = [
        row(&reply.config, "every setting, explained"),
        row(&reply.root_key, kept(reply.new_root_key, "opens the store: keep a copy elsewhere")),
        row(&reply.application_key, kept(reply.new_application_key, "the secret key of the application app")),
    ];
    let hint = format!(
        "next: add a [[provider]] to {}, then `backstop check-config` and `backstop serve`, which prints a link for the first operator",
        reply.config.display()
    );
    Answer::new(columns(&rows, ""), Exit::Well).with_hint(hint)
}
