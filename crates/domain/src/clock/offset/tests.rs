use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000;

/// A store and a node whose clocks can be pushed.
struct World {
    monotonic: Duration,
    store: i64,
    offset: Offset,
}

impl World {
    fn new() -> Self {
        let store = 1_790_000_000_000;
        let first = Measurement {
            asked: Duration::ZERO,
            answered: Duration::ZERO,
            store: Timestamp::from_millis(store),
        };
        Self { monotonic: Duration::ZERO, store, offset: Offset::new(first) }
    }

    /// Real time goes by.
    fn pass(&mut self, millis: u64) {
        self.monotonic += Duration::from_millis(millis);
        self.store += millis as i64;
    }

    /// A measurement with a round trip, of which the way back takes `back`.
    fn measure(&mut self, there: u64, back: u64) -> Taken {
        let asked = self.monotonic;
        self.pass(there);
        let store = Timestamp::from_millis(self.store);
        self.pass(back);
        self.offset.take(Measurement { asked, answered: self.monotonic, store })
    }

    fn second(&mut self) -> Taken {
        self.pass(998);
        self.measure(1, 1)
    }

    /// How far our time is from the store's.
    fn error(&self) -> i64 {
        self.offset.at(self.monotonic).as_millis() - self.store
    }

    fn is_reliable(&self) -> bool {
        self.offset.is_reliable(self.monotonic)
    }
}

#[test]
fn small_differences_are_followed() {
    let mut world = World::new();
    for _ in 0..600 {
        world.store += 1;
        assert_eq!(world.second(), Taken::Followed);
        assert!(world.error().abs() <= 2, "{}", world.error());
    }
    assert!(world.is_reliable());
}

#[test]
fn a_step_of_the_stores_clock_is_taken_over_only_when_three_agree() {
    for step in [HOUR, -HOUR, 2_500, -2_500] {
        let mut world = World::new();
        world.second();
        world.store += step;
        assert_eq!(world.second(), Taken::Doubted { drift: step });
        assert!(!world.is_reliable());
        assert_eq!(world.error(), -step, "the old offset goes on");
        assert_eq!(world.second(), Taken::Doubted { drift: step });
        assert!(!world.is_reliable());
        assert_eq!(world.second(), Taken::Settled { moved: step });
        assert!(world.is_reliable());
        assert_eq!(world.error(), 0);
    }
}

#[test]
fn a_clock_that_is_still_moving_is_not_taken_over() {
    let mut world = World::new();
    world.store += HOUR;
    for _ in 0..10 {
        world.store += 150;
        assert!(matches!(world.second(), Taken::Doubted { .. }));
    }
    assert!(!world.is_reliable());
    world.second();
    assert!(matches!(world.second(), Taken::Settled { .. }), "it stands still since three measurements");
}

#[test]
fn a_step_that_is_taken_back_leaves_the_time_as_it_was() {
    let mut world = World::new();
    world.store += HOUR;
    world.second();
    world.store -= HOUR;
    for _ in 0..3 {
        assert!(!world.is_reliable());
        world.second();
    }
    assert!(world.is_reliable());
    assert_eq!(world.error(), 0);
}

#[test]
fn a_suspended_node_is_not_ready_before_it_knows_how_long_it_slept() {
    let mut world = World::new();
    world.second();
    // The monotonic clock stands still while the machine sleeps.
    world.store += 600_000;
    assert!(matches!(world.second(), Taken::Doubted { drift: 600_000 }));
    world.second();
    assert_eq!(world.second(), Taken::Settled { moved: 600_000 });
}

#[test]
fn a_frozen_process_is_not_ready_from_the_moment_it_wakes() {
    let mut world = World::new();
    world.second();
    world.pass(5_000);
    assert!(world.is_reliable());
    world.pass(1);
    assert!(!world.is_reliable());
    for taken in [world.measure(1, 1), world.second()] {
        assert_eq!(taken, Taken::Doubted { drift: 0 });
        assert!(!world.is_reliable());
    }
    assert_eq!(world.second(), Taken::Settled { moved: 0 });
    assert!(world.is_reliable());
}

#[test]
fn what_agreed_before_a_silence_does_not_count_after_it() {
    let mut world = World::new();
    world.store += HOUR;
    world.second();
    world.second();
    world.pass(6_000);
    assert!(matches!(world.second(), Taken::Doubted { .. }));
    assert!(matches!(world.second(), Taken::Doubted { .. }));
    assert!(matches!(world.second(), Taken::Settled { .. }));
}

#[test]
fn a_slow_answer_moves_nothing_that_it_does_not_prove() {
    let mut world = World::new();
    world.pass(1_000);
    assert_eq!(world.measure(0, 1_900), Taken::Followed);
    assert_eq!(world.error(), 0);
    assert_eq!(world.measure(1_900, 0), Taken::Followed);
    assert_eq!(world.error(), 0);
    assert_eq!(world.measure(1_000, 1_001), Taken::TooSlow);
    assert_eq!(world.error(), 0);
}

#[test]
fn answers_that_are_all_too_slow_are_a_silence() {
    let mut world = World::new();
    for _ in 0..3 {
        assert_eq!(world.measure(1_500, 1_500), Taken::TooSlow);
    }
    assert!(!world.is_reliable());
}

proptest! {
    #[test]
    fn a_reliable_node_is_never_far_from_a_store_that_does_not_jump(
        trips in proptest::collection::vec((0_u64..1_000, 0_u64..1_000, 0_u64..3_000), 1..60),
    ) {
        let mut world = World::new();
        for (there, back, pause) in trips {
            world.pass(pause);
            world.measure(there, back);
            prop_assert!(world.error().abs() <= 1_000, "{}", world.error());
        }
    }
}
