//! Observations as rows, alike in both databases: how they are cut up, named, and read back.
//!
//! A row is added and never changed. An attempt that is told of again, with more known, is another row under another word;
//! the same word twice is one row. What a node of another version tells in a way that this one cannot read is left out.

use std::{collections::BTreeMap, time::Duration};

use backstop_domain::ranking::{End, Observation};

use crate::error::{Result, internal};

/// How long a row is kept and read.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(86_400);
/// How far back of what was asked for a node reads: longer than a commit takes and clocks differ.
pub(crate) const OVERLAP: Duration = Duration::from_secs(5);
/// The most rows that one call reads, the newest: nobody ranks by more.
pub(crate) const READ_AT_ONCE: i64 = 100_000;
/// Old rows that a call drops beside twice as many as it adds, so that it keeps up with any load.
const DROPPED_AT_ONCE: usize = 500;

/// Rows to add, by attempt and word: bodies in the order of the key, so that nodes never wait for each other in a circle.
pub(crate) type Rows = BTreeMap<(String, &'static str), String>;

/// Cuts what is known into rows.
pub(crate) fn rows(mine: &[Observation]) -> Result<Rows> {
    let mut rows = Rows::new();
    for seen in mine {
        for part in parts(seen) {
            let body = serde_json::to_string(&part).map_err(|error| internal(error.to_string()))?;
            rows.entry((part.attempt.to_string(), word(&part))).or_insert(body);
        }
    }
    Ok(rows)
}

/// How many old rows go with so many new ones.
pub(crate) const fn dropped_with(new: usize) -> usize {
    DROPPED_AT_ONCE + 2 * new
}

/// Reads bodies, the oldest first.
pub(crate) fn read(bodies: impl Iterator<Item = String>) -> Vec<Observation> {
    let mut unreadable = 0_u64;
    let read = bodies.filter_map(|body| {
        let seen = serde_json::from_str(&body).ok();
        unreadable += u64::from(seen.is_none());
        seen
    });
    let mut read: Vec<_> = read.collect();
    read.reverse();
    if unreadable > 0 {
        tracing::warn!(observations.unreadable = unreadable, "some observations cannot be read");
    }
    read
}

/// One row for each thing that is known: that it was sent, if no more is; that it arrived; how it ended.
fn parts(seen: &Observation) -> Vec<Observation> {
    let arrived = Observation { end: None, ..seen.clone() };
    let ended = Observation { delivered_at: None, ..seen.clone() };
    match (seen.delivered_at, seen.end) {
        (Some(_), Some(_)) => vec![arrived, ended],
        _ => vec![seen.clone()],
    }
}

const fn word(part: &Observation) -> &'static str {
    match (part.delivered_at, part.end) {
        (_, Some((End::Censored, _))) => "censored",
        (_, Some((End::Undelivered, _))) => "undelivered",
        (_, Some((End::Refused, _))) => "refused",
        (_, Some((End::Approved, _))) => "approved",
        (Some(_), None) => "delivered",
        (None, None) => "sent",
    }
}
