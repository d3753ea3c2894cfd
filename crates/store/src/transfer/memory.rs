//! What the SQLite writer remembers, gathered from the rows that pass, as rows of `buckets`.

use std::collections::BTreeMap;

use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    keyring::LookupHash,
    limit::{Bucket, LONGEST_WINDOW},
    verification::Status,
};
use rusqlite::types::Value;

use super::tables::{PACES, SPEND_BOOKS, Table};
use crate::{
    error::{Result, internal},
    fields::{Cells, Fields, Unfit},
    memory::Live,
    postgres::{BUCKETS, Charge, Key, Session, live_text, pace_row, recipient_row, row_of, row_of_month},
    rows,
};

/// Rows written with one statement.
const AT_ONCE: usize = 5000;

/// See the module.
pub(super) struct Remembered {
    now: Timestamp,
    rows: BTreeMap<Key, (String, String)>,
}

/// A row's values, readable like a row.
struct Values<'a>(&'a [Value]);

impl Cells for Values<'_> {
    fn number(&self, index: usize) -> std::result::Result<Option<i64>, Unfit> {
        match self.0.get(index) {
            Some(Value::Integer(number)) => Ok(Some(*number)),
            Some(Value::Null) => Ok(None),
            _ => Err(Unfit),
        }
    }

    fn text(&self, index: usize) -> std::result::Result<Option<&str>, Unfit> {
        match self.0.get(index) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(Unfit),
        }
    }

    fn bytes(&self, index: usize) -> std::result::Result<Option<&[u8]>, Unfit> {
        match self.0.get(index) {
            Some(Value::Blob(bytes)) => Ok(Some(bytes)),
            Some(Value::Null) => Ok(None),
            _ => Err(Unfit),
        }
    }
}

impl Remembered {
    /// What matters at `now`.
    pub(super) fn at(now: Timestamp) -> Self {
        Self { now, rows: BTreeMap::new() }
    }

    /// Looks at rows on their way.
    pub(super) fn take(&mut self, table: &Table, rows: &[Vec<Value>]) -> Result<()> {
        for row in rows {
            let values = Values(row);
            match table.name {
                "verifications" => self.verification(&values)?,
                "deliveries" => self.delivery(table, &values)?,
                "checks" => self.check(table, &values)?,
                PACES => self.pace(&values)?,
                SPEND_BOOKS => self.month(&values)?,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    fn verification(&mut self, values: &Values<'_>) -> Result<()> {
        if values.text(5).ok().flatten() != Some(Status::Pending.as_str()) {
            return Ok(());
        }
        let row = rows::verification(values)?;
        if row.status_at(self.now) == Status::Pending {
            let place = self.rows.entry(recipient_row(row.recipient)).or_default();
            place.1.push_str(&live_text(row.application, &Live::of(&row)));
        }
        Ok(())
    }

    fn delivery(&mut self, table: &Table, values: &Values<'_>) -> Result<()> {
        let (application, at) = self.of(table, values, "created_at")?;
        if at <= self.now - LONGEST_WINDOW {
            return Ok(());
        }
        let hash = |name| hash(values, table, name);
        let public = number(values, table, "public")? != 0;
        let charge = Charge { at, is_check: false, public, application };
        let mut buckets = vec![Bucket::Application(application)];
        buckets.extend(hash("recipient")?.map(|recipient| Bucket::Recipient(application, recipient)));
        if number(values, table, "given_back")? == 0 {
            buckets.extend(hash("network")?.map(|network| Bucket::Network(application, network)));
        }
        // The widest that is asked of an application is a minute.
        let recent = at + std::time::Duration::from_secs(60) > self.now;
        for bucket in buckets.iter().filter(|bucket| recent || !matches!(bucket, Bucket::Application(_))) {
            self.rows.entry(row_of(bucket)).or_default().0.push_str(&charge.text());
        }
        Ok(())
    }

    fn check(&mut self, table: &Table, values: &Values<'_>) -> Result<()> {
        let (application, at) = self.of(table, values, "at")?;
        let charged = number(values, table, "charged")? != 0;
        let recipient = hash(values, table, "recipient")?;
        if let Some(recipient) = recipient.filter(|_| charged && at > self.now - LONGEST_WINDOW) {
            let public = number(values, table, "public")? != 0;
            let charge = Charge { at, is_check: true, public, application };
            self.rows.entry(recipient_row(recipient)).or_default().0.push_str(&charge.text());
        }
        Ok(())
    }

    fn pace(&mut self, values: &Values<'_>) -> Result<()> {
        let mut fields = Fields::of(values, PACES, 2);
        let (provider, span): (String, i64) = (fields.take("provider")?, fields.take("span")?);
        let span = std::time::Duration::from_millis(u64::try_from(span).unwrap_or(0));
        self.rows.entry(pace_row(&provider, span)).or_default().0 = fields.take("book")?;
        Ok(())
    }

    fn month(&mut self, values: &Values<'_>) -> Result<()> {
        let mut fields = Fields::of(values, SPEND_BOOKS, 2);
        let (month, provider): (_, String) = (fields.parsed("month")?, fields.take("provider")?);
        self.rows.entry(row_of_month(month, &provider)).or_default().0 = fields.take("book")?;
        Ok(())
    }

    fn of(&self, table: &Table, values: &Values<'_>, moment: &str) -> Result<(ApplicationId, Timestamp)> {
        let application = ApplicationId(number(values, table, "application_id")?);
        Ok((application, Timestamp::from_millis(number(values, table, moment)?)))
    }

    /// Writes the rows.
    pub(super) async fn write(self, session: &mut Session) -> Result<()> {
        let statement = session.prepare(BUCKETS).await?;
        let rows: Vec<_> = self.rows.into_iter().collect();
        for rows in rows.chunks(AT_ONCE) {
            let keys: Vec<&[u8]> = rows.iter().map(|(key, _)| key.as_slice()).collect();
            let latest = vec![self.now.as_millis(); rows.len()];
            let charges: Vec<&str> = rows.iter().map(|(_, row)| row.0.as_str()).collect();
            let live: Vec<&str> = rows.iter().map(|(_, row)| row.1.as_str()).collect();
            session.client().execute(&statement, &[&keys, &latest, &charges, &live]).await?;
        }
        Ok(())
    }
}

fn place(table: &Table, column: &str) -> Result<usize> {
    let place = table.columns.iter().position(|(name, _)| *name == column);
    Ok(place.ok_or_else(|| internal(format!("{} has no column {column}", table.name)))?)
}

fn number(values: &Values<'_>, table: &Table, column: &str) -> Result<i64> {
    let number = values.number(place(table, column)?).ok().flatten();
    Ok(number.ok_or_else(|| internal(format!("{}.{column} holds no number", table.name)))?)
}

fn hash(values: &Values<'_>, table: &Table, column: &str) -> Result<Option<LookupHash>> {
    let bad = || internal(format!("{}.{column} holds no hash", table.name));
    let bytes = values.bytes(place(table, column)?).map_err(|_| bad())?;
    Ok(bytes.map(|bytes| bytes.try_into().map(LookupHash).map_err(|_| bad())).transpose()?)
}
