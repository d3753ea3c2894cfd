//! People at rest: users with their factors, sessions, and the tries of whoever knocks.
//!
//! There is one act for all of them. It locks a person and what belongs to the act, hands it to a pure rule as a [`File`], and
//! writes what the rule changed: the user, the sessions, the tries, the records of the audit log and the notices, in one
//! transaction. A rule may run again on a newer state, so it computes everything from the file and from what it captured.

use async_trait::async_trait;

use super::{EmergencyChange, Idempotency, Once, StoreError};
use crate::{
    application::ApplicationId,
    audit::NewRecord,
    clock::Timestamp,
    factor::tries::Tries,
    id::{SessionId, UserId},
    keyring::LookupHash,
    notice::NewNotice,
    token::session::Session,
    user::User,
};

/// Whom an act is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// The user of this id; also one who is about to be made.
    User(UserId),
    /// Whoever has this confirmed address; often nobody.
    Address(LookupHash),
    /// Whoever has the passkey of this keyed id.
    Passkey(LookupHash),
    /// Whoever the session belongs to.
    Session(SessionId),
}

/// What leads to one user alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lookup {
    /// A confirmed address.
    Address(LookupHash),
    /// The keyed id of a passkey.
    Passkey(LookupHash),
}

/// One act on a person.
pub struct PersonAct {
    /// Whose person.
    pub application: ApplicationId,
    /// Who.
    pub whom: Whom,
    /// The factor whose tries are loaded, if it can be guessed.
    pub factor: Option<&'static str>,
    /// The network whose guesses are loaded.
    pub network: Option<LookupHash>,
    /// What the rule may give to the user: whose it is now is loaded, and stays so until the act has ended.
    pub claims: Vec<Lookup>,
    /// A thing that counts once: the proof of a verification, a challenge. The keyed hash, and until when it is kept.
    pub once: Option<(LookupHash, Timestamp)>,
    /// The caller's key, if it sent one.
    pub idempotency: Option<Idempotency>,
    /// The present moment.
    pub now: Timestamp,
    /// The rule.
    pub rule: PersonRule,
}

/// A pure rule over a file. What it answers is kept with the `Idempotency-Key`, so it holds no secret.
pub type PersonRule = Box<dyn FnMut(&mut File) -> serde_json::Value + Send + Sync>;

impl std::fmt::Debug for PersonAct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonAct").field("whom", &self.whom).finish_non_exhaustive()
    }
}

/// What a rule reads and changes.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The person; `None` if there is none. Setting it makes one, taking it erases.
    pub user: Option<User>,
    /// Their sessions that have not run out, ended ones too, oldest first. A rule adds and changes, and removes none.
    pub sessions: Vec<Session>,
    /// What was tried of the act's factor, by this person or for this address.
    pub tries: Tries,
    /// What was guessed wrong from the act's network, at anybody's.
    pub network: Tries,
    /// Whose the claimed things are now, if anybody's.
    pub owners: Vec<(Lookup, UserId)>,
    /// Whether the thing that counts once was used before.
    pub used_before: bool,
    /// Set by the rule: it is used now.
    pub use_up: bool,
    /// What the audit log is to tell of it.
    pub records: Vec<NewRecord>,
    /// Who is to be told.
    pub notices: Vec<NewNotice>,
    /// Set by the rule: what it changed of emergency access.
    pub emergency: Option<EmergencyChange>,
}

/// A page of users.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Only whoever has this confirmed address.
    pub address: Option<LookupHash>,
    /// Only of this role.
    pub role: Option<String>,
    /// Only newer ones than this (the cursor).
    pub after: Option<UserId>,
    /// How many at the most.
    pub limit: u32,
}

impl UserFilter {
    /// Whether whoever has the address is on the page.
    pub fn fits(&self, user: &User) -> bool {
        let role = self.role.as_deref().is_none_or(|role| role == user.role.as_str());
        role && self.after.is_none_or(|after| user.id > after) && self.limit > 0
    }
}

/// See the module.
#[async_trait]
pub trait People: Send + Sync {
    /// Runs a rule over a person.
    async fn person(&self, act: PersonAct) -> Result<Once<serde_json::Value>, StoreError>;

    /// Reads a person, beside the acts.
    async fn find(&self, application: ApplicationId, whom: Whom) -> Result<Option<User>, StoreError>;

    /// Reads a person's sessions that have not run out, oldest first, beside the acts.
    async fn sessions(
        &self,
        application: ApplicationId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError>;

    /// Reads a page of people, oldest first.
    async fn users(&self, application: ApplicationId, filter: UserFilter) -> Result<Vec<User>, StoreError>;

    /// Deletes sessions that ran out, old tries, what counted once and kept answers; some of each.
    async fn forget_people(&self, now: Timestamp) -> Result<(), StoreError>;
}
