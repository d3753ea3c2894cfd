//! What is left of somebody who was erased, and what never was anywhere.

use serde_json::json;

use super::{PASSWORD, backup_codes, dark, enrol, user};
use crate::harness::Program;

const ASHA: &str = "+14155550123";

fn verifies(program: &Program) {
    let said = program.run(&["audit", "verify"]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_gone_and_the_log_of_what_they_did_still_verifies() {
    let program = dark();
    let shop = program.shop();
    let asha = user(&shop, ASHA, "off").await;
    let uri = enrol(&shop, &asha).await;
    let seed = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let codes = backup_codes(&shop, &asha).await;
    let signed = shop.post("/v1/sign-in/backup-code", json!({ "phone": ASHA, "code": codes[0] })).await;
    let tokens = [signed.text("access_token"), signed.text("refresh_token")];
    shop.post("/v1/sign-in/password", json!({ "phone": ASHA, "password": "a wrong one" })).await;
    tokio::task::block_in_place(|| verifies(&program));

    let log = tokio::task::block_in_place(|| program.run(&["audit", "export"]));
    let log = String::from_utf8(log.stdout).unwrap();
    for kind in [
        "user.created",
        "factor.totp.enrolled",
        "factor.backup_codes.used",
        "sign_in.succeeded",
        "sign_in.failed",
    ] {
        assert!(log.contains(kind), "{kind} is not in the log");
    }
    let everywhere = format!("{log}{}", program.log());
    for secret in [seed.as_str(), PASSWORD, &codes[0], &codes[1], &tokens[0], &tokens[1], ASHA] {
        assert!(!everywhere.contains(secret), "a log holds {secret}");
    }

    let path = format!("/v1/users/{asha}");
    let gone = shop.send(reqwest::Method::DELETE, &path, None).await;
    assert!(gone.status.is_success(), "{:#}", gone.body);
    shop.get(&path).await.refused(404, "not_found");
    let code = json!({ "phone": ASHA, "code": codes[1] });
    shop.post("/v1/sign-in/backup-code", code).await.refused(401, "sign_in_refused");
    let refresh = json!({ "refresh_token": tokens[1] });
    shop.post("/v1/tokens/refresh", refresh).await.refused(401, "sign_in_refused");
    let state = shop.post("/v1/tokens/introspect", json!({ "token": tokens[0] })).await.expect(200);
    assert_eq!(state, json!({ "active": false }));
    tokio::task::block_in_place(|| verifies(&program));
    let again = user(&shop, ASHA, "off").await;
    assert_ne!(again, asha, "the number is free for somebody else");
}
