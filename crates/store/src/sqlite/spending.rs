//! The writer as [`Books`]: a row for each provider's month, and one for each attempt that has money set aside.

use backstop_domain::spend::{Month, SpendBook};
use rusqlite::{Connection, OptionalExtension, params};

use super::writer::Unit;
use crate::{
    acts::spending::{AttemptKey, Books, Reserved},
    error::{Result, bad_row},
    fields::Fields,
};

/// The books of a month, by provider.
pub(super) fn of_month(connection: &Connection, month: Month) -> Result<Vec<(String, SpendBook)>> {
    let mut query = connection.prepare_cached(
        "SELECT month, provider, provider, book FROM spend_books WHERE month = ?1 ORDER BY provider",
    )?;
    query
        .query_and_then([month.to_string()], |row| -> Result<_> {
            let mut fields = Fields::after_key(row, "spend_books", 2);
            Ok((fields.take("provider")?, fields.parsed("book")?))
        })?
        .collect()
}

impl Books for Unit {
    fn book(&self, provider: &str, month: Month) -> Result<SpendBook> {
        let mut query = self
            .connection
            .prepare_cached("SELECT book FROM spend_books WHERE month = ?1 AND provider = ?2")?;
        let key = params![month.to_string(), provider];
        let text: Option<String> = query.query_row(key, |row| row.get(0)).optional()?;
        let bad = |problem| bad_row("spend_books", "book", format!("{month}/{provider}"), problem);
        text.map_or(Ok(SpendBook::default()), |text| text.parse().map_err(bad))
    }

    fn keep_book(&mut self, provider: &str, month: Month, book: SpendBook) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO spend_books (month, provider, book) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (month, provider) DO UPDATE SET book = excluded.book",
            )?
            .execute(params![month.to_string(), provider, book.to_string()])?;
        Ok(())
    }

    fn reserved(&self, (application, verification, attempt): AttemptKey) -> Result<Option<Reserved>> {
        let mut query = self.connection.prepare_cached(
            "SELECT application_id, verification_id, attempt_id, provider, month, set_aside FROM reservations \
             WHERE application_id = ?1 AND verification_id = ?2 AND attempt_id = ?3",
        )?;
        let key = params![application.0, verification.to_string(), attempt.to_string()];
        let mut found = query.query_and_then(key, |row| -> Result<_> {
            let mut fields = Fields::after_key(row, "reservations", 3);
            Ok(Reserved {
                provider: fields.take("provider")?,
                month: fields.parsed("month")?,
                set_aside: fields.parsed("set_aside")?,
            })
        })?;
        found.next().transpose()
    }

    fn add_reserved(
        &mut self,
        (application, verification, attempt): AttemptKey,
        reserved: Reserved,
    ) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO reservations (application_id, verification_id, attempt_id, provider, month, set_aside) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                application.0,
                verification.to_string(),
                attempt.to_string(),
                reserved.provider,
                reserved.month.to_string(),
                reserved.set_aside.to_string()
            ])?;
        Ok(())
    }

    fn end_reserved(&mut self, (application, verification, attempt): AttemptKey) -> Result<()> {
        self.connection
            .prepare_cached(
                "DELETE FROM reservations WHERE application_id = ?1 AND verification_id = ?2 AND attempt_id = ?3",
            )?
            .execute(params![application.0, verification.to_string(), attempt.to_string()])?;
        Ok(())
    }
}
