//! Exchanging refresh tokens: the way it should go, lost answers, copies, ends.

use proptest::prelude::*;

use super::*;
use crate::token::tests::{at, session};

const IDLE: Duration = Duration::from_secs(7 * 86_400);

fn normal() -> Session {
    session(SessionKind::Normal)
}

fn after(session: &Session) -> Option<EndReason> {
    session.ended.map(|ended| ended.why)
}

#[test]
fn each_exchange_gives_the_next_token() {
    let mut session = normal();
    for number in 1..5 {
        let rotated = session.refresh(number, at(i64::from(number) * 600), IDLE);
        assert_eq!(rotated, Refreshed::Rotated { generation: number + 1 });
    }
    assert_eq!((session.generation, session.last_used_at, after(&session)), (5, at(2400), None));
}

#[test]
fn a_lost_answer_is_given_again_within_ten_seconds_and_changes_nothing() {
    let mut session = normal();
    session.refresh(1, at(100), IDLE);
    let was = session.clone();
    for seconds in [100, 101, 110] {
        assert_eq!(session.refresh(1, at(seconds), IDLE), Refreshed::Same { generation: 2 });
    }
    assert_eq!(session, was);
    assert_eq!(session.refresh(2, at(110), IDLE), Refreshed::Rotated { generation: 3 });
}

#[test]
fn a_token_that_comes_back_later_ends_the_session_for_both_holders() {
    let mut session = normal();
    session.refresh(1, at(100), IDLE);
    let too_late = at(100) + RETRY + Duration::from_millis(1);
    assert_eq!(session.refresh(1, too_late, IDLE), Refreshed::Reused);
    assert_eq!(session.ended, Some(Ended { at: too_late, why: EndReason::Reuse }));
    for number in [1, 2, 3] {
        assert_eq!(session.refresh(number, at(111), IDLE), Refreshed::Ended, "{number}");
    }
}

#[test]
fn the_token_before_the_last_is_a_copy_even_within_ten_seconds() {
    let mut session = normal();
    session.refresh(1, at(100), IDLE);
    session.refresh(2, at(101), IDLE);
    assert_eq!(session.refresh(1, at(102), IDLE), Refreshed::Reused);
    let mut fresh = Session { generation: 2, rotated_at: None, ..normal() };
    assert_eq!(fresh.refresh(1, at(0), IDLE), Refreshed::Reused, "nothing says that it was a moment ago");
}

#[test]
fn a_session_ends_after_thirty_days_and_when_it_is_left_alone() {
    let mut busy = normal();
    for day in 1..30 {
        let refreshed = busy.refresh(busy.generation, at(day * 86_400), IDLE);
        assert!(matches!(refreshed, Refreshed::Rotated { .. }), "day {day}");
    }
    assert!(busy.is_live(busy.expires_at - Duration::from_millis(1), IDLE));
    assert!(!busy.is_live(busy.expires_at, IDLE));
    assert_eq!(busy.refresh(busy.generation, at(30 * 86_400), IDLE), Refreshed::Ended);
    let mut idle = normal();
    assert!(idle.is_live(at(7 * 86_400 - 1), IDLE));
    assert_eq!(idle.refresh(1, at(7 * 86_400), IDLE), Refreshed::Ended);
    assert_eq!((after(&busy), after(&idle)), (Some(EndReason::Expired), Some(EndReason::Expired)));
    assert!(!idle.is_live(at(0), IDLE), "a clock that goes back revives nothing");
}

#[test]
fn emergency_access_is_never_refreshed() {
    let mut session = session(SessionKind::Emergency);
    let was = session.clone();
    assert_eq!(session.refresh(1, at(1), IDLE), Refreshed::Ended);
    assert_eq!(session, was);
    assert!(session.is_live(at(3599), IDLE) && !session.is_live(at(3600), IDLE));
}

#[test]
fn the_first_reason_of_an_end_stays() {
    let mut session = normal();
    assert!(session.end(EndReason::Admin, at(5)));
    assert!(!session.end(EndReason::SignedOut, at(6)));
    assert_eq!(session.ended, Some(Ended { at: at(5), why: EndReason::Admin }));
}

#[test]
fn a_token_from_after_a_backup_goes_on_in_a_store_that_was_put_back() {
    let mut session = normal();
    assert_eq!(session.refresh(9, at(5), IDLE), Refreshed::Rotated { generation: 10 });
    assert_eq!(session.refresh(u32::MAX, at(6), IDLE), Refreshed::Ended, "there is no next one");
    assert_eq!((session.generation, session.ended), (10, None));
}

proptest! {
    /// Whatever order copies come in: each number is exchanged at most once, and after a reuse nothing is.
    #[test]
    fn no_token_is_exchanged_twice(steps in prop::collection::vec((0_u32..6, 0_i64..30), 1..40)) {
        let (mut session, mut now, mut exchanged, mut reused) = (normal(), 0, vec![], false);
        for (back, wait) in steps {
            now += wait;
            let presented = session.generation.saturating_sub(back).max(1);
            let (before, rotated_at) = (session.generation, session.rotated_at);
            match session.refresh(presented, at(now), IDLE) {
                Refreshed::Rotated { generation } => {
                    prop_assert!(!reused && !exchanged.contains(&presented));
                    prop_assert_eq!(generation, presented + 1);
                    exchanged.push(presented);
                }
                Refreshed::Same { generation } => {
                    prop_assert!(!reused && generation == before && presented + 1 == before);
                    prop_assert!(at(now).since(rotated_at.unwrap()) <= RETRY);
                }
                Refreshed::Reused => {
                    prop_assert!(!reused && exchanged.contains(&presented));
                    reused = true;
                }
                Refreshed::Ended => prop_assert!(reused),
            }
        }
    }
}
