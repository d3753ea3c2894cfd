//! The audit log: one chain, whoever writes, and nothing of it changes unseen.

use backstop_domain::{
    application::ApplicationId,
    audit::{Broken, Checkpoint, Fault, Head, NewRecord, Record, SealedDetail, Verified, Verifier},
    event::{Actor, Event, EventKind},
    id::{ApiKeyId, UserId},
    ports::store::{ApiKey, Applications as _, Audit as _, StoreError},
    secret::SecretString,
};

use super::World;
use crate::setup::{APP, Database as _, at, together, told, wait};

impl World {
    fn record(&self, records: Vec<NewRecord>) {
        wait(self.store.record(records)).unwrap();
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        wait(self.store.audit_page(0, 10_000)).unwrap()
    }

    pub(crate) fn details(&self) -> Vec<SealedDetail> {
        wait(self.store.audit_details(1, 10_000)).unwrap()
    }

    /// Records something personal of a user.
    pub(crate) fn record_of(&self, user: UserId, detail: &str) {
        let event = Event::new(at(1), EventKind::SignInFailed, Actor::Anonymous);
        let event = Event { subject: Some(user), detail: Some(SecretString::new(detail)), ..event };
        self.record(vec![NewRecord::of(&event, &self.ring, &self.random)]);
    }

    /// Signs the end as it is.
    pub(crate) fn sign(&self) -> Checkpoint {
        let head = wait(self.store.audit_head()).unwrap();
        let checkpoint = Checkpoint::of(head, at(9), self.ring.as_ref()).unwrap();
        wait(self.store.checkpoint(checkpoint.clone())).unwrap();
        checkpoint
    }

    /// Walks the log with all that the store holds against it.
    pub(crate) fn verify(&self) -> Result<Verified, Broken> {
        let mut verifier = Verifier::default();
        for checkpoint in wait(self.store.checkpoints(0, 1000)).unwrap() {
            verifier.expect(&checkpoint, self.ring.as_ref())?;
        }
        verifier.expect_head(wait(self.store.audit_head()).unwrap());
        for record in self.records() {
            verifier.take(&record)?;
        }
        verifier.finish()
    }

    /// Does what the log refuses, as somebody who may do everything to the database.
    fn tamper(&self, sql: &str) {
        self.database.lift_the_guards();
        self.execute(sql);
    }

    fn api_key(&self, number: u8) -> ApiKey {
        ApiKey {
            id: ApiKeyId::new(at(i64::from(number)), &self.random),
            application: APP,
            authority: backstop_domain::application::Authority::Secret,
            hash: [number; 32],
            hint: "sk_…9f".into(),
            created_at: at(0),
            revoked_at: None,
        }
    }
}

fn filled(count: i64) -> World {
    let world = World::new();
    world.record((1..=count).map(told).collect());
    world
}

fn broken(seq: u64, fault: Fault) -> Result<Verified, Broken> {
    Err(Broken { seq, fault })
}

#[test]
fn what_is_recorded_is_numbered_from_one_and_read_page_by_page() {
    let world = World::new();
    assert_eq!(wait(world.store.audit_head()).unwrap(), Head::default());
    assert_eq!((world.records(), world.verify().unwrap().head.seq), (vec![], 0));
    world.record(vec![told(1), told(2)]);
    world.record(vec![]);
    world.record(vec![told(3)]);
    let world = world.reopened(at(5));
    world.record(vec![told(4)]);
    let records = world.records();
    let seen: Vec<_> = records.iter().map(|record| (record.seq, record.at, record.body.as_str())).collect();
    let body = |second| format!(r#"{{"object":"{second}"}}"#);
    let bodies: Vec<String> = (1..=4).map(body).collect();
    let expected: Vec<_> =
        (1..=4).map(|n| (n as u64, at(n), bodies[usize::try_from(n).unwrap() - 1].as_str())).collect();
    assert_eq!(seen, expected);
    assert_eq!(wait(world.store.audit_page(1, 2)).unwrap(), records[1..3]);
    assert_eq!(world.verify().unwrap().head, records[3].head());
}

#[test]
fn failures_are_counted_by_application_and_span_and_no_text_passes_for_one() {
    let world = World::new();
    let event = |second, kind, application| Event {
        application: Some(application),
        ..Event::new(at(second), kind, Actor::Anonymous)
    };
    let other = ApplicationId(APP.0 * 10 + 1);
    let pretends = format!(r#"","kind":"sign_in.failed","application":{},""#, APP.0);
    let pretending = event(5, EventKind::EmergencyRefused, other).with_object(pretends);
    let events = [
        event(1, EventKind::SignInFailed, APP),
        event(2, EventKind::SignInFailed, APP),
        event(3, EventKind::SignInFailed, APP),
        event(3, EventKind::SignInFailed, other),
        event(4, EventKind::SignInSucceeded, APP),
        pretending,
        event(6, EventKind::EmergencyUsed, APP),
    ];
    world.record(events.iter().map(|event| NewRecord::of(event, &world.ring, &world.random)).collect());
    let found = |application, after, until, most| {
        let found = wait(world.store.failures(application, (at(after), at(until)), most)).unwrap();
        (found.count, found.oldest)
    };
    assert_eq!(found(APP, 0, 9, 99), (3, Some(at(1))));
    assert_eq!(found(APP, 0, 9, 2), (2, Some(at(2))), "the newest, and no more than were asked for");
    assert_eq!((found(APP, 1, 2, 99), found(APP, 3, 9, 99)), ((1, Some(at(2))), (0, None)));
    assert_eq!(found(other, 0, 9, 99), (1, Some(at(3))));
    let emergency = |after| wait(world.store.emergency_uses(at(after))).unwrap();
    assert_eq!(emergency(4), world.records()[6..], "a use, and not what was refused");
    assert_eq!(emergency(6), []);
}

#[test]
fn writers_at_once_leave_no_gap_and_no_fork() {
    let world = World::new();
    together(8, |writer| {
        for number in 0..20 {
            world.record(vec![told(i64::try_from(writer * 100 + number).unwrap()), told(-1)]);
        }
    });
    let verified = world.verify().unwrap();
    assert_eq!((verified.head.seq, world.records().len()), (320, 320));
}

#[test]
fn a_record_stands_if_its_change_does_and_not_otherwise() {
    let world = World::new();
    let (key, same) = (world.api_key(1), world.api_key(1));
    wait(world.store.add_key(key.clone(), told(1))).unwrap();
    assert!(wait(world.store.add_key(same, told(2))).is_err(), "one key, one row");
    assert!(wait(world.store.revoke_key(key.id, told(3), at(3))).unwrap());
    assert!(!wait(world.store.revoke_key(key.id, told(4), at(4))).unwrap());
    let seconds: Vec<_> = world.records().iter().map(|record| record.at).collect();
    assert_eq!(seconds, [at(1), at(3)]);
    world.verify().unwrap();
}

#[test]
fn a_change_whose_record_cannot_be_written_is_not_made() {
    let world = filled(1);
    // The end that is noted is not the end that is there: the next number is taken.
    world.execute("UPDATE audit_head SET seq = 0");
    let refused = wait(world.store.add_key(world.api_key(1), told(2)));
    assert!(matches!(refused, Err(StoreError::Internal(_))), "{refused:?}");
    assert_eq!(wait(world.store.keys()).unwrap(), []);
    world.execute("UPDATE audit_head SET seq = 1");
    wait(world.store.add_key(world.api_key(1), told(2))).unwrap();
    world.verify().unwrap();
}

#[test]
fn nobody_changes_or_deletes_a_record_or_a_checkpoint() {
    let world = filled(3);
    world.sign();
    let before = (world.records(), world.verify());
    for refused in [
        "UPDATE audit SET body = '{}' WHERE seq = 2",
        "UPDATE audit SET seq = 9 WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit",
        "UPDATE audit_checkpoints SET seq = 2",
        "DELETE FROM audit_checkpoints",
    ] {
        assert!(world.database.refuses(refused), "{refused}");
    }
    assert_eq!((world.records(), world.verify()), before);
}

#[test]
fn every_edit_of_a_row_is_found_and_names_the_record() {
    for (edit, fault) in [
        ("at = at + 1", Fault::Altered),
        ("body = replace(body, '3', '8')", Fault::Altered),
        ("prev = hash", Fault::Altered),
        ("hash = prev", Fault::Altered),
    ] {
        let world = filled(5);
        world.tamper(&format!("UPDATE audit SET {edit} WHERE seq = 3"));
        assert_eq!(world.verify(), broken(3, fault), "{edit}");
    }
}

#[test]
fn a_row_that_is_deleted_moved_or_cut_off_is_named() {
    let world = filled(5);
    world.tamper("DELETE FROM audit WHERE seq = 2");
    assert_eq!(world.verify(), broken(2, Fault::Missing));
    let world = filled(5);
    for step in ["seq = 99 WHERE seq = 2", "seq = 2 WHERE seq = 3", "seq = 3 WHERE seq = 99"] {
        world.tamper(&format!("UPDATE audit SET {step}"));
    }
    assert_eq!(world.verify(), broken(2, Fault::Altered));
    let world = filled(5);
    world.tamper("DELETE FROM audit WHERE seq > 3");
    assert_eq!(world.verify(), broken(4, Fault::CutOff), "the end is noted");
}

#[test]
fn an_end_that_is_cut_off_with_its_note_meets_the_checkpoint() {
    let world = filled(5);
    world.sign();
    world.tamper("DELETE FROM audit WHERE seq > 3");
    world.execute("UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)");
    assert_eq!(world.verify(), broken(4, Fault::CutOff));
    // Whoever goes on writing does not hide it.
    world.record(vec![told(6), told(7), told(8)]);
    assert_eq!(world.verify(), broken(5, Fault::Rewritten));
}

#[test]
fn an_erased_user_leaves_a_chain_that_verifies_and_nothing_to_open() {
    let world = World::new();
    let users = [1, 2].map(|second| UserId::new(at(second), &world.random));
    world.record_of(users[0], "192.0.2.0/24");
    world.record_of(users[1], "198.51.100.0/24");
    world.record_of(users[0], "+91987••••10");
    world.sign();
    let opened = |world: &World| -> Vec<String> {
        let records = world.records();
        let open = |detail: &SealedDetail| {
            let record = records.iter().find(|record| record.seq == detail.seq).unwrap();
            record.open(detail, &world.ring).unwrap().expose().to_owned()
        };
        world.details().iter().map(open).collect()
    };
    assert_eq!(opened(&world), ["192.0.2.0/24", "198.51.100.0/24", "+91987••••10"]);
    assert_eq!(wait(world.store.erase_audit_details(users[0])).unwrap(), 2);
    assert_eq!(wait(world.store.erase_audit_details(users[0])).unwrap(), 0);
    assert_eq!(opened(&world), ["198.51.100.0/24"]);
    let verified = world.verify().unwrap();
    assert_eq!((verified.head.seq, verified.checkpoints), (3, 1));
    assert!(world.records().iter().all(|record| !record.body.contains("192.0.2")));
}

#[test]
fn the_first_checkpoint_of_a_record_stays() {
    let world = filled(2);
    assert_eq!(wait(world.store.last_checkpoint()).unwrap(), None);
    let first = world.sign();
    let later = Checkpoint::of(world.records()[1].head(), at(50), world.ring.as_ref()).unwrap();
    wait(world.store.checkpoint(later)).unwrap();
    world.record(vec![told(3)]);
    let second = world.sign();
    assert_eq!(wait(world.store.checkpoints(0, 10)).unwrap(), [first.clone(), second.clone()]);
    assert_eq!(wait(world.store.checkpoints(2, 10)).unwrap(), std::slice::from_ref(&second));
    assert_eq!(wait(world.store.checkpoints(0, 1)).unwrap(), [first]);
    assert_eq!(wait(world.store.last_checkpoint()).unwrap(), Some(second));
}

#[test]
fn a_damaged_row_is_named_by_its_number() {
    let world = filled(3);
    world.tamper(if World::bytes() == "blob" {
        "UPDATE audit SET hash = zeroblob(3) WHERE seq = 2"
    } else {
        "UPDATE audit SET hash = '' WHERE seq = 2"
    });
    let failed = wait(world.store.audit_page(0, 10)).unwrap_err();
    assert!(matches!(&failed, StoreError::BadRow { table: "audit", key, .. } if key == "2"), "{failed}");
}
