use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn route(channel: Channel, provider: &str) -> Route {
    Route { channel, provider: provider.into(), availability: Availability::Free }
}

fn ladder() -> Vec<Route> {
    vec![route(Channel::Sms, "one"), route(Channel::Sms, "two"), route(Channel::Email, "mail")]
}

fn tried(route: &Route, round: u32, state: AttemptState, reason: Option<Reason>) -> Tried {
    let rejection = reason.map(|reason| match crate::outcome::Outcome::rejected(reason) {
        crate::outcome::Outcome::Rejected(rejection) => rejection,
        _ => unreachable!(),
    });
    Tried {
        channel: route.channel,
        provider: route.provider.clone(),
        round: Some(round),
        state,
        rejection,
        started_at: at(0),
        finished_at: (state != AttemptState::Sending).then(|| at(0)),
        silent_at: None,
    }
}

/// Taken, and silent after 30 s.
fn silent(route: &Route) -> Tried {
    Tried { silent_at: Some(at(30)), ..tried(route, 0, AttemptState::Accepted, None) }
}

fn step(routes: &[Route], tried: &[Tried], now: i64) -> Step {
    next(&Situation {
        routes,
        tried,
        second_opinion: true,
        hedge_after: Duration::from_secs(2),
        expires_at: at(600),
        now: at(now),
    })
}

fn send(routes: &[usize], round: u32) -> Step {
    Step::Send { routes: routes.to_vec(), round }
}

use AttemptState as S;

#[test]
fn a_refusal_moves_to_the_next_provider_and_then_to_the_next_channel() {
    let routes = ladder();
    let mut done = vec![];
    assert_eq!(step(&routes, &done, 0), send(&[0], 0));
    done.push(tried(&routes[0], 0, S::Rejected, Some(Reason::Unavailable)));
    assert_eq!(step(&routes, &done, 0), send(&[1], 0));
    done.push(tried(&routes[1], 0, S::Rejected, Some(Reason::OutOfCredit)));
    assert_eq!(step(&routes, &done, 0), send(&[2], 0));
    done.push(tried(&routes[2], 0, S::Accepted, None));
    assert_eq!(step(&routes, &done, 0), Step::Sent);
}

#[test]
fn a_silent_provider_gets_company_of_its_own_channel_only() {
    let routes = ladder();
    let mut done = vec![tried(&routes[0], 0, S::Sending, None)];
    assert_eq!(step(&routes, &done, 1), Step::Wait { until: Some(at(2)) });
    assert_eq!(step(&routes, &done, 2), send(&[1], 0));
    done.push(Tried { started_at: at(2), ..tried(&routes[1], 0, S::Sending, None) });
    assert_eq!(step(&routes, &done, 9), Step::Wait { until: None }, "e-mail is another channel");
    done[0].state = S::Unknown;
    assert_eq!(step(&routes, &done, 10), Step::Wait { until: None });
    done[1].state = S::Unknown;
    assert_eq!(step(&routes, &done, 12), send(&[2], 0));
}

#[test]
fn a_hedge_never_goes_through_a_breaker_that_is_not_closed() {
    let mut routes = ladder();
    routes[1].availability = Availability::Probe;
    let done = vec![tried(&routes[0], 0, S::Sending, None)];
    assert_eq!(step(&routes, &done, 5), Step::Wait { until: None });
}

#[test]
fn a_number_said_not_to_exist_gets_one_second_opinion_and_then_the_next_channel() {
    let mut routes = ladder();
    routes.insert(2, route(Channel::Sms, "three"));
    let mut done = vec![tried(&routes[0], 0, S::Rejected, Some(Reason::InvalidRecipient))];
    assert_eq!(step(&routes, &done, 0), send(&[1], 0));
    done.push(tried(&routes[1], 0, S::Rejected, Some(Reason::InvalidRecipient)));
    assert_eq!(step(&routes, &done, 0), send(&[3], 0), "not the third text-message provider");
}

#[test]
fn a_number_that_is_not_on_the_channel_leaves_the_channel() {
    let routes = ladder();
    let done = vec![tried(&routes[0], 0, S::Rejected, Some(Reason::NotOnChannel))];
    assert_eq!(step(&routes, &done, 0), send(&[2], 0));
}

#[test]
fn a_person_who_opted_out_of_one_sender_hears_from_another_but_never_again_from_that_one() {
    let routes = vec![route(Channel::Sms, "one"), route(Channel::Sms, "two")];
    let mut done = vec![tried(&routes[0], 0, S::Rejected, Some(Reason::OptedOut))];
    assert_eq!(step(&routes, &done, 0), send(&[1], 0));
    done.push(tried(&routes[1], 0, S::Rejected, Some(Reason::Unavailable)));
    assert_eq!(step(&routes, &done, 0), Step::Wait { until: Some(at(2)) });
    assert_eq!(step(&routes, &done, 2), send(&[1], 1), "round two leaves the first out");
}

#[test]
fn a_used_up_plan_begins_again_after_2_4_8_seconds_while_the_code_lives() {
    let routes = vec![route(Channel::Sms, "one")];
    let mut done = vec![];
    let mut now = 0;
    let mut pauses = vec![];
    loop {
        match step(&routes, &done, now) {
            Step::Send { routes: picked, round } => {
                assert_eq!(picked, [0]);
                let mut refused = tried(&routes[0], round, S::Rejected, Some(Reason::Unavailable));
                refused.finished_at = Some(at(now));
                done.push(refused);
            }
            Step::Wait { until: Some(until) } => {
                pauses.push(until.as_millis() / 1000 - now);
                now = until.as_millis() / 1000;
            }
            Step::Undeliverable => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pauses[..7], [2, 4, 8, 16, 32, 64, 64]);
    assert!(now + 64 + 30 > 600, "it gave up at {now} although there was time");
}

#[test]
fn a_provider_that_ends_unknown_twice_is_left_alone() {
    let routes = vec![route(Channel::Sms, "one")];
    let mut done = vec![tried(&routes[0], 0, S::Unknown, None)];
    assert_eq!(step(&routes, &done, 2), send(&[0], 1));
    done.push(tried(&routes[0], 1, S::Unknown, None));
    assert_eq!(step(&routes, &done, 100), Step::Undeliverable);
}

#[test]
fn a_person_gets_six_messages_at_the_most() {
    let routes = ladder();
    let earlier = |_| Tried { round: None, ..tried(&routes[0], 0, S::Accepted, None) };
    let done: Vec<_> = (0..5).map(earlier).collect();
    assert!(matches!(step(&routes, &done, 0), Step::Send { .. }));
    let done: Vec<_> = (0..6).map(earlier).collect();
    assert_eq!(step(&routes, &done, 0), Step::Undeliverable);
}

#[test]
fn the_last_message_is_not_risked_on_a_probe() {
    let mut routes = ladder();
    routes[0].availability = Availability::Probe;
    let earlier = |_| Tried { round: None, ..tried(&routes[2], 0, S::Accepted, None) };
    let done: Vec<_> = (0..5).map(earlier).collect();
    assert_eq!(step(&routes, &done, 0), send(&[1], 0));
    assert_eq!(step(&routes[..1], &done, 0), send(&[0], 0), "better a probe than nothing");
}

#[test]
fn nothing_is_sent_with_less_than_thirty_seconds_of_life() {
    let routes = ladder();
    assert!(matches!(step(&routes, &[], 570), Step::Send { .. }));
    assert_eq!(step(&routes, &[], 571), Step::Undeliverable);
    let in_flight = vec![tried(&routes[0], 0, S::Sending, None)];
    assert_eq!(step(&routes, &in_flight, 571), Step::Wait { until: None }, "what left is waited for");
}

#[test]
fn when_breakers_hold_back_every_route_the_one_due_soonest_is_tried_anyway() {
    let mut routes = ladder();
    for (route, until) in routes.iter_mut().zip([50, 20, 90]) {
        route.availability = Availability::HeldBack(at(until));
    }
    assert_eq!(step(&routes, &[], 0), send(&[1], 0));
    let done = vec![tried(&routes[1], 0, S::Rejected, Some(Reason::Unavailable))];
    assert_eq!(step(&routes, &done, 0), Step::Wait { until: Some(at(2)) }, "once a round");
}

#[test]
fn an_own_limit_is_never_passed_even_if_nothing_else_is_left() {
    let mut routes = vec![route(Channel::Sms, "one")];
    routes[0].availability = Availability::Exhausted(at(40));
    assert_eq!(step(&routes, &[], 0), Step::Wait { until: Some(at(40)) });
    routes[0].availability = Availability::Exhausted(at(4000));
    assert_eq!(step(&routes, &[], 0), Step::Undeliverable);
}

#[test]
fn a_probe_goes_out_with_the_next_route_beside_it() {
    let mut routes = ladder();
    routes[0].availability = Availability::Probe;
    assert_eq!(step(&routes, &[], 0), send(&[0, 1], 0));
    routes[1].availability = Availability::HeldBack(at(9));
    assert_eq!(step(&routes, &[], 0), send(&[0, 2], 0));
}

#[test]
fn a_second_delivery_prefers_the_provider_that_was_not_used_yet() {
    let routes = ladder();
    let done = vec![Tried { round: None, ..tried(&routes[0], 0, S::Accepted, None) }];
    assert_eq!(step(&routes, &done, 60), send(&[1], 0));
}

#[test]
fn without_any_usable_route_the_delivery_is_undeliverable_at_once() {
    assert_eq!(step(&[], &[], 0), Step::Undeliverable);
    let mut routes = vec![route(Channel::Sms, "one")];
    routes[0].availability = Availability::Closed;
    assert_eq!(step(&routes, &[], 0), Step::Undeliverable);
}

#[test]
fn nobody_is_called_because_a_text_message_is_of_unknown_fate() {
    let routes =
        vec![route(Channel::Sms, "one"), route(Channel::Voice, "phone"), route(Channel::Email, "mail")];
    let unknown = vec![tried(&routes[0], 0, S::Unknown, None)];
    assert_eq!(step(&routes, &unknown, 0), send(&[2], 0));
    let refused = vec![tried(&routes[0], 0, S::Rejected, Some(Reason::Unavailable))];
    assert_eq!(step(&routes, &refused, 0), send(&[1], 0));
}

#[test]
fn silence_moves_on_once_where_receipts_are_arriving_and_nowhere_else() {
    let routes = ladder();
    let deaf = [tried(&routes[0], 0, S::Accepted, None)];
    assert_eq!(step(&routes, &deaf, 500), Step::Sent, "nothing is ever told of this route");
    let mut done = vec![silent(&routes[0])];
    assert_eq!(step(&routes, &done, 29), Step::Sent);
    assert_eq!(step(&routes, &done, 30), send(&[1], 0));
    done.push(tried(&routes[1], 0, S::Sending, None));
    assert_eq!(step(&routes, &done, 31), Step::Wait { until: None });
    done[1].state = S::Rejected;
    assert_eq!(step(&routes, &done, 32), send(&[2], 0), "the next that can");
    done[1] = silent(&routes[1]);
    assert_eq!(step(&routes, &done, 500), Step::Sent, "a second silence is the person's to answer");
}

#[test]
fn a_silent_message_does_not_wait_for_the_flight_of_another_delivery() {
    let routes = ladder();
    let elsewhere = Tried { round: None, ..tried(&routes[0], 0, S::Sending, None) };
    let done = [elsewhere, silent(&routes[1])];
    assert_eq!(step(&routes, &done, 30), send(&[0], 0));
    assert_eq!(step(&routes, &done, 571), Step::Sent);
}

#[test]
fn silence_never_makes_a_telephone_ring_and_ends_nothing() {
    let routes = vec![route(Channel::Sms, "one"), route(Channel::Voice, "phone")];
    assert_eq!(step(&routes, &[silent(&routes[0])], 60), Step::Sent);
    let mut dear = ladder();
    dear[1].availability = Availability::HeldBack(at(90));
    dear[2].availability = Availability::Closed;
    assert_eq!(step(&dear, &[silent(&dear[0])], 60), Step::Sent, "a breaker is not passed for it");
    assert_eq!(step(&ladder(), &[silent(&ladder()[0])], 571), Step::Sent, "too late");
}

#[test]
fn what_arrived_is_not_silent() {
    let routes = ladder();
    let arrived = Tried { state: S::Delivered, ..silent(&routes[0]) };
    assert_eq!(step(&routes, &[arrived], 300), Step::Sent);
}

#[test]
fn a_receipt_that_says_undelivered_moves_on_like_a_refusal() {
    let routes = ladder();
    let done = [tried(&routes[0], 0, S::Undelivered, None)];
    assert_eq!(step(&routes, &done, 20), send(&[1], 0));
    let no_such = tried(&routes[0], 0, S::Undelivered, Some(Reason::NotOnChannel));
    assert_eq!(step(&routes, &[no_such], 20), send(&[2], 0), "not on this channel at all");
}
