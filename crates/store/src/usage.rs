//! Counting attempts and verifications that were alike: the columns, and how a row of them is read, alike in both databases.
//!
//! Verifications and their attempts are keyed by time, so a span of time is a range of the key, for each application. An
//! attempt may be as much younger than its verification as a code may live.

use std::{fmt::Write as _, sync::LazyLock, time::Duration};

use backstop_domain::ports::store::{Standing, Usage};

use crate::{
    error::Result,
    fields::{Cells, Fields},
};

/// How long before an attempt its verification may have been started.
pub(crate) const LONGEST_LIFE: Duration = Duration::from_secs(86_400);
/// The first and how many spans to round up to: 50 ms, doubled to more than a day.
const SHORTEST: u64 = 50;
const SPANS: u32 = 22;

/// The columns in the order in which [`usage`] reads them, but for the count; `a` is the attempt.
pub(crate) static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    let mut answered = String::from("CASE WHEN a.finished_at IS NULL OR a.state = 'sending' THEN NULL");
    for doubled in 0..SPANS {
        let span = SHORTEST << doubled;
        // Writing into a string cannot fail.
        let _ = write!(answered, " WHEN a.finished_at - a.started_at <= {span} THEN {span}");
    }
    let _ = write!(answered, " ELSE {} END", SHORTEST << SPANS);
    format!(
        "a.provider, a.channel, a.state, a.outcome, \
         CASE WHEN {} THEN EXISTS (SELECT 1 FROM verifications v WHERE v.application_id = a.application_id \
         AND v.id = a.verification_id AND v.status = 'approved') \
         AND NOT EXISTS (SELECT 1 FROM attempts l WHERE l.application_id = a.application_id \
         AND l.verification_id = a.verification_id AND l.number > a.number AND ({})) END AS approved, \
         a.price, {answered} AS answered_within",
        taken("a"),
        taken("l"),
    )
});

/// Whether a vendor took the attempt, whatever became of it then.
fn taken(attempt: &str) -> String {
    let is = |state| format!("{attempt}.state = '{state}'");
    ["accepted", "delivered", "undelivered"].map(is).join(" OR ")
}

/// Reads a row of [`COLUMNS`] and the count.
pub(crate) fn usage(row: &impl Cells) -> Result<Usage> {
    let mut fields = Fields::of(row, "attempts", 1);
    Ok(Usage {
        provider: fields.take("provider")?,
        channel: fields.parsed("channel")?,
        state: fields.parsed("state")?,
        outcome: fields.take_if_any("outcome")?,
        approved: fields.take_if_any("approved")?.unwrap_or(false),
        price: fields.take_if_any("price")?,
        answered_within: {
            let millis: Option<i64> = fields.take_if_any("answered_within")?;
            millis.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
        },
        count: u64::try_from(fields.take::<i64>("count")?).unwrap_or(0),
    })
}

/// The columns in the order in which [`standing`] reads them, but for the count; `v` is the verification.
pub(crate) const STANDING: &str = "v.purpose, v.status";

/// Reads a row of [`STANDING`] and the count.
pub(crate) fn standing(row: &impl Cells) -> Result<Standing> {
    let mut fields = Fields::of(row, "verifications", 1);
    Ok(Standing {
        purpose: fields.parsed("purpose")?,
        status: fields.parsed("status")?,
        count: u64::try_from(fields.take::<i64>("count")?).unwrap_or(0),
    })
}
