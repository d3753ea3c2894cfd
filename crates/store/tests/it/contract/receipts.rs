//! What vendors tell later, in whatever order it comes.

use backstop_domain::{
    attempt::{Attempt, AttemptState},
    delivery::DeliveryState,
    id::{AttemptId, DeliveryId, VerificationId},
    outcome::{Reason, Rejection, Scope, VENDOR_RESPONSE_MAX, VendorResponse},
    ports::store::{Deliveries as _, NewAttempt, NewReceipt, Noted, OptOuts, Verifications as _},
    receipt::{
        About, AttemptReference,
        ReceiptState::{self, Delivered, Failed, OnItsWay, Undelivered},
    },
};

use super::World;
use crate::setup::{APP, ASHA, OTHER_APP, RAVI, at, wait};

/// What became of an attempt, and whether that is news.
fn noted(answer: Noted) -> (Attempt, bool) {
    match answer {
        Noted::Noted { attempt, news, .. } => (*attempt, news),
        Noted::Unknown => panic!("unknown"),
    }
}

fn refusal(reason: Reason) -> Option<Rejection> {
    Some(Rejection { reason, scope: Scope::Recipient, retry_after: None })
}

impl World {
    /// A verification of somebody new whose first attempt is being sent.
    fn under_way(&self) -> (VerificationId, DeliveryId, NewAttempt) {
        let number = self.number("SELECT count(*) FROM verifications");
        let (id, delivery) = self.start(&self.new_start(&format!("+9198765{number:05}"), at(0)));
        (id, delivery, self.begin(id, delivery, "any", at(1)))
    }

    fn where_it_stands(&self, id: VerificationId) -> (AttemptState, DeliveryState) {
        let view = self.view(id);
        (view.attempts[0].state, view.deliveries[0].state)
    }

    fn by_handle(&self, attempt: &NewAttempt, handle: &str, state: ReceiptState) -> NewReceipt {
        let mut told = self.told(attempt, state, at(9));
        told.receipt.about = About::VendorId(handle.into());
        told
    }

    /// Writes an answer down that says by which ids receipts will name the message.
    fn accepted_as(&self, attempt: &NewAttempt, handles: &[&str], second: i64) {
        let mut said = self.said(attempt, AttemptState::Accepted, "accepted", at(second));
        said.handles = handles.iter().map(|&handle| handle.into()).collect();
        said.delivery_state = Some(DeliveryState::Sent);
        wait(self.store.finish_attempt(said)).unwrap();
    }
}

#[test]
fn a_receipt_is_written_down_beside_the_answer() {
    let world = World::new();
    let (id, _, attempt) = world.under_way();
    world.accepted(&attempt, at(2));
    let mut told = world.told(&attempt, Undelivered, at(5));
    told.receipt.rejection = refusal(Reason::InvalidRecipient);
    told.receipt.price = Some("0.0079 USD".into());
    let (now, news) = noted(world.note(&told));
    assert!(news);
    assert_eq!(now, world.view(id).attempts[0]);
    assert_eq!((now.state, now.rejection), (AttemptState::Undelivered, told.receipt.rejection));
    assert_eq!(
        (now.outcome.as_deref(), now.receipt.as_deref()),
        (Some("invalid_recipient"), Some("Undelivered"))
    );
    assert_eq!((now.price.as_deref(), now.finished_at), (Some("0.0079 USD"), Some(at(2))));
    assert_eq!(world.number("SELECT receipt_at FROM attempts"), at(5).as_millis());
}

#[test]
fn the_same_receipt_twice_is_one_receipt() {
    let world = World::new();
    for state in [Delivered, Undelivered, Failed] {
        let (id, _, attempt) = world.under_way();
        world.accepted(&attempt, at(2));
        assert!(noted(world.note(&world.told(&attempt, state, at(3)))).1);
        let once = world.view(id);
        let mut again = world.told(&attempt, state, at(9));
        again.receipt.response = "other words".into();
        let answer = world.note(&again);
        assert!(matches!(&answer, Noted::Noted { news: false, goes_on: false, .. }), "{answer:?}");
        assert_eq!(world.view(id), once);
    }
}

#[test]
fn receipts_come_to_the_same_end_in_whatever_order_they_come() {
    let world = World::new();
    let all = [OnItsWay, Delivered, Undelivered, Failed];
    let two = all.iter().flat_map(|&first| all.map(|second| vec![first, second]));
    let three = two.clone().flat_map(|two| all.map(|third| [two.clone(), vec![third]].concat()));
    let from_all =
        |told: Vec<ReceiptState>| [Some("accepted"), Some("unknown"), None].map(|said| (said, told.clone()));
    let cases = two.flat_map(from_all).chain(three.map(|told| (Some("accepted"), told)));
    for (said, told) in cases {
        let (id, _, attempt) = world.under_way();
        let mut stands = AttemptState::Sending;
        if let Some(outcome) = said {
            stands = if outcome == "accepted" { AttemptState::Accepted } else { AttemptState::Unknown };
            let mut answer = world.said(&attempt, stands, outcome, at(2));
            answer.delivery_state = (outcome == "accepted").then_some(DeliveryState::Sent);
            wait(world.store.finish_attempt(answer)).unwrap();
        }
        for (state, second) in told.iter().zip(3..) {
            world.note(&world.told(&attempt, *state, at(second)));
        }
        let bad =
            told.iter().find(|state| matches!(state, Undelivered | Failed)).and_then(|state| state.attempt());
        let wanted = match told.contains(&Delivered) {
            true => AttemptState::Delivered,
            false => bad.unwrap_or(stands),
        };
        let view = world.view(id);
        assert_eq!(view.attempts[0].state, wanted, "{said:?} and then {told:?}");
        assert_eq!(view.attempts[0].finished_at.is_some(), wanted != AttemptState::Sending);
        let arrived = wanted == AttemptState::Delivered;
        assert_eq!(
            view.deliveries[0].state == DeliveryState::Delivered,
            arrived,
            "{said:?} and then {told:?}"
        );
        assert_eq!(view.deliveries[0].lease.is_none() && arrived, arrived, "nobody works on what arrived");
    }
}

#[test]
fn what_arrived_after_all_has_no_refusal_left() {
    let world = World::new();
    let (id, _, attempt) = world.under_way();
    world.accepted(&attempt, at(2));
    let mut told = world.told(&attempt, Undelivered, at(3));
    told.receipt.rejection = refusal(Reason::InvalidRecipient);
    world.note(&told);
    world.note(&world.told(&attempt, Delivered, at(4)));
    let view = world.view(id);
    assert_eq!((view.attempts[0].rejection, view.attempts[0].outcome.as_deref()), (None, Some("accepted")));
    assert_eq!(view.attempts[0].receipt.as_deref(), Some("Delivered"));
    assert_eq!((view.deliveries[0].state, view.deliveries[0].lease), (DeliveryState::Delivered, None));
}

#[test]
fn a_receipt_before_our_own_answer_stands_and_the_answer_adds_its_words() {
    let world = World::new();
    let answered = |attempt: &NewAttempt| {
        let mut said = world.said(attempt, AttemptState::Accepted, "accepted", at(4));
        said.vendor_id = Some("SM1".into());
        said.vendor_response = Some(VendorResponse::new(true, "queued"));
        said.price = Some("1.00 USD".into());
        said.delivery_state = Some(DeliveryState::Sent);
        wait(world.store.finish_attempt(said)).unwrap();
    };
    let (id, _, attempt) = world.under_way();
    let mut told = world.told(&attempt, Delivered, at(3));
    told.receipt.price = Some("0.50 USD".into());
    world.note(&told);
    answered(&attempt);
    let view = world.view(id);
    let row = &view.attempts[0];
    assert_eq!((row.state, row.finished_at), (AttemptState::Delivered, Some(at(3))));
    assert_eq!((row.vendor_id.as_deref(), row.price.as_deref()), (Some("SM1"), Some("0.50 USD")));
    assert_eq!(row.vendor_response.as_ref().unwrap().response, "queued");
    assert_eq!((view.deliveries[0].state, view.deliveries[0].lease), (DeliveryState::Delivered, None));

    let (id, _, attempt) = world.under_way();
    let told = world.note(&world.told(&attempt, Undelivered, at(3)));
    assert!(matches!(told, Noted::Noted { news: true, goes_on: false, .. }), "its worker is at it");
    answered(&attempt);
    assert_eq!(world.where_it_stands(id), (AttemptState::Undelivered, DeliveryState::Queued));
    let taken = world.recover(world.another_node(90), 31);
    assert_eq!(taken.len(), 1, "what did not arrive is still owed once the worker's lease has ended");
}

#[test]
fn a_receipt_for_what_nobody_sent_is_about_nothing() {
    let world = World::new();
    let (id, _, attempt) = world.under_way();
    world.accepted_as(&attempt, &["msg-1"], 2);
    let before = world.view(id);
    let changed = |change: fn(&mut AttemptReference, &World)| {
        let mut told = world.told(&attempt, Delivered, at(3));
        let About::Reference(reference) = &mut told.receipt.about else { panic!() };
        change(reference, &world);
        told
    };
    let mut another_provider = world.told(&attempt, Delivered, at(3));
    another_provider.provider = "other".into();
    let mut anothers_handle = world.by_handle(&attempt, "msg-1", Delivered);
    anothers_handle.provider = "other".into();
    for told in [
        another_provider,
        anothers_handle,
        changed(|reference, _| reference.application = OTHER_APP),
        changed(|reference, world| reference.attempt = AttemptId::new(at(0), &world.random)),
        changed(|reference, world| reference.verification = VerificationId::new(at(0), &world.random)),
        world.by_handle(&attempt, "msg-2", Delivered),
        world.by_handle(&attempt, "", Delivered),
        world.by_handle(&attempt, "msg-1\0", Delivered),
        world.by_handle(&attempt, &"m".repeat(100_000), Delivered),
        world.by_handle(&attempt, "' OR 1=1 --", Delivered),
    ] {
        assert_eq!(world.note(&told), Noted::Unknown, "{told:?}");
        assert_eq!(world.view(id), before);
    }
}

#[test]
fn a_vendor_that_says_its_own_id_alone_is_understood() {
    let world = World::new();
    let (id, _, attempt) = world.under_way();
    assert_eq!(world.note(&world.by_handle(&attempt, "msg-1", Delivered)), Noted::Unknown, "not told yet");
    world.accepted_as(&attempt, &["msg-1", "ref-1", "", "nul\0", &"m".repeat(300)], 2);
    assert_eq!(world.number("SELECT count(*) FROM open_attempts"), 2, "what cannot be a name is not kept");
    assert!(noted(world.note(&world.by_handle(&attempt, "ref-1", Undelivered))).1);
    assert!(noted(world.note(&world.by_handle(&attempt, "msg-1", Delivered))).1);
    assert_eq!(world.where_it_stands(id), (AttemptState::Delivered, DeliveryState::Delivered));
}

#[test]
fn of_two_messages_with_one_id_the_newer_has_it() {
    let world = World::new();
    let [(old, _, first), (new, _, second)] = [world.under_way(), world.under_way()];
    world.accepted_as(&first, &["7"], 2);
    world.accepted_as(&second, &["7"], 3);
    world.note(&world.by_handle(&first, "7", Delivered));
    assert_eq!(world.where_it_stands(old).0, AttemptState::Accepted);
    assert_eq!(world.where_it_stands(new).0, AttemptState::Delivered);
}

#[test]
fn vendors_ids_are_forgotten_after_three_days_or_with_their_verification() {
    let world = World::new();
    let day = 86_400;
    let (_, _, attempt) = world.under_way();
    world.accepted_as(&attempt, &["7"], 2);
    let count = || world.number("SELECT count(*) FROM open_attempts");
    wait(world.store.expire(at(3 * day + 2))).unwrap();
    assert_eq!(count(), 1);
    wait(world.store.expire(at(3 * day + 3))).unwrap();
    assert_eq!(count(), 0);
    let (id, delivery) = world.start(&world.new_start(ASHA, at(4 * day)));
    let attempt = world.begin(id, delivery, "any", at(4 * day));
    world.accepted_as(&attempt, &["8"], 4 * day);
    wait(world.store.forget(at(4 * day), at(7 * day - 1))).unwrap();
    assert_eq!(count(), 1);
    wait(world.store.forget(at(4 * day + 1), at(7 * day - 1))).unwrap();
    assert_eq!(count(), 0);
    assert_eq!(world.note(&world.by_handle(&attempt, "8", Delivered)), Noted::Unknown);
}

#[test]
fn a_price_is_kept_if_it_is_one_and_words_are_bounded() {
    let world = World::new();
    let (id, _, attempt) = world.under_way();
    world.accepted(&attempt, at(2));
    let mut told = world.told(&attempt, Delivered, at(3));
    told.receipt.price = Some("free of charge\0".into());
    told.receipt.response = format!("\0{}", "ü".repeat(5000));
    world.note(&told);
    let row = world.view(id).attempts.remove(0);
    assert_eq!(row.price, None);
    assert_eq!(row.receipt.unwrap(), "ü".repeat(VENDOR_RESPONSE_MAX));
    let mut priced = world.told(&attempt, OnItsWay, at(4));
    priced.receipt.price = Some("0.0079 USD".into());
    let (row, news) = noted(world.note(&priced));
    assert_eq!((row.price.as_deref(), news), (Some("0.0079 USD"), false), "a price may come alone");
    assert_eq!(world.view(id).attempts[0], row);
    assert_eq!(world.number("SELECT receipt_at FROM attempts"), at(3).as_millis());
}

#[test]
fn a_receipt_says_that_a_person_opted_out_of_a_provider() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    let attempt = world.begin(id, delivery, "any", at(1));
    world.accepted(&attempt, at(2));
    let mut told = world.told(&attempt, Failed, at(3));
    told.receipt.rejection = refusal(Reason::OptedOut);
    world.note(&told);
    world.note(&told);
    let opted_out = |to: &str| {
        let (id, delivery) = world.start(&world.new_start(to, at(10)));
        wait(world.store.task(APP, id, delivery, world.node)).unwrap().unwrap().opted_out
    };
    assert_eq!(opted_out(ASHA), OptOuts { providers: vec!["any".into()], channels: vec![] });
    assert_eq!(opted_out(RAVI), OptOuts::default());
}
