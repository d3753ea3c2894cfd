//! A store that was closed and opened refuses what it refused before, and grants what it granted.

use backstop_domain::{
    application::Authority,
    limit::Limits,
    ports::store::{Checked, Once, Opened, VerificationFilter, Verifications as _},
    verification::Status,
};
use backstop_store::{ExclusiveLock, LockError, SqliteStore};
use proptest::prelude::*;

use super::World;
use crate::setup::{APP, ASHA, RAVI, at, seconds, wait};

#[test]
fn a_backup_is_whole_private_and_restores_with_nothing_pending() {
    let world = World::new();
    let (done, _) = world.start(&world.new_start(ASHA, at(0)));
    world.answer(done, &world.code(done), at(1));
    let mut keyed = world.new_start(RAVI, at(2));
    keyed.idempotency = world.key("key", "body");
    let (pending, delivery) = world.start(&keyed);
    world.begin(pending, delivery, "any", at(3));
    let copy = world.beside("copy.db");
    wait(world.store.backup(&copy)).unwrap();
    assert!(wait(world.store.backup(&copy)).is_err(), "a backup is never overwritten");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let restored = SqliteStore::open(&copy, at(10)).unwrap();
    assert_eq!(wait(restored.cancel_pending(at(10))).unwrap(), 1);
    let view = wait(restored.get(APP, pending)).unwrap().unwrap();
    assert_eq!(view.verification.status, Status::Canceled);
    assert_eq!(view.deliveries[0].lease, None);
    assert_eq!(view.attempts[0].finished_at, Some(at(10)));
    let view = wait(restored.get(APP, done)).unwrap().unwrap();
    assert_eq!(view.verification.status, Status::Approved);
    let mut again = world.new_start(RAVI, at(11));
    again.idempotency = world.key("key", "body");
    assert!(matches!(wait(restored.open(again)).unwrap(), Once::Done(_)), "kept answers are forgotten");
    assert_eq!(world.view(pending).verification.status, Status::Pending, "the original lives on");
}

#[test]
fn an_inline_store_does_the_same_and_pauses_before_and_after_each_act() {
    use std::{
        future::Future as _,
        pin::pin,
        task::{Context, Waker},
    };
    let world = World::new();
    let store = SqliteStore::inline_in_memory(at(0)).unwrap();
    let all = VerificationFilter { limit: 10, now: at(0), ..VerificationFilter::default() };
    let count = || wait(store.list(APP, all.clone())).unwrap().len();
    let mut context = Context::from_waker(Waker::noop());

    let new = world.new_start(ASHA, at(0));
    {
        let mut act = pin!(store.open(new.clone()));
        assert!(act.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(count(), 0, "a crash before the act leaves nothing");
    {
        let mut act = pin!(store.open(new.clone()));
        assert!(act.as_mut().poll(&mut context).is_pending());
        assert!(act.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(count(), 1, "a crash after the commit loses only the answer");
    store.restart(at(1)).unwrap();
    for second in 1..3 {
        wait(store.open(world.new_start(ASHA, at(second)))).unwrap();
    }
    store.restart(at(3)).unwrap();
    let refused = wait(store.open(world.new_start(ASHA, at(4)))).unwrap();
    assert!(matches!(refused, Once::Done(Opened::Refused(_))));
}

#[test]
fn a_second_server_on_one_database_is_refused_until_the_first_ends() {
    let world = World::new();
    let lock = ExclusiveLock::acquire(&world.path()).unwrap();
    assert!(matches!(ExclusiveLock::acquire(&world.path()), Err(LockError::Held(_))));
    drop(lock);
    ExclusiveLock::acquire(&world.path()).unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    Start { person: u8, public: bool, joining: bool },
    Check { right: bool, public: bool },
    Wait(u16),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u8..3, any::<bool>(), any::<bool>())
            .prop_map(|(person, public, joining)| Step::Start { person, public, joining }),
        3 => (any::<bool>(), any::<bool>()).prop_map(|(right, public)| Step::Check { right, public }),
        3 => (0_u16..900).prop_map(Step::Wait),
        2 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

/// Does the steps; with restarts, or without.
fn history(world: &World, steps: &[Step], restarts: bool) -> Vec<String> {
    let store = SqliteStore::inline_in_memory(at(0)).unwrap();
    let random = backstop_domain::ports::random::SeededRandom::new(3);
    let (mut now, mut latest, mut told) = (0, None, Vec::new());
    for step in steps {
        match step {
            Step::Wait(span) => now += i64::from(*span),
            Step::Restart if restarts => store.restart(at(now)).unwrap(),
            Step::Restart => {}
            Step::Start { person, public, joining } => {
                let to = format!("+91987650000{person}");
                let mut new = world.new_start_with(&to, at(now), |row| {
                    row.id = backstop_domain::id::VerificationId::new(at(now), &random);
                    row.network = Some(world.hash("network"));
                    row.join = joining.then(|| world.hash("session"));
                    row.authority = if *public { Authority::Public } else { Authority::Secret };
                });
                new.delivery = backstop_domain::id::DeliveryId::new(at(now), &random);
                let opened = wait(store.open(new)).unwrap();
                if let Once::Done(Opened::Opened { verification, .. }) = &opened {
                    latest = Some(*verification);
                }
                told.push(format!("{opened:?}"));
            }
            Step::Check { right, public } => {
                let Some(id) = latest else { continue };
                let row = wait(store.get(APP, id)).unwrap().unwrap().verification;
                let code = row.code(&world.ring, &row.open_personal(&world.ring).unwrap()).unwrap();
                let other = if code.expose().starts_with('0') { '1' } else { '0' };
                let typed =
                    if *right { code.expose().to_owned() } else { format!("{other}{}", &code.expose()[1..]) };
                let mut check = world.submitted(id, &typed, at(now));
                check.authority = if *public { Authority::Public } else { Authority::Secret };
                let checked: Once<Checked> = wait(store.check(check)).unwrap();
                told.push(format!("{checked:?}"));
            }
        }
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_restart_at_any_point_changes_no_answer(steps in steps()) {
        let world = World::with_limits(Limits {
            network_per_hour: 6, resend_after: seconds(60), checks_per_hour: 6, ..Limits::default()
        });
        prop_assert_eq!(history(&world, &steps, true), history(&world, &steps, false));
    }
}
