//! What became of a verification, in words: the lamp and the line under a message. Pure.
//!
//! A newcomer breaks a provider and must see the failover without reading a log, so every attempt becomes a clause:
//! "sms-one refused, sms-two took it, 0.3 s".

use std::time::Duration;

use backstop_domain::{attempt::AttemptState, clock::Timestamp, verification::Status};
use backstop_engine::AttemptReport;
use serde::Serialize;

/// What became of a verification.
#[derive(Debug, Clone, PartialEq)]
pub struct Fate {
    /// Where it stands, expiry counted in.
    pub status: Status,
    /// When it was started.
    pub created_at: Timestamp,
    /// When the right code came.
    pub approved_at: Option<Timestamp>,
    /// Every hand-over, oldest first.
    pub attempts: Vec<AttemptReport>,
}

/// A lamp and its words: shape, colour and word say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Lamp {
    /// `ok`, `warn`, `bad`, `probe` or `idle`.
    pub(crate) lamp: &'static str,
    pub(crate) words: String,
}

impl Lamp {
    fn new(lamp: &'static str, words: impl Into<String>) -> Self {
        Self { lamp, words: words.into() }
    }
}

/// How a message fared.
pub(crate) fn of_message(lost: bool, fate: Option<&Fate>) -> Lamp {
    let verification = fate.map(of_verification);
    match (lost, verification) {
        (true, Some(Lamp { lamp: "probe", .. }) | None) => Lamp::new("warn", "lost, as asked above"),
        (true, Some(other)) => {
            Lamp::new("warn", format!("lost, as asked above; the verification: {}", other.words))
        }
        (false, Some(lamp)) => lamp,
        (false, None) => Lamp::new("idle", "no longer known"),
    }
}

/// How a notice fared: nobody answers one.
pub(crate) fn of_notice(lost: bool) -> Lamp {
    if lost {
        Lamp::new("warn", "lost, as asked above")
    } else {
        Lamp::new("idle", "a notice, without a code")
    }
}

fn of_verification(fate: &Fate) -> Lamp {
    match fate.status {
        Status::Pending => Lamp::new("probe", "waiting for a check"),
        Status::Approved => Lamp::new(
            "ok",
            fate.approved_at.map_or_else(
                || "approved".to_owned(),
                |at| format!("approved in {}", span(at.since(fate.created_at))),
            ),
        ),
        Status::Canceled => Lamp::new("idle", "canceled"),
        Status::Expired => Lamp::new("idle", "expired"),
        Status::MaxChecksReached => Lamp::new("bad", "closed, too many wrong codes"),
    }
}

/// How a verification fares that no message has left for.
pub(crate) fn of_unsent(fate: &Fate) -> Lamp {
    match fate.status {
        Status::Pending if fate.attempts.is_empty() => Lamp::new("probe", "on its way"),
        Status::Pending if fate.attempts.iter().any(|attempt| attempt.state == AttemptState::Sending) => {
            Lamp::new("probe", "waiting for a provider")
        }
        Status::Pending => Lamp::new("bad", "nobody took it yet; trying again while the code lives"),
        _ => of_verification(fate),
    }
}

/// Every hand-over as a clause, and how long it took until one took it. `None` before the first.
pub(crate) fn story(fate: &Fate) -> Option<String> {
    let mut clauses: Vec<String> = fate.attempts.iter().map(clause).collect();
    let first = clauses.first()?.clone();
    let repeated = clauses.iter().skip(1).any(|clause| *clause == first);
    if repeated {
        fold(&mut clauses);
    }
    let taken = fate
        .attempts
        .iter()
        .filter(|attempt| matches!(attempt.state, AttemptState::Accepted | AttemptState::Delivered))
        .filter_map(|attempt| attempt.finished_at)
        .min();
    if let Some(at) = taken {
        clauses.push(span(at.since(fate.created_at)));
    }
    Some(clauses.join(", "))
}

/// Says a clause that comes again and again once, with how often.
fn fold(clauses: &mut Vec<String>) {
    let mut folded: Vec<(String, usize)> = Vec::new();
    for clause in clauses.drain(..) {
        match folded.iter_mut().find(|(known, _)| *known == clause) {
            Some((_, times)) => *times += 1,
            None => folded.push((clause, 1)),
        }
    }
    clauses.extend(folded.into_iter().map(|(clause, times)| match times {
        1 => clause,
        2 => format!("{clause} twice"),
        times => format!("{clause} {times} times"),
    }));
}

fn clause(attempt: &AttemptReport) -> String {
    let provider = &attempt.provider;
    match attempt.state {
        AttemptState::Sending => format!("{provider} has not answered yet"),
        AttemptState::Accepted => format!("{provider} took it"),
        AttemptState::Delivered => format!("{provider} delivered it"),
        AttemptState::Undelivered => format!("{provider} could not deliver it"),
        AttemptState::Unknown => format!("{provider} never answered"),
        AttemptState::Rejected => match attempt.outcome.as_deref() {
            Some("out_of_credit") => format!("{provider} is out of credit"),
            Some("rate_limited") => format!("{provider} asked to slow down"),
            Some("misconfigured") => format!("{provider} does not know our account"),
            Some("invalid_recipient") => format!("{provider} calls the recipient invalid"),
            Some("opted_out") => format!("{provider} was told to stop by the person"),
            Some("not_on_channel") => format!("{provider} cannot reach this person"),
            _ => format!("{provider} refused"),
        },
    }
}

/// A span as people say it: `0.04 s`, `0.3 s`, `12 s`, `2 min 5 s`, `3 h 20 min`.
pub(crate) fn span(span: Duration) -> String {
    let millis = span.as_millis();
    let seconds = span.as_secs();
    match millis {
        0..100 => format!("{:.2} s", span.as_secs_f64()),
        100..10_000 => format!("{:.1} s", span.as_secs_f64()),
        10_000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}
