//! How many messages a provider may get, counted in the act that writes an attempt down.

use backstop_domain::{
    limit::Pace,
    ports::store::{Begun, NewAttempt},
};

use super::World;
use crate::setup::{ASHA, RAVI, at, seconds};

impl World {
    /// An attempt through a provider that may get so many messages in a minute and in an hour.
    fn paced(&self, to: &str, provider: &str, (minute, hour): (u32, u32), second: i64) -> NewAttempt {
        let (id, delivery) = self.start(&self.new_start(to, at(second)));
        let pace = vec![Pace { max: minute, span: seconds(60) }, Pace { max: hour, span: seconds(3600) }];
        NewAttempt { pace, ..self.new_attempt(id, delivery, provider, at(second)) }
    }
}

#[test]
fn a_provider_gets_no_more_messages_than_it_may() {
    let world = World::new();
    let all: Vec<_> = (0..4).map(|n| world.paced(&format!("{ASHA}{n}"), "slow", (3, 100), 0)).collect();
    let lease = world.view(all[3].verification).deliveries[0].lease;
    for attempt in &all[..3] {
        assert_eq!(world.try_begin(attempt.clone()), Begun::Send);
    }
    let NewAttempt { verification, delivery, .. } = all[3];
    let Begun::Paced { until } = world.try_begin(all[3].clone()) else { panic!("a fourth left") };
    assert!(at(60) <= until && until <= at(61), "{until:?}");
    let view = world.view(verification);
    assert!(view.attempts.is_empty(), "nothing was written");
    assert_eq!(view.deliveries[0].lease, lease);
    assert_eq!(world.try_begin(NewAttempt { now: at(59), ..all[3].clone() }), Begun::Paced { until });
    let other = NewAttempt { provider: "quick".into(), ..all[3].clone() };
    assert_eq!(world.try_begin(other), Begun::Send, "another provider has its own");
    let later =
        NewAttempt { pace: all[3].pace.clone(), ..world.new_attempt(verification, delivery, "slow", until) };
    assert_eq!(world.try_begin(later), Begun::Send);
}

#[test]
fn a_message_that_one_pace_refuses_takes_no_place_of_the_other() {
    let world = World::new();
    assert_eq!(world.try_begin(world.paced(ASHA, "slow", (1, 2), 0)), Begun::Send);
    let waiting = world.paced(RAVI, "slow", (1, 2), 1);
    for _ in 0..10 {
        assert!(matches!(world.try_begin(waiting.clone()), Begun::Paced { .. }));
    }
    assert_eq!(world.try_begin(NewAttempt { now: at(120), ..waiting.clone() }), Begun::Send);
    let third = world.paced("+919876500001", "slow", (1, 2), 240);
    let Begun::Paced { until } = world.try_begin(third) else { panic!("a third left within the hour") };
    assert!(at(3600) <= until && until <= at(3660), "{until:?}");
}

#[test]
fn a_restart_is_no_fresh_start_for_a_provider() {
    let world = World::new();
    assert_eq!(world.try_begin(world.paced(ASHA, "slow", (1, 9), 0)), Begun::Send);
    let world = world.reopened(at(1));
    assert!(matches!(world.try_begin(world.paced(RAVI, "slow", (1, 9), 2)), Begun::Paced { .. }));
}
