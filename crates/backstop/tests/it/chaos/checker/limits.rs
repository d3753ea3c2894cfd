//! No window of a limit ever held more than its number, over all nodes; and nobody was refused while it held less.

use std::{collections::BTreeMap, time::Duration};

use super::{Asked, Call, Evidence};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap()
}

/// Moments of charges by what they are counted against, in order.
type Charges<'a> = BTreeMap<&'a str, Vec<i64>>;

struct Books<'a> {
    recipients: Charges<'a>,
    checks: Charges<'a>,
    verifications: Charges<'a>,
    all: Vec<i64>,
    lives: Vec<Life<'a>>,
}

/// For whom and what, from when, and until when a verification could be checked.
type Life<'a> = ((&'a str, &'a str), i64, i64);

fn books(evidence: &Evidence) -> Books<'_> {
    let mut books = Books {
        recipients: Charges::new(),
        checks: Charges::new(),
        verifications: Charges::new(),
        all: Vec::new(),
        lives: lives(evidence),
    };
    for row in &evidence.rows.deliveries {
        books.recipients.entry(&row.recipient).or_default().push(row.created_at);
        books.verifications.entry(&row.verification).or_default().push(row.created_at);
        books.all.push(row.created_at);
    }
    for row in evidence.rows.checks.iter().filter(|row| row.charged == 1) {
        books.checks.entry(&row.recipient).or_default().push(row.at);
    }
    let all = [&mut books.recipients, &mut books.checks, &mut books.verifications];
    all.into_iter()
        .flat_map(BTreeMap::values_mut)
        .chain([&mut books.all])
        .for_each(|times| times.sort_unstable());
    books
}

pub(super) fn faults(evidence: &Evidence) -> Vec<String> {
    let (rules, books) = (evidence.rules, books(evidence));
    let mut faults = windows(&books.recipients, "recipient_per_hour", rules.recipient_per_hour, HOUR);
    faults.extend(windows(&books.checks, "checks_per_hour", rules.checks_per_hour, HOUR));
    faults.extend(windows(&books.verifications, "resend_after", 1, rules.resend_after));
    let all = Charges::from([("the application", books.all.clone())]);
    faults.extend(windows(&all, "application_per_minute", rules.application_per_minute, MINUTE));
    faults.extend(live(&books.lives, rules.live));
    for call in &evidence.calls {
        if let Some(problem) = call.body(429)
            && let Some(fault) =
                refusal(evidence, &books, call, problem["limit"].as_str().unwrap_or_default())
        {
            faults.push(format!("node {}: {fault}: {:?}", call.node, call.asked));
        }
    }
    faults
}

/// Any `max` + 1 charges in a row take at least the span.
fn windows(charges: &Charges<'_>, limit: &str, max: usize, span: Duration) -> Vec<String> {
    let too_many = |times: &&[i64]| times[max] - times[0] < millis(span);
    charges
        .iter()
        .filter_map(|(key, times)| {
            let window = times.windows(max + 1).find(too_many)?;
            Some(format!("{} charges of {limit} in {} ms for {key}", max + 1, window[max] - window[0]))
        })
        .collect()
}

fn lives(evidence: &Evidence) -> Vec<Life<'_>> {
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for check in &evidence.rows.checks {
        let at = last.entry(&check.verification).or_default();
        *at = check.at.max(*at);
    }
    let mut lives = Vec::new();
    for row in &evidence.rows.verifications {
        let end = match row.status.as_str() {
            "approved" | "max_checks_reached" => last.get(row.id.as_str()).copied().unwrap_or(row.created_at),
            _ => row.expires_at,
        };
        lives.push(((row.recipient.as_str(), row.purpose.as_str()), row.created_at, end));
    }
    lives
}

/// Another's end within this after a start's moment may have come before the start took effect: both carry the moment of
/// their request, which the server gives at most so long.
const REQUEST: Duration = Duration::from_secs(15);

fn live(all: &[Life<'_>], most: usize) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, (whom, begin, _)) in all.iter().enumerate() {
        let surely_live = |(other, (who, from, to)): (usize, &Life<'_>)| {
            let lasted = if other == index { *begin } else { begin + millis(REQUEST) };
            who == whom && from <= begin && lasted < *to
        };
        let beside: Vec<_> = all.iter().enumerate().filter(|life| surely_live(*life)).collect();
        if beside.len() > most {
            let lives: Vec<_> = beside.iter().map(|(_, (_, from, to))| (from, to)).collect();
            faults.push(format!("{} live verifications for {whom:?}: {lives:?}", lives.len()));
        }
    }
    faults
}

/// What is wrong with a refusal: the limit was not used up.
fn refusal(evidence: &Evidence, books: &Books<'_>, call: &Call, limit: &str) -> Option<String> {
    let (rules, slack) = (evidence.rules, millis(evidence.rules.slack));
    let (from, to) = (call.begun - slack, call.ended + slack);
    let within = |times: Option<&Vec<i64>>, span: Duration| {
        let times = times.into_iter().flatten();
        times.filter(|at| (from - millis(span)..=to).contains(*at)).count()
    };
    let (id, hash) = match &call.asked {
        Asked::Start { to, .. } => ("", evidence.hash_of(to)),
        Asked::Check { id, .. } | Asked::Resend { id } | Asked::Redeem { id } => {
            let row = evidence.rows.verifications.iter().find(|row| row.id == *id);
            (id.as_str(), row.map(|row| row.recipient.as_str()))
        }
    };
    let hash = hash.unwrap_or_default();
    let (used, max) = match limit {
        "recipient_per_hour" => (within(books.recipients.get(hash), HOUR), rules.recipient_per_hour),
        "checks_per_hour" => (within(books.checks.get(hash), HOUR), rules.checks_per_hour),
        "application_per_minute" => (within(Some(&books.all), MINUTE), rules.application_per_minute),
        "resend_after" => (within(books.verifications.get(id), rules.resend_after), 1),
        "live_verifications" => {
            let Asked::Start { purpose, .. } = &call.asked else {
                return Some(format!("refused by {limit}"));
            };
            let mine = books.lives.iter().filter(|(whom, begin, end)| {
                *whom == (hash, purpose.as_str()) && *begin <= to && *end >= from
            });
            (mine.count(), rules.live)
        }
        other => return Some(format!("refused by {other}, which was not set")),
    };
    (used < max).then(|| format!("refused by {limit} at {used} of {max}"))
}
