//! `backstop providers`: how the configured ones are. `backstop providers kinds`: what could be configured.

use backstop_domain::channel::Channel;
use backstop_providers::registry;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    Answer, Exit,
    screen::{Style, columns},
};
use crate::control::protocol::{ControlReply, Level, ProviderRow};

/// What to show.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0 if every provider may be tried, 1 if a breaker holds one back.\n\n\
                        Examples:\n  backstop providers\n  backstop providers kinds\n  backstop providers --json")]
pub struct ProvidersArguments {
    /// What to show instead.
    #[command(subcommand)]
    pub command: Option<ProvidersCommand>,
}

/// What else there is to show.
#[derive(Debug, Subcommand)]
pub enum ProvidersCommand {
    /// List the kinds of providers, and the keys that each takes
    #[command(after_help = "Examples:\n  backstop providers kinds\n  backstop providers kinds --json")]
    Kinds,
}

impl ProvidersArguments {
    /// Whether the kinds are asked for, which needs no configuration.
    pub fn of_kinds(&self) -> bool {
        matches!(self.command, Some(ProvidersCommand::Kinds))
    }
}

/// How the providers are.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    let ControlReply::Providers(found) = reply else { return None };
    if found.providers.is_empty() {
        let hint = "add a [[provider]]; `backstop providers kinds` lists what there is";
        return Some(Answer::new("no provider is configured", Exit::Warning).with_hint(hint));
    }
    let held_back = |row: &ProviderRow| row.enabled && row.breaker != "closed";
    let exit = if found.providers.iter().any(held_back) { Exit::Warning } else { Exit::Well };
    let title = ["", "provider", "kind", "channels", "state", "last accepted", "last error"];
    let mut rows = vec![title.map(|cell| style.muted(cell)).to_vec()];
    rows.extend(found.providers.iter().map(|row| {
        let (lamp, state) = state(row, style);
        vec![
            lamp,
            row.name.clone(),
            row.kind.clone(),
            words(&row.channels),
            state,
            row.last_success.clone().unwrap_or_default(),
            row.last_error.clone().unwrap_or_default(),
        ]
    }));
    Some(Answer::new(columns(&rows, ""), exit))
}

/// The effect, then the mechanism.
fn state(row: &ProviderRow, style: Style) -> (String, String) {
    let failures = match row.consecutive_failures {
        0 => String::new(),
        1 => ", 1 failure".to_owned(),
        many => format!(", {many} failures"),
    };
    match row.breaker.as_str() {
        _ if !row.enabled => (style.idle(), "off".to_owned()),
        "closed" => (style.lamp(Level::Well), format!("working{failures}")),
        "half_open" => (style.trying(), "probing, breaker half open".to_owned()),
        _ => (style.lamp(Level::Broken), format!("stopped, breaker open{failures}")),
    }
}

fn words(channels: &[Channel]) -> String {
    channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(", ")
}

/// What could be configured, for programs.
#[derive(Debug, Serialize)]
pub struct KindsReply {
    /// Every kind.
    pub kinds: Vec<KindRow>,
}

/// One kind of provider.
#[derive(Debug, Serialize)]
pub struct KindRow {
    /// What `kind` says in the configuration.
    pub kind: &'static str,
    /// What it is.
    pub summary: &'static str,
    /// What it can serve.
    pub channels: &'static [Channel],
    /// Whether its messages cost money.
    pub paid: bool,
    /// Whether production refuses it.
    pub development_only: bool,
    /// Its keys beside those that every provider has.
    pub keys: Vec<KeyRow>,
}

/// One key of a kind.
#[derive(Debug, Serialize)]
pub struct KeyRow {
    /// The key.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it is a secret, which may also stand in a file named by `<key>_file`.
    pub secret: bool,
    /// What it means.
    pub what: &'static str,
}

impl KindsReply {
    /// What this program knows.
    pub fn of_registry() -> Self {
        let key = |key: &registry::KeyInfo| KeyRow {
            name: key.name,
            required: key.required,
            secret: key.secret,
            what: key.what,
        };
        let kinds = registry::kinds().iter().map(|info| KindRow {
            kind: info.kind,
            summary: info.summary,
            channels: info.channels,
            paid: info.paid,
            development_only: info.development_only,
            keys: info.keys.iter().map(key).collect(),
        });
        Self { kinds: kinds.collect() }
    }
}

/// The kinds, for people.
pub fn kinds(style: Style) -> Answer {
    let blocks = KindsReply::of_registry().kinds.into_iter().map(|info| {
        let mut notes = vec![words(info.channels)];
        if info.paid {
            notes.push("costs money".into());
        }
        if info.development_only {
            notes.push("development only".into());
        }
        let rows: Vec<_> = info
            .keys
            .iter()
            .map(|key| {
                let name =
                    if key.secret { format!("{0} or {0}_file", key.name) } else { key.name.to_owned() };
                vec![
                    name,
                    if key.required { "needed".into() } else { style.muted("optional") },
                    key.what.to_owned(),
                ]
            })
            .collect();
        let head = format!("{}  {}\n  {}", info.kind, info.summary, style.muted(&notes.join("; ")));
        if rows.is_empty() { head } else { format!("{head}\n{}", columns(&rows, "    ")) }
    });
    Answer::new(blocks.collect::<Vec<_>>().join("\n\n"), Exit::Well)
}
