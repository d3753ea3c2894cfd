//! The places that providers' messages take, one row per provider and span.

use std::time::Duration;

use backstop_domain::{
    clock::Timestamp,
    limit::{Pace, PaceBook},
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Result, bad_row};

/// Takes a place of each pace, or of none. `Err` says when all of them may have one.
pub(super) fn take(
    connection: &Connection,
    provider: &str,
    paces: &[Pace],
    now: Timestamp,
) -> Result<std::result::Result<(), Timestamp>> {
    let mut books = Vec::with_capacity(paces.len());
    let mut until = None;
    for pace in paces {
        let mut book = read(connection, provider, pace.span)?;
        until = until.max(book.take(*pace, now).err());
        books.push((pace.span, book));
    }
    if let Some(until) = until {
        return Ok(Err(until));
    }
    for (span, book) in books {
        connection
            .prepare_cached(
                "INSERT INTO paces (provider, span, book) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (provider, span) DO UPDATE SET book = excluded.book",
            )?
            .execute(params![provider, millis(span), book.to_string()])?;
    }
    Ok(Ok(()))
}

fn read(connection: &Connection, provider: &str, span: Duration) -> Result<PaceBook> {
    let mut query = connection.prepare_cached("SELECT book FROM paces WHERE provider = ?1 AND span = ?2")?;
    let text: Option<String> =
        query.query_row(params![provider, millis(span)], |row| row.get(0)).optional()?;
    let bad = |problem| bad_row("paces", "book", format!("{provider}/{}", millis(span)), problem);
    text.map_or(Ok(PaceBook::default()), |text| text.parse().map_err(bad))
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
