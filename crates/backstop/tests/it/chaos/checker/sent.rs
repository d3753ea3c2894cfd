//! What was acknowledged was sent, and nothing was sent twice.

use std::collections::{BTreeMap, BTreeSet};

use backstop_domain::plan::MAX_MESSAGES;

use super::{Asked, Evidence, is_open, told};

pub(super) fn faults(evidence: &Evidence) -> Vec<String> {
    [attempts(evidence), starts(evidence), deliveries(evidence)].concat()
}

fn attempts(evidence: &Evidence) -> Vec<String> {
    let mut faults = Vec::new();
    let written: BTreeSet<&str> = evidence.rows.attempts.iter().map(|attempt| attempt.id.as_str()).collect();
    let mut seen = BTreeSet::new();
    let mut codes: BTreeMap<&str, &str> = BTreeMap::new();
    for arrival in &evidence.arrivals {
        let id = &arrival.attempt;
        if !seen.insert(id) {
            faults.push(format!("attempt {id} was sent twice"));
        }
        if !written.contains(id.as_str()) {
            faults.push(format!("attempt {id} was sent and is not written down"));
        }
        if codes.insert(&arrival.verification, &arrival.code).is_some_and(|code| code != arrival.code) {
            faults.push(format!("verification {} has two codes", arrival.verification));
        }
    }
    let mut messages: BTreeMap<&str, usize> = BTreeMap::new();
    for attempt in evidence.rows.attempts.iter().filter(|attempt| attempt.state != "rejected") {
        *messages.entry(&attempt.verification).or_default() += 1;
    }
    let many = messages.into_iter().filter(|(_, count)| *count > MAX_MESSAGES);
    faults.extend(many.map(|(id, count)| format!("{id} was sent {count} times")));
    let sending = evidence.rows.attempts.iter().filter(|attempt| attempt.state == "sending");
    faults.extend(sending.map(|attempt| format!("attempt {} is still being sent", attempt.id)));
    faults
}

fn starts(evidence: &Evidence) -> Vec<String> {
    let mut faults = Vec::new();
    let rows: BTreeMap<&str, &str> =
        evidence.rows.verifications.iter().map(|row| (row.id.as_str(), row.status.as_str())).collect();
    let arrived: BTreeSet<&str> =
        evidence.arrivals.iter().map(|arrival| arrival.verification.as_str()).collect();
    let deeds = evidence.deeds(|asked| matches!(asked, Asked::Start { .. }));
    let mut ids = BTreeSet::new();
    let mut by_recipient: BTreeMap<&str, usize> = BTreeMap::new();
    for deed in &deeds {
        if let Asked::Start { to, .. } = &deed[0].asked {
            *by_recipient.entry(to).or_default() += 1;
        }
        let Some(id) = told(deed, 201).and_then(|body| body["id"].as_str()) else { continue };
        if !ids.insert(id) {
            faults.push(format!("two starts were told the verification {id}"));
        }
        match rows.get(id) {
            None => faults.push(format!("the start of {id} was acknowledged and is lost")),
            Some(&"pending") if !arrived.contains(id) => {
                faults.push(format!("the start of {id} was acknowledged and never sent"));
            }
            Some(_) => {}
        }
    }
    let may_be = deeds.iter().filter(|deed| told(deed, 201).is_some() || is_open(deed)).count();
    if rows.len() > may_be {
        faults.push(format!("{may_be} starts made {} verifications", rows.len()));
    }
    for (to, _) in by_recipient.iter().filter(|(_, deeds)| **deeds == 1) {
        let theirs = evidence.arrivals.iter().filter(|arrival| arrival.to == *to);
        let theirs: BTreeSet<&str> = theirs.map(|arrival| arrival.verification.as_str()).collect();
        if theirs.len() > 1 {
            faults.push(format!("one start made {theirs:?}"));
        }
    }
    faults
}

fn deliveries(evidence: &Evidence) -> Vec<String> {
    let mut faults = Vec::new();
    let arrived: BTreeSet<&str> = evidence.arrivals.iter().map(|arrival| arrival.attempt.as_str()).collect();
    let sent: BTreeSet<&str> = evidence
        .rows
        .attempts
        .iter()
        .filter(|attempt| arrived.contains(attempt.id.as_str()))
        .map(|attempt| attempt.delivery.as_str())
        .collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let pending: BTreeSet<&str> = evidence
        .rows
        .verifications
        .iter()
        .filter(|row| row.status == "pending")
        .map(|row| row.id.as_str())
        .collect();
    for delivery in &evidence.rows.deliveries {
        *counts.entry(&delivery.verification).or_default() += 1;
        let is_done = sent.contains(delivery.id.as_str()) && delivery.state != "queued";
        if pending.contains(delivery.verification.as_str()) && !is_done {
            faults.push(format!(
                "delivery {} of {} was not sent: {}",
                delivery.id, delivery.verification, delivery.state
            ));
        }
    }
    let mut resends: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for deed in evidence.deeds(|asked| matches!(asked, Asked::Resend { .. })) {
        let Asked::Resend { id } = &deed[0].asked else { continue };
        let (done, open) = resends.entry(id).or_default();
        *done += usize::from(told(&deed, 200).is_some());
        *open += usize::from(told(&deed, 200).is_none() && is_open(&deed));
    }
    for row in &evidence.rows.verifications {
        let (done, open) = resends.get(row.id.as_str()).copied().unwrap_or_default();
        let count = counts.get(row.id.as_str()).copied().unwrap_or_default();
        if count < 1 + done || count > 1 + done + open {
            faults.push(format!(
                "{} was started and sent again {done} times (and perhaps {open} more), and has {count} deliveries",
                row.id
            ));
        }
    }
    faults
}
