//! Many callers at once, on real threads.

use backstop_domain::{
    limit::{LimitName, Limits},
    ports::store::{Checked, Once, Opened, Redeemed, Verifications as _},
    verification::Status,
};

use super::World;
use crate::setup::{APP, ASHA, at, seconds, together, wait};

#[test]
fn five_hundred_wrong_codes_at_once_are_compared_three_times() {
    let world =
        World::with_limits(Limits { checks_per_hour: 1000, checks_per_day: 1000, ..Limits::default() });
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    let wrong = world.wrong(id);
    let answers = together(500, |_| world.answer(id, &wrong, at(1)));
    assert!(answers.iter().all(|answer| !answer.valid));
    assert_eq!(answers.iter().filter(|answer| answer.status == Status::Pending).count(), 2);
    assert_eq!(world.number("SELECT count(*) FROM checks"), 3);
    assert_eq!(world.view(id).verification.checks_used, 3);
}

#[test]
fn five_hundred_wrong_codes_over_many_verifications_stay_within_the_budget() {
    let world = World::with_limits(Limits { recipient_per_hour: 0, ..Limits::default() });
    let purposes = ["login", "registration", "password_reset"];
    let ids: Vec<_> = purposes
        .iter()
        .map(|purpose| {
            let new = world.new_start_with(ASHA, at(0), |row| {
                (row.purpose, row.max_checks) = (purpose.parse().unwrap(), 10);
            });
            world.start(&new).0
        })
        .collect();
    let wrongs: Vec<_> = ids.iter().map(|id| world.wrong(*id)).collect();
    let answers = together(500, |number| world.check(ids[number % 3], &wrongs[number % 3], at(1)));
    let compared = answers.iter().filter(|checked| matches!(checked, Checked::Answer { .. })).count();
    assert_eq!(compared, 10);
    assert_eq!(world.number("SELECT sum(checks_used) FROM verifications"), 10);
}

#[test]
fn two_hundred_right_codes_at_once_succeed_once() {
    let world =
        World::with_limits(Limits { checks_per_hour: 1000, checks_per_day: 1000, ..Limits::default() });
    let (id, _) = world.start(&world.new_start(ASHA, at(0)));
    let code = world.code(id);
    let answers = together(200, |_| world.answer(id, &code, at(1)));
    assert_eq!(answers.iter().filter(|answer| answer.valid).count(), 1);
    let redeemed = together(50, |_| wait(world.store.redeem(APP, id, None, at(2))).unwrap());
    let handed = redeemed.iter().filter(|redeemed| matches!(redeemed, Redeemed::Redeemed { .. })).count();
    assert_eq!(handed, 1);
}

#[test]
fn three_hundred_starts_at_once_open_three() {
    let world = World::new();
    let starts: Vec<_> = (0..300).map(|_| world.new_start(ASHA, at(0))).collect();
    let answers = together(300, |number| world.open(&starts[number]));
    let opened = answers.iter().filter(|answer| matches!(answer, Once::Done(Opened::Opened { .. }))).count();
    assert_eq!(opened, 3);
    assert_eq!(world.number("SELECT count(*) FROM verifications"), 3);
}

#[test]
fn three_hundred_starts_at_once_for_many_purposes_send_five_messages() {
    let world = World::new();
    let starts: Vec<_> = (0..300)
        .map(|number| {
            let purpose = format!("purpose_{number}");
            world.new_start_with(ASHA, at(0), |row| row.purpose = purpose.parse().unwrap())
        })
        .collect();
    let answers = together(300, |number| world.open(&starts[number]));
    let refused = |answer: &Once<Opened>| match answer {
        Once::Done(Opened::Refused(refusal)) => refusal.0.limit == LimitName::RecipientPerHour,
        _ => false,
    };
    assert_eq!(answers.iter().filter(|answer| refused(answer)).count(), 295);
    assert_eq!(world.number("SELECT count(*) FROM deliveries"), 5);
}

#[test]
fn a_hundred_starts_with_one_key_are_one_start() {
    let world = World::new();
    let starts: Vec<_> = (0..100)
        .map(|_| {
            let mut new = world.new_start(ASHA, at(0));
            new.idempotency = world.key("key", "body");
            new
        })
        .collect();
    let answers = together(100, |number| world.open(&starts[number]));
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Once::Done(_))).count(), 1);
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Once::Before(_))).count(), 99);
    assert_eq!(world.number("SELECT count(*) FROM deliveries"), 1);
}

#[test]
fn a_hundred_joining_starts_at_once_send_one_message_more() {
    let world = World::new();
    let joining =
        |second| world.new_start_with(ASHA, at(second), |row| row.join = Some(world.hash("session")));
    let (id, _) = world.start(&joining(0));
    let starts: Vec<_> = (0..100).map(|_| joining(60)).collect();
    together(100, |number| world.open(&starts[number]));
    assert_eq!(world.view(id).deliveries.len(), 2);
    assert_eq!(world.number("SELECT count(*) FROM verifications"), 1);
}

#[test]
fn two_workers_never_take_the_same_delivery() {
    use backstop_domain::{delivery::Lease, id::NodeId, ports::store::Deliveries as _};
    let world = World::new();
    for number in 0..40 {
        world.start(&world.new_start(&format!("+9198765{number:05}"), at(0)));
    }
    let nodes: Vec<_> = (0..8).map(|_| NodeId::new(at(0), &world.random)).collect();
    let taken = together(8, |number| {
        let lease = Lease { holder: nodes[number], until: at(31) + seconds(30) };
        wait(world.store.recover(lease, at(31), 10)).unwrap()
    });
    let mut ids: Vec<_> = taken.iter().flatten().map(|task| task.delivery.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 40);
    assert_eq!(taken.iter().map(Vec::len).sum::<usize>(), 40);
}
