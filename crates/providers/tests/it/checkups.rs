//! What a look at a provider tells, without sending.

use std::time::Duration;

use backstop_domain::ports::provider::Checkup;
use serde_json::json;

use crate::harness::{
    self,
    vendor::{Does, Vendor, answer},
};

async fn check_up(kind: &str, status: u16, body: &str) -> (Checkup, Vec<String>) {
    let vendor = Vendor::start(Does::Answers(answer(status, &[], body))).await;
    let checkup = harness::provider(kind, &vendor.base, Duration::from_secs(5)).check_up().await;
    assert!(checkup.well || checkup.fix.is_some(), "what is not well has a fix: {checkup:?}");
    (checkup, vendor.requests())
}

#[tokio::test]
async fn a_twilio_account_without_money_or_suspended_is_not_well() {
    let account = |status: &str, balance: &str| {
        json!({ "status": status, "balance": balance, "currency": "USD" }).to_string()
    };
    for (status, body, well, finding) in [
        (200, account("active", "12.05"), true, "active, balance 12.05 USD"),
        (200, account("active", "0.00"), false, "active, balance 0.00 USD"),
        (200, account("active", "-3.10"), false, "active, balance -3.10 USD"),
        (200, account("suspended", "12.05"), false, "the account is suspended"),
        (200, json!({ "status": "active" }).to_string(), true, "active, balance not shown"),
        (200, json!({ "status": "active", "type": "Trial" }).to_string(), false, "verified numbers alone"),
        (
            200,
            json!({ "status": "active", "incoming_phone_numbers": [] }).to_string(),
            true,
            "the number in from is not the account's",
        ),
        (200, "<html>".to_owned(), false, "200 <html>"),
        (401, json!({ "code": 20003, "message": "Authenticate" }).to_string(), false, "20003"),
    ] {
        let (checkup, asked) = check_up("twilio", status, &body).await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{checkup:?}");
        assert!(
            asked.iter().all(|request| request.starts_with("GET ")),
            "a check-up sent something: {asked:?}"
        );
    }
}

#[tokio::test]
async fn a_plivo_account_without_credit_is_not_well_unless_it_is_billed_later() {
    let account = |more: serde_json::Value| {
        let mut account = json!({ "auth_id": "MA000000000000000001", "cash_credits": "12.05000", "billing_mode": "prepaid" });
        account.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        account.to_string()
    };
    for (status, body, well, finding) in [
        (200, account(json!({})), true, "active, balance 12.05000 USD"),
        (200, account(json!({ "cash_credits": 3 })), true, "active, balance 3 USD"),
        (200, account(json!({ "cash_credits": "0.00000" })), false, "balance 0.00000 USD"),
        (200, account(json!({ "cash_credits": "-1.2", "auto_recharge": true })), true, "balance -1.2 USD"),
        (200, account(json!({ "cash_credits": "0", "billing_mode": "postpaid" })), true, "balance 0 USD"),
        (200, account(json!({ "account_type": "trial" })), false, "verified numbers alone"),
        (200, "<html>".to_owned(), false, "200 <html>"),
        (401, json!({ "error": "authentication failed" }).to_string(), false, "authentication failed"),
    ] {
        let (checkup, asked) = check_up("plivo", status, &body).await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{checkup:?}");
        assert!(
            asked.iter().all(|request| request.starts_with("GET ")),
            "a check-up sent something: {asked:?}"
        );
    }
}

#[tokio::test]
async fn an_sns_account_in_the_sandbox_is_not_well() {
    let sandbox = |is_in: &str| {
        format!(
            "<GetSMSSandboxAccountStatusResponse><GetSMSSandboxAccountStatusResult><IsInSandbox>{is_in}</IsInSandbox>\
             </GetSMSSandboxAccountStatusResult></GetSMSSandboxAccountStatusResponse>"
        )
    };
    let refused = |code: &str| {
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>")
    };
    for (status, body, well, finding) in [
        (200, sandbox("false"), true, "out of the SMS sandbox"),
        (200, sandbox("true"), false, "in the SMS sandbox"),
        (403, refused("AuthorizationError"), true, "may not ask"),
        (403, refused("InvalidClientTokenId"), false, "InvalidClientTokenId"),
        (200, "<html>".to_owned(), false, "200 <html>"),
    ] {
        let (checkup, asked) = check_up("aws-sns", status, &body).await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{checkup:?}");
        assert!(asked.iter().all(|request| !request.contains("Action=Publish")), "a check-up sent something");
    }
}

#[tokio::test]
async fn an_ses_account_that_cannot_send_to_everybody_is_not_well() {
    let account = |production: bool, sending: bool, status: &str, sent: u32, verified: bool| {
        json!({
            "ProductionAccessEnabled": production, "SendingEnabled": sending, "EnforcementStatus": status,
            "SendQuota": { "Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": f64::from(sent) },
            "VerifiedForSendingStatus": verified,
        })
        .to_string()
    };
    let refused = |kind: &str| json!({ "__type": kind, "message": "no" }).to_string();
    for (status, body, well, finding) in [
        (
            200,
            account(true, true, "HEALTHY", 12, true),
            true,
            "production, 12 of 50000 mails in 24 h, sender",
        ),
        (200, account(true, true, "PROBATION", 12, true), true, "on probation"),
        (200, account(true, true, "HEALTHY", 48_000, true), true, "48000 of 50000"),
        (200, account(true, true, "HEALTHY", 50_000, true), false, "50000 of 50000"),
        (200, account(false, true, "HEALTHY", 12, true), false, "sandbox"),
        (200, account(true, false, "HEALTHY", 12, true), false, "paused"),
        (200, account(true, true, "SHUTDOWN", 12, true), false, "shut"),
        (200, account(true, true, "HEALTHY", 12, false), false, "login@acme.example is not verified"),
        (403, refused("AccessDeniedException"), true, "may not ask"),
        (403, refused("UnrecognizedClientException"), false, "UnrecognizedClientException"),
        (200, "{}".to_owned(), false, "200 {}"),
        (200, "<html>".to_owned(), false, "200 <html>"),
    ] {
        let (checkup, asked) = check_up("aws-ses", status, &body).await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{checkup:?}");
        assert!(asked.iter().all(|request| request.starts_with("GET ")), "a check-up sent something");
    }
}

#[tokio::test]
async fn a_sendgrid_key_that_may_not_send_is_not_well() {
    let refused = |text: &str| json!({ "errors": [{ "message": text, "field": null }] }).to_string();
    for (status, body, well, finding) in [
        (200, json!({ "scopes": ["mail.send"], "remain": 73, "total": 100 }), true, "73 of 100 mails left"),
        (200, json!({ "scopes": ["mail.send"] }), true, "credits not shown"),
        (200, json!({ "scopes": ["user.read"] }), false, "may not send"),
        (200, json!({}), false, "200 {}"),
    ]
    .map(|(status, body, well, finding)| (status, body.to_string(), well, finding))
    .into_iter()
    .chain([
        (401, refused("authorization required"), false, "authorization required"),
        (502, "<html>".to_owned(), false, "502 <html>"),
    ]) {
        let (checkup, asked) = check_up("sendgrid", status, &body).await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{checkup:?}");
        assert!(asked.iter().all(|request| request.starts_with("GET ")), "a check-up sent something");
    }
}

#[tokio::test]
async fn a_postmark_server_that_delivers_nothing_is_not_well() {
    for (status, body, well, finding) in [
        (
            200,
            json!({ "ID": 1, "Name": "Codes", "DeliveryType": "Live" }).to_string(),
            true,
            "server is Codes",
        ),
        (200, json!({ "ID": 1, "Name": "Codes" }).to_string(), true, "server is Codes"),
        (200, json!({ "ID": 1, "Name": "Codes", "DeliveryType": "Sandbox" }).to_string(), false, "sandbox"),
        (401, json!({ "ErrorCode": 10, "Message": "no token" }).to_string(), false, "no token"),
        (200, "<html>".to_owned(), false, "200 <html>"),
    ] {
        let (checkup, asked) = check_up("postmark", status, &body).await;
        assert!(checkup.well == well && checkup.finding.contains(finding), "{checkup:?}");
        assert!(asked.iter().all(|request| request.starts_with("GET /server ")), "a check-up sent something");
    }
}

#[tokio::test]
async fn a_receiver_that_answers_anything_but_refusal_is_well() {
    for (status, well) in [(200, true), (204, true), (405, true), (401, false), (404, false), (500, false)] {
        let (checkup, asked) = check_up("webhook", status, "").await;
        assert_eq!(checkup.well, well, "{status}: {checkup:?}");
        assert!(
            asked.iter().all(|request| request.starts_with("HEAD ")),
            "a check-up sent something: {asked:?}"
        );
    }
}
