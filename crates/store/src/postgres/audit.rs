//! The audit log, for all nodes together. Whoever appends locks the one row that says where the chain ends, as the last thing
//! that its transaction locks, and holds it until that commits: so there is one order, without a gap and without a fork.

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    audit::{Checkpoint, Head, NewRecord, Record, SealedDetail},
    clock::Timestamp,
    factor::failures::Failures,
    id::UserId,
    ports::store::{Audit, StoreError},
};

use super::{PostgresStore, session::Session};
use crate::{
    error::{Result, internal},
    rows,
};

const LOCK: &str = "SELECT seq, hash FROM audit_head WHERE one = 1 FOR UPDATE";

const INSERT: &str = "INSERT INTO audit (seq, at, prev, body, hash) \
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::text[], $5::bytea[])";

const BESIDE: &str = "INSERT INTO audit_details (seq, user_id, sealed) \
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[])";

const MOVE: &str = "UPDATE audit_head SET seq = $1, hash = $2 WHERE one = 1";

const FAILURES: &str = "SELECT count(*), min(at) FROM (SELECT at FROM audit \
     WHERE strpos(body, '\"kind\":\"sign_in.failed\"') > 0 \
     AND at > $1 AND at <= $2 AND strpos(body, $3) > 0 ORDER BY at DESC LIMIT $4) newest";

const CHECKPOINT: &str = "INSERT INTO audit_checkpoints (seq, at, hash, signing_key, signature) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";

const ERASE: &str = "DELETE FROM audit_details WHERE user_id = $1";

/// Appends records in the transaction that the session is in, after everything else that it locks.
pub(crate) async fn append(session: &mut Session, records: &[NewRecord]) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let (lock, insert) = (session.prepare(LOCK).await?, session.prepare(INSERT).await?);
    let (beside, moved) = (session.prepare(BESIDE).await?, session.prepare(MOVE).await?);
    let found = session.client().query_opt(&lock, &[]).await?;
    let mut end = rows::audit_head(&found.ok_or_else(|| internal("audit_head has no row"))?)?;
    let mut chained = Vec::with_capacity(records.len());
    for new in records {
        let record = Record::after(end, new);
        end = record.head();
        chained.push(record);
    }
    let seqs = chained.iter().map(|record| number(record.seq)).collect::<Result<Vec<i64>>>()?;
    let moments: Vec<i64> = chained.iter().map(|record| record.at.as_millis()).collect();
    let before: Vec<&[u8]> = chained.iter().map(|record| record.prev.as_slice()).collect();
    let bodies: Vec<&str> = chained.iter().map(|record| record.body.as_str()).collect();
    let hashes: Vec<&[u8]> = chained.iter().map(|record| record.hash.as_slice()).collect();
    session.client().execute(&insert, &[&seqs, &moments, &before, &bodies, &hashes]).await?;
    let details = seqs.iter().zip(records).filter_map(|(seq, new)| Some((*seq, new.detail.as_ref()?)));
    let details: Vec<_> = details.collect();
    if !details.is_empty() {
        let seqs: Vec<i64> = details.iter().map(|(seq, _)| *seq).collect();
        let users: Vec<Option<String>> =
            details.iter().map(|(_, detail)| detail.user.map(|user| user.to_string())).collect();
        let sealed: Vec<&[u8]> = details.iter().map(|(_, detail)| detail.sealed.as_bytes()).collect();
        session.client().execute(&beside, &[&seqs, &users, &sealed]).await?;
    }
    session.client().execute(&moved, &[&number(end.seq)?, &end.hash.as_slice()]).await?;
    Ok(())
}

/// Deletes the details of a user, in the transaction that erases it.
pub(crate) async fn erase(session: &mut Session, user: UserId) -> Result<u64> {
    let statement = session.prepare(ERASE).await?;
    Ok(session.client().execute(&statement, &[&user.to_string()]).await?)
}

fn number(seq: u64) -> Result<i64> {
    Ok(i64::try_from(seq).map_err(|_| internal("a number past the end of numbers"))?)
}

#[async_trait]
impl Audit for PostgresStore {
    async fn record(&self, records: Vec<NewRecord>) -> std::result::Result<(), StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                session.begin().await?;
                append(session, &records).await?;
                session.commit().await
            })
        }))
        .await
    }

    async fn audit_head(&self) -> std::result::Result<Head, StoreError> {
        self.run(Box::new(|session| {
            Box::pin(async move {
                let sql = format!("SELECT {} FROM audit_head WHERE one = 1", rows::AUDIT_HEAD);
                rows::audit_head(&session.client().query_one(&sql, &[]).await?)
            })
        }))
        .await
    }

    async fn audit_page(&self, after: u64, limit: u32) -> std::result::Result<Vec<Record>, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let sql =
                    format!("SELECT {} FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2", rows::AUDIT_RECORD);
                let found = session.client().query(&sql, &[&number(after)?, &i64::from(limit)]).await?;
                found.iter().map(rows::audit_record).collect()
            })
        }))
        .await
    }

    async fn audit_details(
        &self,
        first: u64,
        last: u64,
    ) -> std::result::Result<Vec<SealedDetail>, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {} FROM audit_details WHERE seq BETWEEN $1 AND $2 ORDER BY seq",
                    rows::AUDIT_DETAIL
                );
                let found = session.client().query(&sql, &[&number(first)?, &number(last)?]).await?;
                found.iter().map(rows::audit_detail).collect()
            })
        }))
        .await
    }

    async fn failures(
        &self,
        application: ApplicationId,
        (after, until): (Timestamp, Timestamp),
        most: u64,
    ) -> std::result::Result<Failures, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let statement = session.prepare(FAILURES).await?;
                let of = rows::audit_of_application(application);
                let span = (after.as_millis(), until.as_millis());
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                let row = session.client().query_one(&statement, &[&span.0, &span.1, &of, &most]).await?;
                let (count, oldest): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
                let count = u64::try_from(count).map_err(|_| internal("a count below zero"))?;
                Ok(Failures { count, oldest: oldest.map(Timestamp::from_millis) })
            })
        }))
        .await
    }

    async fn emergency_uses(&self, after: Timestamp) -> std::result::Result<Vec<Record>, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {} FROM audit WHERE (strpos(body, '\"kind\":\"emergency.used\"') > 0 \
                     OR strpos(body, '\"kind\":\"emergency.reviewed\"') > 0) AND at > $1 ORDER BY at, seq",
                    rows::AUDIT_RECORD
                );
                let found = session.client().query(&sql, &[&after.as_millis()]).await?;
                found.iter().map(rows::audit_record).collect()
            })
        }))
        .await
    }

    async fn checkpoint(&self, checkpoint: Checkpoint) -> std::result::Result<(), StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let Checkpoint { seq, at, hash, signature } = checkpoint;
                let statement = session.prepare(CHECKPOINT).await?;
                let (seq, at, hash) = (number(seq)?, at.as_millis(), hash.as_slice());
                let cells: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                    [&seq, &at, &hash, &signature.key, &signature.bytes];
                session.client().execute(&statement, &cells).await?;
                Ok(())
            })
        }))
        .await
    }

    async fn checkpoints(&self, after: u64, limit: u32) -> std::result::Result<Vec<Checkpoint>, StoreError> {
        self.run(Box::new(move |session| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {} FROM audit_checkpoints WHERE seq > $1 ORDER BY seq LIMIT $2",
                    rows::AUDIT_CHECKPOINT
                );
                let found = session.client().query(&sql, &[&number(after)?, &i64::from(limit)]).await?;
                found.iter().map(rows::audit_checkpoint).collect()
            })
        }))
        .await
    }

    async fn last_checkpoint(&self) -> std::result::Result<Option<Checkpoint>, StoreError> {
        self.run(Box::new(|session| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {} FROM audit_checkpoints ORDER BY seq DESC LIMIT 1",
                    rows::AUDIT_CHECKPOINT
                );
                let found = session.client().query_opt(&sql, &[]).await?;
                found.as_ref().map(rows::audit_checkpoint).transpose()
            })
        }))
        .await
    }

    async fn erase_audit_details(&self, user: UserId) -> std::result::Result<u64, StoreError> {
        self.run(Box::new(move |session| Box::pin(erase(session, user)))).await
    }
}
