//! No code can be sent at all: people still get in, and each proof opens the door once.

use futures::future::join_all;
use serde_json::json;

use super::{PASSWORD, backup_codes, dark, enrol, totp, user};

const ASHA: &str = "+14155550123";

#[tokio::test]
async fn an_app_that_read_our_uri_opens_the_door_once_of_twenty_at_once() {
    let program = dark();
    let shop = program.shop();
    let asha = user(&shop, ASHA, "off").await;
    let uri = enrol(&shop, &asha).await;
    let body = json!({ "phone": ASHA, "code": totp(&uri, 30) });
    let answers = join_all((0..20).map(|_| shop.post("/v1/sign-in/totp", body.clone()))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.body["status"] == "signed_in").collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    assert_eq!(won[0].body["user_id"], json!(asha));
    assert!(answers.iter().all(|answer| [200, 401, 429].contains(&answer.status.as_u16())), "{answers:?}");
}

#[tokio::test]
async fn a_backup_code_opens_the_door_once_of_twenty_at_once() {
    let program = dark();
    let shop = program.shop();
    let asha = user(&shop, ASHA, "off").await;
    let codes = backup_codes(&shop, &asha).await;
    assert_eq!(codes.len(), 10);
    let body = json!({ "phone": ASHA, "code": codes[0] });
    let answers = join_all((0..20).map(|_| shop.post("/v1/sign-in/backup-code", body.clone()))).await;
    let won = answers.iter().filter(|answer| answer.body["status"] == "signed_in").count();
    assert_eq!(won, 1, "{answers:?}");
    assert!(answers.iter().all(|answer| [200, 401, 429].contains(&answer.status.as_u16())), "{answers:?}");
    let left = shop.get(&format!("/v1/users/{asha}/factors/backup-codes")).await.expect(200);
    assert_eq!(left["left"], 9);
}

#[tokio::test]
async fn a_password_then_the_app_is_two_ways_and_the_app_twice_is_not() {
    let program = dark();
    let shop = program.shop();
    let asha = user(&shop, ASHA, "required").await;
    let uri = enrol(&shop, &asha).await;
    let first = shop.post("/v1/sign-in/password", json!({ "phone": ASHA, "password": PASSWORD })).await;
    assert_eq!((first.status.as_u16(), &first.body["status"]), (200, &json!("second_factor_required")));
    let mfa = first.text("mfa_token");
    let again = shop.post("/v1/sign-in/password", json!({ "mfa_token": mfa, "password": PASSWORD })).await;
    assert!(again.status.is_client_error(), "{:#}", again.body);
    let second = json!({ "mfa_token": mfa, "code": totp(&uri, 30) });
    let tokens = shop.post("/v1/sign-in/totp", second).await.expect(200);
    assert_eq!((&tokens["status"], &tokens["acr"]), (&json!("signed_in"), &json!("aal2")));
}
