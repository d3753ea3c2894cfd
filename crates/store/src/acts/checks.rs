//! One submitted code: charged, compared and, if it is right, approved, in one act.
//!
//! Acts on one recipient run one after another, so racing checks cannot share a count and only one can win. What the
//! caller hears, it hears after the commit: a crash or a disconnect in between gives no charge back. The conditional
//! update (still pending, the count as it was read) decides in the rows as well, whatever the code above it believes.

use backstop_domain::{
    keyring::KeyringError,
    ports::store::{CheckTarget, Checked, Once, Refusal, SubmittedCheck},
    verification::{CheckAnswer, Status, Verdict, Verification},
};

use super::{Ledger, TakenCheck, replay, vendor_checks};
use crate::error::{Failure, Result, bad_row, internal};

/// Takes a submitted code.
pub(crate) fn check<L: Ledger>(ledger: &mut L, submitted: &SubmittedCheck) -> Result<Once<Checked>> {
    let now = submitted.now;
    ledger.see(now);
    if let Some(answer) = replay::before(ledger, submitted.idempotency, now)? {
        return Ok(answer);
    }
    let targets = targets(ledger, submitted)?;
    let Some(newest) = targets.first() else { return Ok(Once::Done(Checked::NotFound)) };
    if newest.status_at(now) != Status::Pending {
        let answer = CheckAnswer { valid: false, status: newest.status_at(now), checks_left: 0 };
        return Ok(Once::Done(Checked::Answer { verification: newest.id, answer }));
    }
    let recipient = newest.recipient;
    let (asked, targets): (Vec<_>, Vec<_>) =
        targets.into_iter().partition(|target| target.vendor_check.is_some());
    // Only if nothing of ours could be meant: a code of a vendor's proves nothing about the others.
    if targets.is_empty()
        && let Some(asked) = asked.into_iter().next()
    {
        return vendor_checks::ask(ledger, submitted, asked);
    }
    let compared = compare(submitted, targets)?;
    if compared.is_empty() {
        return Ok(Once::Done(Checked::WrongForm));
    }
    let rules = submitted.limits.for_check(submitted.application, recipient);
    if let Err(exceeded) = ledger.charge(&rules, submitted.authority.is_public(), now) {
        return Ok(Once::Done(Checked::Refused(Refusal(exceeded))));
    }
    let answer = count(ledger, submitted, compared)?;
    replay::keep(ledger, submitted.idempotency, &answer, now)?;
    Ok(Once::Done(answer))
}

/// What the code is held against, newest first: one by its id whatever became of it, or all live ones of a recipient.
fn targets<L: Ledger>(ledger: &L, submitted: &SubmittedCheck) -> Result<Vec<Verification>> {
    let find = |id| ledger.verification(submitted.application, id);
    match &submitted.target {
        CheckTarget::Id(id) => {
            Ok(find(*id)?.into_iter().filter(|row| submitted.authority.may_see(row)).collect())
        }
        CheckTarget::Recipient { recipient, purpose } => {
            let live = ledger.memory().live(submitted.application, *recipient, submitted.now);
            let theirs = live.filter(|live| !submitted.authority.is_public() || live.authority.is_public());
            let wanted =
                theirs.filter(|live| purpose.as_ref().is_none_or(|purpose| live.purpose == *purpose));
            let mut rows = Vec::new();
            for row in wanted.map(|live| find(live.id)).filter_map(Result::transpose) {
                let row = row?;
                // Another node may have written its end just now.
                if row.status_at(submitted.now) == Status::Pending
                    && submitted.judge.concerns(&row).map_err(|problem| unreadable(&row, problem))?
                {
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
fn count<L: Ledger>(
    ledger: &mut L,
    submitted: &SubmittedCheck,
    mut compared: Vec<(Verification, Verdict)>,
) -> Result<Checked> {
    if let Some(right) = compared.iter().position(|(_, verdict)| *verdict == Verdict::Right) {
        compared = vec![compared.swap_remove(right)];
    }
    let mut first = None;
    for (mut row, verdict) in compared {
        let answer = row.take_check(verdict, submitted.now);
        let check = TakenCheck {
            at: submitted.now,
            public: submitted.authority.is_public(),
            charged: first.is_none(),
            verdict,
        };
        ledger.take_check(&row, check)?;
        if row.status == Status::Approved {
            ledger.give_back(row.application, row.id)?;
        }
        first.get_or_insert(Checked::Answer { verification: row.id, answer });
    }
    first.ok_or_else(|| internal("a check compared nothing").into())
}
