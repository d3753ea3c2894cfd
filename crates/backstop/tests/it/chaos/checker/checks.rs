//! Counts are right, one check approves, and the proof is handed over once.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::rows::{Check, Verification},
    Asked, Deed, Evidence, is_open, told,
};

pub(super) fn faults(evidence: &Evidence) -> Vec<String> {
    let mut faults = Vec::new();
    let mut taken: BTreeMap<&str, Vec<&Check>> = BTreeMap::new();
    for check in &evidence.rows.checks {
        taken.entry(&check.verification).or_default().push(check);
    }
    let codes: BTreeMap<&str, &str> = evidence
        .arrivals
        .iter()
        .map(|arrival| (arrival.verification.as_str(), arrival.code.as_str()))
        .collect();
    let mut checks = evidence.deeds_on(|asked| matches!(asked, Asked::Check { .. }));
    let mut proofs = evidence.deeds_on(|asked| matches!(asked, Asked::Redeem { .. }));
    for row in &evidence.rows.verifications {
        let id = row.id.as_str();
        let taken = taken.remove(id).unwrap_or_default();
        let deeds = checks.remove(id).unwrap_or_default();
        let mut found = rows(row, &taken);
        found.extend(answers(evidence, row, &taken, &deeds, codes.get(id).copied()));
        found.extend(proof(row, &proofs.remove(id).unwrap_or_default()));
        faults.extend(found.into_iter().map(|fault| format!("{id}: {fault}")));
    }
    faults.extend(taken.keys().map(|id| format!("checks of {id}, which is not there")));
    faults
}

/// The rows agree with each other.
fn rows(row: &Verification, taken: &[&Check]) -> Vec<String> {
    let mut faults = Vec::new();
    let numbers: Vec<i64> = taken.iter().map(|check| check.number).collect();
    if numbers != (1..=row.checks_used).collect::<Vec<_>>() {
        faults.push(format!("it counts {} checks, and its checks are {numbers:?}", row.checks_used));
    }
    if row.checks_used > row.max_checks {
        faults.push(format!("{} codes were compared, of {}", row.checks_used, row.max_checks));
    }
    let right: Vec<&&Check> = taken.iter().filter(|check| check.verdict == "right").collect();
    if right.len() > 1 {
        faults.push(format!("{} checks approved", right.len()));
    }
    if (row.status == "approved") != (right.len() == 1) {
        faults.push(format!("{} after {} right checks", row.status, right.len()));
    }
    if right.iter().any(|check| check.number != row.checks_used || Some(check.at) != row.approved_at) {
        faults.push("the right check is not the last, or not the moment of the approval".to_owned());
    }
    if (row.status == "max_checks_reached") != (row.checks_used == row.max_checks && right.is_empty()) {
        faults.push(format!("{} after {} checks", row.status, row.checks_used));
    }
    faults
}

/// What callers heard agrees with the rows.
fn answers(
    evidence: &Evidence,
    row: &Verification,
    taken: &[&Check],
    deeds: &[Deed<'_>],
    code: Option<&str>,
) -> Vec<String> {
    let mut faults = Vec::new();
    let is_right = |deed: &Deed<'_>| matches!(&deed[0].asked, Asked::Check { code: typed, .. } if Some(typed.as_str()) == code);
    let mut counted = BTreeSet::new();
    for deed in deeds {
        let Some(answer) = told(deed, 200) else { continue };
        let (valid, pending) = (answer["valid"] == true, answer["status"] == "pending");
        if valid && !is_right(deed) {
            faults.push("a wrong code was called right".to_owned());
        }
        if pending && is_right(deed) {
            faults.push("the right code was called wrong".to_owned());
        }
        if !pending || valid {
            continue;
        }
        let number = row.max_checks - answer["checks_left"].as_i64().unwrap_or_default();
        if !counted.insert(number) {
            faults.push(format!("two wrong checks were told to be number {number}"));
        }
        let slack = i64::try_from(evidence.rules.slack.as_millis()).unwrap();
        let (begun, ended) =
            (deed[0].begun - slack, deed.iter().map(|call| call.ended).max().unwrap() + slack);
        let is_kept = |check: &&Check| {
            check.number == number && check.verdict == "wrong" && (begun..=ended).contains(&check.at)
        };
        if !taken.iter().any(is_kept) {
            faults.push(format!("the acknowledged wrong check of number {number} was not kept"));
        }
    }
    let valid =
        deeds.iter().filter(|deed| told(deed, 200).is_some_and(|answer| answer["valid"] == true)).count();
    if valid > 1 {
        faults.push(format!("{valid} calls were told that the code is valid"));
    }
    if valid > 0 && row.status != "approved" {
        faults.push(format!("a caller was told that the code is valid, and it is {}", row.status));
    }
    let may_be = |right: bool| {
        let mine = deeds.iter().filter(|deed| is_right(deed) == right);
        mine.filter(|deed| is_open(deed) || told(deed, 200).is_some()).count()
    };
    let have = |verdict: &str| taken.iter().filter(|check| check.verdict == verdict).count();
    if have("wrong") > may_be(false) || have("right") > may_be(true) {
        faults.push("more checks were counted than made".to_owned());
    }
    if row.status == "approved" && valid == 0 && !deeds.iter().any(|deed| is_right(deed) && is_open(deed)) {
        faults.push("it is approved, and nobody can have been told".to_owned());
    }
    faults
}

fn proof(row: &Verification, deeds: &[Deed<'_>]) -> Vec<String> {
    let mut faults = Vec::new();
    let handed = deeds.iter().filter(|deed| told(deed, 200).is_some()).count();
    if handed > 1 {
        faults.push(format!("the proof was handed over {handed} times"));
    }
    if handed > 0 && row.redeemed_at.is_none() {
        faults.push("a proof was handed over and is not written down".to_owned());
    }
    if row.redeemed_at.is_some() && handed == 0 && !deeds.iter().any(is_open) {
        faults.push("it is redeemed, and nobody can have the proof".to_owned());
    }
    if row.redeemed_at.is_some() && row.status != "approved" {
        faults.push(format!("it was redeemed and is {}", row.status));
    }
    faults
}
