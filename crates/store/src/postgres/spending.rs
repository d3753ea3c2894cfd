//! A batch as [`Books`]: the months of providers that its acts need, locked, and what is set aside there for attempts.
//!
//! A month is a row of buckets, locked in one statement with the paces in the order of the keys. An answer does not know
//! whose book it is about; the attempt's rows do, and their provider and month never change, so the locking statement
//! reads them unlocked. What is set aside is read after the locks.

use std::collections::{BTreeMap, BTreeSet};

use backstop_domain::{
    application::ApplicationId,
    spend::{Month, SpendBook},
};
use tokio_postgres::{Client, Row, Statement};

use super::{
    buckets::{Key, MONTH},
    ledger::{
        load::ask,
        write::{column, write},
    },
    outbox::OutboxDraft,
    session::Session,
};
use crate::{
    acts::spending::{AttemptKey, Books, Reserved},
    error::{Result, internal},
    fields::Fields,
};

/// Makes and locks rows of paces and months: those that are named, and those of attempts, by what is set aside for them
/// and by when they were written down. The form of a month's key is [`row_of_month`]'s.
pub(super) const LOCK: &str = "WITH named (a, v, i) AS (\
     SELECT a, v, i FROM unnest($2::bigint[], $3::text[], $4::text[]) w (a, v, i) UNION \
     SELECT o.* FROM unnest($5::text[], $6::text[]) w (p, h) CROSS JOIN LATERAL \
     (SELECT application_id, verification_id, attempt_id FROM open_attempts \
     WHERE provider = w.p AND handle = w.h OFFSET 0) o) \
     INSERT INTO buckets AS b (key, latest, charges, live) \
     SELECT key, 0, '', '' FROM (\
     SELECT key FROM unnest($1::bytea[]) w (key) UNION \
     SELECT '\\x05'::bytea || convert_to(r.month || r.provider, 'UTF8') \
     FROM named w CROSS JOIN LATERAL \
     (SELECT month, provider FROM reservations \
     WHERE application_id = w.a AND verification_id = w.v AND attempt_id = w.i OFFSET 0) r UNION \
     SELECT '\\x05'::bytea || convert_to(\
     to_char(to_timestamp(t.started_at / 1000) AT TIME ZONE 'UTC', 'YYYY-MM') || t.provider, 'UTF8') \
     FROM named w CROSS JOIN LATERAL \
     (SELECT started_at, provider FROM attempts \
     WHERE application_id = w.a AND verification_id = w.v AND id = w.i OFFSET 0) t) keys ORDER BY key \
     ON CONFLICT (key) DO UPDATE SET live = b.live RETURNING b.key, b.charges";

pub(super) const RESERVED: &str = "SELECT w.a, w.v, w.i, r.* \
     FROM unnest($1::bigint[], $2::text[], $3::text[]) w (a, v, i) CROSS JOIN LATERAL \
     (SELECT provider, month, set_aside FROM reservations \
     WHERE application_id = w.a AND verification_id = w.v AND attempt_id = w.i OFFSET 0) r";

pub(super) const ADD_RESERVED: &str = "INSERT INTO reservations \
     (application_id, verification_id, attempt_id, provider, month, set_aside) \
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])";

pub(super) const END_RESERVED: &str = "DELETE FROM reservations r \
     USING unnest($1::bigint[], $2::text[], $3::text[]) w (a, v, i) \
     WHERE r.application_id = w.a AND r.verification_id = w.v AND r.attempt_id = w.i";

const OF_MONTH: &str =
    "SELECT key, charges FROM buckets WHERE key >= $1 AND key < $2 AND charges <> '' ORDER BY key";

/// A month is written as `2026-11`.
const MONTH_LENGTH: usize = 7;

/// The row of what a provider costs in a month.
pub(crate) fn row_of_month(month: Month, provider: &str) -> Key {
    [&[MONTH], month.to_string().as_bytes(), provider.as_bytes()].concat()
}

/// Whether a row is that of a month.
pub(super) fn is_month(key: &Key) -> bool {
    key.first() == Some(&MONTH)
}

/// Whose month a row is.
fn provider_of(key: &Key) -> Option<&str> {
    key.get(1 + MONTH_LENGTH..).and_then(|provider| std::str::from_utf8(provider).ok())
}

/// The books of a month, by provider.
pub(super) async fn of_month(session: &mut Session, month: Month) -> Result<Vec<(String, SpendBook)>> {
    let statement = session.prepare(OF_MONTH).await?;
    let (first, end) = (row_of_month(month, ""), row_of_month(Month::of(month.end()), ""));
    let found = session.client().query(&statement, &[&first, &end]).await?;
    let book = |row: &Row| {
        let mut fields = Fields::of(row, "buckets", 0);
        let key: Key = fields.take("key")?;
        let provider = provider_of(&key).ok_or_else(|| fields.bad("key", "not that of a month"))?;
        Ok((provider.to_owned(), fields.parsed("charges")?))
    };
    found.iter().map(book).collect()
}

/// The months and what is set aside in them, as far as a batch needs them; and what it has made of them.
#[derive(Default)]
pub(super) struct Money {
    books: BTreeMap<Key, SpendBook>,
    reserved: BTreeMap<AttemptKey, Reserved>,
    changed: BTreeSet<Key>,
    added: BTreeSet<AttemptKey>,
    ended: BTreeSet<AttemptKey>,
}

/// The three columns that name attempts.
pub(super) type Names = (Vec<i64>, Vec<String>, Vec<String>);

pub(super) fn names<'k>(keys: impl Iterator<Item = &'k AttemptKey>) -> Names {
    let mut names = Names::default();
    for (application, verification, attempt) in keys {
        names.0.push(application.0);
        names.1.push(verification.to_string());
        names.2.push(attempt.to_string());
    }
    names
}

/// The attempts whose months are to be locked: those that are named, and those that vendors name by their own ids.
pub(super) struct Settling {
    names: Names,
    providers: Vec<String>,
    handles: Vec<String>,
}

impl Settling {
    pub(super) fn of<'k>(
        attempts: &BTreeSet<&'k AttemptKey>,
        handles: impl Iterator<Item = &'k (String, String)>,
    ) -> Self {
        let (providers, handles) = handles.cloned().unzip();
        Self { names: names(attempts.iter().copied()), providers, handles }
    }
}

/// Asks [`LOCK`].
pub(super) async fn lock(
    client: &Client,
    statement: &Statement,
    keys: &[&[u8]],
    settling: &Settling,
) -> Result<Vec<Row>> {
    let Settling { names, providers, handles } = settling;
    let wanted = !keys.is_empty() || !names.0.is_empty() || !handles.is_empty();
    ask(client, statement, wanted, &[&keys, &names.0, &names.1, &names.2, providers, handles]).await
}

/// Asks [`RESERVED`].
pub(super) async fn reserved(client: &Client, statement: &Statement, names: &Names) -> Result<Vec<Row>> {
    ask(client, statement, !names.0.is_empty(), &[&names.0, &names.1, &names.2]).await
}

impl Money {
    /// Takes the row of a month as it was locked.
    pub(super) fn locked(&mut self, key: Key, book: SpendBook) {
        self.books.insert(key, book);
    }

    /// Takes a row of [`RESERVED`].
    pub(super) fn found(&mut self, row: &Row) -> Result<()> {
        let mut fields = Fields::of(row, "reservations", 3);
        let application = ApplicationId(fields.take("application_id")?);
        let key = (application, fields.parsed("verification_id")?, fields.parsed("attempt_id")?);
        let reserved = Reserved {
            provider: fields.take("provider")?,
            month: fields.parsed("month")?,
            set_aside: fields.parsed("set_aside")?,
        };
        self.reserved.insert(key, reserved);
        Ok(())
    }

    /// The rows of months to write.
    pub(super) fn changed(&self) -> impl Iterator<Item = (&Key, String)> {
        let books = self.changed.iter().filter_map(|key| self.books.get_key_value(key));
        books.map(|(key, book)| (key, book.to_string()))
    }

    /// Writes what was set aside, with [`ADD_RESERVED`].
    pub(super) async fn write_added(&self, client: &Client, insert: &Statement) -> Result<()> {
        let rows: Vec<_> = self.added.iter().filter_map(|key| self.reserved.get_key_value(key)).collect();
        let names = names(rows.iter().map(|(key, _)| *key));
        write(
            client,
            insert,
            rows.len(),
            &[
                &names.0,
                &names.1,
                &names.2,
                &column(&rows, |(_, row)| row.provider.as_str()),
                &column(&rows, |(_, row)| row.month.to_string()),
                &column(&rows, |(_, row)| row.set_aside.to_string()),
            ],
        )
        .await
    }

    /// Writes what is not set aside any more, with [`END_RESERVED`].
    pub(super) async fn write_ended(&self, client: &Client, delete: &Statement) -> Result<()> {
        let names = names(self.ended.iter());
        write(client, delete, self.ended.len(), &[&names.0, &names.1, &names.2]).await
    }
}

impl Books for OutboxDraft {
    fn book(&self, provider: &str, month: Month) -> Result<SpendBook> {
        let book = self.money.books.get(&row_of_month(month, provider));
        Ok(book.cloned().ok_or_else(|| internal("a month's book was read that is not locked"))?)
    }

    fn keep_book(&mut self, provider: &str, month: Month, book: SpendBook) -> Result<()> {
        self.change();
        let key = row_of_month(month, provider);
        self.money.changed.insert(key.clone());
        self.money.books.insert(key, book);
        Ok(())
    }

    fn reserved(&self, of: AttemptKey) -> Result<Option<Reserved>> {
        Ok(self.money.reserved.get(&of).cloned())
    }

    fn add_reserved(&mut self, of: AttemptKey, reserved: Reserved) -> Result<()> {
        self.change();
        self.money.added.insert(of);
        self.money.reserved.insert(of, reserved);
        Ok(())
    }

    fn end_reserved(&mut self, of: AttemptKey) -> Result<()> {
        self.change();
        self.money.reserved.remove(&of);
        if !self.money.added.remove(&of) {
            self.money.ended.insert(of);
        }
        Ok(())
    }
}
