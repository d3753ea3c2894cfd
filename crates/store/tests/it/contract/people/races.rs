//! Many acts at once. Each race is run by whatever nodes there are: one here, two in `postgres/people.rs`.

use backstop_domain::{
    factor::tries::Budget,
    notice::Target,
    ports::store::{File, Once, PersonAct, StoreError, Whom},
};
use serde_json::{Value, json};

use super::{World, act, count};
use crate::setup::{ASHA, RAVI, at, together, told};

impl World {
    /// Tries again while the store is too busy, as callers do: nothing was changed then.
    pub(crate) fn insist(&self, make: impl Fn() -> PersonAct) -> Once<Value> {
        for _ in 0..50 {
            match self.try_person(make()) {
                Err(StoreError::Unavailable(_)) => {}
                answer => return answer.unwrap(),
            }
        }
        panic!("the store is never free");
    }
}

fn yes(answers: &[Once<Value>]) -> usize {
    answers.iter().filter(|answer| **answer == Once::Done(json!(true))).count()
}

/// Two hundred acts on one person, each with a record.
pub(crate) fn no_update_is_lost(nodes: &[World]) {
    let user = nodes[0].person_with(&[ASHA]);
    let whoms = [Whom::User(user.id), nodes[0].whoever_has(ASHA)];
    together(200, |number| {
        let counted = || {
            act(whoms[number % 2], |file: &mut File| {
                file.records.push(told(1));
                count(file)
            })
        };
        assert!(matches!(nodes[number % nodes.len()].insist(counted), Once::Done(_)));
    });
    assert_eq!(nodes[0].find(Whom::User(user.id)).unwrap().profile.notices, 200);
    assert_eq!(nodes[0].verify().unwrap().head.seq, 200);
}

/// Fifty acts that want the same thing that counts once, by different people.
pub(crate) fn once_is_once(nodes: &[World]) {
    let people: Vec<_> = (0..5).map(|_| nodes[0].person_with(&[])).collect();
    let answers = together(50, |number| {
        let node = &nodes[number % nodes.len()];
        node.insist(|| PersonAct {
            once: Some((node.hash("proof"), at(600))),
            ..act(Whom::User(people[number % 5].id), |file| {
                file.use_up = true;
                json!(!file.used_before)
            })
        })
    });
    assert_eq!(yes(&answers), 1);
    assert_eq!(nodes[0].number("SELECT count(*) FROM used_once"), 1);
}

/// A hundred guesses from one network at a hundred people, half of whom there are.
pub(crate) fn a_networks_budget_is_one(nodes: &[World]) {
    let whoms: Vec<_> = (0..100)
        .map(|number| match number % 2 {
            0 => Whom::User(nodes[0].person_with(&[]).id),
            _ => Whom::Address(nodes[0].hash(&number.to_string())),
        })
        .collect();
    let answers = together(100, |number| {
        let node = &nodes[number % nodes.len()];
        node.insist(|| PersonAct {
            network: Some(node.hash("network")),
            ..act(whoms[number], |file| json!(file.network.charge(&Budget::NETWORK, at(1)).is_ok()))
        })
    });
    assert_eq!(yes(&answers), 30);
}

/// Sixty acts with one key.
pub(crate) fn one_key_is_one_act(nodes: &[World]) {
    let user = nodes[0].person_with(&[]);
    let answers = together(60, |number| {
        let node = &nodes[number % nodes.len()];
        node.insist(|| PersonAct { idempotency: node.key("key", "body"), ..act(Whom::User(user.id), count) })
    });
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Once::Done(_))).count(), 1);
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Once::Before(_))).count(), 59);
    assert_eq!(nodes[0].find(Whom::User(user.id)).unwrap().profile.notices, 1);
}

/// Two people who let go of what they have and take what is free, again and again.
pub(crate) fn claims_of_each_other_never_block(nodes: &[World]) {
    let people = [nodes[0].person_with(&[ASHA]), nodes[0].person_with(&[RAVI])];
    together(8, |number| {
        let (node, user) = (&nodes[number % nodes.len()], people[number % 2].id);
        let mut lookups = [node.lookup(ASHA), node.lookup(RAVI)].to_vec();
        let mut addresses = [ASHA, RAVI].map(|to| node.address_of(user, to, true)).to_vec();
        if number % 4 < 2 {
            lookups.reverse();
            addresses.reverse();
        }
        for round in 0..20 {
            let swap = || {
                let (wanted, owners) = (addresses.clone(), lookups.clone());
                let rule = move |file: &mut File| {
                    let free = |at: usize| !file.owners.iter().any(|(owned, _)| *owned == owners[at]);
                    let take: Vec<_> = (0..2).filter(|at| free(*at)).map(|at| wanted[at].clone()).collect();
                    file.user.as_mut().unwrap().profile.addresses = take;
                    file.records.push(told(round));
                    Value::Null
                };
                PersonAct { claims: lookups.clone(), ..act(Whom::User(user), rule) }
            };
            node.insist(swap);
        }
    });
    let world = &nodes[0];
    let held: usize =
        people.iter().map(|user| world.find(Whom::User(user.id)).unwrap().lookups().len()).sum();
    assert_eq!(world.number("SELECT count(*) FROM user_lookups"), i64::try_from(held).unwrap());
    for to in [ASHA, RAVI] {
        let owner = world.find(world.whoever_has(to));
        assert!(owner.is_none_or(|user| user.lookups().contains(&world.lookup(to))));
    }
    assert_eq!(world.verify().unwrap().head.seq, 160);
}

#[test]
fn two_hundred_acts_on_one_person_lose_no_update_and_leave_no_gap_in_the_log() {
    no_update_is_lost(&[World::new()]);
}

#[test]
fn what_counts_once_is_used_up_once_by_fifty_at_once() {
    once_is_once(&[World::new()]);
}

#[test]
fn a_hundred_guesses_at_once_from_one_network_stay_within_its_budget() {
    a_networks_budget_is_one(&[World::new()]);
}

#[test]
fn sixty_acts_at_once_with_one_key_are_one_act() {
    one_key_is_one_act(&[World::new()]);
}

#[test]
fn acts_that_claim_what_each_other_have_never_block_each_other() {
    claims_of_each_other_never_block(&[World::new()]);
}

#[test]
fn a_rule_whose_batch_was_undone_by_a_neighbour_runs_again_and_has_one_effect() {
    let world = World::new();
    let people: Vec<_> = (0..40).map(|_| world.person_with(&[])).collect();
    let twice = world.new_notice(Target::Webhook("shop".into()), 1);
    together(40, |number| {
        let (spoils, notice) = (number % 4 == 0, twice.clone());
        let rule = move |file: &mut File| {
            if spoils {
                file.notices = vec![notice.clone(), notice.clone()];
            }
            file.records.push(told(1));
            count(file)
        };
        let answer = world.try_person(act(Whom::User(people[number].id), rule));
        assert_eq!(answer.is_err(), spoils, "{answer:?}");
    });
    for (number, user) in people.iter().enumerate() {
        let counted = world.find(Whom::User(user.id)).unwrap().profile.notices;
        assert_eq!(counted, u64::from(number % 4 != 0));
    }
    assert_eq!(world.number("SELECT count(*) FROM notices"), 0);
    assert_eq!(world.verify().unwrap().head.seq, 30);
}
