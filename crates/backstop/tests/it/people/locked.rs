//! Who guesses shuts one way of one person, or their own network, and nobody else's.

use serde_json::{Value, json};

use super::{PASSWORD, backup_codes, dark, enrol, totp, user};

const ASHA: &str = "+14155550123";

fn from(network: &str, mut body: Value) -> Value {
    body["client"] = json!({ "ip": network });
    body
}

#[tokio::test]
async fn an_attacker_shuts_the_app_of_a_person_who_gets_in_by_everything_else() {
    let program = dark();
    let shop = program.shop();
    let asha = user(&shop, ASHA, "off").await;
    let (uri, codes) = (enrol(&shop, &asha).await, backup_codes(&shop, &asha).await);
    for number in 0..5 {
        let guess = from("192.0.2.7", json!({ "phone": ASHA, "code": format!("{number:06}") }));
        shop.post("/v1/sign-in/totp", guess).await.refused(401, "sign_in_refused");
    }
    let right = json!({ "phone": ASHA, "code": totp(&uri, 30) });
    let locked = shop.post("/v1/sign-in/totp", from("198.51.100.7", right)).await;
    locked.refused(429, "too_many_tries");
    assert!(locked.headers.contains_key("retry-after"));
    let code = json!({ "phone": ASHA, "code": codes[0] });
    assert_eq!(shop.post("/v1/sign-in/backup-code", code).await.body["status"], "signed_in");
    let password = json!({ "phone": ASHA, "password": PASSWORD });
    assert_eq!(shop.post("/v1/sign-in/password", password).await.body["status"], "signed_in");
}

#[tokio::test]
async fn one_guess_at_each_of_many_people_shuts_the_network_and_no_other() {
    let program = dark();
    let shop = program.shop();
    let asha = user(&shop, ASHA, "off").await;
    let codes = backup_codes(&shop, &asha).await;
    let mut refused = 0;
    for number in 0..40 {
        let body = json!({ "phone": format!("+1415555{number:04}"), "code": "0000-0000" });
        let answer = shop.post("/v1/sign-in/backup-code", from("192.0.2.7", body)).await;
        refused += u32::from(answer.status == 401);
    }
    assert_eq!(refused, 30, "so many failures an hour, over all people");
    let right = json!({ "phone": ASHA, "code": codes[0] });
    shop.post("/v1/sign-in/backup-code", from("192.0.2.7", right.clone()))
        .await
        .refused(429, "too_many_tries");
    let elsewhere = shop.post("/v1/sign-in/backup-code", from("198.51.100.7", right)).await;
    assert_eq!(elsewhere.body["status"], "signed_in", "{:#}", elsewhere.body);
}
