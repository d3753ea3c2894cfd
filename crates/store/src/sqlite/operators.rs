//! Operators and emergency access on SQLite: acts on the writer, which is alone, so nothing has to be locked.

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
    token::session::Session,
};
use rusqlite::{Connection, Row, params};

use super::{SqliteStore, audit, lookups};
use crate::{
    error::{Result, internal},
    operators::{INVITATION, KEY_USED, REQUESTS_KEPT_FOR, first_since, invitation, key_used, key_used_text},
    people::{json, read_json},
};

#[async_trait]
impl Operators for SqliteStore {
    async fn operators(&self) -> std::result::Result<Vec<Operator>, StoreError> {
        self.read(operators).await
    }

    async fn invite(&self, invitation: Invitation, record: NewRecord) -> std::result::Result<(), StoreError> {
        self.write(move |unit| {
            let Invitation { hash, role, is_first, expires_at } = invitation;
            unit.connection.execute(
                "INSERT INTO operator_invitations (hash, role, is_first, expires_at) VALUES (?1, ?2, ?3, ?4)",
                params![hash.0, role.as_str(), is_first, expires_at.as_millis()],
            )?;
            audit::append(&unit.connection, slice::from_ref(&record))
        })
        .await
    }

    async fn invitation(&self, hash: LookupHash) -> std::result::Result<Option<Invitation>, StoreError> {
        self.read(move |connection| invited(connection, hash)).await
    }

    async fn join(
        &self,
        invitation: LookupHash,
        operator: Operator,
        record: NewRecord,
    ) -> std::result::Result<std::result::Result<(), JoinRefusal>, StoreError> {
        self.write(move |unit| {
            let connection = &unit.connection;
            let found = invited(connection, invitation)?;
            if let Err(refusal) = operator::may_join(&operators(connection)?, found.as_ref(), &operator) {
                return Ok(Err(refusal));
            }
            connection.execute("DELETE FROM operator_invitations WHERE hash = ?1", [invitation.0])?;
            connection.execute(
                "INSERT INTO operators (id, body) VALUES (?1, ?2)",
                params![operator.id.to_string(), json(&operator)?],
            )?;
            audit::append(connection, slice::from_ref(&record))?;
            Ok(Ok(()))
        })
        .await
    }

    async fn remove_operator(
        &self,
        id: OperatorId,
        record: NewRecord,
    ) -> std::result::Result<Removal, StoreError> {
        self.write(move |unit| {
            let connection = &unit.connection;
            let removal = operator::removal(&operators(connection)?, id);
            if removal == Removal::Removed {
                connection.execute("DELETE FROM operators WHERE id = ?1", [id.to_string()])?;
                audit::append(connection, slice::from_ref(&record))?;
            }
            Ok(removal)
        })
        .await
    }

    async fn emergency_request(
        &self,
        id: EmergencyRequestId,
    ) -> std::result::Result<Option<EmergencyRequest>, StoreError> {
        self.read(move |connection| request(connection, id)).await
    }

    async fn emergency_requests(
        &self,
        since: Timestamp,
    ) -> std::result::Result<Vec<EmergencyRequest>, StoreError> {
        self.read(move |connection| {
            let mut query = connection
                .prepare_cached("SELECT id, body FROM emergency_requests WHERE id >= ?1 ORDER BY id")?;
            let read = |row: &Row<'_>| document("emergency_requests", row);
            query.query_and_then([first_since(since)], read)?.collect()
        })
        .await
    }

    async fn approve_emergency(
        &self,
        id: EmergencyRequestId,
        approval: Approval,
        record: NewRecord,
    ) -> std::result::Result<Option<RequestState>, StoreError> {
        self.write(move |unit| {
            let Some(mut found) = request(&unit.connection, id)? else { return Ok(None) };
            let stood = found.approve(approval);
            if stood == RequestState::Waiting {
                keep(&unit.connection, &found)?;
                audit::append(&unit.connection, slice::from_ref(&record))?;
            }
            Ok(Some(stood))
        })
        .await
    }

    async fn emergency_key_used(&self) -> std::result::Result<Option<KeyUsed>, StoreError> {
        self.read(|connection| key_used(lookups::meta(connection, KEY_USED)?.as_deref())).await
    }

    async fn emergency_sessions(
        &self,
        application: ApplicationId,
        now: Timestamp,
    ) -> std::result::Result<Vec<Session>, StoreError> {
        self.read(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, body FROM sessions WHERE application_id = ?1 AND expires_at > ?2 \
                 AND json_extract(body, '$.kind') = 'emergency' ORDER BY id",
            )?;
            let read = |row: &Row<'_>| document("sessions", row);
            query.query_and_then(params![application.0, now.as_millis()], read)?.collect()
        })
        .await
    }

    async fn forget_operators(&self, now: Timestamp) -> std::result::Result<(), StoreError> {
        self.write(move |unit| {
            unit.connection
                .execute("DELETE FROM operator_invitations WHERE expires_at <= ?1", [now.as_millis()])?;
            unit.connection.execute(
                "DELETE FROM emergency_requests WHERE id < ?1",
                [first_since(now - REQUESTS_KEPT_FOR)],
            )?;
            Ok(())
        })
        .await
    }
}

/// Writes what an act on a person changed of emergency access, in its transaction.
pub(crate) fn change(connection: &Connection, change: &EmergencyChange) -> Result<()> {
    match change {
        EmergencyChange::Asked(request) => keep(connection, request),
        EmergencyChange::Used { key, request: id } => {
            connection.execute(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
                params![KEY_USED, key_used_text(key)?],
            )?;
            let Some(id) = *id else { return Ok(()) };
            let mut found =
                request(connection, id)?.ok_or_else(|| internal("a request was used that is not there"))?;
            if found.take(key.at) != RequestState::Approved {
                return Err(internal("a request was used that is not approved").into());
            }
            keep(connection, &found)
        }
    }
}

/// Reads a row of an id and a document.
fn document<T: serde::de::DeserializeOwned>(table: &'static str, row: &Row<'_>) -> Result<T> {
    let (id, body): (String, String) = (row.get(0)?, row.get(1)?);
    read_json(table, "body", || id, &body)
}

fn operators(connection: &Connection) -> Result<Vec<Operator>> {
    let mut query = connection.prepare_cached("SELECT id, body FROM operators ORDER BY id")?;
    query.query_and_then([], |row| document("operators", row))?.collect()
}

fn invited(connection: &Connection, hash: LookupHash) -> Result<Option<Invitation>> {
    let sql = format!("SELECT {INVITATION} FROM operator_invitations WHERE hash = ?1");
    let mut query = connection.prepare_cached(&sql)?;
    query.query_and_then([hash.0], |row| invitation(row))?.next().transpose()
}

fn request(connection: &Connection, id: EmergencyRequestId) -> Result<Option<EmergencyRequest>> {
    let mut query = connection.prepare_cached("SELECT id, body FROM emergency_requests WHERE id = ?1")?;
    query.query_and_then([id.to_string()], |row| document("emergency_requests", row))?.next().transpose()
}

fn keep(connection: &Connection, request: &EmergencyRequest) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO emergency_requests (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = ?2",
        )?
        .execute(params![request.id.to_string(), json(request)?])?;
    Ok(())
}
