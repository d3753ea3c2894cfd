//! Notices in SQLite. One process serves, so a lease matters only against a process that died: its leases end at the next
//! start, and by themselves where it was only paused.

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    delivery::Lease,
    id::{NodeId, NoticeId},
    notice::{Line, NewNotice},
    ports::store::{DueNotice, Notices, Settled, StoreError},
};
use rusqlite::{Connection, params};

use super::SqliteStore;
use crate::{
    error::Result,
    notices::{self, FORGOTTEN_PER_CALL, Row},
};

#[async_trait]
impl Notices for SqliteStore {
    async fn post_notices(&self, notices: Vec<NewNotice>) -> std::result::Result<(), StoreError> {
        self.write(move |unit| insert(&unit.connection, &notices)).await
    }

    async fn due_notices(
        &self,
        line: Line,
        lease: Lease,
        now: Timestamp,
        limit: u32,
    ) -> std::result::Result<Vec<DueNotice>, StoreError> {
        self.write(move |unit| {
            unit.memory.see(now);
            lease_due(&unit.connection, &line, lease, now, limit)
        })
        .await
    }

    async fn settle_notice(
        &self,
        application: ApplicationId,
        id: NoticeId,
        holder: NodeId,
        settled: Settled,
        now: Timestamp,
    ) -> std::result::Result<bool, StoreError> {
        self.write(move |unit| {
            unit.memory.see(now);
            let (state, due_at, ended_at) = notices::after(settled, now);
            let changed = unit
                .connection
                .prepare_cached(
                    "UPDATE notices SET state = ?4, due_at = coalesce(?5, due_at), ended_at = ?6, \
                     address = CASE WHEN ?6 IS NULL THEN address END, lease_holder = NULL, lease_until = NULL \
                     WHERE application_id = ?1 AND id = ?2 AND lease_holder = ?3 AND state = 'waiting'",
                )?
                .execute(params![
                    application.0,
                    id.to_string(),
                    holder.to_string(),
                    state,
                    due_at,
                    ended_at
                ])?;
            Ok(changed == 1)
        })
        .await
    }

    async fn forget_notices(&self, before: Timestamp) -> std::result::Result<u64, StoreError> {
        self.write(move |unit| {
            let forgotten = unit
                .connection
                .prepare_cached(
                    "DELETE FROM notices WHERE (at, application_id, id) IN \
                     (SELECT at, application_id, id FROM notices WHERE at < ?1 ORDER BY at LIMIT ?2)",
                )?
                .execute(params![before.as_millis(), FORGOTTEN_PER_CALL])?;
            Ok(u64::try_from(forgotten).unwrap_or(u64::MAX))
        })
        .await
    }
}

/// Writes notices down, in the transaction of what they tell.
pub(crate) fn insert(connection: &Connection, new: &[NewNotice]) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO notices (application_id, id, kind, user_id, line, target, address, masked, at, sequence, \
         detail, state, tries, due_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'waiting', 0, ?9)",
    )?;
    for notice in new {
        let row = Row::of(notice)?;
        insert.execute(params![
            notice.application.0,
            notice.id.to_string(),
            notice.kind.as_str(),
            row.user,
            row.line,
            row.target,
            row.address,
            row.masked,
            notice.at.as_millis(),
            row.sequence,
            row.detail
        ])?;
    }
    Ok(())
}

fn lease_due(
    connection: &Connection,
    line: &Line,
    lease: Lease,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<DueNotice>> {
    let sql = format!(
        "SELECT {} FROM notices WHERE line = ?1 AND state = 'waiting' AND due_at <= ?2 \
         AND (lease_until IS NULL OR lease_until <= ?2) ORDER BY due_at, application_id, id LIMIT ?3",
        notices::COLUMNS
    );
    let mut found = Vec::new();
    {
        let mut query = connection.prepare_cached(&sql)?;
        let mut rows = query.query(params![line.to_string(), now.as_millis(), limit])?;
        while let Some(row) = rows.next()? {
            found.push(notices::due(row)?);
        }
    }
    let mut take = connection.prepare_cached(
        "UPDATE notices SET tries = tries + 1, lease_holder = ?3, lease_until = ?4 \
         WHERE application_id = ?1 AND id = ?2",
    )?;
    for due in &mut found {
        due.tries += 1;
        take.execute(params![
            due.notice.application.0,
            due.notice.id.to_string(),
            lease.holder.to_string(),
            lease.until.as_millis()
        ])?;
    }
    Ok(found)
}
