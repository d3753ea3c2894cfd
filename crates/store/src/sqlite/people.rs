//! People on SQLite: acts on the writer, which is alone, so nothing has to be locked.

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    factor::{Factor, tries::Tries},
    id::UserId,
    ports::store::{IDEMPOTENCY_WINDOW, Lookup, Once, People, PersonAct, StoreError, UserFilter, Whom},
    token::session::Session,
    user::User,
};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::{SqliteStore, audit, notices, operators};
use crate::{
    acts::people::{self, Changes, Loaded, NETWORK, UserChange},
    error::Result,
    people::{FORGOTTEN_PER_CALL, MAX_PAGE, hash_of, json, kind_of, read_json, tries_until},
    rows,
};

#[async_trait]
impl People for SqliteStore {
    async fn person(&self, mut act: PersonAct) -> std::result::Result<Once<Value>, StoreError> {
        self.write(move |unit| {
            unit.memory.see(act.now);
            person(&unit.connection, &mut act)
        })
        .await
    }

    async fn find(
        &self,
        application: ApplicationId,
        whom: Whom,
    ) -> std::result::Result<Option<User>, StoreError> {
        self.read(move |connection| match resolve(connection, application, whom)? {
            Some(id) => user(connection, application, id),
            None => Ok(None),
        })
        .await
    }

    async fn sessions(
        &self,
        application: ApplicationId,
        user: UserId,
        now: Timestamp,
    ) -> std::result::Result<Vec<Session>, StoreError> {
        self.read(move |connection| sessions(connection, application, user, now)).await
    }

    async fn users(
        &self,
        application: ApplicationId,
        filter: UserFilter,
    ) -> std::result::Result<Vec<User>, StoreError> {
        self.read(move |connection| page(connection, application, &filter)).await
    }

    async fn forget_people(&self, now: Timestamp) -> std::result::Result<(), StoreError> {
        self.write(move |unit| forget(&unit.connection, now)).await
    }
}

fn person(connection: &Connection, act: &mut PersonAct) -> Result<Once<Value>> {
    if let Some(before) = replayed(connection, act)? {
        return Ok(before);
    }
    let loaded = load(connection, act)?;
    let subject = people::subject(act.whom, loaded.user.as_ref().map(|user| user.id));
    let changes = people::run(act, loaded)?;
    write(connection, act, &subject, &changes)?;
    Ok(Once::Done(changes.answer))
}

fn replayed(connection: &Connection, act: &PersonAct) -> Result<Option<Once<Value>>> {
    let Some(key) = act.idempotency else { return Ok(None) };
    let sql = "SELECT body, answer FROM person_answers WHERE key = ?1 AND at > ?2";
    let after = (act.now - IDEMPOTENCY_WINDOW).as_millis();
    let found: Option<([u8; 16], String)> = connection
        .prepare_cached(sql)?
        .query_row(params![key.key.0, after], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((body, answer)) = found else { return Ok(None) };
    if body != key.body.0 {
        return Ok(Some(Once::OtherBody));
    }
    Ok(Some(Once::Before(read_json("person_answers", "answer", || key.key.to_hex(), &answer)?)))
}

fn resolve(connection: &Connection, application: ApplicationId, whom: Whom) -> Result<Option<UserId>> {
    let looked_up = |lookup| owner(connection, application, lookup);
    match whom {
        Whom::User(id) => Ok(Some(id)),
        Whom::Address(hash) => looked_up(Lookup::Address(hash)),
        Whom::Passkey(hash) => looked_up(Lookup::Passkey(hash)),
        Whom::Session(id) => {
            let sql =
                "SELECT application_id, id, user_id FROM sessions WHERE application_id = ?1 AND id = ?2";
            let mut query = connection.prepare_cached(sql)?;
            let mut found = query.query_and_then(params![application.0, id.to_string()], |row| {
                rows::user_id(row, "sessions")
            })?;
            found.next().transpose()
        }
    }
}

fn owner(connection: &Connection, application: ApplicationId, lookup: Lookup) -> Result<Option<UserId>> {
    let sql = "SELECT application_id, kind, user_id FROM user_lookups WHERE application_id = ?1 AND kind = ?2 AND hash = ?3";
    let mut query = connection.prepare_cached(sql)?;
    let key = params![application.0, kind_of(lookup), hash_of(lookup).0];
    query.query_and_then(key, |row| rows::user_id(row, "user_lookups"))?.next().transpose()
}

fn user(connection: &Connection, application: ApplicationId, id: UserId) -> Result<Option<User>> {
    let sql = format!("SELECT {} FROM users WHERE application_id = ?1 AND id = ?2", rows::USER);
    let mut query = connection.prepare_cached(&sql)?;
    query.query_and_then(params![application.0, id.to_string()], |row| rows::user(row))?.next().transpose()
}

fn sessions(
    connection: &Connection,
    application: ApplicationId,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Session>> {
    let mut query = connection.prepare_cached(SESSIONS)?;
    let key = params![application.0, user.to_string(), now.as_millis()];
    let read = |row: &rusqlite::Row<'_>| {
        let (id, body): (String, String) = (row.get(0)?, row.get(1)?);
        read_json("sessions", "body", || format!("{application}/{id}"), &body)
    };
    query.query_and_then(key, read)?.collect()
}

fn load(connection: &Connection, act: &PersonAct) -> Result<Loaded> {
    let user = match resolve(connection, act.application, act.whom)? {
        Some(id) => user(connection, act.application, id)?,
        None => None,
    };
    let sessions = match &user {
        Some(user) => sessions(connection, act.application, user.id, act.now)?,
        None => Vec::new(),
    };
    let tried = |factor: &str, subject: &str| tries(connection, act.application, factor, subject);
    let subject = people::subject(act.whom, user.as_ref().map(|user| user.id));
    let tries = act.factor.map(|factor| tried(factor, &subject)).transpose()?.unwrap_or_default();
    let network =
        act.network.map(|network| tried(NETWORK, &network.to_hex())).transpose()?.unwrap_or_default();
    let mut owners = Vec::new();
    for lookup in &act.claims {
        owners.extend(owner(connection, act.application, *lookup)?.map(|owner| (*lookup, owner)));
    }
    let used_before = match act.once {
        Some((hash, _)) => connection
            .prepare_cached("SELECT 1 FROM used_once WHERE application_id = ?1 AND hash = ?2")?
            .exists(params![act.application.0, hash.0])?,
        None => false,
    };
    Ok(Loaded { user, sessions, tries, network, owners, used_before })
}

fn tries(connection: &Connection, application: ApplicationId, factor: &str, subject: &str) -> Result<Tries> {
    let sql = "SELECT body FROM tries WHERE application_id = ?1 AND factor = ?2 AND subject = ?3";
    let mut query = connection.prepare_cached(sql)?;
    let found: Option<String> =
        query.query_row(params![application.0, factor, subject], |row| row.get(0)).optional()?;
    let key = || format!("{application}/{factor}/{subject}");
    Ok(found.map(|body| read_json("tries", "body", key, &body)).transpose()?.unwrap_or_default())
}

fn write(connection: &Connection, act: &PersonAct, subject: &str, changes: &Changes) -> Result<()> {
    let application = act.application.0;
    for lookup in &changes.lookups_gone {
        let gone = connection
            .prepare_cached("DELETE FROM user_lookups WHERE application_id = ?1 AND kind = ?2 AND hash = ?3")?
            .execute(params![application, kind_of(*lookup), hash_of(*lookup).0])?;
        super::lookups::one(gone, "freeing what led to a user")?;
    }
    match &changes.user {
        UserChange::None => {}
        UserChange::Made(user) => save(connection, user, INSERT_USER)?,
        UserChange::Changed(user) => save(connection, user, UPDATE_USER)?,
        UserChange::Erased(id) => erase(connection, act.application, *id)?,
    }
    if let UserChange::Made(user) | UserChange::Changed(user) = &changes.user {
        for lookup in &changes.lookups_new {
            connection
                .prepare_cached(
                    "INSERT INTO user_lookups (application_id, kind, hash, user_id) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![application, kind_of(*lookup), hash_of(*lookup).0, user.id.to_string()])?;
        }
    }
    for session in &changes.sessions {
        let saved = connection
            .prepare_cached(
                "INSERT INTO sessions (application_id, id, user_id, expires_at, body) VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT (application_id, id) DO UPDATE SET expires_at = excluded.expires_at, body = excluded.body \
                 WHERE user_id = excluded.user_id",
            )?
            .execute(params![
                application,
                session.id.to_string(),
                session.user.to_string(),
                session.expires_at.as_millis(),
                json(session)?
            ])?;
        super::lookups::one(saved, "saving a session")?;
    }
    if let (Some(tries), Some(factor)) = (&changes.tries, act.factor) {
        keep_tries(connection, act, factor, subject, tries)?;
    }
    if let (Some(tries), Some(network)) = (&changes.network, act.network) {
        keep_tries(connection, act, NETWORK, &network.to_hex(), tries)?;
    }
    if let (true, Some((hash, until))) = (changes.use_up, act.once) {
        connection
            .prepare_cached("INSERT INTO used_once (application_id, hash, until) VALUES (?1, ?2, ?3)")?
            .execute(params![application, hash.0, until.as_millis()])?;
    }
    if let Some(key) = act.idempotency {
        connection
            .prepare_cached(
                "INSERT INTO person_answers (key, body, at, answer) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) \
                 DO UPDATE SET body = excluded.body, at = excluded.at, answer = excluded.answer",
            )?
            .execute(params![key.key.0, key.body.0, act.now.as_millis(), json(&changes.answer)?])?;
    }
    if let Some(change) = &changes.emergency {
        operators::change(connection, change)?;
    }
    notices::insert(connection, &changes.notices)?;
    audit::append(connection, &changes.records)
}

/// Without the name of the index SQLite walks all sessions of the application.
pub(super) const SESSIONS: &str = "SELECT id, body FROM sessions INDEXED BY sessions_of \
     WHERE application_id = ?1 AND user_id = ?2 AND expires_at > ?3 ORDER BY id";
pub(super) const ERASE: [&str; 4] = [
    "DELETE FROM users WHERE application_id = ?1 AND id = ?2",
    "DELETE FROM user_lookups INDEXED BY user_lookups_of WHERE application_id = ?1 AND user_id = ?2",
    "DELETE FROM sessions INDEXED BY sessions_of WHERE application_id = ?1 AND user_id = ?2",
    "DELETE FROM notices INDEXED BY notices_of WHERE application_id = ?1 AND user_id = ?2",
];
pub(super) const ERASE_TRIES: &str =
    "DELETE FROM tries WHERE application_id = ?1 AND subject = ?2 AND factor = ?3";
/// Each goes along the index of the ends: by its key alone SQLite would walk all rows of an application.
pub(super) const FORGET: [&str; 4] = [
    "DELETE FROM sessions WHERE (expires_at, application_id, id) IN \
     (SELECT expires_at, application_id, id FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
    "DELETE FROM tries WHERE (until, application_id, factor, subject) IN \
     (SELECT until, application_id, factor, subject FROM tries WHERE until <= ?1 ORDER BY until LIMIT ?2)",
    "DELETE FROM used_once WHERE (until, application_id, hash) IN \
     (SELECT until, application_id, hash FROM used_once WHERE until <= ?1 ORDER BY until LIMIT ?2)",
    "DELETE FROM person_answers WHERE (at, key) IN \
     (SELECT at, key FROM person_answers WHERE at <= ?1 ORDER BY at LIMIT ?2)",
];
const INSERT_USER: &str = "INSERT INTO users (application_id, id, created_at, updated_at, status, role, second_factor, profile) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const UPDATE_USER: &str = "UPDATE users SET created_at = ?3, updated_at = ?4, status = ?5, role = ?6, second_factor = ?7, \
     profile = ?8 WHERE application_id = ?1 AND id = ?2";

fn save(connection: &Connection, user: &User, statement: &str) -> Result<()> {
    let changed = connection.prepare_cached(statement)?.execute(params![
        user.application.0,
        user.id.to_string(),
        user.created_at.as_millis(),
        user.updated_at.as_millis(),
        user.status.as_str(),
        user.role.as_str(),
        user.second_factor.as_str(),
        json(&user.profile)?
    ])?;
    super::lookups::one(changed, "saving a user")
}

fn erase(connection: &Connection, application: ApplicationId, id: UserId) -> Result<()> {
    let user = id.to_string();
    for statement in ERASE {
        connection.prepare_cached(statement)?.execute(params![application.0, user])?;
    }
    for factor in Factor::ALL {
        connection.prepare_cached(ERASE_TRIES)?.execute(params![application.0, user, factor.as_str()])?;
    }
    audit::erase(connection, id)?;
    Ok(())
}

fn keep_tries(
    connection: &Connection,
    act: &PersonAct,
    factor: &str,
    subject: &str,
    tries: &Tries,
) -> Result<()> {
    let until = tries_until(factor, tries, act.now);
    connection
        .prepare_cached(
            "INSERT INTO tries (application_id, factor, subject, until, body) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (application_id, factor, subject) DO UPDATE SET until = excluded.until, body = excluded.body",
        )?
        .execute(params![act.application.0, factor, subject, until.as_millis(), json(tries)?])?;
    Ok(())
}

fn page(connection: &Connection, application: ApplicationId, filter: &UserFilter) -> Result<Vec<User>> {
    if let Some(hash) = filter.address {
        let id = owner(connection, application, Lookup::Address(hash))?;
        let found = id.map(|id| user(connection, application, id)).transpose()?.flatten();
        return Ok(found.filter(|user| filter.fits(user)).into_iter().collect());
    }
    let sql = format!(
        "SELECT {} FROM users WHERE application_id = ?1 AND id > ?2 {} ORDER BY id LIMIT ?3",
        rows::USER,
        if filter.role.is_some() { "AND role = ?4" } else { "AND ?4 IS NULL" }
    );
    let after = filter.after.map(|id| id.to_string()).unwrap_or_default();
    let limit = filter.limit.min(MAX_PAGE);
    let mut query = connection.prepare_cached(&sql)?;
    query.query_and_then(params![application.0, after, limit, filter.role], |row| rows::user(row))?.collect()
}

fn forget(connection: &Connection, now: Timestamp) -> Result<()> {
    for (sql, until) in FORGET.into_iter().zip([now, now, now, now - IDEMPOTENCY_WINDOW]) {
        connection.prepare_cached(sql)?.execute(params![until.as_millis(), FORGOTTEN_PER_CALL])?;
    }
    Ok(())
}
