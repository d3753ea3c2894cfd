//! The people of an application, and what they hold.

use backstop_domain::{
    id::{DeviceId, SessionId, UserId},
    user::{Role, SecondFactor, UserStatus},
};
use serde::{Deserialize, Serialize};

use super::Private;

/// What a command asks about people. A `user` is an id or a confirmed address, as typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are named as the arguments, which are explained there")]
pub enum PeopleRequest {
    /// Make a user.
    Create {
        phones: Vec<Private>,
        emails: Vec<Private>,
        confirmed: bool,
        role: Option<Role>,
        locale: Option<String>,
        second_factor: Option<SecondFactor>,
    },
    /// Read some users, oldest first.
    List { role: Option<Role>, address: Option<Private>, after: Option<UserId> },
    /// Read one; addresses in full only if that is asked for, and then it is recorded.
    Show { user: Private, reveal: bool },
    /// Change one.
    Update { user: Private, changes: PersonChanges },
    /// Erase one.
    Erase { user: Private },
    /// Read everything that is kept about one.
    Export { user: Private },
    /// Make users of what another system kept: a portion of a file.
    Import { rows: Vec<ImportRow>, dry_run: bool },
    /// Make new backup codes.
    GenerateCodes { user: Private },
    /// Count backup codes.
    CountCodes { user: Private },
    /// End backup codes.
    RevokeCodes { user: Private },
    /// List trusted devices.
    ListDevices { user: Private },
    /// Forget one device, or all.
    RevokeDevices { user: Private, device: Option<DeviceId> },
    /// List sessions.
    ListSessions { user: Private },
    /// End one session, or all.
    RevokeSessions { user: Private, session: Option<SessionId> },
}

/// What is to be different about a user. What is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonChanges {
    /// Whether they may sign in.
    pub status: Option<UserStatus>,
    /// What they are in the application.
    pub role: Option<Role>,
    /// When a second way is asked for.
    pub second_factor: Option<SecondFactor>,
    /// The language of messages; empty: none.
    pub locale: Option<String>,
    /// Addresses that come, as typed.
    pub add: Vec<Private>,
    /// Whether those that come are known to be the user's.
    pub confirmed: bool,
    /// Addresses that are known to be the user's from now on.
    pub confirm: Vec<Private>,
    /// Addresses that go.
    pub remove: Vec<Private>,
}

/// One user of a file of another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportRow {
    /// The line of a CSV file, or the place in a JSON list.
    pub line: u64,
    /// What stands there, as one JSON object.
    pub row: Private,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// Names them.
    pub id: UserId,
    /// Whose.
    pub application: String,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// What they are in the application.
    pub role: Role,
    /// The language of messages.
    pub locale: Option<String>,
    /// When a second way is asked for.
    pub second_factor: SecondFactor,
    /// When they were made, in RFC 3339.
    pub created_at: String,
    /// When anything of them last changed.
    pub updated_at: String,
    /// Where they can be reached.
    pub addresses: Vec<AddressRow>,
    /// What they hold.
    pub factors: FactorsRow,
}

/// An address of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressRow {
    /// Masked, unless it was asked for in full.
    pub to: Private,
    /// `phone` or `email`.
    pub kind: String,
    /// When the user was shown to hold it.
    pub confirmed_at: Option<String>,
}

/// Which factors a user holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorsRow {
    /// Whether there is a password.
    pub password: bool,
    /// Since when there is an authenticator app.
    pub totp_since: Option<String>,
    /// How many backup codes are left, if there ever were some.
    pub backup_codes_left: Option<u32>,
    /// How many devices are trusted.
    pub devices: u32,
    /// How many of them have a PIN.
    pub pins: u32,
    /// How many passkeys there are.
    pub passkeys: u32,
}

/// Some users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsersReply {
    /// Oldest first, addresses masked.
    pub users: Vec<UserRow>,
    /// What to ask the next ones after, if there are more.
    pub next: Option<UserId>,
}

/// A user who is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EraseReply {
    /// Who it was: the audit log goes on naming them so.
    pub id: UserId,
}

/// Everything that is kept about a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportReply {
    /// As one JSON text.
    pub document: Private,
}

/// What became of imported rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReply {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// How many users there are now, or would be.
    pub imported: u64,
    /// The rows that cannot be taken.
    pub refused: Vec<RefusedRow>,
    /// Why the rows behind those were not looked at.
    pub stopped: Option<String>,
}

/// A row that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// The line of a CSV file, or the place in a JSON list.
    pub line: u64,
    /// Why. Repeats nothing of the row.
    pub problem: String,
}

/// New backup codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodesReply {
    /// Whose.
    pub user: UserId,
    /// What people call the application.
    pub brand: String,
    /// When they were made.
    pub generated_at: String,
    /// The codes. Only hashes are kept: they are shown this once.
    pub codes: Vec<Private>,
}

/// How many backup codes there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountReply {
    /// Whose.
    pub user: UserId,
    /// How many are left; `None`: there never were any.
    pub left: Option<u32>,
    /// When they were made.
    pub generated_at: Option<String>,
}

/// Trusted devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicesReply {
    /// Whose.
    pub user: UserId,
    /// The devices.
    pub devices: Vec<DeviceRow>,
}

/// One trusted device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// Names it.
    pub id: DeviceId,
    /// What the person calls it.
    pub name: Private,
    /// When it was remembered.
    pub created_at: String,
    /// From when on it needs a strong sign-in.
    pub trusted_until: String,
    /// When it last proved itself.
    pub last_seen_at: String,
    /// Whether it has a PIN.
    pub pin: bool,
}

/// Sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsReply {
    /// Whose.
    pub user: UserId,
    /// Oldest first, ended ones too, as long as they are kept.
    pub sessions: Vec<SessionRow>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Names it.
    pub id: SessionId,
    /// Whether it can be used.
    pub live: bool,
    /// `normal` or `emergency`.
    pub kind: String,
    /// When it began.
    pub created_at: String,
    /// When it was last refreshed.
    pub last_used_at: String,
    /// When it ends at the latest.
    pub expires_at: String,
    /// The ways in that were gone.
    pub amr: Vec<String>,
    /// How sure that makes it.
    pub acr: String,
    /// The network that it began in, masked.
    pub network: Option<Private>,
    /// Why it ended, if it did.
    pub ended: Option<String>,
}

/// What was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedReply {
    /// Whose.
    pub user: UserId,
    /// `backup_codes`, `devices` or `sessions`.
    pub what: String,
    /// How many; of backup codes, how many sets.
    pub count: u32,
}
