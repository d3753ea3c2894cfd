//! The drop-in surfaces' failures, in their own shapes.

use super::house::{PAGE, ask, doors, request};
use crate::{Compat, router};

#[tokio::test]
async fn each_surface_fails_in_the_shape_that_its_callers_know() {
    let router = router(doors());
    let mut told = Vec::new();
    for (path, body) in [
        ("/send-otp", r#"{"to":"12"}"#),
        ("/send-otp", r#"{"to":"+919876543210"}"#),
        ("/send-otp", r#"{"to":"+14155550123","channel":"voice"}"#),
        ("/send-otp", r#"{"to":"+14155550123"}"#),
        ("/verify-otp", r#"{"to":"+14155550123"}"#),
        ("/verify-otp", r#"{"to":"+14155550123","code":"not a code!"}"#),
        ("/api/auth/send-otp", r#"{"phone":"+14155550123","purpose":4}"#),
        ("/api/auth/send-otp", r#"{"phone":"a@example.com","purpose":1}"#),
        ("/api/auth/send-otp", r#"{"phone":"+14155550123","purpose":"login"}"#),
        ("/api/auth/verify-otp", r#"{"phone":"+14155550123","otp":"x","purpose":1}"#),
        ("/api/auth/verify-otp", r#"{"phone":"+14155550123","otp":1234,"purpose":1}"#),
        ("/send-otp", r#"{"to":"+14155550123","purpose":"password_reset"}"#),
        ("/auth/otp/send", r#"{"phone":"a@example.com"}"#),
        ("/auth/otp/send", r#"{"phone":"+14155550123","channel":"fax"}"#),
        ("/auth/otp/send", r#"{"phone":"+14155550123","wait":true}"#),
        ("/auth/otp/send", r#"{"phone":"+14155550123"}"#),
        ("/auth/otp/verify", r#"{"phone":"+14155550123"}"#),
        ("/auth/otp/verify", r#"{"phone":"+14155550123","otp":"not a code!"}"#),
        (
            "/auth/otp/verify",
            r#"{"phone":"+14155550123","otp":"123456","remember_device":{"device_id":"a b","device_name":"x"}}"#,
        ),
        (
            "/auth/otp/verify",
            r#"{"phone":"+14155550123","otp":"123456","remember_device":{"device_id":"a","device_name":"\u0000"}}"#,
        ),
        ("/auth/otp/verify", r#"{"phone":"+14155550123","otp":"123456"}"#),
        ("/auth/emergency/backup-code", r#"{"phone":"+14155550123","backup_code":"u"}"#),
        ("/auth/emergency/backup-code", r#"{"phone":"+14155550123","backup_code":["7k2m9qxz"]}"#),
        ("/auth/emergency/backup-code", r#"{"phone":"+14155550123","backup_code":"7k2m9qxz"}"#),
        ("/auth/emergency/admin", r#"{"phone":"+14155550123","master_key":"k"}"#),
        ("/auth/emergency/admin", r#"{"phone":"+14155550123","master_key":"k","reason":"SMS is down"}"#),
        ("/auth/device/login", r#"{"phone":"+14155550123","device_id":"a b","device_token":"dt_1"}"#),
        ("/auth/device/login", r#"{"phone":"+14155550123","device_id":"a","device_token":"dt_1"}"#),
        ("/auth/device/pin", r#"{"phone":"+14155550123","device_id":"a","pin":"739105"}"#),
        (
            "/auth/device/pin",
            r#"{"phone":"+14155550123","device_id":"a","pin":"739105","proof":["dev_1","c","s"]}"#,
        ),
        (
            "/auth/device/pin",
            r#"{"phone":"+14155550123","device_id":"a","pin":"739105","proof":{"device":"x","challenge":"c","signature":"s"}}"#,
        ),
        ("/auth/device/pin", r#"{"phone":"+14155550123","device_id":"a","pin":"12","device_token":"dt_1"}"#),
        (
            "/register-with-otp",
            r#"{"email":"+14155550124","password":"hill-otter-42","phone":"+14155550123","otp_code":"123456"}"#,
        ),
        (
            "/register-with-otp",
            r#"{"email":"a@example.com","password":"hill-otter-42","phone":"+14155550123","otp_code":"?"}"#,
        ),
        (
            "/register-with-otp",
            r#"{"email":"a@example.com","password":"short","phone":"+14155550123","otp_code":"123456"}"#,
        ),
        (
            "/register-with-otp",
            r#"{"email":"a@example.com","password":"hill-otter-42","phone":"+14155550123","otp_code":"123456"}"#,
        ),
        ("/forgot-password-otp", r#"{"email":"a@example.com","phone":"+14155550123","otp_code":"123456"}"#),
        (
            "/forgot-password-otp",
            r#"{"email":"a@example.com","phone":"+14155550123","otp_code":"?","new_password":"hill-otter-42"}"#,
        ),
        (
            "/forgot-password-otp",
            r#"{"email":"a@example.com","phone":"+14155550123","otp_code":"123456","new_password":"hill-otter-42"}"#,
        ),
    ] {
        let answer = ask(&router, request("POST", path, &[], body)).await;
        assert_eq!(answer.header("www-authenticate"), "");
        assert_eq!(answer.header("content-type"), "application/json");
        told.push(format!("{path} {} {}", answer.status.as_u16(), answer.text));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    /send-otp 400 {"error":"write the number in international form: + and 8 to 15 digits"}
    /send-otp 400 {"error":"codes are not sent to numbers of this region"}
    /send-otp 400 {"error":"the channels are sms, email and whatsapp"}
    /send-otp 503 {"error":"nothing was done; try again"}
    /verify-otp 400 {"error":"the body lacks the field `code`"}
    /verify-otp 200 {"valid":false,"status":"pending"}
    /api/auth/send-otp 400 {"success":false,"message":"`purpose` must be 1, 2, 3, login, registration or password_reset"}
    /api/auth/send-otp 400 {"success":false,"message":"a number may hold only digits, spaces, hyphens, dots and parentheses after its +"}
    /api/auth/send-otp 503 {"success":false,"message":"nothing was done; try again"}
    /api/auth/verify-otp 401 {"success":false,"message":"the code is wrong or no longer valid"}
    /api/auth/verify-otp 400 {"success":false,"message":"`otp` must be a string"}
    /send-otp 503 {"error":"nothing was done; try again"}
    /auth/otp/send 400 {"error":"a number may hold only digits, spaces, hyphens, dots and parentheses after its +"}
    /auth/otp/send 400 {"error":"the channels are auto, sms, whatsapp, email and voice"}
    /auth/otp/send 400 {"error":"the body holds a field that is not known; it takes `phone` or `channel`"}
    /auth/otp/send 503 {"error":"nothing was done; try again"}
    /auth/otp/verify 400 {"error":"the body lacks the field `otp`"}
    /auth/otp/verify 401 {"error":"Invalid or expired code"}
    /auth/otp/verify 400 {"error":"`remember_device.device_id` was not taken: a device id is 1 to 128 bytes without spaces and control characters"}
    /auth/otp/verify 400 {"error":"`remember_device.device_name` was not taken: a device name is 1 to 64 characters without control characters"}
    /auth/otp/verify 503 {"error":"nothing was done; try again"}
    /auth/emergency/backup-code 401 {"error":"Invalid backup code"}
    /auth/emergency/backup-code 400 {"error":"`backup_code` must be a string"}
    /auth/emergency/backup-code 503 {"error":"nothing was done; try again"}
    /auth/emergency/admin 400 {"error":"the body lacks the field `reason`"}
    /auth/emergency/admin 401 {"error":"Invalid master key"}
    /auth/device/login 400 {"error":"`device_id` was not taken: a device id is 1 to 128 bytes without spaces and control characters"}
    /auth/device/login 401 {"error":"Device is not trusted"}
    /auth/device/pin 400 {"error":"`device_token` or `proof` must come, and not both"}
    /auth/device/pin 400 {"error":"`proof` must be an object"}
    /auth/device/pin 401 {"error":"Device is not trusted"}
    /auth/device/pin 400 {"error":"`pin` must be 4 to 6 digits"}
    /register-with-otp 400 {"error":"`email` must be an e-mail address"}
    /register-with-otp 400 {"error":"Invalid or expired code"}
    /register-with-otp 400 {"error":"`password`: a password has at least 8 characters"}
    /register-with-otp 503 {"error":"nothing was done; try again"}
    /forgot-password-otp 400 {"error":"the body lacks the field `new_password`"}
    /forgot-password-otp 400 {"error":"Invalid or expired code"}
    /forgot-password-otp 503 {"error":"nothing was done; try again"}
    "#);
}

#[tokio::test]
async fn a_page_that_the_application_does_not_list_sends_no_codes() {
    let router = router(doors());
    let body = r#"{"to":"+14155550123"}"#;
    for (origin, status) in [(PAGE, 503), ("https://verify.shop.example", 503), ("https://evil.example", 403)]
    {
        let answer = ask(&router, request("POST", "/send-otp", &[("origin", origin)], body)).await;
        assert_eq!(answer.status, status, "{origin}");
    }
}

#[tokio::test]
async fn a_surface_opens_its_purposes_to_its_own_callers_and_to_no_publishable_key() {
    let router = router(doors());
    for (path, body, told) in [
        ("/send-otp", r#"{"to":"+14155550123","purpose":"transaction"}"#, 503),
        ("/api/auth/send-otp", r#"{"phone":"+14155550123","purpose":3}"#, 503),
        ("/send-otp", r#"{"to":"+14155550123","purpose":"newsletter"}"#, 403),
    ] {
        let answer = ask(&router, request("POST", path, &[], body)).await;
        assert_eq!(answer.status, told, "{path} {body}: {}", answer.text);
    }
    let key = [("authorization", "Bearer pk_shop"), ("origin", PAGE)];
    for (purpose, told) in [("login", 503), ("registration", 403), ("transaction", 403)] {
        let body = format!(r#"{{"to":"+14155550123","purpose":"{purpose}"}}"#);
        let answer = ask(&router, request("POST", "/v1/verifications", &key, &body)).await;
        assert_eq!(answer.status, told, "{purpose}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_surface_that_is_off_is_nowhere() {
    let mut doors = doors();
    doors.compat = Compat::default();
    let router = router(doors);
    for path in [
        "/send-otp",
        "/verify-otp",
        "/api/auth/send-otp",
        "/api/auth/verify-otp",
        "/auth/otp/send",
        "/auth/otp/verify",
        "/auth/emergency/backup-code",
        "/auth/emergency/admin",
        "/auth/device/login",
        "/auth/device/pin",
        "/register-with-otp",
        "/forgot-password-otp",
    ] {
        assert_eq!(
            ask(&router, request("POST", path, &[], "{}")).await.in_short(),
            "404 not_found",
            "{path}"
        );
    }
}
