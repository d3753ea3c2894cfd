use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{id::AttemptId, ports::random::SeededRandom};

const START: i64 = 1_764_273_000_000;

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_millis(START + (seconds * 1000.0) as i64)
}

fn price(text: &str) -> Option<Price> {
    text.parse().ok()
}

/// Attempts that were made one after the other, told to a ranker or kept to be told.
struct Attempts(SeededRandom);
impl Attempts {
    fn new() -> Self {
        Self(SeededRandom::new(7))
    }
    fn one(&self, provider: &str, region: &str, sent: f64, end: Option<(End, f64)>) -> Observation {
        Observation {
            attempt: AttemptId::new(at(sent), &self.0),
            provider: provider.into(),
            channel: Channel::Sms,
            region: Region::parse(region),
            sent_at: at(sent),
            delivered_at: None,
            end: end.map(|(end, when)| (end, at(when))),
        }
    }
    /// So many attempts, one a second, of which every `nth` is approved after 15 s.
    fn many(&self, ranker: &mut Ranker, provider: &str, region: &str, from: f64, count: u32, approved: f64) {
        for second in 0..count {
            let (sent, due) = (from + f64::from(second), f64::from(second) * approved);
            let comes = (due + approved).floor() > due.floor();
            let end = comes.then_some((End::Approved, sent + 15.0));
            ranker.observe(&self.one(provider, region, sent, end));
        }
    }
}

fn order(
    ranker: &mut Ranker,
    ranking: Ranking,
    offers: &[(&str, &str)],
    seconds: f64,
    seed: u64,
) -> Decision {
    let offers: Vec<Offer<'_>> =
        offers.iter().map(|(provider, text)| Offer { provider, price: price(text) }).collect();
    ranker.order(&Request {
        ranking,
        channel: Channel::Sms,
        region: Region::parse("IN"),
        offers: &offers,
        seed,
        now: at(seconds),
    })
}

fn names(decision: &Decision) -> Vec<&str> {
    decision.order().collect()
}

const SAME: [(&str, &str); 2] = [("ant", "0.01 USD"), ("bee", "0.01 USD")];
/// A seed that explores nobody as long as others may have at most 5 %.
const LEAD: u64 = 1;

#[test]
fn priority_is_the_configured_order_whatever_is_known() {
    let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
    attempts.many(&mut ranker, "ant", "IN", 0.0, 300, 0.2);
    attempts.many(&mut ranker, "bee", "IN", 0.0, 300, 0.9);
    let decision = order(&mut ranker, Ranking::Priority, &SAME, 1_000.0, LEAD);
    assert_eq!(names(&decision), ["ant", "bee"]);
    assert_eq!(decision.candidates[0].verdict, Verdict::Chosen);
    assert_eq!(decision.candidates[1].verdict, Verdict::Next);
}

#[test]
fn cost_is_by_what_an_accepted_message_costs() {
    let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
    let offers = [("dear", "0.02 USD"), ("cheap", "0.01 USD"), ("flaky", "0.009 USD"), ("odd", "0.001 INR")];
    for second in 0..200 {
        let sent = f64::from(second);
        let end = (second % 2 == 0).then_some((End::Refused, sent));
        ranker.observe(&attempts.one("flaky", "IN", sent, end));
    }
    let decision = order(&mut ranker, Ranking::Cost, &offers, 300.0, LEAD);
    assert_eq!(names(&decision), ["cheap", "flaky", "dear", "odd"]);
    let odd = &decision.candidates[3];
    assert_eq!(odd.cost, Some(0.02), "taken for the dearest");
    assert_eq!(odd.why.as_deref(), Some("priced in another currency, taken for the dearest"));
}

#[test]
fn conversion_prefers_who_gets_people_in_and_among_equals_the_cheaper() {
    let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
    attempts.many(&mut ranker, "ant", "IN", 0.0, 400, 0.5);
    attempts.many(&mut ranker, "bee", "IN", 0.0, 400, 0.8);
    attempts.many(&mut ranker, "cat", "IN", 0.0, 400, 0.8);
    let offers = [("ant", "0.001 USD"), ("bee", "0.06 USD"), ("cat", "0.03 USD")];
    let decision = order(&mut ranker, Ranking::Conversion, &offers, 1_200.0, LEAD);
    assert_eq!(names(&decision), ["cat", "bee", "ant"]);
    let cat = &decision.candidates[0];
    assert!((cat.share.unwrap() - 0.8).abs() < 0.03, "{cat}");
    assert!((cat.cost.unwrap() - 0.53 / 0.8 + 0.5).abs() < 0.03, "{cat}");
    assert_eq!(cat.weight, Some(400.0));
}

#[test]
fn pending_is_not_failure() {
    let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
    attempts.many(&mut ranker, "ant", "IN", 0.0, 400, 0.8);
    attempts.many(&mut ranker, "bee", "IN", 0.0, 400, 0.7);
    for message in 0..300 {
        ranker.observe(&attempts.one("ant", "IN", 1_200.0 + f64::from(message) * 0.01, None));
    }
    let decision = order(&mut ranker, Ranking::Conversion, &SAME, 1_205.0, LEAD);
    assert_eq!(names(&decision), ["ant", "bee"], "300 messages that nobody could have answered yet");
    let decision = order(&mut ranker, Ranking::Conversion, &SAME, 1_260.0, LEAD);
    assert_eq!(names(&decision), ["bee", "ant"], "a minute later their silence says something");
}

#[test]
fn an_unknown_provider_is_not_taken_for_a_good_one() {
    let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
    attempts.many(&mut ranker, "ant", "IN", 0.0, 400, 0.8);
    let offers = [("new", "0.01 USD"), ("ant", "0.01 USD")];
    let explored = (0..10_000).filter(|seed| {
        let decision = order(&mut ranker, Ranking::Conversion, &offers, 1_100.0, *seed);
        decision.candidates[0].verdict == Verdict::Explored
    });
    let explored = explored.count();
    assert!(
        (100..=550).contains(&explored),
        "asked now and then, and at most one time in twenty: {explored}"
    );
}

#[test]
fn a_provider_that_is_surely_worse_is_hardly_asked_until_nobody_has_looked_for_long() {
    let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
    attempts.many(&mut ranker, "ant", "IN", 0.0, 600, 0.9);
    attempts.many(&mut ranker, "bee", "IN", 0.0, 600, 0.4);
    let mut explored = |seconds: f64| {
        let explores = |seed: &u64| {
            let decision = order(&mut ranker, Ranking::Conversion, &SAME, seconds, *seed);
            decision.candidates[0].verdict == Verdict::Explored
        };
        (0..20_000).filter(explores).count()
    };
    let (soon, late) = (explored(1_300.0), explored(1_300.0 + 6.0 * 3_600.0));
    assert!(soon < 150, "{soon}");
    assert!(late > 2 * soon, "{soon}, then {late}");
}

#[test]
fn people_who_leave_all_providers_alike_do_not_change_the_order() {
    let offers = [("ant", "0.08 USD"), ("bee", "0.001 USD"), ("cat", "0.02 USD")];
    for stay in [1.0, 0.7, 0.4] {
        let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
        for (provider, share) in [("ant", 0.9), ("bee", 0.75), ("cat", 0.85)] {
            attempts.many(&mut ranker, provider, "IN", 0.0, 1_500, share * stay);
        }
        let decision = order(&mut ranker, Ranking::Conversion, &offers, 2_200.0, LEAD);
        assert_eq!(names(&decision), ["cat", "ant", "bee"], "{stay}");
    }
    for share in [0.3, 0.6, 0.9] {
        for stay in [0.9, 0.5] {
            let ratio = |price: f64, share: f64| choice::cost(price, share, 0.5) + 0.5;
            let alike = ratio(0.01, share * stay) / ratio(0.01, share);
            assert!((alike * stay - 1.0).abs() < 1e-9, "one factor for all");
        }
    }
}

#[test]
fn a_country_of_which_little_is_known_begins_with_what_the_provider_does_elsewhere() {
    let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
    attempts.many(&mut ranker, "ant", "US", 0.0, 400, 0.4);
    attempts.many(&mut ranker, "bee", "US", 0.0, 400, 0.9);
    let decision = order(&mut ranker, Ranking::Conversion, &SAME, 1_100.0, LEAD);
    assert_eq!(names(&decision), ["bee", "ant"]);
    attempts.many(&mut ranker, "bee", "IN", 400.0, 60, 0.1);
    let decision = order(&mut ranker, Ranking::Conversion, &SAME, 1_200.0, LEAD);
    assert_eq!(names(&decision), ["ant", "bee"], "its own evidence wins");
}

#[test]
fn a_provider_that_collapses_is_left_within_half_a_minute() {
    let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
    for message in 0..4_000 {
        let sent = f64::from(message) * 0.2;
        let end = (message % 10 != 0).then_some((End::Approved, sent + 6.0 + f64::from(message % 20)));
        ranker.observe(&attempts.one("ant", "IN", sent, end));
    }
    attempts.many(&mut ranker, "bee", "IN", 0.0, 800, 0.8);
    assert_eq!(names(&order(&mut ranker, Ranking::Conversion, &SAME, 800.0, LEAD)), ["ant", "bee"]);
    let mut now = 800.0;
    while names(&order(&mut ranker, Ranking::Conversion, &SAME, now, LEAD))[0] == "ant" {
        ranker.observe(&attempts.one("ant", "IN", now, None));
        now += 0.1;
        assert!(now < 830.0, "300 messages, and not one answer");
    }
}

#[test]
fn receipts_that_say_delivered_while_nobody_signs_in_demote_and_are_told_once() {
    let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
    attempts.many(&mut ranker, "bee", "IN", 0.0, 200, 0.8);
    for second in 0..200 {
        let sent = f64::from(second);
        let end = (second % 5 == 0).then_some((End::Approved, sent + 12.0));
        let delivered_at = Some(at(sent + 1.0));
        ranker.observe(&Observation { delivered_at, ..attempts.one("ant", "IN", sent, end) });
    }
    let decision = order(&mut ranker, Ranking::Priority, &SAME, 900.0, LEAD);
    assert_eq!(names(&decision), ["bee", "ant"]);
    assert_eq!(decision.candidates[1].verdict, Verdict::Suspect);
    let events = ranker.events();
    assert_eq!((events.len(), events[0].provider.as_str(), events[0].suspect), (1, "ant", true));
    assert!(events[0].delivered > 0.9 && events[0].approved < 0.3 && events[0].others > 0.7, "{events:?}");
    order(&mut ranker, Ranking::Priority, &SAME, 910.0, LEAD);
    assert_eq!(ranker.events(), []);
}

#[test]
fn a_provider_without_receipts_or_with_little_evidence_is_not_suspected() {
    let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
    attempts.many(&mut ranker, "bee", "IN", 0.0, 200, 0.8);
    attempts.many(&mut ranker, "ant", "IN", 0.0, 200, 0.2);
    for second in 0..30 {
        let sent = f64::from(second);
        let delivered_at = Some(at(sent + 1.0));
        ranker.observe(&Observation { delivered_at, ..attempts.one("cat", "IN", sent, None) });
    }
    let offers = [("ant", "0.01 USD"), ("cat", "0.01 USD"), ("bee", "0.01 USD")];
    let decision = order(&mut ranker, Ranking::Priority, &offers, 900.0, LEAD);
    assert_eq!(names(&decision), ["ant", "cat", "bee"]);
    assert_eq!(ranker.events(), []);
}

#[test]
fn a_decision_is_short_json_that_reads_back_and_lines_for_people() {
    let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
    attempts.many(&mut ranker, "ant", "IN", 0.0, 100, 0.8);
    let mut decision =
        order(&mut ranker, Ranking::Conversion, &[("ant", "0.01 USD"), ("bee", "")], 700.0, LEAD);
    decision.pass_over("bee", "its breaker is open");
    decision.pass_over("gone", "not configured");
    assert_eq!(names(&decision), ["ant"]);
    let json = serde_json::to_string(&decision).unwrap();
    assert!(json.len() < 500, "{json}");
    assert_eq!(serde_json::from_str::<Decision>(&json).unwrap(), decision);
    let lines: Vec<String> = decision.candidates.iter().map(ToString::to_string).collect();
    assert!(lines[0].starts_with("ant: chosen, cost 0.1"), "{lines:?}");
    assert!(lines[1].starts_with("bee: passed over (its breaker is open), cost"), "{lines:?}");
    assert_eq!(lines[2], "gone: passed over (not configured)");
}

#[test]
fn an_observation_survives_its_own_json() {
    let seen = Attempts::new().one("ant", "IN", 0.0, Some((End::Censored, 3.0)));
    let json = serde_json::to_string(&seen).unwrap();
    assert_eq!(serde_json::from_str::<Observation>(&json).unwrap(), seen);
    let none = Observation { region: None, end: None, ..seen };
    assert_eq!(serde_json::from_str::<Observation>(&serde_json::to_string(&none).unwrap()).unwrap(), none);
    assert!(serde_json::from_str::<Observation>(&json.replace("\"IN\"", "\"I9\"")).is_err());
}

#[test]
fn memory_is_bounded_and_what_fell_out_does_not_come_back() {
    let (attempts, mut window) = (Attempts::new(), window::Window::default());
    let all: Vec<Observation> =
        (0..window::KEPT + 500).map(|n| attempts.one("ant", "IN", n as f64, None)).collect();
    for seen in all.iter().chain(&all[..600]) {
        window.observe(seen);
    }
    assert_eq!(window.rows().count(), window::KEPT);
    assert_eq!(window.rows().next().unwrap().sent_at, at(500.0));
    let mut backwards = window::Window::default();
    for seen in all.iter().rev() {
        backwards.observe(seen);
    }
    assert_eq!(window, backwards);
}

fn any_end() -> impl Strategy<Value = Option<(End, f64)>> {
    let end = prop::sample::select(vec![End::Approved, End::Refused, End::Undelivered, End::Censored]);
    prop::option::of((end, 0.0..400.0_f64))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn nodes_that_hear_the_same_rows_decide_alike_whatever_the_order_and_however_often(
        rows in prop::collection::vec((0_usize..3, 0.0..900.0_f64, any_end(), any_end()), 1..80),
        shuffle in any::<u64>(),
        seed in any::<u64>(),
    ) {
        let attempts = Attempts::new();
        let mut told: Vec<Observation> = Vec::new();
        for (provider, sent, one, other) in rows {
            let after = |end: Option<(End, f64)>| end.map(|(end, later)| (end, sent + later));
            let row = attempts.one(["ant", "bee", "cat"][provider], "IN", sent, after(one));
            let end = after(other).map(|(end, when)| (end, at(when)));
            told.extend([Observation { end: None, ..row.clone() }, Observation { end, ..row.clone() }, row]);
        }
        let offers = [("ant", "0.01 USD"), ("bee", "0.02 USD"), ("cat", "0.03 USD")];
        let decide = |rows: &[Observation]| {
            let mut ranker = Ranker::default();
            rows.iter().for_each(|row| ranker.observe(row));
            order(&mut ranker, Ranking::Conversion, &offers, 1_000.0, seed)
        };
        let first = decide(&told);
        prop_assert_eq!(&first, &decide(&told), "the same again");
        let random = SeededRandom::new(shuffle);
        for place in (1..told.len()).rev() {
            told.swap(place, usize::try_from(random.below(place as u64 + 1)).unwrap());
        }
        told.extend_from_within(..told.len() / 2);
        prop_assert_eq!(first, decide(&told));
    }

    #[test]
    fn how_long_people_take_is_learned_from_young_attempts_without_a_lean_to_the_fast(
        slow in 0.0..0.6_f64,
    ) {
        // People come after 10 s, or after 150 s; half of the attempts are too young to have shown the second.
        let attempts = Attempts::new();
        let mut window = window::Window::default();
        for n in 0..800 {
            let sent = f64::from(n) * 0.5;
            let due = (f64::from(n) * 0.618).fract();
            let came = sent + if due < slow { 150.0 } else { 10.5 };
            let end = (came <= 400.0).then_some((End::Approved, came));
            window.observe(&attempts.one("ant", "IN", sent, end));
        }
        let delay = Delay::learn(window.rows(), at(400.0));
        let by = delay.by(60_000);
        prop_assert!((by - (1.0 - slow)).abs() < 0.08, "{by} for {}", 1.0 - slow);
        let ages: Vec<f64> = (0..700).map(|second| delay.by(second * 1000)).collect();
        prop_assert!(ages.is_sorted() && ages[0] < 0.01 && ages[699] == 1.0);
    }
}

#[test]
fn a_moment_before_the_last_one_breaks_nothing() {
    let (mut ranker, attempts) = (Ranker::default(), Attempts::new());
    attempts.many(&mut ranker, "ant", "IN", 0.0, 100, 0.8);
    let before = order(&mut ranker, Ranking::Conversion, &SAME, 700.0, LEAD);
    order(&mut ranker, Ranking::Conversion, &SAME, 9_000.0, LEAD);
    let again = order(&mut ranker, Ranking::Conversion, &SAME, 700.0, LEAD);
    assert_eq!(names(&before), names(&again));
    assert_eq!(at(5.0).since(at(0.0)), Duration::from_secs(5));
}
