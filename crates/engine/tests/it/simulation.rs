//! The whole engine on one seeded thread: simulated vendors, virtual time, crashes between any two steps, a real SQLite
//! store underneath. A seed replays exactly.

pub(crate) mod executor;
mod planted;
mod vendor;
mod world;

use planted::Plant;
use world::{Report, World};

fn run(seed: u64, plant: Plant) -> Result<Report, String> {
    World::new(seed, plant).live()
}

/// Runs `seeds` on two threads; each seed lives on one.
fn find(seeds: std::ops::Range<u64>, plant: Plant) -> Vec<(u64, String)> {
    let half = seeds.start + (seeds.end - seeds.start) / 2;
    let scan = |range: std::ops::Range<u64>| {
        range.filter_map(|seed| run(seed, plant).err().map(|found| (seed, found))).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| scan(half..seeds.end));
        let mut found = scan(seeds.start..half);
        found.extend(other.join().unwrap());
        found
    })
}

#[test]
fn in_a_thousand_lives_with_crashes_no_promise_is_broken() {
    let seeds = std::env::var("BACKSTOP_SIMULATION_SEEDS").ok().and_then(|text| {
        let (from, to) = text.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    });
    let found = find(seeds.unwrap_or(0..1_000), Plant::None);
    assert!(found.is_empty(), "replay with BACKSTOP_SIMULATION_SEEDS=N..N+1: {found:#?}");
}

#[test]
fn the_lives_are_eventful() {
    let mut total = Report::default();
    for seed in 0..40 {
        total.add(&run(seed, Plant::None).unwrap());
    }
    for (what, count) in total.counts() {
        assert!(count > 10, "{what} happened only {count} times: {total:?}");
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in [1, 7, 42] {
        let (first, second) = (run(seed, Plant::None).unwrap(), run(seed, Plant::None).unwrap());
        assert_eq!(first, second, "seed {seed}");
    }
}

#[test]
fn a_check_that_is_refunded_on_error_is_found() {
    let found = find(0..40, Plant::RefundOnError);
    assert!(found.iter().any(|(_, what)| what.contains("I2")), "{found:?}");
}

#[test]
fn an_attempt_that_is_sent_twice_is_found() {
    let found = find(0..40, Plant::SendTwice);
    assert!(found.iter().any(|(_, what)| what.contains("I4")), "{found:?}");
}
