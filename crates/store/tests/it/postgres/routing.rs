//! Two nodes on one database that spend one month's money, tell each other of messages and hear what operators switched.

use backstop_domain::{
    limit::{Limits, Pace},
    ports::store::{Begun, NewAttempt, ProviderSwitch, Routing as _, Settlement},
};

use super::{World, nodes::nodes};
use crate::setup::{at, seconds, together, told, wait};

#[test]
fn a_provider_has_one_month_over_all_nodes() {
    let nodes = nodes(Limits::default());
    let all: Vec<_> = (0..64).map(|number| nodes[number % 2].costing(number, "1 USD", 0)).collect();
    let sent = together(64, |number| {
        let sent = nodes[number % 2].try_begin(all[number].clone()) == Begun::Send;
        if sent && number % 4 < 2 {
            // The answer comes to the other node.
            nodes[(number + 1) % 2].settle(&all[number], Settlement::GivenBack, 1);
        }
        let (settled, set_aside) = nodes[number % 2].spent(0);
        assert!(settled.micros() + set_aside.micros() <= 1_000_000);
        sent
    });
    let stays = (0..64).filter(|number| sent[*number] && number % 4 >= 2).count();
    let more = together(64, |number| {
        !sent[number] && nodes[number % 2].try_begin(all[number].clone()) == Begun::Send
    });
    assert_eq!(stays + more.iter().filter(|sent| **sent).count(), 10, "exactly what the month may cost");
    assert_eq!(nodes[0].spent(0), nodes[1].spent(0));
    assert_eq!(nodes[0].month(0).messages(), (10, 0));
    assert_eq!(nodes[0].number("SELECT count(*) FROM reservations"), 10);
}

#[test]
fn months_and_paces_of_many_providers_are_taken_at_two_nodes_without_standing_in_each_others_way() {
    let nodes = nodes(Limits::default());
    let all: Vec<_> = (0..120)
        .map(|number| {
            let pace = vec![Pace { max: 1000, span: seconds(3600) }, Pace { max: 1000, span: seconds(60) }];
            let provider = format!("provider-{}", number % 5);
            NewAttempt { pace, provider, ..nodes[number % 2].costing(number, "100 USD", 0) }
        })
        .collect();
    together(120, |number| {
        assert_eq!(nodes[number % 2].try_begin(all[number].clone()), Begun::Send);
        let cost = all[number].reservation.unwrap().price;
        nodes[(number / 2) % 2].settle(&all[number], Settlement::Cost(cost), 1);
    });
    let books = wait(nodes[0].store.spending(at(0))).unwrap();
    let settled = books.iter().map(|(_, book)| book.spent().unwrap().0.micros());
    assert_eq!(settled.collect::<Vec<_>>(), [2_400_000; 5]);
}

#[test]
fn nodes_hear_of_the_same_messages_in_whatever_order_they_tell() {
    let nodes = nodes(Limits::default());
    let seen: Vec<_> = (0..40).map(|number| nodes[number % 2].seen(0)).collect();
    let told = together(8, |number| {
        let mut mine: Vec<_> = seen.iter().skip(number * 5).take(8).collect();
        if number % 2 == 0 {
            mine.reverse();
        }
        nodes[number % 2].observe(&mine, 0, 10)
    });
    assert!(told.iter().all(|heard| heard.len() <= 40));
    let heard = |node: &World| {
        let mut attempts: Vec<_> = node.observe(&[], 10, 12).iter().map(|seen| seen.attempt).collect();
        attempts.sort_unstable();
        attempts
    };
    let mut all: Vec<_> = seen.iter().map(|seen| seen.attempt).collect();
    all.sort_unstable();
    assert_eq!((heard(&nodes[0]), heard(&nodes[1])), (all.clone(), all));
}

#[test]
fn what_an_operator_switches_at_one_node_the_other_knows() {
    let nodes = nodes(Limits::default());
    let switch = |enabled, limit: Option<&str>| ProviderSwitch {
        provider: "sms-one".into(),
        enabled,
        monthly_spend_limit: limit.map(|limit| limit.parse().unwrap()),
        changed_at: at(1),
    };
    together(2, |number| {
        let half = if number == 0 { switch(Some(false), None) } else { switch(None, Some("5 USD")) };
        wait(nodes[number].store.switch(half, told(1))).unwrap();
    });
    for node in &nodes {
        assert_eq!(wait(node.store.switches()).unwrap(), [switch(Some(false), Some("5 USD"))]);
    }
}
