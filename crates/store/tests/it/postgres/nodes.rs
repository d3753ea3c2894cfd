//! Two nodes, each with a store of its own on one database, at the same things at the same time.

use backstop_domain::{
    attempt::AttemptState,
    delivery::DeliveryState,
    limit::{LimitName, Limits, Pace},
    ports::store::{
        Audit as _, Begun, Checked, Deliveries as _, NewAttempt, Noted, Once, Opened, Redeemed,
        SubmittedCheck, Verifications as _,
    },
    receipt::{About, ReceiptState},
    verification::Status,
};

use super::World;
use crate::setup::{APP, ASHA, at, seconds, together, told, wait};

/// A world and its second node, which agree about the limits.
pub(super) fn nodes(limits: Limits) -> [World; 2] {
    let world = World::with_limits(limits);
    let another = world.another();
    [world, another]
}

fn opened(answers: &[Once<Opened>]) -> usize {
    answers.iter().filter(|answer| matches!(answer, Once::Done(Opened::Opened { .. }))).count()
}

#[test]
fn a_limit_is_one_limit_however_many_nodes_charge_it() {
    let nodes = nodes(Limits::default());
    let starts: Vec<_> = (0..200)
        .map(|number| {
            nodes[number % 2].new_start_with(ASHA, at(0), |row| {
                row.purpose = format!("purpose_{number}").parse().unwrap();
            })
        })
        .collect();
    let answers = together(200, |number| nodes[number % 2].open(&starts[number]));
    assert_eq!(opened(&answers), 5);
    assert_eq!(nodes[0].number("SELECT count(*) FROM deliveries"), 5);
    let refusal = nodes[1].refused(&starts[0]).0;
    assert_eq!((refusal.limit, refusal.retry_at), (LimitName::RecipientPerHour, at(3600)));
}

#[test]
fn a_recipient_has_three_live_verifications_over_all_nodes() {
    let nodes = nodes(Limits::default());
    let starts: Vec<_> = (0..100).map(|number| nodes[number % 2].new_start(ASHA, at(0))).collect();
    assert_eq!(opened(&together(100, |number| nodes[number % 2].open(&starts[number]))), 3);
}

#[test]
fn wrong_codes_at_two_nodes_share_one_count() {
    let nodes = nodes(Limits { checks_per_hour: 1000, checks_per_day: 1000, ..Limits::default() });
    let (id, _) = nodes[0].start(&nodes[0].new_start(ASHA, at(0)));
    let wrong = nodes[0].wrong(id);
    let answers = together(100, |number| nodes[number % 2].answer(id, &wrong, at(1)));
    assert_eq!(answers.iter().filter(|answer| answer.status == Status::Pending).count(), 2);
    assert_eq!(nodes[1].view(id).verification.checks_used, 3);
    assert_eq!(nodes[0].number("SELECT count(*) FROM checks"), 3);
}

#[test]
fn the_budget_of_checks_holds_across_siblings_and_nodes() {
    let nodes = nodes(Limits { recipient_per_hour: 0, ..Limits::default() });
    let purposes = ["login", "registration", "password_reset"];
    let ids = purposes.map(|purpose| {
        let new = nodes[0].new_start_with(ASHA, at(0), |row| {
            (row.purpose, row.max_checks) = (purpose.parse().unwrap(), 10);
        });
        nodes[0].start(&new).0
    });
    let wrongs = ids.map(|id| nodes[0].wrong(id));
    let answers =
        together(120, |number| nodes[number % 2].check(ids[number % 3], &wrongs[number % 3], at(1)));
    assert_eq!(answers.iter().filter(|checked| matches!(checked, Checked::Answer { .. })).count(), 10);
    assert_eq!(nodes[0].number("SELECT sum(checks_used) FROM verifications"), 10);
}

#[test]
fn the_right_code_at_two_nodes_opens_the_door_once_and_is_redeemed_once() {
    let nodes = nodes(Limits { checks_per_hour: 1000, checks_per_day: 1000, ..Limits::default() });
    let (id, _) = nodes[0].start(&nodes[0].new_start(ASHA, at(0)));
    let code = nodes[0].code(id);
    let answers = together(60, |number| nodes[number % 2].answer(id, &code, at(1)));
    assert_eq!(answers.iter().filter(|answer| answer.valid).count(), 1);
    let redeemed = together(40, |number| wait(nodes[number % 2].store.redeem(APP, id, None, at(2))).unwrap());
    let handed = redeemed.iter().filter(|redeemed| matches!(redeemed, Redeemed::Redeemed { .. })).count();
    assert_eq!(handed, 1);
}

#[test]
fn one_key_at_two_nodes_is_one_start_with_one_answer() {
    let nodes = nodes(Limits::default());
    let starts: Vec<_> = (0..60)
        .map(|number| {
            let mut new = nodes[number % 2].new_start(ASHA, at(0));
            new.idempotency = nodes[0].key("key", "body");
            new
        })
        .collect();
    let answers = together(60, |number| nodes[number % 2].open(&starts[number]));
    let verification = |answer: &Once<Opened>| match answer {
        Once::Done(Opened::Opened { verification, delivery, .. })
        | Once::Before(Opened::Opened { verification, delivery, .. }) => (*verification, *delivery),
        other => panic!("{other:?}"),
    };
    let first = verification(&answers[0]);
    assert!(answers.iter().all(|answer| verification(answer) == first));
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Once::Done(_))).count(), 1);
    assert_eq!(nodes[0].number("SELECT count(*) FROM deliveries"), 1);
    let mut other = nodes[1].new_start(ASHA, at(1));
    other.idempotency = nodes[0].key("key", "another body");
    assert_eq!(nodes[1].open(&other), Once::OtherBody);
}

#[test]
fn one_key_at_two_nodes_is_one_check() {
    let nodes = nodes(Limits::default());
    let (id, _) = nodes[0].start(&nodes[0].new_start(ASHA, at(0)));
    let wrong = nodes[0].wrong(id);
    let answers = together(40, |number| {
        let node = &nodes[number % 2];
        let check =
            SubmittedCheck { idempotency: node.key("key", "body"), ..node.submitted(id, &wrong, at(1)) };
        node.try_check(check).unwrap()
    });
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Once::Done(_))).count(), 1);
    assert_eq!(nodes[0].view(id).verification.checks_used, 1);
}

#[test]
fn joining_at_two_nodes_is_one_verification_and_one_message() {
    let nodes = nodes(Limits::default());
    let joining =
        |node: &World| node.new_start_with(ASHA, at(0), |row| row.join = Some(node.hash("session")));
    let starts: Vec<_> = (0..60).map(|number| joining(&nodes[number % 2])).collect();
    let answers = together(60, |number| nodes[number % 2].open(&starts[number]));
    assert_eq!(opened(&answers), 1);
    assert_eq!(nodes[0].number("SELECT count(*) FROM verifications"), 1);
    assert_eq!(nodes[0].number("SELECT count(*) FROM deliveries"), 1);
}

#[test]
fn what_a_dead_node_left_is_taken_over_by_one() {
    let nodes = nodes(Limits::default());
    for number in 0..40 {
        nodes[0].start(&nodes[0].new_start(&format!("+9198765{number:05}"), at(0)));
    }
    let leases: Vec<_> = (0..8).map(|_| nodes[0].another_node(61)).collect();
    let taken =
        together(8, |number| wait(nodes[number % 2].store.recover(leases[number], at(31), 10)).unwrap());
    let mut ids: Vec<_> = taken.iter().flatten().map(|task| task.delivery.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), taken.iter().map(Vec::len).sum::<usize>()), (40, 40));
}

#[test]
fn a_takeover_that_races_with_the_holders_next_attempt_lets_one_of_them_send() {
    for round in 0..6 {
        let nodes = nodes(Limits::default());
        let (id, delivery) = nodes[0].start(&nodes[0].new_start(ASHA, at(0)));
        let old = nodes[0].new_attempt(id, delivery, "any", at(31));
        let lease = nodes[1].another_node(61);
        let sent = together(2, |number| match number {
            0 => nodes[0].try_begin(old.clone()) == Begun::Send,
            _ => {
                let taken = !nodes[1].recover(lease, 31).is_empty();
                let new = NewAttempt { lease, ..nodes[1].new_attempt(id, delivery, "any", at(31)) };
                taken && nodes[1].try_begin(new) == Begun::Send
            }
        });
        // The holder may have sent before it was taken over; then that attempt is known to be unknown, not repeated.
        assert!(sent.contains(&true), "round {round}: nobody sends");
        let states: Vec<_> =
            nodes[0].view(id).attempts.iter().map(|attempt| attempt.state.as_str()).collect();
        let sending = states.iter().filter(|state| **state == "sending").count();
        assert_eq!(sending, 1, "round {round}: {states:?}");
    }
}

#[test]
fn a_provider_has_one_pace_over_all_nodes() {
    let nodes = nodes(Limits::default());
    let attempts: Vec<_> = (0..40)
        .map(|number| {
            let node = &nodes[number % 2];
            let (id, delivery) = node.start(&node.new_start(&format!("+9198765{number:05}"), at(0)));
            let pace = vec![Pace { max: 7, span: seconds(60) }];
            NewAttempt { pace, ..node.new_attempt(id, delivery, "slow", at(0)) }
        })
        .collect();
    let begun = together(40, |number| nodes[number % 2].try_begin(attempts[number].clone()));
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::Send).count(), 7);
    assert_eq!(begun.iter().filter(|begun| matches!(begun, Begun::Paced { .. })).count(), 33);
    assert_eq!(nodes[0].number("SELECT count(*) FROM attempts"), 7);
}

#[test]
fn nodes_whose_clocks_are_an_hour_apart_still_share_every_limit_and_every_life() {
    let nodes = nodes(Limits { recipient_per_hour: 3, ..Limits::default() });
    let (behind, ahead) = (&nodes[0], &nodes[1]);
    let start = |node: &World, second, purpose: &str| {
        node.new_start_with(ASHA, at(second), |row| row.purpose = purpose.parse().unwrap())
    };
    let (first, _) = behind.start(&start(behind, 0, "one"));
    let (second, _) = ahead.start(&start(ahead, 3599, "two"));
    behind.start(&start(behind, 1, "three"));
    assert_eq!(behind.refused(&start(behind, 2, "four")).0.limit, LimitName::RecipientPerHour);
    assert_eq!(ahead.refused(&start(ahead, 3599, "four")).0.limit, LimitName::RecipientPerHour);
    assert_eq!(ahead.answer(first, &ahead.code(first), at(3600)).status, Status::Expired);
    assert!(behind.answer(second, &behind.code(second), at(3)).valid, "its life ends at 4199, not before");
    let taken = ahead.recover(ahead.another_node(3700), 3630);
    assert!(!taken.is_empty());
    for task in taken.iter().filter(|task| task.verification.id == first) {
        let old = behind.new_attempt(first, task.delivery.id, "any", at(4));
        assert_eq!(behind.try_begin(old), Begun::LeaseLost, "nobody sends what another has taken over");
    }
}

#[test]
fn what_one_node_wrote_the_other_reads_at_once() {
    let nodes = nodes(Limits::default());
    for number in 0..20 {
        let new = nodes[0].new_start(&format!("+9198765{number:05}"), at(0));
        let (id, _) = nodes[0].start(&new);
        let code = nodes[1].code(id);
        assert!(nodes[1].answer(id, &code, at(1)).valid);
        assert_eq!(nodes[0].view(id).verification.status, Status::Approved);
    }
}

#[test]
fn a_receipt_that_two_nodes_hear_opens_its_delivery_at_one_of_them() {
    let nodes = nodes(Limits::default());
    let attempts: Vec<_> = (0..10)
        .map(|number| {
            let (id, delivery) = nodes[0].start(&nodes[0].new_start(&format!("+9198765{number:05}"), at(0)));
            let attempt = nodes[0].begin(id, delivery, "any", at(1));
            let mut said = nodes[0].said(&attempt, AttemptState::Accepted, "accepted", at(2));
            (said.delivery_state, said.handles) = (Some(DeliveryState::Sent), vec![number.to_string()]);
            wait(nodes[0].store.finish_attempt(said)).unwrap();
            attempt
        })
        .collect();
    // Half by our name, half by the vendor's; each node hears all of them, in another order.
    let answers = together(40, |number| {
        let node = &nodes[number % 2];
        let nth = if number % 2 == 0 { number / 2 % 10 } else { 9 - number / 2 % 10 };
        let mut told = node.told(&attempts[nth], ReceiptState::Undelivered, at(3));
        if number % 4 < 2 {
            told.receipt.about = About::VendorId(nth.to_string());
        }
        (nth, node.node, node.note(&told))
    });
    let goes_on = |noted: &Noted| matches!(noted, Noted::Noted { goes_on: true, .. });
    for (nth, attempt) in attempts.iter().enumerate() {
        let winners: Vec<_> = answers
            .iter()
            .filter(|(of, _, noted)| *of == nth && goes_on(noted))
            .map(|(_, node, _)| *node)
            .collect();
        assert_eq!(winners.len(), 1, "{nth}");
        let delivery = nodes[1].view(attempt.verification).deliveries.remove(0);
        assert_eq!((delivery.state, delivery.lease.unwrap().holder), (DeliveryState::Queued, winners[0]));
    }
}

#[test]
fn an_answer_and_its_receipt_at_two_nodes_come_to_the_same_end() {
    let nodes = nodes(Limits::default());
    for round in 0..10 {
        let (id, delivery) = nodes[0].start(&nodes[0].new_start(&format!("+9198765{round:05}"), at(0)));
        let attempt = nodes[0].begin(id, delivery, "any", at(1));
        together(2, |number| match number {
            0 => nodes[0].accepted(&attempt, at(2)),
            _ => drop(nodes[1].note(&nodes[1].told(&attempt, ReceiptState::Delivered, at(2)))),
        });
        let view = nodes[1].view(id);
        assert_eq!(view.attempts[0].state, AttemptState::Delivered, "round {round}");
        assert_eq!((view.deliveries[0].state, view.deliveries[0].lease), (DeliveryState::Delivered, None));
    }
}

#[test]
fn three_nodes_that_write_at_once_make_one_chain_without_a_gap_or_a_fork() {
    let world = World::new();
    let nodes = [world.another(), world.another(), world];
    together(6, |writer| {
        for number in 0..15 {
            let second = i64::try_from(writer * 100 + number).unwrap();
            wait(nodes[writer % 3].store.record(vec![told(second), told(second)])).unwrap();
        }
    });
    for node in &nodes {
        assert_eq!(node.verify().unwrap().head.seq, 180);
    }
}
