//! What a provider's month may cost, counted in the acts that write attempts and their answers down.

use backstop_domain::{
    attempt::AttemptState,
    limit::Pace,
    ports::store::{
        AttemptResult, Begun, Deliveries as _, NewAttempt, Reservation, Routing as _, Settlement,
    },
    price::Price,
    receipt::{About, ReceiptState},
    spend::SpendBook,
};

use super::World;
use crate::setup::{ASHA, RAVI, at, seconds, together, wait};

/// The last second of January 2027 is `at(LAST)`.
const LAST: i64 = 1_440_000 - 1;

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

impl World {
    /// An attempt that costs 0.10 USD through a provider whose month may cost so much.
    pub(crate) fn costing(&self, number: usize, cap: &str, second: i64) -> NewAttempt {
        let (id, delivery) = self.start(&self.new_start(&format!("+9198765{number:05}"), at(second)));
        let reservation = Reservation {
            price: price("0.10 USD"),
            cap: Some(price(cap)),
            free_per_month: 0,
            at: at(second),
        };
        NewAttempt { reservation: Some(reservation), ..self.new_attempt(id, delivery, "capped", at(second)) }
    }

    pub(crate) fn settled(&self, attempt: &NewAttempt, what: Settlement, second: i64) -> AttemptResult {
        let (state, outcome) = match what {
            Settlement::GivenBack => (AttemptState::Rejected, "unavailable"),
            Settlement::Kept => (AttemptState::Unknown, "unknown"),
            Settlement::Cost(_) => (AttemptState::Accepted, "accepted"),
        };
        AttemptResult {
            settlement: attempt.reservation.map(|asked| (asked, what)),
            ..self.said(attempt, state, outcome, at(second))
        }
    }

    pub(crate) fn settle(&self, attempt: &NewAttempt, what: Settlement, second: i64) {
        wait(self.store.finish_attempt(self.settled(attempt, what, second))).unwrap();
    }

    /// The book of `capped` in the month of a moment.
    pub(crate) fn month(&self, second: i64) -> SpendBook {
        let books = wait(self.store.spending(at(second))).unwrap();
        books.into_iter().find(|(name, _)| name == "capped").map(|(_, book)| book).unwrap_or_default()
    }

    /// What is settled and what is set aside in that month.
    pub(crate) fn spent(&self, second: i64) -> (Price, Price) {
        self.month(second).spent().unwrap()
    }

    fn set_aside(&self) -> i64 {
        self.number("SELECT count(*) FROM reservations")
    }
}

#[test]
fn of_many_messages_at_once_no_more_leave_than_the_month_may_cost_and_none_less() {
    let world = World::new();
    let all: Vec<_> = (0..64).map(|number| world.costing(number, "1 USD", 0)).collect();
    let begun = together(64, |number| world.try_begin(all[number].clone()));
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::Send).count(), 10);
    let capped = Begun::Capped { until: at(LAST + 1) };
    assert_eq!(begun.iter().filter(|begun| **begun == capped).count(), 54);
    assert_eq!(world.spent(0), (price("0 USD"), price("1 USD")));
    assert_eq!((world.set_aside(), world.number("SELECT count(*) FROM attempts")), (10, 10));

    let left: Vec<_> = all.iter().zip(&begun).filter(|(_, begun)| **begun == Begun::Send).collect();
    together(4, |number| world.settle(left[number].0, Settlement::GivenBack, 1));
    assert_eq!(world.spent(0), (price("0 USD"), price("0.60 USD")));
    let waiting: Vec<_> = all.iter().zip(&begun).filter(|(_, begun)| **begun == capped).collect();
    let again = together(54, |number| world.try_begin(waiting[number].0.clone()));
    assert_eq!(again.iter().filter(|begun| **begun == Begun::Send).count(), 4);
    assert_eq!(world.spent(0), (price("0 USD"), price("1 USD")));
}

#[test]
fn while_answers_come_in_settled_and_set_aside_never_pass_the_cap() {
    let world = World::new();
    let all: Vec<_> = (0..64).map(|number| world.costing(number, "1 USD", 0)).collect();
    let sent = together(64, |number| {
        let sent = world.try_begin(all[number].clone()) == Begun::Send;
        if sent {
            let what = match number % 3 {
                0 => Settlement::GivenBack,
                1 => Settlement::Cost(price("0.05 USD")),
                _ => Settlement::Kept,
            };
            world.settle(&all[number], what, 1);
        }
        let (settled, set_aside) = world.spent(0);
        assert!(settled.micros() + set_aside.micros() <= 1_000_000, "{settled} and {set_aside}");
        sent
    });
    let count = |what| (0..64).filter(|number| sent[*number] && number % 3 == what).count() as u64;
    assert_eq!(
        world.spent(0),
        (price("0.05 USD").with_micros(50_000 * count(1)), price("0.10 USD").with_micros(100_000 * count(2)))
    );
    assert_eq!(world.month(0).messages(), (count(1) + count(2), 0));
}

#[test]
fn a_message_that_is_capped_leaves_nothing_behind_and_takes_no_place_of_a_pace() {
    let world = World::new();
    let pace = vec![Pace { max: 2, span: seconds(60) }];
    let with_pace =
        |number, cap: &str, second| NewAttempt { pace: pace.clone(), ..world.costing(number, cap, second) };
    assert_eq!(world.try_begin(with_pace(0, "0.10 USD", 0)), Begun::Send);
    let capped = with_pace(1, "0.10 USD", 1);
    let lease = world.view(capped.verification).deliveries[0].lease;
    for _ in 0..5 {
        assert_eq!(
            world.try_begin(NewAttempt { now: at(2), ..capped.clone() }),
            Begun::Capped { until: at(LAST + 1) }
        );
    }
    let view = world.view(capped.verification);
    assert!(view.attempts.is_empty());
    assert_eq!((view.deliveries[0].lease, world.set_aside()), (lease, 1));
    assert_eq!(world.try_begin(with_pace(2, "1 USD", 3)), Begun::Send, "the second place was free");

    let paced = with_pace(3, "1 USD", 4);
    for _ in 0..5 {
        assert!(matches!(world.try_begin(paced.clone()), Begun::Paced { .. }));
    }
    assert_eq!(world.spent(4), (price("0 USD"), price("0.20 USD")), "what a pace refuses sets nothing aside");
    assert_eq!(world.month(4).messages(), (2, 0));
    assert!(
        matches!(world.try_begin(with_pace(4, "0.20 USD", 5)), Begun::Capped { .. }),
        "waiting would not help"
    );
}

#[test]
fn a_price_higher_than_was_set_aside_counts_at_once_and_stops_the_rest() {
    let world = World::new();
    let [first, second, third] = [0, 1, 2].map(|number| world.costing(number, "1 USD", 0));
    assert_eq!(world.try_begin(first.clone()), Begun::Send);
    assert_eq!(world.try_begin(second.clone()), Begun::Send);
    world.settle(&first, Settlement::Cost(price("1.50 USD")), 1);
    assert_eq!(world.spent(0), (price("1.50 USD"), price("0.10 USD")));
    assert!(matches!(world.try_begin(third), Begun::Capped { .. }));
    world.settle(&second, Settlement::Cost(price("0.02 USD")), 2);
    assert_eq!((world.spent(0), world.set_aside()), ((price("1.52 USD"), price("0 USD")), 0));
}

#[test]
fn an_answer_that_comes_twice_is_settled_once() {
    let world = World::new();
    let [first, second] = [0, 1].map(|number| world.costing(number, "1 USD", 0));
    for attempt in [&first, &second] {
        assert_eq!(world.try_begin(attempt.clone()), Begun::Send);
    }
    together(6, |_| world.settle(&first, Settlement::Cost(price("0.30 USD")), 1));
    together(6, |_| world.settle(&second, Settlement::GivenBack, 1));
    world.settle(&second, Settlement::Cost(price("0.10 USD")), 2);
    assert_eq!((world.spent(0), world.month(0).messages()), ((price("0.30 USD"), price("0 USD")), (1, 0)));
}

#[test]
fn what_nobody_knows_the_end_of_stays_set_aside_until_an_answer_comes() {
    let world = World::new();
    let attempt = world.costing(0, "0.10 USD", 0);
    assert_eq!(world.try_begin(attempt.clone()), Begun::Send);
    world.settle(&attempt, Settlement::Kept, 1);
    assert_eq!(world.recover(world.another_node(100), 40).len(), 1);
    let world = world.reopened(at(50));
    assert_eq!(world.spent(50), (price("0 USD"), price("0.10 USD")));
    assert!(matches!(world.try_begin(world.costing(1, "0.10 USD", 51)), Begun::Capped { .. }));
    world.settle(&attempt, Settlement::GivenBack, 60);
    assert_eq!(world.spent(60), (price("0 USD"), price("0 USD")));
    assert_eq!(world.try_begin(world.costing(2, "0.10 USD", 61)), Begun::Send);
}

#[test]
fn a_receipt_that_names_a_price_settles_the_message_once_and_may_name_another_later() {
    let world = World::new();
    let [first, second] = [0, 1].map(|number| world.costing(number, "1 USD", 0));
    for attempt in [&first, &second] {
        assert_eq!(world.try_begin(attempt.clone()), Begun::Send);
    }
    let told = |attempt: &NewAttempt, cost: &str, counted, second| {
        let mut told = world.told(attempt, ReceiptState::Delivered, at(second));
        (told.receipt.price, told.counted) = (Some(cost.into()), counted);
        told
    };
    world.note(&told(&first, "0.30 USD", false, 1));
    assert_eq!(world.spent(0), (price("0 USD"), price("0.20 USD")), "it is not counted");
    together(4, |_| world.note(&told(&first, "0.30 USD", true, 2)));
    assert_eq!(world.spent(0), (price("0.30 USD"), price("0.10 USD")), "before the answer");
    world.settle(&first, Settlement::Cost(price("0.10 USD")), 3);
    assert_eq!(world.spent(0), (price("0.30 USD"), price("0.10 USD")), "the answer comes too late");

    let mut said = world.settled(&second, Settlement::Cost(price("0.10 USD")), 4);
    (said.price, said.handles) = (Some("0.10 USD".into()), vec!["msg-2".into()]);
    wait(world.store.finish_attempt(said)).unwrap();
    assert_eq!(world.spent(0), (price("0.40 USD"), price("0 USD")));
    let mut by_handle = told(&second, "0.25 USD", true, 5);
    by_handle.receipt.about = About::VendorId("msg-2".into());
    together(4, |_| world.note(&by_handle));
    assert_eq!(world.spent(0), (price("0.55 USD"), price("0 USD")));
    world.note(&told(&second, "free", true, 6));
    world.note(&told(&second, "9 INR", true, 7));
    assert_eq!((world.spent(0), world.set_aside()), ((price("0.55 USD"), price("0 USD")), 0));
}

#[test]
fn a_new_month_is_a_new_book_and_an_answer_goes_to_the_month_of_its_message() {
    let world = World::new();
    assert_eq!(at(LAST + 1).to_rfc3339(), "2027-02-01T00:00:00.000Z");
    let last = world.costing(0, "0.10 USD", LAST);
    assert_eq!(world.try_begin(last.clone()), Begun::Send);
    assert_eq!(world.try_begin(world.costing(1, "0.10 USD", LAST)), Begun::Capped { until: at(LAST + 1) });
    let first = world.costing(2, "0.10 USD", LAST + 1);
    assert_eq!(world.try_begin(first.clone()), Begun::Send);
    world.settle(&last, Settlement::Cost(price("0.40 USD")), LAST + 2);
    assert_eq!(world.spent(LAST), (price("0.40 USD"), price("0 USD")));
    assert_eq!(world.spent(LAST + 1), (price("0 USD"), price("0.10 USD")));
    let late = NewAttempt { reservation: last.reservation, ..world.costing(3, "1 USD", LAST + 2) };
    assert!(
        matches!(world.try_begin(late), Begun::Capped { .. }),
        "a node behind is in the month that it says"
    );
}

#[test]
fn free_messages_of_a_month_cost_nothing_and_are_given_back_as_such() {
    let world = World::new();
    let attempts: Vec<_> = (0..4)
        .map(|number| {
            let mut attempt = world.costing(number, "0.10 USD", 0);
            attempt.reservation.as_mut().unwrap().free_per_month = 2;
            attempt
        })
        .collect();
    for attempt in &attempts[..3] {
        assert_eq!(world.try_begin(attempt.clone()), Begun::Send);
    }
    assert!(matches!(world.try_begin(attempts[3].clone()), Begun::Capped { .. }));
    assert_eq!((world.spent(0), world.month(0).messages()), ((price("0 USD"), price("0.10 USD")), (3, 2)));
    world.settle(&attempts[0], Settlement::Cost(price("0.10 USD")), 1);
    world.settle(&attempts[1], Settlement::GivenBack, 1);
    assert_eq!((world.spent(0), world.month(0).messages()), ((price("0 USD"), price("0.10 USD")), (2, 1)));
    assert_eq!(world.try_begin(attempts[3].clone()), Begun::Send, "a free place is free again");
}

#[test]
fn providers_whose_money_is_not_counted_have_no_book_and_others_one_each() {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    world.begin(id, delivery, "any", at(1));
    assert_eq!(wait(world.store.spending(at(1))).unwrap(), []);
    let (id, delivery) = world.start(&world.new_start(RAVI, at(0)));
    for (provider, second) in [("two", 2), ("one", 3)] {
        let reservation = world.costing(second, "1 USD", 1).reservation;
        let attempt = NewAttempt { reservation, ..world.new_attempt(id, delivery, provider, at(2)) };
        assert_eq!(world.try_begin(attempt), Begun::Send);
    }
    let books = wait(world.store.spending(at(3))).unwrap();
    assert_eq!(books.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(wait(world.store.spending(at(LAST + 1))).unwrap(), []);
}

#[test]
fn money_that_cannot_be_compared_with_the_cap_is_not_spent() {
    let world = World::new();
    let attempt = world.costing(0, "100 INR", 0);
    assert_eq!(world.try_begin(attempt.clone()), Begun::Capped { until: at(LAST + 1) });
    assert!(world.view(attempt.verification).attempts.is_empty());
}
