//! What emergency access owes afterwards: a review of each use, and a drill now and then.
//!
//! The audit log is the ledger, and the only one: a use is a record, and so is the review that closes it. What two close at
//! once is closed by the first record, and what was promised can be read from what was recorded.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    application::ApplicationId,
    audit::Record,
    clock::Timestamp,
    event::EventKind,
    id::{SessionId, UserId},
};

/// A use is reviewed within this time.
pub const REVIEW_WITHIN: Duration = Duration::from_secs(72 * 3600);
/// The way in is tried within this time, and whenever somebody leaves who knew the key.
pub const DRILL_EVERY: Duration = Duration::from_secs(90 * 86_400);
/// How far back the ledger is read: as long as audit records are kept at the least.
pub const LOOK_BACK: Duration = Duration::from_secs(400 * 86_400);

/// The method of a review that says that the use was a drill.
const DRILL: &str = "drill";

/// What a use was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody had to get in.
    Use,
    /// The way in was tried.
    Drill,
}

impl Verdict {
    /// The method of the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Drill => DRILL,
        }
    }
}

/// One use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The session that it opened.
    pub session: SessionId,
    /// When.
    pub at: Timestamp,
    /// In which application.
    pub application: Option<ApplicationId>,
    /// For whom.
    pub user: Option<UserId>,
    /// Whether somebody has reviewed it.
    pub is_reviewed: bool,
}

impl Use {
    /// Whether its review is overdue.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        !self.is_reviewed && now > self.at + REVIEW_WITHIN
    }
}

/// What the log says of emergency access.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Every use, oldest first.
    pub uses: Vec<Use>,
    /// When the latest use was that turned out to be a drill.
    pub last_drill: Option<Timestamp>,
}

/// What of a body is read.
#[derive(Deserialize)]
struct Body {
    kind: String,
    object: Option<String>,
    method: Option<String>,
    application: Option<i64>,
    subject: Option<String>,
}

impl Ledger {
    /// Reads what was recorded, in order. What cannot be read is none of ours: verifying the log names it.
    pub fn of(records: &[Record]) -> Self {
        let mut ledger = Self::default();
        for record in records {
            let Ok(body) = serde_json::from_str::<Body>(&record.body) else { continue };
            let Some(session) = body.object.as_deref().and_then(|object| object.parse().ok()) else {
                continue;
            };
            if body.kind == EventKind::EmergencyUsed.as_str() {
                ledger.uses.push(Use {
                    session,
                    at: record.at,
                    application: body.application.map(ApplicationId),
                    user: body.subject.and_then(|user| user.parse().ok()),
                    is_reviewed: false,
                });
            } else if body.kind == EventKind::EmergencyReviewed.as_str()
                && let Some(used) =
                    ledger.uses.iter_mut().find(|used| used.session == session && !used.is_reviewed)
            {
                used.is_reviewed = true;
                if body.method.as_deref() == Some(DRILL) {
                    ledger.last_drill = ledger.last_drill.max(Some(used.at));
                }
            }
        }
        ledger
    }

    /// Whether the way in was not tried for too long.
    pub fn is_drill_due(&self, now: Timestamp) -> bool {
        self.last_drill.is_none_or(|last| now > last + DRILL_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{Head, NewRecord},
        event::{Actor, Event},
        keyring::{KeyUse, Keyring, Kid, generate},
        ports::{Random, random::SeededRandom},
    };

    fn ring() -> Keyring {
        let random = SeededRandom::new(1);
        let keys = KeyUse::ALL.into_iter().zip(1..);
        Keyring::new(keys.map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)))).unwrap()
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * 3_600_000)
    }

    fn record(kind: EventKind, hours: i64, object: &str, method: Option<&str>) -> Record {
        let event = Event::new(at(hours), kind, Actor::CommandLine).with_object(object);
        let event = Event { application: Some(ApplicationId(7)), method: method.map(str::to_owned), ..event };
        Record::after(Head::default(), &NewRecord::of(&event, &ring(), &SeededRandom::new(1)))
    }

    fn session(seed: u64) -> SessionId {
        SessionId::new(at(0), &SeededRandom::new(seed) as &dyn Random)
    }

    #[test]
    fn a_use_is_owed_a_review_within_three_days_and_one_that_was_a_drill_is_good_for_ninety() {
        let (used, drilled) = (session(1), session(2));
        let mut records = vec![
            record(EventKind::EmergencyUsed, 0, &used.to_string(), None),
            record(EventKind::EmergencyRefused, 1, "wrong_key", None),
            record(EventKind::EmergencyUsed, 2, &drilled.to_string(), Some("emr_x")),
        ];
        let open = Ledger::of(&records);
        assert_eq!(open.uses.iter().map(|one| one.session).collect::<Vec<_>>(), [used, drilled]);
        assert!(!open.uses[0].is_overdue(at(72)) && open.uses[0].is_overdue(at(73)));
        assert!(open.is_drill_due(at(3)), "there was none yet");

        records.push(record(EventKind::EmergencyReviewed, 5, &used.to_string(), Some("use")));
        records.push(record(EventKind::EmergencyReviewed, 5, &drilled.to_string(), Some("drill")));
        records.push(record(EventKind::EmergencyReviewed, 6, &session(3).to_string(), Some("drill")));
        let closed = Ledger::of(&records);
        assert!(closed.uses.iter().all(|one| one.is_reviewed && !one.is_overdue(at(9000))));
        assert_eq!(
            closed.last_drill,
            Some(at(2)),
            "when it was, and not when it was reviewed; nobody else's"
        );
        assert!(!closed.is_drill_due(at(2 + 90 * 24)) && closed.is_drill_due(at(3 + 90 * 24)));
    }

    #[test]
    fn what_is_no_record_of_ours_is_passed_over() {
        let mut broken = record(EventKind::EmergencyUsed, 0, "not a session", None);
        assert_eq!(Ledger::of(std::slice::from_ref(&broken)), Ledger::default());
        broken.body = "{".into();
        assert_eq!(Ledger::of(&[broken]), Ledger::default());
    }
}
