//! People on PostgreSQL: one transaction an act, under advisory locks on whatever the act decides on.
//!
//! Advisory locks also hold what has no row yet: an address that nobody has, a network's first guess. They are taken in the
//! order of their names, all at once, so two acts never wait for each other; the head of the audit log comes after them. Whom
//! a look-up leads to is asked again under the locks, and the act begins anew if that changed meanwhile. A connection that is
//! lost before the COMMIT leaves nothing; a COMMIT without an answer is told as such.

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    factor::{Factor, tries::Tries},
    id::UserId,
    ports::store::{IDEMPOTENCY_WINDOW, Lookup, Once, People, PersonAct, StoreError, UserFilter, Whom},
    token::session::Session as PersonSession,
    user::User,
};
use serde_json::Value;
use tokio_postgres::types::ToSql;

use super::{
    PostgresStore, audit, notices, operators,
    session::{Session, within},
};
use crate::{
    acts::people::{self, Changes, Loaded, NETWORK, UserChange},
    error::{Result, ends_the_session, internal},
    people::{FORGOTTEN_PER_CALL, MAX_PAGE, hash_of, json, kind_of, read_json, tries_until},
    rows,
};

/// How often an act begins anew because a look-up led to somebody else.
const ROUNDS: u32 = 5;

const LOCK: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest($1::text[]) AS w (name)";
const REPLAYED: &str = "SELECT body, answer FROM person_answers WHERE key = $1 AND at > $2";
const OF_SESSION: &str =
    "SELECT application_id, id, user_id FROM sessions WHERE application_id = $1 AND id = $2";
const OWNER: &str = "SELECT application_id, kind, user_id FROM user_lookups WHERE application_id = $1 AND kind = $2 AND hash = $3";
const SESSIONS: &str = "SELECT id, body FROM sessions WHERE application_id = $1 AND user_id = $2 AND expires_at > $3 ORDER BY id";
const TRIES: &str = "SELECT body FROM tries WHERE application_id = $1 AND factor = $2 AND subject = $3";
const USED: &str = "SELECT 1 FROM used_once WHERE application_id = $1 AND hash = $2";

const DROP_LOOKUP: &str = "DELETE FROM user_lookups WHERE application_id = $1 AND kind = $2 AND hash = $3";
const ADD_LOOKUP: &str =
    "INSERT INTO user_lookups (application_id, kind, hash, user_id) VALUES ($1, $2, $3, $4)";
const INSERT_USER: &str = "INSERT INTO users (application_id, id, created_at, updated_at, status, role, second_factor, profile) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const UPDATE_USER: &str = "UPDATE users SET created_at = $3, updated_at = $4, status = $5, role = $6, second_factor = $7, \
     profile = $8 WHERE application_id = $1 AND id = $2";
const SAVE_SESSION: &str = "INSERT INTO sessions (application_id, id, user_id, expires_at, body) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (application_id, id) DO UPDATE SET expires_at = excluded.expires_at, body = excluded.body \
     WHERE sessions.user_id = excluded.user_id";
const KEEP_TRIES: &str = "INSERT INTO tries (application_id, factor, subject, until, body) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (application_id, factor, subject) DO UPDATE SET until = excluded.until, body = excluded.body";
const USE_UP: &str = "INSERT INTO used_once (application_id, hash, until) VALUES ($1, $2, $3)";
const KEEP_ANSWER: &str = "INSERT INTO person_answers (key, body, at, answer) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (key) DO UPDATE SET body = excluded.body, at = excluded.at, answer = excluded.answer";
const ERASE: [&str; 4] = [
    "DELETE FROM users WHERE application_id = $1 AND id = $2",
    "DELETE FROM user_lookups WHERE application_id = $1 AND user_id = $2",
    "DELETE FROM sessions WHERE application_id = $1 AND user_id = $2",
    "DELETE FROM notices WHERE application_id = $1 AND user_id = $2",
];
const ERASE_TRIES: &str = "DELETE FROM tries WHERE application_id = $1 AND subject = $2 AND factor = ANY($3)";
const FORGET: [&str; 4] = [
    "DELETE FROM sessions WHERE ctid = ANY(ARRAY(SELECT ctid FROM sessions WHERE expires_at <= $1 \
     ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM tries WHERE ctid = ANY(ARRAY(SELECT ctid FROM tries WHERE until <= $1 \
     ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM used_once WHERE ctid = ANY(ARRAY(SELECT ctid FROM used_once WHERE until <= $1 \
     ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM person_answers WHERE ctid = ANY(ARRAY(SELECT ctid FROM person_answers WHERE at <= $1 \
     ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))",
];

fn user_sql() -> &'static str {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!("SELECT {} FROM users WHERE application_id = $1 AND id = $2", rows::USER)
    });
    &SQL
}

fn page_sql(by_role: bool) -> &'static str {
    let make = |role: &str| {
        format!(
            "SELECT {} FROM users WHERE application_id = $1 AND id > $2 AND {role} ORDER BY id LIMIT $3",
            rows::USER
        )
    };
    static ALL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    static OF_ROLE: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    match by_role {
        false => ALL.get_or_init(|| make("$4::text IS NULL")),
        true => OF_ROLE.get_or_init(|| make("role = $4::text")),
    }
}

#[async_trait]
impl People for PostgresStore {
    async fn person(&self, act: PersonAct) -> std::result::Result<Once<Value>, StoreError> {
        self.run_in_steps(Box::new(move |session| Box::pin(person(session, act)))).await
    }

    async fn find(
        &self,
        application: ApplicationId,
        whom: Whom,
    ) -> std::result::Result<Option<User>, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                match resolve(session, application, whom).await? {
                    Some(id) => user(session, application, id).await,
                    None => Ok(None),
                }
            })
        }))
        .await
    }

    async fn sessions(
        &self,
        application: ApplicationId,
        user: UserId,
        now: Timestamp,
    ) -> std::result::Result<Vec<PersonSession>, StoreError> {
        self.run(Box::new(move |session| Box::pin(sessions(session, application, user, now)))).await
    }

    async fn users(
        &self,
        application: ApplicationId,
        filter: UserFilter,
    ) -> std::result::Result<Vec<User>, StoreError> {
        self.run(Box::new(move |session| Box::pin(page(session, application, filter)))).await
    }

    async fn forget_people(&self, now: Timestamp) -> std::result::Result<(), StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let until = [now, now, now, now - IDEMPOTENCY_WINDOW];
                for (sql, until) in FORGET.into_iter().zip(until) {
                    let statement = session.prepare(sql).await?;
                    let limit = i64::from(FORGOTTEN_PER_CALL);
                    session.client().execute(&statement, &[&until.as_millis(), &limit]).await?;
                }
                Ok(())
            })
        }))
        .await
    }
}

/// What an act came to before its COMMIT.
enum Came {
    /// To what is known already; nothing is to be written.
    Known(Once<Value>),
    /// To this answer, if the COMMIT arrives.
    Written(Value),
}

async fn person(session: &mut Session, mut act: PersonAct) -> Result<Once<Value>> {
    let answer = match within(decide(session, &mut act)).await? {
        Came::Known(answer) => return Ok(answer),
        Came::Written(answer) => answer,
    };
    match within(session.commit()).await {
        Ok(()) => Ok(Once::Done(answer)),
        Err(failure) if ends_the_session(&failure) => {
            Err(StoreError::Undecided("the end of a transaction is not known".into()).into())
        }
        Err(failure) => Err(failure),
    }
}

/// Locks, loads, runs the rule and writes; all but the COMMIT.
async fn decide(session: &mut Session, act: &mut PersonAct) -> Result<Came> {
    for _ in 0..ROUNDS {
        session.begin().await?;
        let whom = resolve(session, act.application, act.whom).await?;
        lock(session, act, whom).await?;
        if let Some(before) = replayed(session, act).await? {
            session.roll_back().await?;
            return Ok(Came::Known(before));
        }
        if resolve(session, act.application, act.whom).await? != whom {
            session.roll_back().await?;
            continue;
        }
        let loaded = load(session, act, whom).await?;
        let subject = people::subject(act.whom, loaded.user.as_ref().map(|user| user.id));
        let changes = people::run(act, loaded)?;
        write(session, act, &subject, &changes).await?;
        return Ok(Came::Written(changes.answer));
    }
    Err(StoreError::Unavailable("a look-up kept leading to somebody else".into()).into())
}

async fn page(session: &mut Session, application: ApplicationId, filter: UserFilter) -> Result<Vec<User>> {
    if let Some(hash) = filter.address {
        let Some(id) = owner(session, application, Lookup::Address(hash)).await? else { return Ok(vec![]) };
        let found = user(session, application, id).await?;
        return Ok(found.filter(|user| filter.fits(user)).into_iter().collect());
    }
    let statement = session.prepare(page_sql(filter.role.is_some())).await?;
    let after = filter.after.map(|id| id.to_string()).unwrap_or_default();
    let limit = i64::from(filter.limit.min(MAX_PAGE));
    let values: [&(dyn ToSql + Sync); 4] = [&application.0, &after, &limit, &filter.role];
    session.client().query(&statement, &values).await?.iter().map(rows::user).collect()
}

/// Whatever the act decides on, in one order for all acts.
async fn lock(session: &mut Session, act: &PersonAct, whom: Option<UserId>) -> Result<()> {
    let application = act.application;
    let of = |lookup: &Lookup| format!("{application}|{}|{}", kind_of(*lookup), hash_of(*lookup).to_hex());
    let mut names = vec![format!("{application}|person|{}", people::subject(act.whom, whom))];
    if let Whom::Address(hash) = act.whom {
        names.push(of(&Lookup::Address(hash)));
    }
    names.extend(act.claims.iter().map(of));
    names.extend(act.network.map(|network| format!("{application}|network|{}", network.to_hex())));
    names.extend(act.once.map(|(hash, _)| format!("{application}|once|{}", hash.to_hex())));
    names.extend(act.idempotency.map(|key| format!("answer|{}", key.key.to_hex())));
    names.sort();
    names.dedup();
    let statement = session.prepare(LOCK).await?;
    session.client().query(&statement, &[&names]).await?;
    Ok(())
}

async fn replayed(session: &mut Session, act: &PersonAct) -> Result<Option<Once<Value>>> {
    let Some(key) = act.idempotency else { return Ok(None) };
    let statement = session.prepare(REPLAYED).await?;
    let after = (act.now - IDEMPOTENCY_WINDOW).as_millis();
    let found = session.client().query_opt(&statement, &[&key.key.0.as_slice(), &after]).await?;
    let Some(row) = found else { return Ok(None) };
    let (body, answer): (Vec<u8>, String) = (row.try_get(0)?, row.try_get(1)?);
    if body != key.body.0 {
        return Ok(Some(Once::OtherBody));
    }
    Ok(Some(Once::Before(read_json("person_answers", "answer", || key.key.to_hex(), &answer)?)))
}

async fn resolve(session: &mut Session, application: ApplicationId, whom: Whom) -> Result<Option<UserId>> {
    match whom {
        Whom::User(id) => Ok(Some(id)),
        Whom::Address(hash) => owner(session, application, Lookup::Address(hash)).await,
        Whom::Passkey(hash) => owner(session, application, Lookup::Passkey(hash)).await,
        Whom::Session(id) => {
            let statement = session.prepare(OF_SESSION).await?;
            let found = session.client().query_opt(&statement, &[&application.0, &id.to_string()]).await?;
            found.map(|row| rows::user_id(&row, "sessions")).transpose()
        }
    }
}

async fn owner(session: &mut Session, application: ApplicationId, lookup: Lookup) -> Result<Option<UserId>> {
    let statement = session.prepare(OWNER).await?;
    let hash = hash_of(lookup).0;
    let found =
        session.client().query_opt(&statement, &[&application.0, &kind_of(lookup), &hash.as_slice()]).await?;
    found.map(|row| rows::user_id(&row, "user_lookups")).transpose()
}

async fn user(session: &mut Session, application: ApplicationId, id: UserId) -> Result<Option<User>> {
    let statement = session.prepare(user_sql()).await?;
    let found = session.client().query_opt(&statement, &[&application.0, &id.to_string()]).await?;
    found.as_ref().map(rows::user).transpose()
}

async fn sessions(
    session: &mut Session,
    application: ApplicationId,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<PersonSession>> {
    let statement = session.prepare(SESSIONS).await?;
    let key: [&(dyn ToSql + Sync); 3] = [&application.0, &user.to_string(), &now.as_millis()];
    let found = session.client().query(&statement, &key).await?;
    let read = |row: &tokio_postgres::Row| {
        let (id, body): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        read_json("sessions", "body", || format!("{application}/{id}"), body)
    };
    found.iter().map(read).collect()
}

async fn load(session: &mut Session, act: &PersonAct, whom: Option<UserId>) -> Result<Loaded> {
    let application = act.application;
    let mut loaded = Loaded::default();
    if let Some(id) = whom {
        loaded.user = user(session, application, id).await?;
    }
    if let Some(user) = &loaded.user {
        loaded.sessions = sessions(session, application, user.id, act.now).await?;
    }
    let subject = people::subject(act.whom, loaded.user.as_ref().map(|user| user.id));
    if let Some(factor) = act.factor {
        loaded.tries = tries(session, application, factor, &subject).await?;
    }
    if let Some(network) = act.network {
        loaded.network = tries(session, application, NETWORK, &network.to_hex()).await?;
    }
    for lookup in &act.claims {
        loaded.owners.extend(owner(session, application, *lookup).await?.map(|owner| (*lookup, owner)));
    }
    if let Some((hash, _)) = act.once {
        let statement = session.prepare(USED).await?;
        let found = session.client().query_opt(&statement, &[&application.0, &hash.0.as_slice()]).await?;
        loaded.used_before = found.is_some();
    }
    Ok(loaded)
}

async fn tries(
    session: &mut Session,
    application: ApplicationId,
    factor: &str,
    subject: &str,
) -> Result<Tries> {
    let statement = session.prepare(TRIES).await?;
    let found = session.client().query_opt(&statement, &[&application.0, &factor, &subject]).await?;
    let key = || format!("{application}/{factor}/{subject}");
    let read = |row: tokio_postgres::Row| read_json("tries", "body", key, row.try_get(0)?);
    Ok(found.map(read).transpose()?.unwrap_or_default())
}

async fn write(session: &mut Session, act: &PersonAct, subject: &str, changes: &Changes) -> Result<()> {
    let application = act.application.0;
    for lookup in &changes.lookups_gone {
        let hash = hash_of(*lookup).0;
        one(session, DROP_LOOKUP, &[&application, &kind_of(*lookup), &hash.as_slice()]).await?;
    }
    match &changes.user {
        UserChange::None => {}
        UserChange::Made(user) => save(session, user, INSERT_USER).await?,
        UserChange::Changed(user) => save(session, user, UPDATE_USER).await?,
        UserChange::Erased(id) => {
            for sql in ERASE {
                let statement = session.prepare(sql).await?;
                session.client().execute(&statement, &[&application, &id.to_string()]).await?;
            }
            let statement = session.prepare(ERASE_TRIES).await?;
            let factors = Factor::ALL.map(Factor::as_str);
            session
                .client()
                .execute(&statement, &[&application, &id.to_string(), &factors.as_slice()])
                .await?;
            audit::erase(session, *id).await?;
        }
    }
    if let UserChange::Made(user) | UserChange::Changed(user) = &changes.user {
        for lookup in &changes.lookups_new {
            let (hash, user) = (hash_of(*lookup).0, user.id.to_string());
            one(session, ADD_LOOKUP, &[&application, &kind_of(*lookup), &hash.as_slice(), &user]).await?;
        }
    }
    for kept in &changes.sessions {
        let (id, user, body) = (kept.id.to_string(), kept.user.to_string(), json(kept)?);
        one(session, SAVE_SESSION, &[&application, &id, &user, &kept.expires_at.as_millis(), &body]).await?;
    }
    if let (Some(tries), Some(factor)) = (&changes.tries, act.factor) {
        keep_tries(session, act, factor, subject, tries).await?;
    }
    if let (Some(tries), Some(network)) = (&changes.network, act.network) {
        keep_tries(session, act, NETWORK, &network.to_hex(), tries).await?;
    }
    if let (true, Some((hash, until))) = (changes.use_up, act.once) {
        one(session, USE_UP, &[&application, &hash.0.as_slice(), &until.as_millis()]).await?;
    }
    if let Some(key) = act.idempotency {
        let answer = json(&changes.answer)?;
        let values: [&(dyn ToSql + Sync); 4] =
            [&key.key.0.as_slice(), &key.body.0.as_slice(), &act.now.as_millis(), &answer];
        one(session, KEEP_ANSWER, &values).await?;
    }
    if let Some(change) = &changes.emergency {
        operators::change(session, change).await?;
    }
    notices::insert(session, &changes.notices).await?;
    audit::append(session, &changes.records).await
}

async fn save(session: &mut Session, user: &User, sql: &'static str) -> Result<()> {
    let (id, profile) = (user.id.to_string(), json(&user.profile)?);
    let values: [&(dyn ToSql + Sync); 8] = [
        &user.application.0,
        &id,
        &user.created_at.as_millis(),
        &user.updated_at.as_millis(),
        &user.status.as_str(),
        &user.role.as_str(),
        &user.second_factor.as_str(),
        &profile,
    ];
    one(session, sql, &values).await
}

async fn keep_tries(
    session: &mut Session,
    act: &PersonAct,
    factor: &str,
    subject: &str,
    tries: &Tries,
) -> Result<()> {
    let (until, body) = (tries_until(factor, tries, act.now).as_millis(), json(tries)?);
    one(session, KEEP_TRIES, &[&act.application.0, &factor, &subject, &until, &body]).await
}

/// Runs a statement that changes one row.
async fn one(session: &mut Session, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> Result<()> {
    let statement = session.prepare(sql).await?;
    match session.client().execute(&statement, values).await? {
        1 => Ok(()),
        changed => Err(internal(format!("a statement on people changed {changed} rows, wanted one")).into()),
    }
}
