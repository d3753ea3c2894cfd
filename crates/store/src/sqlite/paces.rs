//! The places that providers' messages take, one row per provider and span.

use std::time::Duration;

use backstop_domain::limit::PaceBook;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Result, bad_row};

/// The places taken in a span of a provider.
pub(super) fn read(connection: &Connection, provider: &str, span: Duration) -> Result<PaceBook> {
    let mut query = connection.prepare_cached("SELECT book FROM paces WHERE provider = ?1 AND span = ?2")?;
    let text: Option<String> =
        query.query_row(params![provider, millis(span)], |row| row.get(0)).optional()?;
    let bad = |problem| bad_row("paces", "book", format!("{provider}/{}", millis(span)), problem);
    text.map_or(Ok(PaceBook::default()), |text| text.parse().map_err(bad))
}

/// Writes them.
pub(super) fn write(connection: &Connection, provider: &str, span: Duration, book: &PaceBook) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO paces (provider, span, book) VALUES (?1, ?2, ?3) \
             ON CONFLICT (provider, span) DO UPDATE SET book = excluded.book",
        )?
        .execute(params![provider, millis(span), book.to_string()])?;
    Ok(())
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
