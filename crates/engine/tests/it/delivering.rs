//! Deliveries when something around them changes: the clock steps, the process stands still, the verification ends, the
//! application goes.

use std::{sync::atomic::Ordering, time::Duration};

use backstop_domain::{
    attempt::AttemptState,
    clock::Clock,
    delivery::{DeliveryState, LEASE},
    id::VerificationId,
    limit::Pace,
    ports::Tasks,
};

use crate::{
    house::{ASHA, House, caller, pass, request},
    simulation::executor::Executor,
};

#[test]
fn a_clock_that_steps_past_the_lease_of_a_living_worker_sends_nothing_a_second_time() {
    for seed in 0..20 {
        let mut house = House::new(seed);
        house.delay = Duration::from_secs(5);
        let engine = house.process("shop");
        let id = house.start(&engine, &[ASHA])[0];
        assert_eq!(house.sent(), ["text"]);
        house.clock.manual.advance(Duration::from_secs(60));
        house.pass(Duration::from_secs(30));
        assert_eq!(house.sent(), ["text"], "seed {seed}");
        assert_eq!((house.delivery(id).state, house.delivery(id).lease), (DeliveryState::Sent, None));
    }
}

#[test]
fn the_pace_of_a_provider_holds_for_deliveries_that_come_together() {
    for seed in 0..20 {
        let mut house = House::new(seed);
        house.pace = vec![Pace { max: 2, span: Duration::from_secs(60) }];
        let engine = house.process("shop");
        let people = [ASHA, "+919876543211", "+919876543212", "+919876543213", "+919876543214"];
        house.start(&engine, &people);
        let count = |name| house.sent().iter().filter(|sent| **sent == name).count();
        assert_eq!((count("text"), count("chat")), (2, 2), "seed {seed}");
    }
}

#[test]
fn the_pace_of_a_provider_holds_for_two_processes_and_after_a_crash() {
    for seed in 0..20 {
        let mut house = House::new(seed);
        house.pace = vec![Pace { max: 3, span: Duration::from_secs(60) }];
        let (one, two) = (house.process("shop"), house.process("shop"));
        house.start(&one, &[ASHA, "+919876543211"]);
        house.start(&two, &["+919876543212", "+919876543213"]);
        let count = |house: &House, name| house.sent().iter().filter(|sent| **sent == name).count();
        assert_eq!((count(&house, "text"), count(&house, "chat")), (3, 1), "seed {seed}");
        house.executor.crash();
        let three = house.process("shop");
        house.start(&three, &["+919876543214"]);
        assert_eq!(
            (count(&house, "text"), count(&house, "chat")),
            (3, 2),
            "seed {seed}: a crash frees no place"
        );
        house.pass(Duration::from_secs(61));
        house.start(&three, &["+919876543215"]);
        assert_eq!(count(&house, "text"), 4, "seed {seed}: a minute does");
    }
}

#[test]
fn a_delivery_of_a_verification_that_has_ended_is_closed_and_not_taken_over_again_and_again() {
    let mut house = House::new(1);
    house.refuses.store(true, Ordering::SeqCst);
    let engine = house.process("shop");
    let id = house.start(&engine, &[ASHA])[0];
    let canceling = engine.clone();
    house.executor.tasks().spawn(Box::pin(async move {
        canceling.cancel(&caller(&canceling), id).await.unwrap();
    }));
    house.pass(Duration::from_secs(10));
    let delivery = house.delivery(id);
    assert_eq!((delivery.state, delivery.lease), (DeliveryState::Undeliverable, None));
}

#[test]
fn a_delivery_whose_application_is_gone_waits_for_it_and_ends_with_its_code() {
    let mut house = House::new(1);
    house.refuses.store(true, Ordering::SeqCst);
    let engine = house.process("shop");
    let id = house.start(&engine, &[ASHA])[0];
    house.executor.crash();
    house.refuses.store(false, Ordering::SeqCst);
    drop(engine);
    let _without = house.process("another");
    house.pass(Duration::from_secs(60));
    assert_eq!(house.delivery(id).state, DeliveryState::Queued, "the application may come back");
    house.pass(Duration::from_secs(660));
    assert_eq!((house.delivery(id).state, house.delivery(id).lease), (DeliveryState::Undeliverable, None));
}

/// Starts one on `one`, and stops the world right after an attempt was written down and before it was sent.
fn stopped_before_sending(house: &House, one: &mut Executor) -> VerificationId {
    let engine = house.process_on(one, "shop");
    one.tasks().spawn(Box::pin(async move {
        engine.start(&caller(&engine), request(ASHA), None).await.unwrap();
    }));
    let horizon = house.clock.now();
    loop {
        one.step(horizon);
        let written = house.all();
        if let Some(view) = written.into_iter().find(|view| !view.attempts.is_empty()) {
            assert_eq!(house.sent(), [""; 0]);
            return view.verification.id;
        }
    }
}

#[test]
fn a_node_that_stood_still_past_its_lease_sends_nothing_that_another_went_on_with() {
    for seed in 0..20 {
        let house = House::new(seed);
        let (mut one, mut two) = (house.another_executor(), house.another_executor());
        let id = stopped_before_sending(&house, &mut one);
        let _other = house.process_on(&two, "shop");
        pass(&mut two, &house.clock, LEASE - Duration::from_millis(100));
        assert_eq!(house.sent(), [""; 0], "the lease holds");
        pass(&mut two, &house.clock, Duration::from_millis(1_100));
        assert_eq!(house.sent(), ["chat"], "taken over within a second of its end");
        pass(&mut one, &house.clock, Duration::from_secs(60));
        assert_eq!(house.sent(), ["chat"], "seed {seed}");
        let view = house.view(id).unwrap();
        let states: Vec<_> = view.attempts.iter().map(|attempt| attempt.state).collect();
        assert_eq!(states, [AttemptState::Unknown, AttemptState::Accepted]);
        assert_eq!((view.deliveries[0].state, view.deliveries[0].lease), (DeliveryState::Sent, None));
    }
}

#[test]
fn a_node_alone_that_stood_still_past_its_lease_goes_on_with_a_new_attempt() {
    for seed in 0..20 {
        let house = House::new(seed);
        let mut one = house.another_executor();
        let id = stopped_before_sending(&house, &mut one);
        house.clock.manual.advance(LEASE + Duration::from_secs(1));
        pass(&mut one, &house.clock, Duration::from_secs(60));
        assert_eq!(house.sent(), ["chat"], "seed {seed}");
        let states: Vec<_> = house.view(id).unwrap().attempts.iter().map(|attempt| attempt.state).collect();
        assert_eq!(states, [AttemptState::Unknown, AttemptState::Accepted]);
    }
}

#[test]
fn a_code_that_died_while_the_process_stood_still_is_not_sent() {
    let house = House::new(1);
    let mut one = house.another_executor();
    let id = stopped_before_sending(&house, &mut one);
    house.clock.manual.advance(Duration::from_secs(601));
    pass(&mut one, &house.clock, Duration::from_secs(60));
    assert_eq!(house.sent(), [""; 0]);
    let view = house.view(id).unwrap();
    assert_eq!(view.attempts.len(), 1);
    assert_eq!(view.attempts[0].state, AttemptState::Unknown);
}

#[test]
fn a_node_whose_clock_has_drifted_takes_nothing_over() {
    let mut house = House::new(1);
    house.delay = Duration::from_secs(5);
    let engine = house.process("shop");
    house.start(&engine, &[ASHA]);
    house.executor.crash();
    house.clock.drifted.store(true, Ordering::SeqCst);
    let engine = house.process("shop");
    house.pass(Duration::from_secs(60));
    assert_eq!((house.sent(), engine.is_ready()), (vec!["text"], false));
    house.clock.drifted.store(false, Ordering::SeqCst);
    house.pass(Duration::from_secs(2));
    assert_eq!((house.sent(), engine.is_ready()), (vec!["text", "chat"], true));
}

#[test]
fn the_attempt_that_is_written_with_a_start_is_sent_once_and_after_a_crash_not_at_all() {
    for (crash, expected) in [(false, ["text"]), (true, ["chat"])] {
        let mut house = House::new(1);
        let engine = house.process("shop");
        let started = futures::executor::block_on(engine.start(&caller(&engine), request(ASHA), None));
        let id = started.unwrap().verification.id;
        let attempts = house.view(id).unwrap().attempts;
        let written: Vec<_> = attempts.iter().map(|one| (one.provider.as_str(), one.state)).collect();
        assert_eq!(written, [("text", AttemptState::Sending)], "in the rows before anything has left");
        assert_eq!(house.sent(), [""; 0]);
        if crash {
            house.executor.crash();
            drop(engine);
            let _next = house.process("shop");
            house.pass(Duration::from_secs(90));
            assert_eq!(house.view(id).unwrap().attempts[0].state, AttemptState::Unknown);
        } else {
            house.pass(Duration::from_secs(90));
        }
        assert_eq!(house.sent(), expected);
        assert_eq!(house.view(id).unwrap().deliveries[0].state, DeliveryState::Sent);
    }
}
