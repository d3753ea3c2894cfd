//! An installation that moves from SQLite to PostgreSQL keeps every promise that it has made.

mod people;

use backstop_domain::{
    application::Authority,
    attempt::AttemptState,
    channel::Channel,
    code::Code,
    delivery::{DeliveryState, Lease},
    id::{NodeId, NoticeId, UserId},
    keyring::KeyUse,
    limit::{LimitName, Limits, Pace},
    notice::{Detail, Line, NewNotice, NoticeKind, Target},
    ports::store::{
        Applications as _, AttemptResult, Audit as _, Begun, CheckTarget, Checked, Deliveries as _,
        Keys as _, NewAttempt, Noted, Notices as _, Once, ProviderSwitch, Reservation, Routing as _,
        Settlement, StoreError,
    },
    ranking::Observation,
    receipt::{About, InboundWord, ReceiptState},
    recipient::EmailAddress,
    verification::{Status, Subject},
};
use backstop_store::{TransferReport, transfer};

use crate::{
    postgres::PostgresDatabase,
    setup::{APP, ASHA, Database, OTHER_APP, RAVI, World, at, ring_key, seconds, told, wait},
    sqlite::SqliteFile,
};

type Before = World<SqliteFile>;
type After = World<PostgresDatabase>;

fn moved(before: Before, now: i64) -> (After, TransferReport) {
    let database = PostgresDatabase::create();
    let store = database.open(at(now));
    let report = wait(transfer(&before.store, &store, at(now))).unwrap();
    let World { ring, random, limits, node, .. } = before;
    (World { store, ring, random, node, limits, database }, report)
}

fn rows(report: &TransferReport, table: &str) -> u64 {
    report.tables.iter().find(|(name, _)| *name == table).unwrap().1
}

#[test]
fn a_decoy_is_one_after_the_move() {
    let before = Before::new();
    let decoy = before.new_start_with(ASHA, at(0), |row| row.subject = Some(Subject::Nobody));
    let (id, _) = before.start(&decoy);
    let code = before.code(id);
    let (after, _) = moved(before, 5);
    assert_eq!(after.view(id).verification, decoy.verification);
    assert!(!after.answer(id, &code, at(6)).valid);
}

#[test]
fn a_pending_code_works_after_the_move_and_only_once() {
    let before = Before::new();
    let (id, _) = before.start(&before.new_start(ASHA, at(0)));
    let mut custom = before.new_start(RAVI, at(0));
    before.seal(&mut custom.verification, RAVI, Some(&Code::custom("735519").unwrap()));
    let (own, _) = before.start(&custom);
    let code = before.code(id);
    before.answer(id, &before.wrong(id), at(1));
    let was = before.view(id).verification;
    let (after, report) = moved(before, 5);
    assert_eq!((rows(&report, "verifications"), rows(&report, "checks")), (2, 1));
    assert_eq!(after.view(id).verification, was);
    assert_eq!(after.answer(id, &after.wrong(id), at(6)).checks_left, 1, "the wrong one before counts");
    assert!(after.answer(id, &code, at(7)).valid);
    assert!(!after.answer(id, &code, at(8)).valid);
    let any = after.new_start(RAVI, at(9)).verification.id;
    let mut by_recipient = after.submitted(any, "735519", at(9));
    by_recipient.target = CheckTarget::Recipient { recipient: after.recipient(RAVI), purpose: None };
    let answered = after.try_check(by_recipient).unwrap();
    assert!(
        matches!(answered, Once::Done(Checked::Answer { verification, answer }) if verification == own && answer.valid)
    );
}

#[test]
fn limits_places_and_joins_hold_across_the_move() {
    let limits =
        Limits { recipient_per_hour: 5, network_per_hour: 3, checks_per_hour: 4, ..Limits::default() };
    let before = Before::with_limits(limits);
    let network = before.hash("network");
    let joining = |second| {
        before.new_start_with(ASHA, at(second), |row| {
            (row.join, row.network, row.authority) =
                (Some(before.hash("session")), Some(network), Authority::Secret);
        })
    };
    let (id, _) = before.start(&joining(0));
    before.start(&joining(60));
    before.start(&before.new_start_with(ASHA, at(61), |row| row.authority = Authority::Public));
    before.start(&before.new_start(ASHA, at(62)));
    for second in 63..66 {
        before.answer(id, &before.wrong(id), at(second));
    }
    let (after, _) = moved(before, 70);
    let fifth = |second| after.new_start_with(ASHA, at(second), |row| row.purpose = "other".parse().unwrap());
    after.start(&fifth(71));
    assert_eq!(after.refused(&fifth(72)).0.limit, LimitName::RecipientPerHour);
    let of_network =
        |second, who: &str| after.new_start_with(who, at(second), |row| row.network = Some(network));
    after.start(&of_network(73, RAVI));
    assert_eq!(after.refused(&of_network(74, RAVI)).0.limit, LimitName::NetworkPerHour);
    assert_eq!(after.view(id).verification.status, Status::MaxChecksReached);
    let live = after.view(after.start(&after.new_start(RAVI, at(75))).0).verification.id;
    assert!(!after.answer(live, &after.wrong(live), at(76)).valid, "another person's budget is whole");
    let mut other = after.new_start(ASHA, at(77));
    other.verification.application = OTHER_APP;
    other.rules = after.limits.for_delivery(OTHER_APP, other.verification.recipient, None);
    after.start(&other);
}

#[test]
fn what_was_owed_is_taken_over_and_what_was_being_sent_is_unknown() {
    let before = Before::new();
    let (id, delivery) = before.start(&before.new_start(ASHA, at(0)));
    let attempt = before.begin(id, delivery, "sms-one", at(1));
    let mut paced = before.new_attempt(id, delivery, "sms-two", at(1));
    paced.pace = vec![Pace { max: 1, span: seconds(60) }];
    assert_eq!(before.try_begin(paced), Begun::Send);
    let (after, _) = moved(before, 5);
    let lease = Lease { holder: NodeId::new(at(5), &after.random), until: at(60) };
    let tasks = wait(after.store.recover(lease, at(5), 10)).unwrap();
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].attempts[0].id, attempt.id);
    assert!(tasks[0].attempts.iter().all(|attempt| attempt.state == AttemptState::Unknown));
    let mut again = after.new_attempt(id, delivery, "sms-two", at(6));
    (again.lease, again.pace) = (lease, vec![Pace { max: 1, span: seconds(60) }]);
    assert!(matches!(after.try_begin(again), Begun::Paced { .. }), "the place before the move counts");
}

#[test]
fn what_routing_knows_moves_and_money_that_was_set_aside_is_settled_after_it() {
    let before = Before::new();
    let price = |text: &str| text.parse().unwrap();
    let (id, delivery) = before.start(&before.new_start(ASHA, at(0)));
    let asked =
        Reservation { price: price("0.10 USD"), cap: Some(price("0.20 USD")), free_per_month: 0, at: at(1) };
    let attempt = |world: &Before| NewAttempt {
        reservation: Some(asked),
        ..world.new_attempt(id, delivery, "capped", at(1))
    };
    let (first, second) = (attempt(&before), attempt(&before));
    for attempt in [&first, &second] {
        assert_eq!(before.try_begin(attempt.clone()), Begun::Send);
    }
    let seen = Observation {
        attempt: first.id,
        provider: "capped".into(),
        channel: Channel::Sms,
        region: None,
        sent_at: at(1),
        delivered_at: None,
        end: None,
    };
    wait(before.store.observe(vec![seen.clone()], at(1), at(1))).unwrap();
    let switches = [("one", Some(false), None), ("two", None, Some(price("1 USD")))];
    let switches = switches.map(|(provider, enabled, monthly_spend_limit)| ProviderSwitch {
        provider: provider.into(),
        enabled,
        monthly_spend_limit,
        changed_at: at(2),
    });
    for switch in switches.clone() {
        wait(before.store.switch(switch, told(1))).unwrap();
    }
    let books = wait(before.store.spending(at(2))).unwrap();
    let (after, report) = moved(before, 5);
    assert_eq!(
        ["observations", "provider_switches", "spend_books", "reservations"].map(|name| rows(&report, name)),
        [1, 2, 1, 2]
    );
    assert_eq!(wait(after.store.spending(at(5))).unwrap(), books);
    assert_eq!(wait(after.store.switches()).unwrap(), switches);
    assert_eq!(wait(after.store.observe(vec![], at(1), at(5))).unwrap(), [seen]);
    for (attempt, settlement) in
        [(&first, Settlement::Cost(price("0.15 USD"))), (&second, Settlement::GivenBack)]
    {
        let said = after.said(attempt, AttemptState::Accepted, "accepted", at(6));
        wait(after.store.finish_attempt(AttemptResult { settlement: Some((asked, settlement)), ..said }))
            .unwrap();
    }
    let settled = wait(after.store.spending(at(6))).unwrap();
    assert_eq!(settled[0].1.spent(), Some((price("0.15 USD"), price("0 USD"))));
    assert_eq!(after.number("SELECT count(*) FROM reservations"), 0);
}

#[test]
fn a_target_that_is_in_use_is_left_alone() {
    let before = Before::new();
    before.start(&before.new_start(ASHA, at(0)));
    let after = After::new();
    wait(after.store.application("theirs", at(0))).unwrap();
    let refused = wait(transfer(&before.store, &after.store, at(1)));
    assert!(
        matches!(&refused, Err(StoreError::Internal(told)) if told.contains("empty database")),
        "{refused:?}"
    );
    assert_eq!(after.number("SELECT count(*) FROM verifications"), 0);
}

#[test]
fn applications_keys_and_the_root_keys_fingerprint_move_and_new_ones_get_new_numbers() {
    let before = Before::new();
    let ring: Vec<_> =
        KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| ring_key(kid, key_use)).collect();
    wait(before.store.initialize("fingerprint", ring.clone())).unwrap();
    let shop = wait(before.store.application("shop", at(0))).unwrap();
    assert_eq!(shop, APP);
    let (after, report) = moved(before, 1);
    assert_eq!((rows(&report, "applications"), rows(&report, "meta")), (1, 1));
    assert_eq!(wait(after.store.root_fingerprint()).unwrap().as_deref(), Some("fingerprint"));
    assert_eq!(wait(after.store.ring()).unwrap(), ring);
    assert_eq!(wait(after.store.application("shop", at(2))).unwrap(), shop);
    assert_eq!(wait(after.store.application("other", at(2))).unwrap(), OTHER_APP);
}

#[test]
fn receipts_find_their_attempts_and_people_their_peace_after_the_move() {
    let before = Before::new();
    let (id, delivery) = before.start(&before.new_start(ASHA, at(0)));
    let mut attempt = before.new_attempt(id, delivery, "sms-one", at(1));
    attempt.decision = Some("{}".into());
    assert_eq!(before.try_begin(attempt.clone()), Begun::Send);
    let mut said = before.said(&attempt, AttemptState::Accepted, "accepted", at(2));
    (said.delivery_state, said.silent_at) = (Some(DeliveryState::Sent), Some(at(40)));
    said.handles = vec!["msg-1".into()];
    wait(before.store.finish_attempt(said)).unwrap();
    let (arrived, delivery) = before.start(&before.new_start(RAVI, at(0)));
    let other = before.begin(arrived, delivery, "sms-two", at(1));
    before.note(&before.told(&other, ReceiptState::Delivered, at(3)));
    wait(before.store.heed(before.recipient(RAVI), Channel::Sms, InboundWord::Stop, at(3))).unwrap();
    let was = [before.view(id), before.view(arrived)];

    let (after, report) = moved(before, 5);
    assert_eq!((rows(&report, "open_attempts"), rows(&report, "stops")), (1, 1));
    assert_eq!([after.view(id), after.view(arrived)], was);
    assert_eq!(after.number("SELECT receipt_at FROM attempts WHERE receipt IS NOT NULL"), at(3).as_millis());
    assert!(after.recover(after.another_node(90), 39).is_empty(), "what rests goes on resting");
    let (again, delivery) = after.start(&after.new_start(RAVI, at(6)));
    let task = wait(after.store.task(APP, again, delivery, after.node)).unwrap().unwrap();
    assert_eq!(task.opted_out.channels, [Channel::Sms]);
    let mut told = after.told(&attempt, ReceiptState::Undelivered, at(7));
    told.receipt.about = About::VendorId("msg-1".into());
    assert!(matches!(after.note(&told), Noted::Noted { goes_on: true, .. }));
}

#[test]
fn the_audit_log_goes_on_as_one_chain_with_its_details_and_checkpoints() {
    let before = Before::new();
    wait(before.store.record(vec![told(1), told(2)])).unwrap();
    let user = UserId::new(at(3), &before.random);
    before.record_of(user, "192.0.2.0/24");
    let signed = before.sign();
    let (records, details) = (before.records(), before.details());
    let (after, report) = moved(before, 5);
    let moved = ["audit", "audit_details", "audit_checkpoints"].map(|table| rows(&report, table));
    assert_eq!(moved, [3, 1, 1]);
    assert_eq!((after.records(), after.details()), (records, details));
    assert_eq!(wait(after.store.last_checkpoint()).unwrap(), Some(signed));
    wait(after.store.record(vec![told(6)])).unwrap();
    let verified = after.verify().unwrap();
    assert_eq!((verified.head.seq, verified.checkpoints), (4, 1));
    assert_eq!(wait(after.store.erase_audit_details(user)).unwrap(), 1);
}

#[test]
fn what_people_have_still_to_be_told_is_told_after_the_move() {
    let before = Before::new();
    let id = NoticeId::new(at(0), &before.random);
    let to = EmailAddress::parse("asha@example.com").unwrap();
    let notice = NewNotice {
        id,
        application: APP,
        kind: NoticeKind::PasswordChanged,
        user: None,
        target: Target::Person(NewNotice::seal((APP, id), &to, &before.ring, &before.random)),
        at: at(0),
        detail: Detail::default(),
        sequence: 3,
    };
    wait(before.store.post_notices(vec![notice.clone()])).unwrap();
    let (after, report) = moved(before, 5);
    assert_eq!(rows(&report, "notices"), 1);
    let lease = after.another_node(60);
    let due = wait(after.store.due_notices(Line::Mail, lease, at(6), 10)).unwrap().remove(0);
    assert_eq!(due.notice, notice);
    assert_eq!(due.notice.address(&after.ring).unwrap().unwrap().expose(), "asha@example.com");
}
