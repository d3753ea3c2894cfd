//! One submitted code: charged, compared and, if it is right, approved, in one act.
//!
//! The writer runs acts one after another, so racing checks cannot share a count and only one can win. What the caller
//! hears, it hears after the commit: a crash or a disconnect in between gives no charge back. The conditional update
//! (`status = 'pending'`, one row) decides in the rows as well, whatever the code above it believes.

use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    keyring::KeyringError,
    limit::Bucket,
    ports::store::{CheckTarget, Checked, Once, Refusal, SubmittedCheck},
    verification::{CheckAnswer, Status, Verdict, Verification},
};
use rusqlite::params;

use super::{fields::bad_row, lookups, replay, writer::Unit};
use crate::error::{Failure, Result};

/// Takes a submitted code.
pub(super) fn check(unit: &mut Unit, submitted: &SubmittedCheck) -> Result<Once<Checked>> {
    let now = submitted.now;
    unit.memory.see(now);
    if let Some(answer) = replay::before(unit, submitted.idempotency, now)? {
        return Ok(answer);
    }
    let targets = targets(unit, submitted)?;
    let Some(newest) = targets.first() else { return Ok(Once::Done(Checked::NotFound)) };
    if newest.status_at(now) != Status::Pending {
        let answer = CheckAnswer { valid: false, status: newest.status_at(now), checks_left: 0 };
        return Ok(Once::Done(Checked::Answer { verification: newest.id, answer }));
    }
    let recipient = newest.recipient;
    let compared = compare(submitted, targets)?;
    if compared.is_empty() {
        return Ok(Once::Done(Checked::WrongForm));
    }
    let rules = submitted.limits.for_check(submitted.application, recipient);
    if let Err(exceeded) = unit.memory.charge(&rules, submitted.authority.is_public(), now) {
        return Ok(Once::Done(Checked::Refused(Refusal(exceeded))));
    }
    let answer = count(unit, submitted, compared)?;
    replay::keep(unit, submitted.idempotency, &answer, now)?;
    Ok(Once::Done(answer))
}

/// What the code is held against, newest first: one by its id whatever became of it, or all live ones of a recipient.
fn targets(unit: &Unit, submitted: &SubmittedCheck) -> Result<Vec<Verification>> {
    let find = |id| lookups::verification(&unit.connection, submitted.application, id);
    match &submitted.target {
        CheckTarget::Id(id) => {
            Ok(find(*id)?.into_iter().filter(|row| submitted.authority.may_see(row)).collect())
        }
        CheckTarget::Recipient { recipient, purpose } => {
            let live = unit.memory.live(submitted.application, *recipient, submitted.now);
            let theirs = live.filter(|live| !submitted.authority.is_public() || live.authority.is_public());
            let wanted =
                theirs.filter(|live| purpose.as_ref().is_none_or(|purpose| live.purpose == *purpose));
            let mut rows = Vec::new();
            for row in wanted.map(|live| find(live.id)).filter_map(Result::transpose) {
                let row = row?;
                if submitted.judge.concerns(&row).map_err(|problem| unreadable(&row, problem))? {
                    rows.push(row);
                }
            }
            Ok(rows)
        }
    }
}

fn unreadable(row: &Verification, problem: KeyringError) -> Failure {
    bad_row("verifications", "personal", format!("{}/{}", row.application, row.id), problem)
}

/// Judges each; leaves out those that have no code of that form.
fn compare(submitted: &SubmittedCheck, targets: Vec<Verification>) -> Result<Vec<(Verification, Verdict)>> {
    let mut compared = Vec::with_capacity(targets.len());
    for row in targets {
        let verdict = submitted.judge.judge(&row).map_err(|problem| unreadable(&row, problem))?;
        if verdict != Verdict::WrongForm {
            compared.push((row, verdict));
        }
    }
    Ok(compared)
}

/// Approves the newest that matches; or else counts a wrong check on every one that was compared.
fn count(
    unit: &mut Unit,
    submitted: &SubmittedCheck,
    mut compared: Vec<(Verification, Verdict)>,
) -> Result<Checked> {
    if let Some(right) = compared.iter().position(|(_, verdict)| *verdict == Verdict::Right) {
        compared = vec![compared.swap_remove(right)];
    }
    let mut first = None;
    for (mut row, verdict) in compared {
        let answer = row.take_check(verdict, submitted.now);
        write(unit, submitted, &row, verdict, first.is_none())?;
        first.get_or_insert(Checked::Answer { verification: row.id, answer });
    }
    first.ok_or_else(|| crate::error::internal("a check compared nothing").into())
}

fn write(
    unit: &mut Unit,
    submitted: &SubmittedCheck,
    row: &Verification,
    verdict: Verdict,
    charged: bool,
) -> Result<()> {
    let key = (row.application.0, row.id.to_string());
    let changed = unit
        .connection
        .prepare_cached(
            "UPDATE verifications SET status = ?3, checks_used = ?4, approved_at = ?5, \
             custom_code = CASE ?3 WHEN 'pending' THEN custom_code END \
             WHERE application_id = ?1 AND id = ?2 AND status = 'pending' AND checks_used = ?4 - 1",
        )?
        .execute(params![
            key.0,
            key.1,
            row.status.as_str(),
            row.checks_used,
            row.approved_at.map(Timestamp::as_millis)
        ])?;
    lookups::one(changed, "counting a check")?;
    unit.connection
        .prepare_cached(
            "INSERT INTO checks (application_id, verification_id, number, at, recipient, public, charged, verdict) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            key.0,
            key.1,
            row.checks_used,
            submitted.now.as_millis(),
            row.recipient.0,
            submitted.authority.is_public(),
            charged,
            if verdict == Verdict::Right { "right" } else { "wrong" },
        ])?;
    if row.status != Status::Pending {
        unit.memory.end(row.application, row.recipient, row.id);
    }
    if row.status == Status::Approved {
        give_back(unit, row.application, &key.1)?;
    }
    Ok(())
}

/// Gives the network's charges of an approved verification back: whoever got in was no flood.
fn give_back(unit: &mut Unit, application: ApplicationId, verification: &str) -> Result<()> {
    let mut update = unit.connection.prepare_cached(
        "UPDATE deliveries SET given_back = 1 WHERE application_id = ?1 AND verification_id = ?2 \
         AND network IS NOT NULL AND given_back = 0 RETURNING network, created_at",
    )?;
    let given: Vec<([u8; 16], i64)> = update
        .query_map(params![application.0, verification], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (network, at) in given {
        let bucket = Bucket::Network(application, backstop_domain::keyring::LookupHash(network));
        unit.memory.give_back(bucket, Timestamp::from_millis(at));
    }
    Ok(())
}
