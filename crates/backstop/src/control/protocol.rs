//! What a command says to the service, and what it hears back: one JSON line each way over the owner-only socket.
//!
//! The same values serve when no service runs and the command opens the store itself, so a command cannot tell the
//! difference. Recipients, codes and new keys cross as [`Private`]: readable on the other side, never in `Debug`.

use std::{fmt, path::PathBuf};

use backstop_domain::{
    channel::Channel,
    id::{ApiKeyId, VerificationId},
    keyring::KeyUse,
    purpose::Purpose,
    verification::Status,
};
use serde::{Deserialize, Serialize};

/// A text that crosses the socket and is never printed by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private(String);

impl Private {
    /// Takes over the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Reads it out. Never log what comes back.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum ControlRequest {
    /// Start a verification.
    Send {
        /// For this application; `None`: the only one there is.
        application: Option<String>,
        /// The recipient, as typed.
        to: Private,
        /// Only over this channel.
        channel: Option<Channel>,
        /// For this purpose; `None`: login.
        purpose: Option<Purpose>,
        /// Answer when a vendor has accepted it.
        wait: bool,
    },
    /// Check a code.
    Verify {
        /// Of this application; `None`: the only one there is.
        application: Option<String>,
        /// The verification.
        id: VerificationId,
        /// The code, as typed.
        code: Private,
    },
    /// Make an API key.
    CreateKey {
        /// For this application.
        application: String,
        /// A publishable key instead of a secret one.
        publishable: bool,
    },
    /// List the API keys.
    ListKeys,
    /// End an API key.
    RevokeKey {
        /// Which.
        id: ApiKeyId,
    },
    /// Add new keys to the keyring; new work uses them.
    RotateKeyring,
    /// Copy the store into a file.
    Backup {
        /// An absolute path where nothing is yet.
        to: PathBuf,
    },
    /// Tell how the providers are.
    Providers,
    /// Look whether everything works.
    Doctor {
        /// Also send a real code to this number.
        send_to_phone: Option<Private>,
        /// Also send a real code to this address.
        send_to_email: Option<Private>,
    },
}

/// What a command hears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum ControlReply {
    /// To [`ControlRequest::Send`].
    Send(SendReply),
    /// To [`ControlRequest::Verify`].
    Verify(VerifyReply),
    /// To [`ControlRequest::CreateKey`].
    CreateKey(KeyReply),
    /// To [`ControlRequest::ListKeys`].
    ListKeys(KeysReply),
    /// To [`ControlRequest::RevokeKey`].
    RevokeKey(RevokeReply),
    /// To [`ControlRequest::RotateKeyring`].
    RotateKeyring(RotateReply),
    /// To [`ControlRequest::Backup`].
    Backup(BackupReply),
    /// To [`ControlRequest::Providers`].
    Providers(ProvidersReply),
    /// To [`ControlRequest::Doctor`].
    Doctor(DoctorReply),
    /// To any of them: it was not done.
    Refused(Refusal),
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// In one clause, without personal data.
    pub problem: String,
    /// What to do instead.
    pub fix: Option<String>,
}

/// A verification that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendReply {
    /// Names it.
    pub id: VerificationId,
    /// Where it stands.
    pub status: Status,
    /// The channel that a vendor accepted it on, as far as that is known yet.
    pub channel_used: Option<Channel>,
    /// The provider that accepted it.
    pub provider: Option<String>,
    /// The recipient, masked.
    pub to: String,
    /// When the code dies, in RFC 3339.
    pub expires_at: String,
}

/// A code that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReply {
    /// Whether it was the code.
    pub valid: bool,
    /// Where the verification stands.
    pub status: Status,
    /// How many checks it still takes.
    pub checks_left: u32,
}

/// An API key that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyReply {
    /// Names it.
    pub id: ApiKeyId,
    /// Whose.
    pub application: String,
    /// Whether it is a publishable one.
    pub publishable: bool,
    /// The key. Only its hash is kept: it is shown this once.
    pub key: Private,
}

/// The API keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysReply {
    /// Oldest first, revoked ones too.
    pub keys: Vec<KeyRow>,
}

/// One API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRow {
    /// Names it.
    pub id: ApiKeyId,
    /// Whose.
    pub application: String,
    /// Whether it is a publishable one.
    pub publishable: bool,
    /// Its first and last characters.
    pub hint: String,
    /// When it was made, in RFC 3339.
    pub created_at: String,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

/// Whether a key was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeReply {
    /// Which.
    pub id: ApiKeyId,
    /// `false` if there is no such key, or it was revoked before.
    pub revoked: bool,
}

/// What joined the keyring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateReply {
    /// The new keys.
    pub keys: Vec<RotatedKey>,
}

/// One new key of the ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotatedKey {
    /// Its number.
    pub kid: u32,
    /// What it is for.
    pub key_use: KeyUse,
}

/// A copy of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupReply {
    /// Where it lies.
    pub file: PathBuf,
    /// How large it is.
    pub bytes: u64,
}

/// How the providers are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvidersReply {
    /// In the configured order.
    pub providers: Vec<ProviderRow>,
}

/// One provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRow {
    /// Its configured name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// What it serves.
    pub channels: Vec<Channel>,
    /// `closed`, `open` or `half_open`.
    pub breaker: String,
    /// Failures since its last success.
    pub consecutive_failures: u64,
    /// When a vendor last accepted something, in RFC 3339.
    pub last_success: Option<String>,
    /// What last went wrong, without personal data.
    pub last_error: Option<String>,
    /// Whether the configuration lets it be used.
    pub enabled: bool,
}

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorReply {
    /// One line for each thing that was looked at.
    pub lines: Vec<DoctorLine>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorLine {
    /// What: `store`, or a provider's name.
    pub subject: String,
    /// How it is.
    pub level: Level,
    /// What was seen.
    pub finding: String,
    /// What to do about it.
    pub fix: Option<String>,
}

/// How something is; the worst line decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It works.
    Well,
    /// It works, and should be looked at.
    Warning,
    /// It does not work.
    Broken,
}

/// The schema of the store, after `migrate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrateReply {
    /// The store, as configured.
    pub store: String,
    /// The version that was found; `None`: the store was new.
    pub before: Option<u32>,
    /// The version that it has now.
    pub schema: u32,
}

/// A store that was put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreReply {
    /// The store, as configured.
    pub store: String,
    /// How large it is; `None` where other programs put it back.
    pub bytes: Option<u64>,
    /// How many verifications were pending in it, and are canceled now.
    pub canceled: u64,
}

/// An installation that was moved to another kind of database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveReply {
    /// Where it was, and still is.
    pub from: String,
    /// Where it is now, without a password.
    pub to: String,
    /// What went over.
    pub tables: Vec<MovedTable>,
}

/// A table that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedTable {
    /// Its name.
    pub name: String,
    /// How many rows.
    pub rows: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_debug_line_holds_the_recipient_the_code_or_a_new_key() {
        let send = ControlRequest::Send {
            application: None,
            to: Private::new("+919876543210"),
            channel: None,
            purpose: None,
            wait: false,
        };
        assert!(!format!("{send:?}").contains("98765"));
        assert_eq!(format!("{:?}", Private::new("sk_live")), "[private]");
    }

    #[test]
    fn a_request_reads_back_as_it_was_said() {
        let request = ControlRequest::Doctor {
            send_to_phone: Some(Private::new("+919876543210")),
            send_to_email: None,
        };
        let line = serde_json::to_string(&request).unwrap();
        assert_eq!(line, r#"{"request":"doctor","send_to_phone":"+919876543210","send_to_email":null}"#);
        assert_eq!(serde_json::from_str::<ControlRequest>(&line).unwrap(), request);
        assert_eq!(serde_json::to_string(&ControlRequest::ListKeys).unwrap(), r#"{"request":"list_keys"}"#);
    }
}
