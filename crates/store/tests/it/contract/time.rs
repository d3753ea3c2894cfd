//! What time it is, the store hears from its callers and from nobody else: not from its own machine, not from its database.

use backstop_domain::{
    clock::Timestamp,
    ports::store::{Begun, Once, Opened, Verifications as _},
    verification::Status,
};

use super::World;
use crate::setup::{ASHA, at, seconds, wait};

/// Decades before and after whatever the clock of this machine says.
const FAR: [i64; 3] = [-50 * 365 * 86_400, 0, 50 * 365 * 86_400];

#[test]
fn a_life_is_the_same_in_every_decade() {
    for beginning in FAR {
        let world = World::new();
        let at = |second| at(beginning + second);
        let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
        world.begin(id, delivery, "any", at(1));
        assert!(world.recover(world.another_node(beginning + 90), beginning + 30).is_empty());
        let taken = world.recover(world.another_node(beginning + 90), beginning + 31);
        assert_eq!(taken.len(), 1, "its lease ended 30 s after its last attempt");
        let late = world.new_attempt(id, delivery, "any", at(32));
        assert_eq!(world.try_begin(late), Begun::LeaseLost);
        let view = world.view(id);
        assert_eq!((view.verification.created_at, view.verification.expires_at), (at(0), at(600)));
        assert!(!world.answer(id, &world.wrong(id), at(599)).valid);
        assert_eq!(world.answer(id, &world.code(id), at(600)).status, Status::Expired);
        assert_eq!(wait(world.store.expire(at(600))).unwrap(), 1);
        assert_eq!(world.view(id).verification.status, Status::Expired);
    }
}

#[test]
fn waits_windows_and_kept_answers_are_the_same_in_every_decade() {
    for beginning in FAR {
        let world = World::new();
        let at = |second| at(beginning + second);
        let keyed = |second| {
            let mut new = world.new_start(ASHA, at(second));
            new.idempotency = world.key("key", "body");
            new
        };
        let (id, _) = world.start(&keyed(0));
        assert!(matches!(world.open(&keyed(59)), Once::Before(_)));
        let resend = world.new_resend(id, ASHA, at(59));
        assert!(format!("{:?}", wait(world.store.resend(resend)).unwrap()).contains("Refused"));
        for second in 60..64 {
            world.open(&world.new_start_with(ASHA, at(second), |row| {
                row.purpose = format!("purpose_{second}").parse().unwrap();
            }));
        }
        let sixth = |second| {
            let mut new =
                world.new_start_with(ASHA, at(second), |row| row.purpose = "sixth".parse().unwrap());
            new.resend_after = seconds(0);
            world.open(&new)
        };
        let Once::Done(Opened::Refused(refusal)) = sixth(3599) else { panic!("five an hour") };
        assert_eq!(refusal.0.retry_at, at(3600));
        assert!(matches!(sixth(3600), Once::Done(Opened::Opened { .. })));
        let kept: Timestamp = world.view(id).verification.created_at;
        assert_eq!(kept, at(0));
    }
}
