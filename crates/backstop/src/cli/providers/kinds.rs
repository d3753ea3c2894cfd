//! `backstop providers kinds`: what could be configured.

use backstop_domain::channel::Channel;
use backstop_providers::registry;
use serde::Serialize;

use super::words;
use crate::cli::{
    Answer, Exit,
    screen::{Style, columns},
};

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
pub fn answer(style: Style) -> Answer {
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
