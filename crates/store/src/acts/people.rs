//! One act on a person: a rule over what was loaded, and what it changed.
//!
//! Both databases load a [`Loaded`] under their lock, run it here, and write the [`Changes`]. A rule can give to a user only
//! what the act claimed and nobody else has; anything else is a mistake of ours and changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use backstop_domain::{
    audit::NewRecord,
    factor::tries::Tries,
    id::{SessionId, UserId},
    notice::NewNotice,
    ports::store::{EmergencyChange, File, Lookup, PersonAct, Whom},
    token::session::Session,
    user::User,
};
use serde_json::Value;

use crate::error::{Result, internal};

/// The word for the tries of a network, beside those of factors.
pub(crate) const NETWORK: &str = "network";

/// What an act found.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) user: Option<User>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) tries: Tries,
    pub(crate) network: Tries,
    pub(crate) owners: Vec<(Lookup, UserId)>,
    pub(crate) used_before: bool,
}

/// What a rule changed.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) answer: Value,
    pub(crate) user: UserChange,
    pub(crate) lookups_gone: Vec<Lookup>,
    pub(crate) lookups_new: Vec<Lookup>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) tries: Option<Tries>,
    pub(crate) network: Option<Tries>,
    pub(crate) use_up: bool,
    pub(crate) records: Vec<NewRecord>,
    pub(crate) notices: Vec<NewNotice>,
    pub(crate) emergency: Option<EmergencyChange>,
}

/// What became of the user.
#[derive(Debug)]
pub(crate) enum UserChange {
    None,
    Made(User),
    Changed(User),
    Erased(UserId),
}

/// Whose tries an act loads: the person's, or those for the address that nobody has.
pub(crate) fn subject(whom: Whom, user: Option<UserId>) -> String {
    match (user, whom) {
        (Some(user), _) | (None, Whom::User(user)) => user.to_string(),
        (None, Whom::Address(hash) | Whom::Passkey(hash)) => hash.to_hex(),
        (None, Whom::Session(session)) => session.to_string(),
    }
}

/// Runs the act's rule.
pub(crate) fn run(act: &mut PersonAct, loaded: Loaded) -> Result<Changes> {
    let Loaded { user, sessions, tries, network, owners, used_before } = loaded;
    let before = File {
        user,
        sessions,
        tries,
        network,
        owners,
        used_before,
        use_up: false,
        records: Vec::new(),
        notices: Vec::new(),
        emergency: None,
    };
    let mut file = before.clone();
    let answer = (act.rule)(&mut file);
    let (gone, new) = lookups(act, &before, &file)?;
    only_what_was_asked_for(act, &before, &file)?;
    let erased = before.user.is_some() && file.user.is_none();
    Ok(Changes {
        answer,
        lookups_gone: gone,
        lookups_new: new,
        sessions: changed_sessions(act, &before, &file)?,
        tries: (file.tries != before.tries && !erased).then_some(file.tries),
        network: (file.network != before.network).then_some(file.network),
        use_up: file.use_up && !before.used_before,
        records: file.records,
        notices: file.notices,
        emergency: file.emergency,
        user: user_change(act, before.user, file.user)?,
    })
}

fn user_change(act: &PersonAct, before: Option<User>, after: Option<User>) -> Result<UserChange> {
    Ok(match (before, after) {
        (None, None) => UserChange::None,
        (None, Some(made)) if made.application == act.application && is_named(act.whom, made.id) => {
            UserChange::Made(made)
        }
        (Some(gone), None) => UserChange::Erased(gone.id),
        (Some(was), Some(is)) if was == is => UserChange::None,
        (Some(was), Some(mut is)) if (was.id, was.application) == (is.id, is.application) => {
            is.updated_at = is.updated_at.max(act.now);
            UserChange::Changed(is)
        }
        _ => return Err(internal("a rule put one person in the place of another").into()),
    })
}

/// Whether a user who is made is the one whom the act locked.
fn is_named(whom: Whom, made: UserId) -> bool {
    !matches!(whom, Whom::User(named) if named != made)
}

/// A guess that is counted nowhere would be one for free.
fn only_what_was_asked_for(act: &PersonAct, before: &File, after: &File) -> Result<()> {
    let nowhere = (after.tries != before.tries && act.factor.is_none())
        || (after.network != before.network && act.network.is_none())
        || (after.use_up && act.once.is_none());
    if nowhere {
        return Err(internal("a rule counted what the act did not ask for").into());
    }
    Ok(())
}

fn lookups(act: &PersonAct, before: &File, after: &File) -> Result<(Vec<Lookup>, Vec<Lookup>)> {
    let of = |file: &File| file.user.as_ref().map(User::lookups).unwrap_or_default();
    let (was, is): (BTreeSet<Lookup>, BTreeSet<Lookup>) = (of(before), of(after));
    let new: Vec<Lookup> = is.difference(&was).copied().collect();
    let free = |lookup: &Lookup| {
        act.claims.contains(lookup) && !before.owners.iter().any(|(owned, _)| owned == lookup)
    };
    if !new.iter().all(free) {
        return Err(internal("a rule gave away what the act did not claim, or what somebody has").into());
    }
    Ok((was.difference(&is).copied().collect(), new))
}

fn changed_sessions(act: &PersonAct, before: &File, after: &File) -> Result<Vec<Session>> {
    if after.user.is_none() {
        return Ok(Vec::new());
    }
    let was: BTreeMap<SessionId, &Session> = before.sessions.iter().map(|one| (one.id, one)).collect();
    let user = after.user.as_ref().map(|user| user.id);
    let theirs = |one: &Session| Some(one.user) == user && one.application == act.application;
    if !after.sessions.iter().all(theirs) {
        return Err(internal("a rule gave a session of somebody else").into());
    }
    Ok(after.sessions.iter().filter(|session| was.get(&session.id) != Some(session)).cloned().collect())
}
