//! A checker that finds nothing is believed only because it finds what is planted here.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    super::{
        history::{Asked, Call, Heard},
        rows::{Attempt, Check, Delivery, Rows, Verification},
    },
    Arrival, Evidence, Rules, faults,
};

const RULES: Rules = Rules {
    recipient_per_hour: 3,
    checks_per_hour: 4,
    application_per_minute: 10,
    live: 2,
    resend_after: Duration::from_secs(15),
    slack: Duration::from_millis(100),
};
/// When the second verification began; the first began at nought.
const LATER: i64 = 100_000;

fn call(begun: i64, asked: Asked, status: u16, body: Value) -> Call {
    Call { node: 0, begun, ended: begun + 50, key: None, asked, heard: Some(Heard { status, body }) }
}

fn start(begun: i64, to: &str, status: u16, body: Value) -> Call {
    call(begun, Asked::Start { to: to.to_owned(), purpose: "login".to_owned() }, status, body)
}

fn check(begun: i64, id: &str, code: &str, body: Value) -> Call {
    call(begun, Asked::Check { id: id.to_owned(), code: code.to_owned() }, 200, body)
}

fn verification(id: &str, recipient: &str, created_at: i64) -> Verification {
    Verification {
        id: id.to_owned(),
        recipient: recipient.to_owned(),
        purpose: "login".to_owned(),
        status: "pending".to_owned(),
        max_checks: 3,
        checks_used: 0,
        created_at,
        expires_at: created_at + 600_000,
        approved_at: None,
        redeemed_at: None,
    }
}

fn delivery(id: &str, verification: &str, recipient: &str, created_at: i64) -> Delivery {
    Delivery {
        id: id.to_owned(),
        verification: verification.to_owned(),
        recipient: recipient.to_owned(),
        created_at,
        state: "sent".to_owned(),
    }
}

fn attempt(id: &str, verification: &str, delivery: &str) -> Attempt {
    let [id, verification, delivery] = [id, verification, delivery].map(str::to_owned);
    Attempt { id, verification, delivery, state: "accepted".to_owned() }
}

fn taken(number: i64, at: i64, verdict: &str) -> Check {
    Check {
        verification: "ver_a".to_owned(),
        recipient: "a".to_owned(),
        number,
        at,
        charged: 1,
        verdict: verdict.to_owned(),
    }
}

fn arrival(attempt: &str, verification: &str, to: &str) -> Arrival {
    let [attempt, verification, to] = [attempt, verification, to].map(str::to_owned);
    Arrival { attempt, verification, to, code: "123456".to_owned() }
}

/// One verification that was mistyped, approved and redeemed, and one that waits.
fn good() -> Evidence {
    let approved = Verification {
        status: "approved".to_owned(),
        checks_used: 2,
        approved_at: Some(2_010),
        redeemed_at: Some(3_010),
        ..verification("ver_a", "a", 10)
    };
    Evidence {
        calls: vec![
            start(0, "+1a", 201, json!({"id": "ver_a"})),
            check(1_000, "ver_a", "000000", json!({"valid": false, "status": "pending", "checks_left": 2})),
            check(2_000, "ver_a", "123456", json!({"valid": true, "status": "approved", "checks_left": 0})),
            call(3_000, Asked::Redeem { id: "ver_a".to_owned() }, 200, json!({"to": "+1a"})),
            start(LATER, "+1b", 201, json!({"id": "ver_b"})),
        ],
        arrivals: vec![arrival("att_a", "ver_a", "+1a"), arrival("att_b", "ver_b", "+1b")],
        rows: Rows {
            verifications: vec![approved, verification("ver_b", "b", LATER + 10)],
            deliveries: vec![
                delivery("dlv_a", "ver_a", "a", 10),
                delivery("dlv_b", "ver_b", "b", LATER + 10),
            ],
            attempts: vec![attempt("att_a", "ver_a", "dlv_a"), attempt("att_b", "ver_b", "dlv_b")],
            checks: vec![taken(1, 1_010, "wrong"), taken(2, 2_010, "right")],
        },
        rules: RULES,
    }
}

/// Changes a good history and sees that the fault is named in these words, or that there is none.
#[track_caller]
fn planted(words: &str, plant: impl FnOnce(&mut Evidence)) {
    let mut evidence = good();
    plant(&mut evidence);
    let found = faults(&evidence);
    if words.is_empty() {
        assert!(found.is_empty(), "{found:?}");
    } else {
        assert!(found.iter().any(|fault| fault.contains(words)), "{words}: {found:?}");
    }
}

#[test]
fn a_good_history_has_no_fault_and_what_nobody_heard_of_may_have_been_done_or_not() {
    planted("", |_| {});
    planted("", |evidence| evidence.calls[4].heard = None);
    planted("", |evidence| evidence.calls[2].heard = None);
    planted("", |evidence| evidence.calls.push(Call { heard: None, ..start(LATER, "+1c", 0, json!({})) }));
}

#[test]
fn what_was_acknowledged_and_is_lost_is_found() {
    planted("acknowledged and is lost", |evidence| {
        evidence.rows.verifications.pop();
    });
    planted("acknowledged and never sent", |evidence| {
        evidence.arrivals.pop();
    });
    planted("was not sent: queued", |evidence| evidence.rows.deliveries[1].state = "queued".to_owned());
    planted("wrong check of number 1 was not kept", |evidence| {
        evidence.rows.checks.remove(0);
    });
    planted("is not written down", |evidence| evidence.rows.verifications[0].redeemed_at = None);
    planted("sent again 1 times", |evidence| {
        evidence.calls.push(call(
            LATER,
            Asked::Resend { id: "ver_b".to_owned() },
            200,
            json!({"id": "ver_b"}),
        ));
    });
}

#[test]
fn what_was_done_twice_is_found() {
    planted("attempt att_b was sent twice", |evidence| {
        let again = evidence.arrivals[1].clone();
        evidence.arrivals.push(again);
    });
    planted("is not written down", |evidence| evidence.arrivals.push(arrival("att_c", "ver_b", "+1b")));
    planted("two codes", |evidence| {
        evidence.arrivals.push(Arrival { code: "1".to_owned(), ..arrival("att_b", "ver_b", "+1b") });
    });
    planted("2 calls were told that the code is valid", |evidence| {
        let again = evidence.calls[2].clone();
        evidence.calls.push(again);
    });
    planted("2 checks approved", |evidence| evidence.rows.checks.push(taken(3, 2_020, "right")));
    planted("handed over 2 times", |evidence| {
        let again = evidence.calls[3].clone();
        evidence.calls.push(again);
    });
    planted("two starts were told", |evidence| {
        let again = evidence.calls[4].clone();
        evidence.calls.push(again);
    });
    planted("one start made", |evidence| {
        evidence.arrivals.push(arrival("att_c", "ver_c", "+1b"));
    });
    planted("2 starts made 3 verifications", |evidence| {
        evidence.rows.verifications.push(verification("ver_c", "c", LATER));
    });
    planted("0 times (and perhaps 0 more), and has 2", |evidence| {
        evidence.rows.deliveries.push(delivery("dlv_c", "ver_b", "b", LATER + 20_000));
    });
}

#[test]
fn one_charge_too_many_in_a_window_is_found() {
    let more = |evidence: &mut Evidence, count: i64, apart: i64| {
        for number in 0..count {
            let id = format!("dlv_{number}");
            evidence.rows.deliveries.push(delivery(
                &id,
                "ver_a",
                "a",
                20_000 * (number + 1) + apart * number,
            ));
        }
    };
    planted("4 charges of recipient_per_hour", |evidence| more(evidence, 3, 0));
    planted("11 charges of application_per_minute", |evidence| {
        for number in 0..9 {
            let (id, whom) = (format!("dlv_{number}"), format!("r{number}"));
            evidence.rows.deliveries.push(delivery(&id, &format!("ver_{number}"), &whom, LATER + 59_000));
        }
        let last = delivery("dlv_last", "ver_last", "last", LATER + 60_009);
        evidence.rows.deliveries.push(last);
    });
    planted("2 charges of resend_after", |evidence| {
        evidence.rows.deliveries.push(delivery("dlv_c", "ver_b", "b", LATER + 15_009));
    });
    planted("5 charges of checks_per_hour", |evidence| {
        evidence.rows.checks.extend((3..6).map(|number| taken(number, 2_000 + number, "wrong")));
    });
    planted("3 live verifications", |evidence| {
        for id in ["ver_c", "ver_d"] {
            evidence.rows.verifications.push(verification(id, "b", LATER + 30));
        }
    });
}

#[test]
fn a_refusal_without_a_reason_is_found() {
    let refused = |limit: &str| start(LATER + 200, "+1b", 429, json!({ "limit": limit }));
    for limit in ["recipient_per_hour", "application_per_minute", "live_verifications", "recipient_per_day"] {
        planted(&format!("refused by {limit}"), |evidence| evidence.calls.push(refused(limit)));
    }
    planted("refused by resend_after", |evidence| {
        let late = call(
            LATER + 16_000,
            Asked::Resend { id: "ver_b".to_owned() },
            429,
            json!({"limit": "resend_after"}),
        );
        evidence.calls.push(late);
    });
    planted("", |evidence| {
        let early = call(
            LATER + 9_000,
            Asked::Resend { id: "ver_b".to_owned() },
            429,
            json!({"limit": "resend_after"}),
        );
        evidence.calls.push(early);
    });
}

#[test]
fn a_wrong_count_or_verdict_is_found() {
    let wrong = |left: i64| {
        check(1_000, "ver_a", "000001", json!({"valid": false, "status": "pending", "checks_left": left}))
    };
    planted("two wrong checks were told to be number 1", |evidence| evidence.calls.push(wrong(2)));
    planted("number 3 was not kept", |evidence| evidence.calls.push(wrong(0)));
    planted("it counts 1 checks", |evidence| evidence.rows.verifications[0].checks_used = 1);
    planted("4 codes were compared, of 3", |evidence| evidence.rows.verifications[0].checks_used = 4);
    planted("more checks were counted than made", |evidence| {
        evidence.calls.remove(1);
    });
    planted("and it is pending", |evidence| evidence.rows.verifications[0].status = "pending".to_owned());
    planted("nobody can have been told", |evidence| {
        evidence.calls.remove(2);
    });
    planted("the right code was called wrong", |evidence| {
        evidence.calls[2] = Call { ended: 2_050, ..wrong(1) };
        evidence.calls[2].asked = Asked::Check { id: "ver_a".to_owned(), code: "123456".to_owned() };
    });
    planted("a wrong code was called right", |evidence| {
        evidence.calls[2].asked = Asked::Check { id: "ver_a".to_owned(), code: "654321".to_owned() };
    });
}

#[test]
fn a_key_that_was_answered_in_two_ways_is_found_and_one_that_was_used_often_is_one_deed() {
    let keyed = |evidence: &mut Evidence, id: &str| {
        let again = start(LATER + 100, "+1b", 201, json!({ "id": id }));
        evidence.calls[4].key = Some("key".to_owned());
        evidence.calls.push(Call { key: Some("key".to_owned()), node: 1, ..again });
    };
    planted("", |evidence| keyed(evidence, "ver_b"));
    planted("answered in 2 ways", |evidence| keyed(evidence, "ver_a"));
}
