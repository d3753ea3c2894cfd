//! `backstop keys`: API keys of applications, and the keyring.

use backstop_domain::id::ApiKeyId;
use clap::{Args, Subcommand};

use super::{
    Answer, Exit,
    screen::{Style, columns},
};
use crate::control::protocol::{ControlReply, ControlRequest, KeyRow, Level};

/// What to do with keys.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  backstop keys create --application shop\n  backstop keys list\n  \
                        backstop keys revoke key_...\n  backstop keys rotate")]
pub struct KeysArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make an API key; it is shown once
    #[command(after_help = "Examples:\n  backstop keys create --application shop\n  \
                            backstop keys create --application shop --publishable\n  \
                            backstop keys create --application shop --json | jq -r .key")]
    Create {
        /// For this application
        #[arg(long)]
        application: String,
        /// A publishable key, for page source, instead of a secret one
        #[arg(long)]
        publishable: bool,
    },
    /// List the API keys, without the keys themselves
    #[command(
        after_help = "Keys that stand in the configuration are not listed.\n\nExamples:\n  backstop keys list\n  backstop keys list --json"
    )]
    List,
    /// End an API key at once
    #[command(
        after_help = "Exit code 1 if there is no such key, or it was revoked before.\n\nExamples:\n  backstop keys revoke key_..."
    )]
    Revoke {
        /// The key's id, as `backstop keys list` prints it
        id: ApiKeyId,
    },
    /// Add new keys to the keyring; new codes, seals and tokens use them, old ones stay readable
    #[command(
        after_help = "The root key stays as it is, and so does the look-up key. A signing key is published at once and signs when \
                      every node has it; the one before it stays published for 73 hours.\n\nExamples:\n  backstop keys rotate"
    )]
    Rotate,
}

impl KeysArguments {
    /// The request.
    pub fn request(self) -> ControlRequest {
        match self.command {
            KeysCommand::Create { application, publishable } => {
                ControlRequest::CreateKey { application, publishable }
            }
            KeysCommand::List => ControlRequest::ListKeys,
            KeysCommand::Revoke { id } => ControlRequest::RevokeKey { id },
            KeysCommand::Rotate => ControlRequest::RotateKeyring,
        }
    }
}

/// What became of it.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    match reply {
        ControlReply::CreateKey(made) => {
            let hint = format!(
                "{} {} for {}: keep it now, only its hash is stored",
                if made.publishable { "publishable key" } else { "secret key" },
                made.id,
                made.application
            );
            Some(Answer::new(made.key.expose(), Exit::Well).with_hint(hint))
        }
        ControlReply::ListKeys(found) if found.keys.is_empty() => {
            let hint = "make one with `backstop keys create --application NAME`";
            Some(Answer::new("no keys beside those in the configuration", Exit::Well).with_hint(hint))
        }
        ControlReply::ListKeys(found) => {
            let title = ["", "id", "application", "kind", "key", "made", "revoked"];
            let mut rows = vec![title.map(|cell| style.muted(cell)).to_vec()];
            rows.extend(found.keys.iter().map(|key| row(key, style)));
            Some(Answer::new(columns(&rows, ""), Exit::Well))
        }
        ControlReply::RevokeKey(ended) if ended.revoked => {
            Some(Answer::new(format!("{} {} revoked", style.lamp(Level::Well), ended.id), Exit::Well))
        }
        ControlReply::RevokeKey(ended) => {
            let text = format!("{} {} was not revoked", style.lamp(Level::Warning), ended.id);
            let hint = "there is no such key, or it was revoked before; `backstop keys list` shows all";
            Some(Answer::new(text, Exit::Warning).with_hint(hint))
        }
        ControlReply::RotateKeyring(rotated) => {
            let keys = rotated.keys.iter().map(|key| format!("key {} for {}", key.kid, key.key_use.as_str()));
            let text = format!("{} new {}", style.lamp(Level::Well), keys.collect::<Vec<_>>().join(", "));
            Some(Answer::new(text, Exit::Well))
        }
        _ => None,
    }
}

fn row(key: &KeyRow, style: Style) -> Vec<String> {
    vec![
        if key.revoked_at.is_some() { style.idle() } else { style.lamp(Level::Well) },
        key.id.to_string(),
        key.application.clone(),
        if key.publishable { "publishable" } else { "secret" }.to_owned(),
        key.hint.clone(),
        key.created_at.clone(),
        key.revoked_at.clone().unwrap_or_default(),
    ]
}
