//! What a breaker lets through, alone and among other nodes.

use super::*;
use crate::ports::random::SeededRandom;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn ids(n: usize) -> Vec<AttemptId> {
    let random = SeededRandom::new(1);
    (0..n).map(|_| AttemptId::new(at(0), &random)).collect()
}

fn opened_by(ids: &[AttemptId]) -> Breaker {
    let mut breaker = Breaker::new(BreakerSettings::default());
    for id in ids {
        breaker.started(*id, at(0));
        breaker.failed(*id, at(0));
    }
    breaker
}

#[test]
fn five_failures_in_a_row_open_it_and_a_success_between_starts_the_count_again() {
    let ids = ids(10);
    let mut breaker = opened_by(&ids[..4]);
    breaker.succeeded(ids[9]);
    for id in &ids[4..8] {
        assert!(!breaker.failed(*id, at(1)));
    }
    assert_eq!(breaker.passage(at(1)), Passage::Free);
    assert!(breaker.failed(ids[8], at(1)));
    assert_eq!(breaker.passage(at(1)), Passage::HeldBack(at(61)));
}

#[test]
fn one_attempt_is_one_failure_however_often_it_is_reported() {
    let ids = ids(1);
    let mut breaker = Breaker::new(BreakerSettings::default());
    for _ in 0..10 {
        breaker.failed(ids[0], at(0));
    }
    assert_eq!(breaker.passage(at(0)), Passage::Free);
}

#[test]
fn after_a_minute_one_probe_at_a_time_and_two_successes_close_it() {
    let ids = ids(8);
    let mut breaker = opened_by(&ids[..5]);
    assert_eq!(breaker.passage(at(60)), Passage::Probe);
    breaker.started(ids[5], at(60));
    assert!(matches!(breaker.passage(at(60)), Passage::HeldBack(_)), "one probe at a time");
    breaker.succeeded(ids[5]);
    assert_eq!(breaker.passage(at(61)), Passage::Probe);
    breaker.started(ids[6], at(61));
    breaker.succeeded(ids[6]);
    assert_eq!(breaker.passage(at(61)), Passage::Free);
}

#[test]
fn a_failed_probe_opens_it_again_and_a_neutral_one_lets_the_next_try() {
    let ids = ids(8);
    let mut breaker = opened_by(&ids[..5]);
    breaker.started(ids[5], at(60));
    breaker.neutral(ids[5]);
    assert_eq!(breaker.passage(at(60)), Passage::Probe);
    breaker.started(ids[6], at(60));
    assert!(breaker.failed(ids[6], at(70)));
    assert_eq!(breaker.passage(at(71)), Passage::HeldBack(at(130)));
}

#[test]
fn a_probe_that_never_comes_back_does_not_keep_the_provider_out_for_ever() {
    let ids = ids(8);
    let mut breaker = opened_by(&ids[..5]);
    breaker.started(ids[5], at(60));
    assert_eq!(breaker.passage(at(100)), Passage::HeldBack(at(120)));
    assert_eq!(breaker.passage(at(120)), Passage::Probe);
    breaker.started(ids[6], at(120));
    assert_eq!(breaker.passage(at(121)), Passage::HeldBack(at(180)), "one probe at a time");
    breaker.neutral(ids[5]);
    assert_eq!(breaker.passage(at(121)), Passage::HeldBack(at(180)), "the lost one frees nothing any more");
}

#[test]
fn a_late_word_of_the_vendor_does_not_shorten_a_longer_opening() {
    let mut breaker = Breaker::new(BreakerSettings::default());
    breaker.open(at(0), Some(Duration::from_secs(3600)));
    breaker.open(at(1), Some(Duration::from_secs(1)));
    assert_eq!(breaker.passage(at(3)), Passage::HeldBack(at(3600)));
}

#[test]
fn a_late_acceptance_takes_its_failure_back_and_the_opening_with_it() {
    let ids = ids(5);
    let mut breaker = opened_by(&ids);
    breaker.succeeded(ids[2]);
    assert_eq!(breaker.passage(at(1)), Passage::Free);
}

#[test]
fn a_late_success_does_not_close_a_breaker_that_opened_for_another_reason() {
    let ids = ids(1);
    let mut breaker = Breaker::new(BreakerSettings::default());
    assert!(breaker.open(at(0), Some(Duration::from_secs(300))));
    breaker.succeeded(ids[0]);
    assert_eq!(breaker.passage(at(1)), Passage::HeldBack(at(300)));
}

/// Some nodes of one installation, each with a breaker for the same provider, that tell each other what they have seen.
struct Nodes(BTreeMap<NodeId, Breaker>);

impl Nodes {
    fn new(n: usize) -> (Self, Vec<NodeId>) {
        let random = SeededRandom::new(2);
        let ids: Vec<_> = (0..n).map(|_| NodeId::new(at(0), &random)).collect();
        let fresh = |id: &NodeId| (*id, Breaker::new(BreakerSettings::default()));
        (Self(ids.iter().map(fresh).collect()), ids)
    }

    fn of(&mut self, id: NodeId) -> &mut Breaker {
        self.0.get_mut(&id).unwrap()
    }

    /// Everybody tells, then everybody hears.
    fn talk(&mut self, now: Timestamp) {
        let told: BTreeMap<_, _> = self.0.iter().map(|(id, breaker)| (*id, breaker.seen_open())).collect();
        for (id, breaker) in &mut self.0 {
            let mut others = told.clone();
            others.remove(id);
            breaker.hear(&others, now);
        }
    }

    fn passages(&self, now: Timestamp) -> Vec<Passage> {
        self.0.values().map(|breaker| breaker.passage(now)).collect()
    }
}

fn fail(breaker: &mut Breaker, ids: &[AttemptId], now: Timestamp) {
    for id in ids {
        breaker.started(*id, now);
        breaker.failed(*id, now);
    }
}

fn probe(breaker: &mut Breaker, ids: &[AttemptId], now: Timestamp) {
    for id in ids {
        assert_eq!(breaker.passage(now), Passage::Probe);
        breaker.started(*id, now);
        breaker.succeeded(*id);
    }
}

#[test]
fn what_one_node_has_seen_opens_it_for_all_until_the_same_moment_and_is_not_told_on() {
    let ((mut nodes, ids), attempts) = (Nodes::new(3), ids(5));
    fail(nodes.of(ids[0]), &attempts, at(0));
    nodes.talk(at(1));
    assert_eq!(nodes.passages(at(1)), [Passage::HeldBack(at(60)); 3]);
    assert_eq!((nodes.of(ids[1]).seen_open(), nodes.of(ids[2]).seen_open()), (None, None));
    nodes.0.remove(&ids[0]);
    for second in 2..60 {
        nodes.talk(at(second));
        assert_eq!(nodes.passages(at(second)), [Passage::HeldBack(at(60)); 2], "its node is gone");
    }
    nodes.talk(at(60));
    assert_eq!(nodes.passages(at(60)), [Passage::Probe; 2], "no echo keeps it open");
}

#[test]
fn successful_probes_of_one_node_close_it_for_all() {
    let ((mut nodes, ids), attempts) = (Nodes::new(3), ids(20));
    fail(nodes.of(ids[0]), &attempts[..5], at(0));
    fail(nodes.of(ids[1]), &attempts[5..10], at(0));
    nodes.talk(at(1));
    nodes.talk(at(61));
    nodes.of(ids[1]).started(attempts[10], at(61));
    probe(nodes.of(ids[0]), &attempts[11..13], at(61));
    nodes.talk(at(62));
    assert_eq!(nodes.passages(at(62)), [Passage::Free; 3]);
}

#[test]
fn one_that_closes_before_its_moment_closes_for_those_that_were_only_told() {
    let ((mut nodes, ids), attempts) = (Nodes::new(3), ids(20));
    fail(nodes.of(ids[0]), &attempts[..5], at(0));
    fail(nodes.of(ids[1]), &attempts[5..8], at(0));
    nodes.talk(at(1));
    fail(nodes.of(ids[2]), &attempts[10..15], at(2));
    assert_eq!(nodes.of(ids[2]).seen_open(), Some(at(62)), "told first, seen afterwards");
    nodes.of(ids[2]).succeeded(attempts[10]);
    nodes.of(ids[0]).succeeded(attempts[0]);
    nodes.talk(at(3));
    nodes.talk(at(4));
    assert_eq!(nodes.passages(at(4)), [Passage::Free; 3]);
    assert_eq!(nodes.of(ids[1]).consecutive_failures(), 3, "its own count goes on");
}

#[test]
fn what_a_node_has_seen_itself_stays_open_when_another_closes() {
    let ((mut nodes, ids), attempts) = (Nodes::new(2), ids(20));
    fail(nodes.of(ids[0]), &attempts[..5], at(0));
    fail(nodes.of(ids[1]), &attempts[5..10], at(10));
    nodes.talk(at(11));
    nodes.of(ids[0]).succeeded(attempts[0]);
    nodes.talk(at(12));
    assert_eq!(nodes.passages(at(12)), [Passage::HeldBack(at(70)); 2]);
}

#[test]
fn a_node_that_cannot_reach_a_vendor_takes_it_from_the_others_once_and_not_for_ever() {
    let ((mut nodes, ids), attempts) = (Nodes::new(2), ids(40));
    let mut fresh = attempts.iter().copied();
    fail(nodes.of(ids[1]), &attempts[..5], at(0));
    nodes.talk(at(1));
    assert_eq!(nodes.of(ids[0]).passage(at(1)), Passage::HeldBack(at(60)));
    let probes: Vec<_> = fresh.by_ref().skip(5).take(2).collect();
    probe(nodes.of(ids[0]), &probes, at(60));
    for second in 61..600 {
        let lost = nodes.of(ids[1]);
        if lost.passage(at(second)) == Passage::Probe {
            fail(lost, &[fresh.next().unwrap()], at(second));
        }
        nodes.talk(at(second));
        assert_eq!(nodes.of(ids[0]).passage(at(second)), Passage::Free, "after {second} s");
    }
    let found = nodes.of(ids[1]);
    for moment in [610, 700] {
        probe(found, &[fresh.next().unwrap()], at(moment));
    }
    nodes.talk(at(701));
    let last: Vec<_> = fresh.take(5).collect();
    fail(nodes.of(ids[1]), &last, at(702));
    nodes.talk(at(703));
    assert_eq!(nodes.of(ids[0]).passage(at(703)), Passage::HeldBack(at(762)), "believed again");
}
