//! The newest attempts of one arm, at most so many.
//!
//! What is kept depends on the rows alone, not on how they came: the newest by id are kept, and an id that has fallen out
//! is older than all that are in, so it cannot come back.

use std::collections::BTreeMap;

use super::observation::{End, Observation, surer};
use crate::{clock::Timestamp, id::AttemptId, recipient::Region};

/// How many attempts an arm remembers.
pub(super) const KEPT: usize = 4096;

/// What a window keeps of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) region: Option<Region>,
    pub(super) sent_at: Timestamp,
    pub(super) delivered: bool,
    pub(super) end: Option<(End, Timestamp)>,
}

/// The newest attempts, oldest first: an id begins with the moment that it was made at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Window(BTreeMap<AttemptId, Row>);

impl Window {
    /// Takes a row or merges it into what is known; says whether anything changed.
    pub(super) fn observe(&mut self, seen: &Observation) -> bool {
        let row = Row {
            region: seen.region,
            sent_at: seen.sent_at,
            delivered: seen.delivered_at.is_some(),
            end: seen.end,
        };
        if let Some(known) = self.0.get_mut(&seen.attempt) {
            let merged = Row {
                region: known.region.max(row.region),
                sent_at: known.sent_at.min(row.sent_at),
                delivered: known.delivered || row.delivered,
                end: surer(known.end, row.end),
            };
            let changed = *known != merged;
            *known = merged;
            return changed;
        }
        if self.0.len() >= KEPT {
            match self.0.first_entry() {
                Some(oldest) if *oldest.key() > seen.attempt => return false,
                Some(oldest) => drop(oldest.remove()),
                None => {}
            }
        }
        self.0.insert(seen.attempt, row);
        true
    }

    /// Oldest first.
    pub(super) fn rows(&self) -> impl DoubleEndedIterator<Item = &Row> {
        self.0.values()
    }
}
