//! Operators and emergency access at rest: an invitation, an approval and a use count once, and each is recorded or not done.

use backstop_domain::{
    emergency::{
        KeyUsed,
        request::{Approval, EmergencyRequest, RequestState},
    },
    factor::totp::Totp,
    id::{OperatorId, UserId},
    operator::{self, Invitation, JoinRefusal, Operator, OperatorName, OperatorRole, Removal},
    ports::store::{Audit as _, EmergencyChange, Operators as _, People as _, StoreError, Whom},
    recipient::EmailAddress,
};
use serde_json::Value;

use super::{World, people::act};
use crate::setup::{APP, at, together, told, wait};

impl World {
    pub(crate) fn operator(&self, name: &str, role: OperatorRole) -> Operator {
        let id = OperatorId::new(at(1), &self.random);
        let email = EmailAddress::parse("meera@acme.example").unwrap();
        let (totp, _) = Totp::enrol(&operator::context(id, "totp"), &self.ring, &self.random, at(1));
        Operator {
            id,
            name: OperatorName::parse(name).unwrap(),
            email: Operator::seal(id, &email, &self.ring, &self.random),
            masked: email.masked(),
            role,
            joined_at: at(2),
            totp,
        }
    }

    pub(crate) fn invited(&self, role: OperatorRole, is_first: bool) -> Invitation {
        let (invitation, _) = Invitation::make(role, is_first, at(0), &self.ring, &self.random);
        wait(self.store.invite(invitation, told(0))).unwrap();
        invitation
    }

    pub(crate) fn joined(&self, name: &str, role: OperatorRole) -> Operator {
        let (invitation, new) = (self.invited(role, false), self.operator(name, role));
        assert_eq!(wait(self.store.join(invitation.hash, new.clone(), told(2))).unwrap(), Ok(()));
        new
    }

    pub(crate) fn asked(&self) -> EmergencyRequest {
        let user = UserId::new(at(0), &self.random);
        let why = ("SMS is down", Some("192.0.2.0/24".to_owned()));
        let request = EmergencyRequest::ask((APP, user), "k".into(), why, at(0), &self.ring, &self.random);
        self.change(EmergencyChange::Asked(Box::new(request.clone()))).unwrap();
        request
    }

    /// An act on a person that changes this of emergency access, and is recorded.
    fn change(&self, change: EmergencyChange) -> Result<(), StoreError> {
        let hash = self.hash("whoever");
        let rule = move |file: &mut backstop_domain::ports::store::File| {
            file.emergency = Some(change.clone());
            file.records.push(told(1));
            Value::Null
        };
        wait(self.store.person(act(Whom::Address(hash), rule))).map(|_| ())
    }

    fn used(&self, request: Option<&EmergencyRequest>) -> Result<(), StoreError> {
        let key = KeyUsed { fingerprint: "k".into(), at: at(20) };
        self.change(EmergencyChange::Used { key, request: request.map(|request| request.id) })
    }

    fn recorded(&self) -> u64 {
        wait(self.store.audit_head()).unwrap().seq
    }
}

#[test]
fn of_two_who_come_with_one_invitation_one_joins_and_one_record_is_written() {
    let world = World::new();
    let invitation = world.invited(OperatorRole::Operator, false);
    assert_eq!(wait(world.store.invitation(invitation.hash)).unwrap(), Some(invitation));
    let two = ["Meera", "Ravi"].map(|name| world.operator(name, OperatorRole::Operator));
    let joined = together(2, |n| wait(world.store.join(invitation.hash, two[n].clone(), told(2))).unwrap());
    assert_eq!(joined.iter().filter(|one| one.is_ok()).count(), 1);
    assert!(joined.contains(&Err(JoinRefusal::Invitation)));
    assert_eq!(wait(world.store.operators()).unwrap().len(), 1);
    assert_eq!(wait(world.store.invitation(invitation.hash)).unwrap(), None);
    assert_eq!(world.recorded(), 2, "the invitation and one joining");
}

#[test]
fn of_two_first_links_one_makes_an_owner_and_the_other_is_void() {
    let world = World::new();
    let links = [(); 2].map(|()| world.invited(OperatorRole::Owner, true));
    let two = ["Meera", "Ravi"].map(|name| world.operator(name, OperatorRole::Owner));
    let joined = together(2, |n| wait(world.store.join(links[n].hash, two[n].clone(), told(2))).unwrap());
    assert_eq!(joined.iter().filter(|one| one.is_ok()).count(), 1, "{joined:?}");
    let there = wait(world.store.operators()).unwrap();
    assert!(there.len() == 1 && two.contains(&there[0]));
}

#[test]
fn of_two_owners_who_remove_each_other_one_stays() {
    let world = World::new();
    let two = ["Meera", "Ravi"].map(|name| world.joined(name, OperatorRole::Owner));
    let before = world.recorded();
    let removed = together(2, |n| wait(world.store.remove_operator(two[n].id, told(3))).unwrap());
    assert!(removed.contains(&Removal::Removed) && removed.contains(&Removal::LastOwner), "{removed:?}");
    assert_eq!(world.recorded(), before + 1, "a refusal is no removal");
    assert_eq!(
        wait(world.store.remove_operator(world.operator("x", OperatorRole::Owner).id, told(4))).unwrap(),
        Removal::NotFound
    );
}

#[test]
fn a_request_is_approved_once_and_used_once_whoever_races() {
    let world = World::new();
    let request = world.asked();
    let approve = |_| {
        wait(world.store.approve_emergency(request.id, Approval { at: at(10), by: None }, told(10))).unwrap()
    };
    assert!(world.used(Some(&request)).is_err(), "nobody gets in before the approval");
    let stood = together(2, approve);
    assert!(stood.contains(&Some(RequestState::Waiting)) && stood.contains(&Some(RequestState::Approved)));
    assert_eq!(world.recorded(), 2, "the request and one approval");
    let used = together(2, |_| world.used(Some(&request)).is_ok());
    assert_eq!(used.iter().filter(|used| **used).count(), 1);
    assert_eq!(world.recorded(), 3, "what was not done left no record");
    let kept = wait(world.store.emergency_request(request.id)).unwrap().unwrap();
    assert_eq!((kept.state(at(20)), kept.used_at), (RequestState::Used, Some(at(20))));
    assert_eq!(wait(world.store.emergency_requests(at(0))).unwrap(), [kept]);
    assert!(wait(world.store.emergency_requests(at(1))).unwrap().is_empty());
}

#[test]
fn a_key_that_was_used_stays_marked_over_a_restart() {
    let world = World::new();
    assert_eq!(wait(world.store.emergency_key_used()).unwrap(), None);
    world.used(None).unwrap();
    let world = world.reopened(at(30));
    let used = Some(KeyUsed { fingerprint: "k".into(), at: at(20) });
    assert_eq!(wait(world.store.emergency_key_used()).unwrap(), used);
}

#[test]
fn old_invitations_and_requests_are_forgotten_and_operators_stay() {
    let world = World::new();
    world.joined("Meera", OperatorRole::Owner);
    let invitation = world.invited(OperatorRole::Operator, false);
    let request = world.asked();
    wait(world.store.forget_operators(at(899))).unwrap();
    assert!(wait(world.store.invitation(invitation.hash)).unwrap().is_some());
    wait(world.store.forget_operators(at(31 * 86_400))).unwrap();
    assert_eq!(wait(world.store.invitation(invitation.hash)).unwrap(), None);
    assert_eq!(wait(world.store.emergency_request(request.id)).unwrap(), None);
    assert_eq!(wait(world.store.operators()).unwrap().len(), 1);
}
