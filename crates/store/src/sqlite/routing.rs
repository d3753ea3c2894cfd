//! What routing knows. Rows are added through the writer and read beside it: this process alone adds any, so what a new
//! one reads is what an earlier one knew.

use std::slice;

use async_trait::async_trait;
use backstop_domain::{
    audit::NewRecord,
    clock::Timestamp,
    id::VerificationId,
    ports::store::{ProviderSwitch, Routing, Standing, StoreError, Usage},
    ranking::Observation,
    spend::{Month, SpendBook},
};
use rusqlite::{Connection, params};

use super::{SqliteStore, audit, spending};
use crate::{
    error::Result,
    observations::{self, KEPT_FOR, OVERLAP, READ_AT_ONCE},
    rows, usage,
};

#[async_trait]
impl Routing for SqliteStore {
    async fn observe(
        &self,
        mine: Vec<Observation>,
        since: Timestamp,
        now: Timestamp,
    ) -> std::result::Result<Vec<Observation>, StoreError> {
        let new = observations::rows(&mine).map_err(StoreError::from)?;
        self.write(move |unit| {
            unit.memory.see(now);
            add(&unit.connection, &new, now)
        })
        .await?;
        let after = (since - OVERLAP).max(now - KEPT_FOR);
        self.read(move |connection| {
            let mut query = connection
                .prepare_cached("SELECT body FROM observations WHERE at > ?1 ORDER BY at DESC LIMIT ?2")?;
            let bodies = query.query_map(params![after.as_millis(), READ_AT_ONCE], |row| row.get(0))?;
            let bodies: Vec<String> = bodies.collect::<rusqlite::Result<_>>()?;
            Ok(observations::read(bodies.into_iter()))
        })
        .await
    }

    async fn spending(&self, now: Timestamp) -> std::result::Result<Vec<(String, SpendBook)>, StoreError> {
        self.read(move |connection| spending::of_month(connection, Month::of(now))).await
    }

    async fn switches(&self) -> std::result::Result<Vec<ProviderSwitch>, StoreError> {
        self.read(|connection| {
            let sql = format!("SELECT {} FROM provider_switches ORDER BY provider", rows::PROVIDER_SWITCH);
            connection.prepare_cached(&sql)?.query_and_then([], |row| rows::provider_switch(row))?.collect()
        })
        .await
    }

    async fn switch(&self, switch: ProviderSwitch, record: NewRecord) -> std::result::Result<(), StoreError> {
        self.write(move |unit| {
            unit.connection
                .prepare_cached(
                    "INSERT INTO provider_switches AS s (provider, enabled, monthly_spend_limit, changed_at) \
                     VALUES (?1, ?2, ?3, ?4) ON CONFLICT (provider) DO UPDATE \
                     SET enabled = coalesce(excluded.enabled, s.enabled), \
                     monthly_spend_limit = coalesce(excluded.monthly_spend_limit, s.monthly_spend_limit), \
                     changed_at = excluded.changed_at",
                )?
                .execute(params![
                    switch.provider,
                    switch.enabled,
                    switch.monthly_spend_limit.map(|limit| limit.to_string()),
                    switch.changed_at.as_millis()
                ])?;
            audit::append(&unit.connection, slice::from_ref(&record))
        })
        .await
    }

    async fn usage(&self, from: Timestamp, to: Timestamp) -> std::result::Result<Vec<Usage>, StoreError> {
        self.read(move |connection| count(connection, from, to)).await
    }

    async fn standings(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> std::result::Result<Vec<Standing>, StoreError> {
        self.read(move |connection| standings(connection, from, to)).await
    }
}

fn add(connection: &Connection, new: &observations::Rows, now: Timestamp) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO observations (attempt, kind, at, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?;
    for ((attempt, kind), body) in new {
        insert.execute(params![attempt, kind, now.as_millis(), body])?;
    }
    connection
        .prepare_cached(
            "DELETE FROM observations WHERE (attempt, kind) IN \
             (SELECT attempt, kind FROM observations WHERE at <= ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![(now - KEPT_FOR).as_millis(), observations::dropped_with(new.len())])?;
    Ok(())
}

/// Along the primary key, application by application.
fn count(connection: &Connection, from: Timestamp, to: Timestamp) -> Result<Vec<Usage>> {
    let sql = format!(
        "WITH RECURSIVE owners (owner) AS (SELECT min(application_id) FROM attempts UNION ALL \
         SELECT (SELECT min(application_id) FROM attempts WHERE application_id > owner) FROM owners \
         WHERE owner IS NOT NULL) \
         SELECT {}, count(*) FROM owners CROSS JOIN attempts a ON a.application_id = owner \
         AND a.verification_id >= ?1 AND a.verification_id < ?2 AND a.started_at >= ?3 AND a.started_at < ?4 \
         GROUP BY 1, 2, 3, 4, 5, 6, 7",
        *usage::COLUMNS
    );
    let mut query = connection.prepare_cached(&sql)?;
    let first = VerificationId::first_at(from - usage::LONGEST_LIFE).to_string();
    let end = VerificationId::first_at(to).to_string();
    query
        .query_and_then(params![first, end, from.as_millis(), to.as_millis()], |row| usage::usage(row))?
        .collect()
}

/// Along the primary key, application by application.
fn standings(connection: &Connection, from: Timestamp, to: Timestamp) -> Result<Vec<Standing>> {
    let sql = format!(
        "WITH RECURSIVE owners (owner) AS (SELECT min(application_id) FROM verifications UNION ALL \
         SELECT (SELECT min(application_id) FROM verifications WHERE application_id > owner) FROM owners \
         WHERE owner IS NOT NULL) \
         SELECT {}, count(*) FROM owners CROSS JOIN verifications v ON v.application_id = owner \
         AND v.id >= ?1 AND v.id < ?2 GROUP BY 1, 2 ORDER BY 1, 2",
        usage::STANDING
    );
    let mut query = connection.prepare_cached(&sql)?;
    let (first, end) = (VerificationId::first_at(from).to_string(), VerificationId::first_at(to).to_string());
    query.query_and_then(params![first, end], |row| usage::standing(row))?.collect()
}
