//! Holds what callers heard and what vendors got against the rows, and says which promise was broken. Pure: its own tests
//! plant faults and see that they are found.
//!
//! A call without an answer, or with a 5xx, may have been done or not: whatever the rows say of it is believed, once.
//! Calls with the same `Idempotency-Key` are one deed, however often and wherever they were made.

mod checks;
mod limits;
mod sent;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use super::{
    history::{Asked, Call},
    rows::Rows,
};

/// A message that a vendor got.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) attempt: String,
    pub(super) verification: String,
    pub(super) to: String,
    pub(super) code: String,
}

/// What the nodes were configured with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) recipient_per_hour: usize,
    pub(super) checks_per_hour: usize,
    pub(super) application_per_minute: usize,
    pub(super) live: usize,
    pub(super) resend_after: Duration,
    /// How far a node's time may be from the database's, and a call's end from the commit that it waited for.
    pub(super) slack: Duration,
}

/// Everything there is to know after a run, once all is quiet.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    pub(super) calls: Vec<Call>,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) rows: Rows,
    pub(super) rules: Rules,
}

/// Every broken promise, as a sentence; nothing, if all were kept.
pub(super) fn faults(evidence: &Evidence) -> Vec<String> {
    [sent::faults(evidence), checks::faults(evidence), limits::faults(evidence), keys(evidence)].concat()
}

/// What callers wanted to be done once: one call, or all with one key.
type Deed<'a> = Vec<&'a Call>;

impl Evidence {
    /// What there was to lose, in figures. Fails if that was too little.
    pub(super) fn summary(&self) -> String {
        let count = |wanted: fn(&Asked) -> bool, status| {
            self.calls.iter().filter(|call| wanted(&call.asked) && call.body(status).is_some()).count()
        };
        let starts = count(|asked| matches!(asked, Asked::Start { .. }), 201);
        let checks = count(|asked| matches!(asked, Asked::Check { .. }), 200);
        let [refused, unavailable] = [429, 503].map(|status| count(|_| true, status));
        let silent = self.calls.iter().filter(|call| call.heard.is_none()).count();
        let unknown = self.rows.attempts.iter().filter(|attempt| attempt.state == "unknown").count();
        assert!(
            starts > 50 && checks > 50 && refused > 5,
            "{starts} starts, {checks} checks, {refused} refused"
        );
        format!(
            "{} calls, {starts} acknowledged starts, {checks} answered checks, {refused} refused, {unavailable} with 503, \
             {silent} without an answer; {} verifications, {} messages, {unknown} attempts unknown",
            self.calls.len(),
            self.rows.verifications.len(),
            self.arrivals.len(),
        )
    }

    /// The deeds of one kind.
    fn deeds(&self, wanted: impl Fn(&Asked) -> bool) -> Vec<Deed<'_>> {
        let mut keyed: BTreeMap<&str, Deed<'_>> = BTreeMap::new();
        let mut deeds = Vec::new();
        for call in self.calls.iter().filter(|call| wanted(&call.asked)) {
            match &call.key {
                Some(key) => keyed.entry(key).or_default().push(call),
                None => deeds.push(vec![call]),
            }
        }
        deeds.extend(keyed.into_values());
        deeds
    }

    /// The deeds of one kind by the verification that they name.
    fn deeds_on(&self, wanted: impl Fn(&Asked) -> bool) -> BTreeMap<&str, Vec<Deed<'_>>> {
        let mut by_verification: BTreeMap<&str, Vec<Deed<'_>>> = BTreeMap::new();
        for deed in self.deeds(wanted) {
            if let Asked::Check { id, .. } | Asked::Resend { id } | Asked::Redeem { id } = &deed[0].asked {
                by_verification.entry(id).or_default().push(deed);
            }
        }
        by_verification
    }

    /// What recipients are called in the rows: hashes, known by the verifications that arrived.
    fn hash_of(&self, to: &str) -> Option<&str> {
        let arrival = self.arrivals.iter().find(|arrival| arrival.to == to)?;
        let row = self.rows.verifications.iter().find(|row| row.id == arrival.verification)?;
        Some(&row.recipient)
    }
}

/// The body that a deed was told with this status, if any.
fn told<'a>(deed: &Deed<'a>, status: u16) -> Option<&'a serde_json::Value> {
    deed.iter().find_map(|call| call.body(status))
}

/// Whether a deed may have been done without anybody having been told.
fn is_open(deed: &Deed<'_>) -> bool {
    deed.iter().any(|call| call.is_open())
}

/// Calls with one key hear one answer.
fn keys(evidence: &Evidence) -> Vec<String> {
    let mut faults = Vec::new();
    for deed in evidence.deeds(|_| true) {
        let mut answers: Vec<String> = deed
            .iter()
            .filter_map(|call| match call.asked {
                Asked::Start { .. } => Some(call.body(201)?["id"].to_string()),
                Asked::Resend { .. } => Some(call.body(200)?["id"].to_string()),
                Asked::Check { .. } | Asked::Redeem { .. } => Some(call.body(200)?.to_string()),
            })
            .collect();
        answers.sort();
        answers.dedup();
        if answers.len() > 1 {
            faults.push(format!("one key was answered in {} ways: {answers:?}", answers.len()));
        }
    }
    faults
}
