//! Sending again: a resend, and a second start from the same browser.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;

use super::{ASHA, MAIL, act};
use crate::harness::{pause, shop};

#[tokio::test]
async fn a_resend_brings_the_same_code_over_another_channel_once_the_wait_is_over() {
    let (gateway, program) =
        shop("[limits]\nresend_after = \"15s\"\n[purposes.payment]\nfloor = \"sms\"").await;
    let caller = program.shop();
    let both = json!({"to": ASHA, "fallback_to": {"email": MAIL}, "purpose": "payment"});
    let id = caller.start(both).await.text("id");
    let code = gateway.code(&id).await;
    let session = json!({"to": "+14155550124", "session": "browser-1"});
    let joined = caller.start(session.clone()).await.text("id");
    act(&caller, &id, "resend", json!({"channel": "fax"})).await.refused(400, "unknown_channel");
    act(&caller, &id, "resend", json!({"channel": "voice"})).await.refused(422, "below_floor");
    act(&caller, &id, "resend", json!({"channel": "email"})).await.refused(422, "below_floor");
    act(&caller, &id, "resend", json!({"channel": "telegram"})).await.refused(422, "channel_not_configured");
    act(&caller, &joined, "resend", json!({"channel": "email"})).await.refused(422, "channel_cannot_reach");
    let early = act(&caller, &id, "resend", json!({})).await;
    early.refused(429, "rate_limited");
    caller.start(session.clone()).await.refused(429, "rate_limited");
    let wait: u64 = early.headers["retry-after"].to_str().unwrap().parse().unwrap();
    pause(Duration::from_secs(wait)).await;

    let again = act(&caller, &id, "resend", json!({"channel": "whatsapp"})).await.expect(200);
    assert_eq!((&again["id"], &again["status"]), (&json!(id), &json!("pending")));
    let message = gateway.message(&id, 2).await;
    assert_eq!((&message["code"], &message["channel"]), (&json!(code), &json!("whatsapp")));
    act(&caller, &id, "resend", json!({})).await.refused(429, "rate_limited");

    let more = caller.start(session.clone()).await;
    assert_eq!((more.status.as_u16(), more.text("id")), (201, joined.clone()), "the same browser joins");
    let messages = (gateway.message(&joined, 1).await, gateway.message(&joined, 2).await);
    assert_eq!(messages.0["code"], messages.1["code"]);
    for other in [
        json!({"to": "+14155550124"}),
        json!({"to": "+14155550124", "session": "browser-2"}),
        json!({"to": "+14155550124", "session": "browser-1", "purpose": "registration"}),
    ] {
        assert_ne!(
            caller.start(other).await.text("id"),
            joined,
            "only an equal start of the same browser joins"
        );
    }
}

#[tokio::test]
async fn an_empty_session_and_another_transaction_or_code_never_join() {
    let (gateway, program) = shop("").await;
    let caller = program.shop();
    let mut ids = BTreeSet::new();
    for body in [
        json!({"session": ""}),
        json!({"session": ""}),
        json!({"session": "s", "purpose": "payment", "transaction": {"amount": "1", "payee": "a"}}),
        json!({"session": "s", "purpose": "payment", "transaction": {"amount": "2", "payee": "a"}}),
        json!({"session": "s", "purpose": "other", "custom_code": "111111"}),
    ] {
        let mut body = body;
        body["to"] = json!(ASHA);
        ids.insert(caller.start(body).await.text("id"));
    }
    assert_eq!(ids.len(), 5, "each is its own");
    let mut codes = BTreeSet::new();
    for id in &ids {
        codes.insert(gateway.code(id).await);
    }
    assert_eq!(codes.len(), 5, "and each has its own code");
}
