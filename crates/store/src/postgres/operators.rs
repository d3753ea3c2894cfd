//! Operators and emergency access on PostgreSQL. Whoever changes the operators holds one advisory lock for all of them: how many
//! there are decides who may join and who may be removed. A request is locked by its row. The head of the audit log comes last.

use std::slice;

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    audit::NewRecord,
    clock::Timestamp,
    emergency::{
        KeyUsed,
        request::{Approval, EmergencyRequest, RequestState},
    },
    id::{EmergencyRequestId, OperatorId},
    keyring::LookupHash,
    operator::{self, Invitation, JoinRefusal, Operator, Removal},
    ports::store::{EmergencyChange, Operators, StoreError},
    token::session::Session as PersonSession,
};
use tokio_postgres::Row;

use super::{PostgresStore, audit, session::Session};
use crate::{
    error::{Result, internal},
    operators::{KEY_USED, REQUESTS_KEPT_FOR, first_since, invitation, key_used, key_used_text},
    people::{json, read_json},
};

const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('operators', 0))";
const OPERATORS: &str = "SELECT id, body FROM operators ORDER BY id";
const ADD_OPERATOR: &str = "INSERT INTO operators (id, body) VALUES ($1, $2)";
const REMOVE_OPERATOR: &str = "DELETE FROM operators WHERE id = $1";
const INVITE: &str =
    "INSERT INTO operator_invitations (hash, role, is_first, expires_at) VALUES ($1, $2, $3, $4)";
const INVITED: &str = "SELECT hash, role, is_first, expires_at FROM operator_invitations WHERE hash = $1";
const USE_INVITATION: &str = "DELETE FROM operator_invitations WHERE hash = $1";
const REQUEST: &str = "SELECT id, body FROM emergency_requests WHERE id = $1";
const HELD_REQUEST: &str = "SELECT id, body FROM emergency_requests WHERE id = $1 FOR UPDATE";
const REQUESTS: &str = "SELECT id, body FROM emergency_requests WHERE id >= $1 ORDER BY id";
const KEEP_REQUEST: &str = "INSERT INTO emergency_requests (id, body) VALUES ($1, $2) \
     ON CONFLICT (id) DO UPDATE SET body = excluded.body";
const META: &str = "SELECT value FROM meta WHERE key = $1";
const SET_META: &str = "INSERT INTO meta (key, value) VALUES ($1, $2) \
     ON CONFLICT (key) DO UPDATE SET value = excluded.value";
const SESSIONS: &str = "SELECT id, body FROM sessions WHERE application_id = $1 AND expires_at > $2 \
     AND body::jsonb ->> 'kind' = 'emergency' ORDER BY id";
const FORGET_INVITATIONS: &str = "DELETE FROM operator_invitations WHERE expires_at <= $1";
const FORGET_REQUESTS: &str = "DELETE FROM emergency_requests WHERE id < $1";

#[async_trait]
impl Operators for PostgresStore {
    async fn operators(&self) -> std::result::Result<Vec<Operator>, StoreError> {
        self.run(Box::new(|session| Box::pin(operators(session)))).await
    }

    async fn invite(&self, invitation: Invitation, record: NewRecord) -> std::result::Result<(), StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let Invitation { hash, role, is_first, expires_at } = invitation;
                let statement = session.prepare(INVITE).await?;
                session.begin().await?;
                session
                    .client()
                    .execute(
                        &statement,
                        &[&hash.0.as_slice(), &role.as_str(), &is_first, &expires_at.as_millis()],
                    )
                    .await?;
                audit::append(session, slice::from_ref(&record)).await?;
                session.commit().await
            })
        }))
        .await
    }

    async fn invitation(&self, hash: LookupHash) -> std::result::Result<Option<Invitation>, StoreError> {
        self.run(Box::new(move |session| Box::pin(invited(session, hash)))).await
    }

    async fn join(
        &self,
        invitation: LookupHash,
        operator: Operator,
        record: NewRecord,
    ) -> std::result::Result<std::result::Result<(), JoinRefusal>, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                begin_alone(session).await?;
                let found = invited(session, invitation).await?;
                let joined = operator::may_join(&operators(session).await?, found.as_ref(), &operator);
                if joined.is_ok() {
                    let (used, add) =
                        (session.prepare(USE_INVITATION).await?, session.prepare(ADD_OPERATOR).await?);
                    session.client().execute(&used, &[&invitation.0.as_slice()]).await?;
                    session.client().execute(&add, &[&operator.id.to_string(), &json(&operator)?]).await?;
                    audit::append(session, slice::from_ref(&record)).await?;
                }
                session.commit().await?;
                Ok(joined)
            })
        }))
        .await
    }

    async fn remove_operator(
        &self,
        id: OperatorId,
        record: NewRecord,
    ) -> std::result::Result<Removal, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                begin_alone(session).await?;
                let removal = operator::removal(&operators(session).await?, id);
                if removal == Removal::Removed {
                    let remove = session.prepare(REMOVE_OPERATOR).await?;
                    session.client().execute(&remove, &[&id.to_string()]).await?;
                    audit::append(session, slice::from_ref(&record)).await?;
                }
                session.commit().await?;
                Ok(removal)
            })
        }))
        .await
    }

    async fn emergency_request(
        &self,
        id: EmergencyRequestId,
    ) -> std::result::Result<Option<EmergencyRequest>, StoreError> {
        self.run(Box::new(move |session| Box::pin(request(session, REQUEST, id)))).await
    }

    async fn emergency_requests(
        &self,
        since: Timestamp,
    ) -> std::result::Result<Vec<EmergencyRequest>, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let statement = session.prepare(REQUESTS).await?;
                let found = session.client().query(&statement, &[&first_since(since)]).await?;
                found.iter().map(|row| document("emergency_requests", row)).collect()
            })
        }))
        .await
    }

    async fn approve_emergency(
        &self,
        id: EmergencyRequestId,
        approval: Approval,
        record: NewRecord,
    ) -> std::result::Result<Option<RequestState>, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                session.begin().await?;
                let found = request(session, HELD_REQUEST, id).await?;
                let mut stood = None;
                if let Some(mut found) = found {
                    stood = Some(found.approve(approval));
                    if stood == Some(RequestState::Waiting) {
                        keep(session, &found).await?;
                        audit::append(session, slice::from_ref(&record)).await?;
                    }
                }
                session.commit().await?;
                Ok(stood)
            })
        }))
        .await
    }

    async fn emergency_key_used(&self) -> std::result::Result<Option<KeyUsed>, StoreError> {
        self.run(Box::new(|session| {
            Box::pin(async move {
                let statement = session.prepare(META).await?;
                let found = session.client().query_opt(&statement, &[&KEY_USED]).await?;
                key_used(found.as_ref().map(|row| row.try_get(0)).transpose()?)
            })
        }))
        .await
    }

    async fn emergency_sessions(
        &self,
        application: ApplicationId,
        now: Timestamp,
    ) -> std::result::Result<Vec<PersonSession>, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let statement = session.prepare(SESSIONS).await?;
                let found = session.client().query(&statement, &[&application.0, &now.as_millis()]).await?;
                found.iter().map(|row| document("sessions", row)).collect()
            })
        }))
        .await
    }

    async fn forget_operators(&self, now: Timestamp) -> std::result::Result<(), StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let statement = session.prepare(FORGET_INVITATIONS).await?;
                session.client().execute(&statement, &[&now.as_millis()]).await?;
                let statement = session.prepare(FORGET_REQUESTS).await?;
                session.client().execute(&statement, &[&first_since(now - REQUESTS_KEPT_FOR)]).await?;
                Ok(())
            })
        }))
        .await
    }
}

/// Writes what an act on a person changed of emergency access, in its transaction.
pub(crate) async fn change(session: &mut Session, change: &EmergencyChange) -> Result<()> {
    match change {
        EmergencyChange::Asked(request) => keep(session, request).await,
        EmergencyChange::Used { key, request: id } => {
            if let Some(id) = *id {
                let found = request(session, HELD_REQUEST, id).await?;
                let mut found = found.ok_or_else(|| internal("a request was used that is not there"))?;
                if found.take(key.at) != RequestState::Approved {
                    return Err(internal("a request was used that is not approved").into());
                }
                keep(session, &found).await?;
            }
            let statement = session.prepare(SET_META).await?;
            session.client().execute(&statement, &[&KEY_USED, &key_used_text(key)?]).await?;
            Ok(())
        }
    }
}

/// Begins a transaction beside which nobody changes the operators.
async fn begin_alone(session: &mut Session) -> Result<()> {
    let lock = session.prepare(LOCK).await?;
    session.begin().await?;
    session.client().query(&lock, &[]).await?;
    Ok(())
}

/// Reads a row of an id and a document.
fn document<T: serde::de::DeserializeOwned>(table: &'static str, row: &Row) -> Result<T> {
    let (id, body): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    read_json(table, "body", || id, &body)
}

async fn operators(session: &mut Session) -> Result<Vec<Operator>> {
    let statement = session.prepare(OPERATORS).await?;
    let found = session.client().query(&statement, &[]).await?;
    found.iter().map(|row| document("operators", row)).collect()
}

async fn invited(session: &mut Session, hash: LookupHash) -> Result<Option<Invitation>> {
    let statement = session.prepare(INVITED).await?;
    let found = session.client().query_opt(&statement, &[&hash.0.as_slice()]).await?;
    found.as_ref().map(invitation).transpose()
}

async fn request(
    session: &mut Session,
    sql: &'static str,
    id: EmergencyRequestId,
) -> Result<Option<EmergencyRequest>> {
    let statement = session.prepare(sql).await?;
    let found = session.client().query_opt(&statement, &[&id.to_string()]).await?;
    found.map(|row| document("emergency_requests", &row)).transpose()
}

async fn keep(session: &mut Session, request: &EmergencyRequest) -> Result<()> {
    let statement = session.prepare(KEEP_REQUEST).await?;
    session.client().execute(&statement, &[&request.id.to_string(), &json(request)?]).await?;
    Ok(())
}
