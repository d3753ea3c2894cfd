//! People get in over three nodes on one PostgreSQL: what counts once counts once over all of them, and what one took away is gone
//! at the others with the next call.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{PASSWORD, backup_codes, enrol, totp, user};
use crate::harness::{Answer, AnyChannel, Caller, Program, Store, program::BASE};

const ASHA: &str = "+14155550123";

/// Three programs on one database, and the gateway that their codes go to.
struct Fleet {
    gateway: AnyChannel,
    nodes: Vec<Program>,
}

impl Fleet {
    async fn start() -> Self {
        let gateway = AnyChannel::start().await;
        let config = format!("{BASE}\n{}", gateway.provider("gateway", &["sms", "whatsapp", "email"]));
        let store = Store::postgres();
        let node = |_| Program::launch_on(store.clone(), Some(&config), &[]);
        Self { gateway, nodes: (0..3).map(node).collect() }
    }

    fn shop(&self, node: usize) -> Caller {
        self.nodes[node % self.nodes.len()].shop()
    }

    /// Calls so often, in turn at each node, all at once.
    async fn at_once(&self, times: usize, path: &str, body: &Value) -> Vec<Answer> {
        let callers: Vec<Caller> = (0..times).map(|number| self.shop(number)).collect();
        join_all(callers.iter().map(|caller| caller.post(path, body.clone()))).await
    }

    /// Signs in with a code that is sent, and has the device remembered.
    async fn remembered(&self, node: usize) -> Answer {
        let shop = self.shop(node);
        let id = shop.post("/v1/sign-in/otp", json!({ "phone": ASHA })).await.text("verification_id");
        let code = self.gateway.code(&id).await;
        let body = json!({ "verification_id": id, "code": code, "remember_device": { "name": "phone" } });
        shop.post("/v1/sign-in/otp/verify", body).await
    }

    async fn is_active(&self, node: usize, signed: &Answer) -> bool {
        let token = json!({ "token": signed.text("access_token") });
        self.shop(node).post("/v1/tokens/introspect", token).await.expect(200)["active"] == true
    }
}

fn signed_in(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.body["status"] == "signed_in").count()
}

fn with_status(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_opens_the_door_once_over_all_nodes_and_guesses_share_one_budget() {
    let fleet = Fleet::start().await;
    let asha = user(&fleet.shop(0), ASHA, "off").await;
    let (uri, codes) = (enrol(&fleet.shop(1), &asha).await, backup_codes(&fleet.shop(2), &asha).await);
    let right = json!({ "phone": ASHA, "code": totp(&uri, 30) });
    let answers = fleet.at_once(21, "/v1/sign-in/totp", &right).await;
    assert_eq!(signed_in(&answers), 1, "{answers:?}");
    let right = json!({ "phone": ASHA, "code": codes[0] });
    let answers = fleet.at_once(51, "/v1/sign-in/backup-code", &right).await;
    assert_eq!(signed_in(&answers), 1, "{answers:?}");

    let ravi = user(&fleet.shop(0), "+14155550124", "off").await;
    enrol(&fleet.shop(0), &ravi).await;
    let wrong = json!({ "phone": "+14155550124", "code": "000000" });
    let answers = fleet.at_once(51, "/v1/sign-in/totp", &wrong).await;
    assert_eq!((with_status(&answers, 401), with_status(&answers, 429)), (5, 46), "five are compared");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_set_of_backup_codes_and_the_old_one_never_both_open_the_door() {
    let fleet = Fleet::start().await;
    let asha = user(&fleet.shop(0), ASHA, "off").await;
    let old = backup_codes(&fleet.shop(0), &asha).await;
    let uses = old[..4].iter().enumerate().map(|(number, code)| {
        let caller = fleet.shop(number);
        async move { caller.post("/v1/sign-in/backup-code", json!({ "phone": ASHA, "code": code })).await }
    });
    let maker = fleet.shop(2);
    let (_, new) = futures::join!(join_all(uses), backup_codes(&maker, &asha));
    let path = format!("/v1/users/{asha}/factors/backup-codes");
    assert_eq!(fleet.shop(0).get(&path).await.expect(200)["left"], 10, "the old ones used none of the new");
    let late = fleet.shop(1).post("/v1/sign-in/backup-code", json!({ "phone": ASHA, "code": old[9] })).await;
    assert!([401, 429].contains(&late.status.as_u16()), "{:#}", late.body);
    assert!(new.iter().all(|code| !old.contains(code)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_is_exchanged_once_over_all_nodes_and_a_copy_ends_the_session_at_each() {
    let fleet = Fleet::start().await;
    user(&fleet.shop(0), ASHA, "off").await;
    let password = json!({ "phone": ASHA, "password": PASSWORD });
    let signed = fleet.shop(0).post("/v1/sign-in/password", password).await;
    let first = json!({ "refresh_token": signed.text("refresh_token") });
    let answers = fleet.at_once(9, "/v1/tokens/refresh", &first).await;
    let second: Vec<String> = answers.iter().map(|answer| answer.text("refresh_token")).collect();
    assert!(second.iter().all(|token| *token == second[0]), "a lost answer is given again by every node");
    let second = json!({ "refresh_token": second[0] });
    let third = fleet.shop(1).post("/v1/tokens/refresh", second).await.text("refresh_token");
    fleet.shop(2).post("/v1/tokens/refresh", first).await.refused(401, "sign_in_refused");
    let third = json!({ "refresh_token": third });
    for node in 0..3 {
        fleet.shop(node).post("/v1/tokens/refresh", third.clone()).await.refused(401, "sign_in_refused");
        assert!(!fleet.is_active(node, &signed).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_took_away_opens_nothing_at_another_from_the_next_call_on() {
    let fleet = Fleet::start().await;
    let asha = user(&fleet.shop(0), ASHA, "off").await;
    let users = format!("/v1/users/{asha}");
    let signed = fleet.remembered(0).await;
    let (device, token) = (signed.text("device_id"), json!({ "device_token": signed.text("device_token") }));
    assert!(fleet.is_active(1, &signed).await);
    let revoked =
        fleet.shop(0).send(Method::DELETE, &format!("{users}/factors/devices/{device}"), None).await;
    assert_eq!(revoked.status, 204, "{:#}", revoked.body);
    fleet.shop(1).post("/v1/sign-in/device", token).await.refused(401, "sign_in_refused");
    assert!(!fleet.is_active(2, &signed).await, "and whoever it let in is out");

    let signed = fleet.remembered(1).await;
    let (device, token) = (signed.text("device_id"), signed.text("device_token"));
    let pin = format!("{users}/factors/devices/{device}/pin");
    let set = fleet.shop(2).send(Method::PUT, &pin, Some(json!({ "pin": "7392" }))).await;
    assert_eq!(set.status, 204, "{:#}", set.body);
    let body = |pin: &str| json!({ "device_token": token, "pin": pin });
    for node in 0..3 {
        let wrong = fleet.shop(node).post("/v1/sign-in/pin", body("1111")).await;
        assert!(wrong.status.is_client_error(), "{:#}", wrong.body);
    }
    fleet.shop(0).post("/v1/sign-in/pin", body("7392")).await.refused(429, "too_many_tries");
    assert!(fleet.is_active(0, &signed).await);
    let suspended = fleet.shop(1).send(Method::PATCH, &users, Some(json!({ "status": "suspended" }))).await;
    assert!(suspended.status.is_success(), "{:#}", suspended.body);
    for node in 0..3 {
        assert!(!fleet.is_active(node, &signed).await);
        let password = json!({ "phone": ASHA, "password": PASSWORD });
        fleet.shop(node).post("/v1/sign-in/password", password).await.refused(401, "sign_in_refused");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_keys_rotate_every_token_is_good_at_every_node() {
    let fleet = Fleet::start().await;
    user(&fleet.shop(0), ASHA, "off").await;
    let mut signed = Vec::new();
    for round in 0..12 {
        if round == 3 {
            let rotated = tokio::task::block_in_place(|| fleet.nodes[0].run(&["keys", "rotate"]));
            assert!(rotated.status.success(), "{rotated:?}");
        }
        let password = json!({ "phone": ASHA, "password": PASSWORD });
        let answer = fleet.shop(round).post("/v1/sign-in/password", password).await;
        assert_eq!(answer.body["status"], "signed_in", "{:#}", answer.body);
        signed.push(answer);
        for (number, answer) in signed.iter().enumerate() {
            assert!(fleet.is_active(round + number + 1, answer).await, "round {round}, token {number}");
        }
        crate::harness::pause(std::time::Duration::from_millis(300)).await;
    }
    let signer = |answer: &Answer| answer.text("access_token").split('.').next().unwrap().to_owned();
    assert_ne!(signer(&signed[0]), signer(&signed[11]), "the new key signs");
}
