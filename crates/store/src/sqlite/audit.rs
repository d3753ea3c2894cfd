//! The audit log. There is one writer, so whoever appends finds the chain as the one before left it; what it appends becomes
//! durable with the change that it tells of, or not at all.

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    audit::{Checkpoint, Head, NewRecord, Record, SealedDetail},
    clock::Timestamp,
    factor::failures::Failures,
    id::UserId,
    ports::store::{Audit, StoreError},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use crate::{
    error::{Result, internal},
    rows,
};

/// Appends records in the transaction of the change that they tell of.
pub(crate) fn append(connection: &Connection, records: &[NewRecord]) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let mut end = head(connection)?;
    let mut insert = connection
        .prepare_cached("INSERT INTO audit (seq, at, prev, body, hash) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut beside =
        connection.prepare_cached("INSERT INTO audit_details (seq, user_id, sealed) VALUES (?1, ?2, ?3)")?;
    for new in records {
        let record = Record::after(end, new);
        insert.execute(params![record.seq, record.at.as_millis(), record.prev, record.body, record.hash])?;
        if let Some(detail) = &new.detail {
            let user = detail.user.map(|user| user.to_string());
            beside.execute(params![record.seq, user, detail.sealed.as_bytes()])?;
        }
        end = record.head();
    }
    let moved = connection
        .prepare_cached("UPDATE audit_head SET seq = ?1, hash = ?2 WHERE one = 1")?
        .execute(params![end.seq, end.hash])?;
    if moved == 1 { Ok(()) } else { Err(internal("audit_head has no row").into()) }
}

fn head(connection: &Connection) -> Result<Head> {
    let sql = format!("SELECT {} FROM audit_head WHERE one = 1", rows::AUDIT_HEAD);
    connection.prepare_cached(&sql)?.query_row([], |row| Ok(rows::audit_head(row)))?
}

#[async_trait]
impl Audit for SqliteStore {
    async fn record(&self, records: Vec<NewRecord>) -> std::result::Result<(), StoreError> {
        self.write(move |unit| append(&unit.connection, &records)).await
    }

    async fn audit_head(&self) -> std::result::Result<Head, StoreError> {
        self.read(head).await
    }

    async fn audit_page(&self, after: u64, limit: u32) -> std::result::Result<Vec<Record>, StoreError> {
        self.read(move |connection| {
            let sql =
                format!("SELECT {} FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2", rows::AUDIT_RECORD);
            let mut query = connection.prepare_cached(&sql)?;
            query.query_and_then(params![after, limit], |row| rows::audit_record(row))?.collect()
        })
        .await
    }

    async fn audit_details(
        &self,
        first: u64,
        last: u64,
    ) -> std::result::Result<Vec<SealedDetail>, StoreError> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {} FROM audit_details WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
                rows::AUDIT_DETAIL
            );
            let mut query = connection.prepare_cached(&sql)?;
            query.query_and_then(params![first, last], |row| rows::audit_detail(row))?.collect()
        })
        .await
    }

    async fn failures(
        &self,
        application: ApplicationId,
        (after, until): (Timestamp, Timestamp),
        most: u64,
    ) -> std::result::Result<Failures, StoreError> {
        self.read(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT count(*), min(at) FROM (SELECT at FROM audit \
                 WHERE instr(body, '\"kind\":\"sign_in.failed\"') > 0 \
                 AND at > ?1 AND at <= ?2 AND instr(body, ?3) > 0 ORDER BY at DESC LIMIT ?4)",
            )?;
            let of = rows::audit_of_application(application);
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let (count, oldest): (u64, Option<i64>) = query
                .query_row(params![after.as_millis(), until.as_millis(), of, most], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            Ok(Failures { count, oldest: oldest.map(Timestamp::from_millis) })
        })
        .await
    }

    async fn emergency_uses(&self, after: Timestamp) -> std::result::Result<Vec<Record>, StoreError> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {} FROM audit WHERE (instr(body, '\"kind\":\"emergency.used\"') > 0 \
                 OR instr(body, '\"kind\":\"emergency.reviewed\"') > 0) AND at > ?1 ORDER BY at, seq",
                rows::AUDIT_RECORD
            );
            let mut query = connection.prepare_cached(&sql)?;
            query.query_and_then([after.as_millis()], |row| rows::audit_record(row))?.collect()
        })
        .await
    }

    async fn checkpoint(&self, checkpoint: Checkpoint) -> std::result::Result<(), StoreError> {
        self.write(move |unit| {
            let mut insert = unit.connection.prepare_cached(
                "INSERT INTO audit_checkpoints (seq, at, hash, signing_key, signature) \
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            )?;
            let Checkpoint { seq, at, hash, signature } = &checkpoint;
            insert.execute(params![seq, at.as_millis(), hash, signature.key, signature.bytes])?;
            Ok(())
        })
        .await
    }

    async fn checkpoints(&self, after: u64, limit: u32) -> std::result::Result<Vec<Checkpoint>, StoreError> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {} FROM audit_checkpoints WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                rows::AUDIT_CHECKPOINT
            );
            let mut query = connection.prepare_cached(&sql)?;
            query.query_and_then(params![after, limit], |row| rows::audit_checkpoint(row))?.collect()
        })
        .await
    }

    async fn last_checkpoint(&self) -> std::result::Result<Option<Checkpoint>, StoreError> {
        self.read(|connection| {
            let sql =
                format!("SELECT {} FROM audit_checkpoints ORDER BY seq DESC LIMIT 1", rows::AUDIT_CHECKPOINT);
            let mut query = connection.prepare_cached(&sql)?;
            query.query_row([], |row| Ok(rows::audit_checkpoint(row))).optional()?.transpose()
        })
        .await
    }

    async fn erase_audit_details(&self, user: UserId) -> std::result::Result<u64, StoreError> {
        self.write(move |unit| erase(&unit.connection, user)).await
    }
}

/// Deletes the details of a user, in the transaction that erases it.
pub(crate) fn erase(connection: &Connection, user: UserId) -> Result<u64> {
    let mut delete = connection.prepare_cached("DELETE FROM audit_details WHERE user_id = ?1")?;
    Ok(delete.execute([user.to_string()])? as u64)
}
