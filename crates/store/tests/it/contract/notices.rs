//! Notices: each is sent by one node at a time, again when that one dies, and what was personal goes when it has ended.

use backstop_domain::{
    delivery::Lease,
    id::{NoticeId, UserId},
    notice::{Address, Detail, Line, NewNotice, NoticeKind, Target},
    ports::store::{DueNotice, Notices as _, Settled},
    recipient::{EmailAddress, Recipient},
};

use super::World;
use crate::setup::{APP, OTHER_APP, at, together, wait};

const DAY: i64 = 86_400;

fn shop() -> Target {
    Target::Webhook("shop".into())
}

fn line() -> Line {
    Line::Webhook("shop".into())
}

impl World {
    pub(super) fn new_notice(&self, target: Target, second: i64) -> NewNotice {
        NewNotice {
            id: NoticeId::new(at(second), &self.random),
            application: APP,
            kind: NoticeKind::FactorAdded,
            user: Some(UserId::new(at(second), &self.random)),
            target,
            at: at(second),
            detail: Detail::default().with_factor("totp").with_device("Pixel 8"),
            sequence: 7,
        }
    }

    fn mail_notice(&self, second: i64) -> NewNotice {
        let notice = self.new_notice(shop(), second);
        let to = EmailAddress::parse("asha@example.com").unwrap();
        let address = NewNotice::seal((APP, notice.id), &to, &self.ring, &self.random);
        NewNotice { target: Target::Person(address), ..notice }
    }

    fn post_all(&self, notices: &[&NewNotice]) {
        wait(self.store.post_notices(notices.iter().copied().cloned().collect())).unwrap();
    }

    fn due_now(&self, line: Line, lease: Lease, now: i64) -> Vec<DueNotice> {
        wait(self.store.due_notices(line, lease, at(now), 10)).unwrap()
    }

    fn settle_it(&self, notice: &NewNotice, lease: Lease, settled: Settled, now: i64) -> bool {
        let settle = self.store.settle_notice(notice.application, notice.id, lease.holder, settled, at(now));
        wait(settle).unwrap()
    }
}

fn ids(due: &[DueNotice]) -> Vec<NoticeId> {
    due.iter().map(|due| due.notice.id).collect()
}

#[test]
fn a_notice_comes_back_as_it_was_and_its_address_opens() {
    let world = World::new();
    let mail = world.mail_notice(0);
    let address = Address { sealed: None, masked: "o•••@a•••.example".into() };
    let operator = NewNotice {
        kind: NoticeKind::EmergencyUsed,
        user: None,
        detail: Detail::default(),
        sequence: 0,
        ..world.new_notice(Target::Operator(address), 1)
    };
    let hook = world.new_notice(shop(), 2);
    world.post_all(&[&mail, &operator, &hook]);
    let lease = world.another_node(60);
    let found = world.due_now(Line::Mail, lease, 5);
    let first = |notice: &NewNotice| DueNotice { notice: notice.clone(), tries: 1 };
    assert_eq!(found, [first(&mail), first(&operator)]);
    assert_eq!(
        found[0].notice.address(&world.ring).unwrap(),
        Recipient::parse("asha@example.com", None).ok()
    );
    assert_eq!(world.due_now(line(), lease, 5), [first(&hook)]);
}

#[test]
fn a_line_holds_no_other_one_up() {
    let world = World::new();
    let other = world.new_notice(Target::Webhook("fleet".into()), 0);
    let many: Vec<_> = (0..20).map(|second| world.new_notice(shop(), second)).collect();
    world.post_all(&many.iter().collect::<Vec<_>>());
    world.post_all(&[&other]);
    let lease = world.another_node(60);
    assert_eq!(ids(&world.due_now(line(), lease, 30)), ids_of(&many[..10]), "the longest due first");
    assert_eq!(ids(&world.due_now(Line::Webhook("fleet".into()), lease, 30)), [other.id]);
    assert_eq!(ids(&world.due_now(line(), lease, 30)), ids_of(&many[10..]));
}

fn ids_of(notices: &[NewNotice]) -> Vec<NoticeId> {
    notices.iter().map(|notice| notice.id).collect()
}

#[test]
fn what_one_node_sends_no_other_takes_until_its_lease_has_ended() {
    let world = World::new();
    let notice = world.new_notice(shop(), 0);
    world.post_all(&[&notice]);
    let (one, two) = (world.another_node(30), world.another_node(60));
    assert_eq!(world.due_now(line(), one, 0)[0].tries, 1);
    assert!(world.due_now(line(), two, 29).is_empty());
    let again = world.due_now(line(), two, 30);
    assert_eq!((again[0].notice.id, again[0].tries), (notice.id, 2), "the same id, one more try");
    assert!(!world.settle_it(&notice, one, Settled::Sent, 31), "a node that was only paused");
    assert!(world.settle_it(&notice, two, Settled::Sent, 32));
    assert!(world.due_now(line(), one, DAY).is_empty());
}

#[test]
fn nodes_that_look_at_once_share_what_is_due() {
    let world = World::new();
    let many: Vec<_> = (0..40).map(|second| world.new_notice(shop(), second)).collect();
    world.post_all(&many.iter().collect::<Vec<_>>());
    let leases: Vec<_> = (0..4).map(|_| world.another_node(500)).collect();
    let taken = together(4, |number| {
        let take = || world.due_now(line(), leases[number], 100);
        [take(), take(), take(), take()].concat()
    });
    let mut all: Vec<_> = taken.concat().iter().map(|due| due.notice.id).collect();
    all.sort();
    assert_eq!(all, ids_of(&many), "each once");
}

#[test]
fn what_failed_comes_again_when_it_is_due_and_not_before() {
    let world = World::new();
    let notice = world.mail_notice(0);
    world.post_all(&[&notice]);
    let lease = world.another_node(30);
    world.due_now(Line::Mail, lease, 0);
    assert!(world.settle_it(&notice, lease, Settled::Again { due_at: at(60) }, 1));
    let later = world.another_node(120);
    assert!(world.due_now(Line::Mail, later, 59).is_empty());
    let again = world.due_now(Line::Mail, later, 60);
    assert_eq!(again[0].tries, 2);
    assert!(again[0].notice.address(&world.ring).unwrap().is_some(), "the address is still there");
    assert!(!world.settle_it(&notice, lease, Settled::Failed, 61), "the lease is another's by now");
    assert!(world.settle_it(&notice, later, Settled::Failed, 61));
    assert!(!world.settle_it(&notice, later, Settled::Sent, 62), "an end is an end");
    assert_eq!(
        world.number("SELECT count(*) FROM notices WHERE state = 'failed' AND ended_at IS NOT NULL"),
        1
    );
}

#[test]
fn an_address_is_sealed_while_it_is_needed_and_gone_afterwards() {
    let world = World::new();
    let (sent, failed) = (world.mail_notice(0), world.mail_notice(1));
    world.post_all(&[&sent, &failed]);
    assert_eq!(world.number("SELECT count(*) FROM notices WHERE address IS NOT NULL"), 2);
    assert_eq!(world.number("SELECT count(*) FROM notices WHERE masked LIKE '%asha%'"), 0);
    let lease = world.another_node(30);
    world.due_now(Line::Mail, lease, 5);
    assert!(
        world.settle_it(&sent, lease, Settled::Sent, 6)
            && world.settle_it(&failed, lease, Settled::Failed, 6)
    );
    assert_eq!(world.number("SELECT count(*) FROM notices WHERE address IS NOT NULL"), 0);
}

#[test]
fn another_applications_name_settles_nothing() {
    let world = World::new();
    let notice = world.new_notice(shop(), 0);
    world.post_all(&[&notice]);
    let lease = world.another_node(30);
    world.due_now(line(), lease, 0);
    let theirs = NewNotice { application: OTHER_APP, ..notice.clone() };
    assert!(!world.settle_it(&theirs, lease, Settled::Failed, 1));
    assert!(world.settle_it(&notice, lease, Settled::Sent, 1));
}

#[test]
fn all_notices_of_one_call_are_written_or_none() {
    let world = World::new();
    let (one, two) = (world.new_notice(shop(), 0), world.new_notice(shop(), 1));
    let twice = vec![one.clone(), two, one];
    assert!(wait(world.store.post_notices(twice)).is_err());
    assert_eq!(world.number("SELECT count(*) FROM notices"), 0);
}

#[test]
fn what_waits_outlives_the_process_and_what_is_old_is_forgotten_in_steps() {
    let world = World::new();
    let many: Vec<_> = (0..700).map(|second| world.new_notice(shop(), second)).collect();
    world.post_all(&many.iter().collect::<Vec<_>>());
    let world = world.reopened(at(900));
    let forget = || wait(world.store.forget_notices(at(699))).unwrap();
    assert_eq!([forget(), forget(), forget()], [500, 199, 0]);
    assert_eq!(ids(&world.due_now(line(), world.another_node(1000), 900)), [many[699].id]);
}
