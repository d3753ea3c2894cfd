//! What nodes tell each other of messages, and what operators switched.

use backstop_domain::{
    channel::Channel,
    id::AttemptId,
    ports::store::{ProviderSwitch, Routing as _},
    ranking::{End, Observation},
    recipient::Region,
};

use super::{World, money::price};
use crate::setup::{at, together, told, wait};

const DAY: i64 = 86_400;

impl World {
    pub(crate) fn seen(&self, second: i64) -> Observation {
        Observation {
            attempt: AttemptId::new(at(second), &self.random),
            provider: "sms-one".into(),
            channel: Channel::Sms,
            region: Region::parse("IN"),
            sent_at: at(second),
            delivered_at: None,
            end: None,
        }
    }

    /// Tells, and hears what there is since.
    pub(crate) fn observe(&self, mine: &[&Observation], since: i64, now: i64) -> Vec<Observation> {
        let mine = mine.iter().copied().cloned().collect();
        wait(self.store.observe(mine, at(since), at(now))).unwrap()
    }
}

#[test]
fn what_is_told_of_a_message_comes_back_as_it_was_the_oldest_first() {
    let world = World::new();
    let sent = world.seen(0);
    let arrived = Observation { delivered_at: Some(at(3)), ..sent.clone() };
    let ended = Observation { end: Some((End::Approved, at(9))), ..sent.clone() };
    let nowhere = Observation { region: None, channel: Channel::Email, ..world.seen(1) };
    assert_eq!(world.observe(&[&sent], 0, 1).len(), 1);
    world.observe(&[&arrived], 0, 3);
    world.observe(&[&ended], 0, 9);
    world.observe(&[&nowhere], 0, 10);
    assert_eq!(world.observe(&[], 0, 11), [sent, arrived, ended, nowhere]);
}

#[test]
fn all_that_is_known_of_a_message_can_be_told_at_once() {
    let world = World::new();
    let sent = world.seen(0);
    let arrived = Observation { delivered_at: Some(at(3)), ..sent.clone() };
    let ended = Observation { end: Some((End::Undelivered, at(9))), ..sent };
    world.observe(&[&arrived], 0, 3);
    world.observe(&[&Observation { delivered_at: Some(at(3)), ..ended.clone() }], 0, 9);
    assert_eq!(world.observe(&[], 0, 9), [arrived, ended]);
}

#[test]
fn the_same_word_told_twice_is_one_row_and_the_first_stands() {
    let world = World::new();
    let first = Observation { end: Some((End::Refused, at(2))), ..world.seen(0) };
    let second = Observation { end: Some((End::Refused, at(4))), ..first.clone() };
    together(8, |_| world.observe(&[&first, &first], 0, 2));
    assert_eq!(world.observe(&[&second], 0, 4), [first]);
    assert_eq!(world.number("SELECT count(*) FROM observations"), 1);
}

#[test]
fn what_was_committed_late_is_heard_with_the_next_call() {
    let world = World::new();
    let early = world.seen(0);
    world.observe(&[&early], 0, 100);
    assert_eq!(world.observe(&[], 104, 105), [early], "five seconds before what was asked for");
    assert_eq!(world.observe(&[], 106, 106), []);
}

#[test]
fn what_is_older_than_a_day_is_neither_heard_nor_kept() {
    let world = World::new();
    let many: Vec<_> = (0..1700).map(|_| world.seen(0)).collect();
    world.observe(&many.iter().collect::<Vec<_>>(), 0, 0);
    let young = world.seen(10);
    world.observe(&[&young], 0, 10);
    let left = |world: &World| world.number("SELECT count(*) FROM observations");
    assert_eq!((world.observe(&[], 0, DAY - 1).len(), left(&world)), (1701, 1701));
    assert_eq!(world.observe(&[], 0, DAY), [young], "what is not dropped yet is not heard");
    assert_eq!(left(&world), 1201, "a step of five hundred");
    let told: Vec<_> = (0..300).map(|_| world.seen(DAY)).collect();
    world.observe(&told.iter().collect::<Vec<_>>(), 0, DAY);
    assert_eq!(left(&world), 401, "whoever adds much drops more");
    world.observe(&[], 0, DAY);
    assert_eq!(left(&world), 301);
    assert_eq!(world.observe(&[], DAY, DAY).len(), 300);
}

#[test]
fn what_a_node_of_another_version_tells_hides_nothing_else() {
    let world = World::new();
    world.execute("INSERT INTO observations (attempt, kind, at, body) VALUES ('att_x', 'new', 1800000001000, '{\"mood\":1}')");
    let mine = world.seen(1);
    assert_eq!(world.observe(&[&mine], 0, 2), [mine]);
}

#[test]
fn a_switch_sets_what_it_names_and_keeps_the_rest() {
    let world = World::new();
    assert_eq!(wait(world.store.switches()).unwrap(), []);
    let switch = |provider: &str, enabled, limit: Option<&str>, second| ProviderSwitch {
        provider: provider.into(),
        enabled,
        monthly_spend_limit: limit.map(price),
        changed_at: at(second),
    };
    for set in [
        switch("two", Some(true), None, 1),
        switch("one", None, Some("500 USD"), 2),
        switch("one", Some(false), None, 3),
        switch("two", None, Some("0.50 INR"), 4),
        switch("one", None, Some("50 USD"), 5),
    ] {
        wait(world.store.switch(set, told(1))).unwrap();
    }
    let all = [switch("one", Some(false), Some("50 USD"), 5), switch("two", Some(true), Some("0.50 INR"), 4)];
    assert_eq!(wait(world.store.switches()).unwrap(), all);
    let world = world.reopened(at(6));
    assert_eq!(wait(world.store.switches()).unwrap(), all);
}
