//! Emergency access and operators on the built program: with every provider failing an admin gets in, and nobody else does.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{
    Answer, AnyChannel, Caller, Program,
    raw::{execute, query, rows},
};

const ADMIN: &str = "+14155550101";
const DRIVER: &str = "+14155550102";
const KEY: &str = "uS2pTq8m1kQvZ0c5xY7wAgKj3mN9rTzB";

/// A program with an admin and a driver, whose only provider works no more.
async fn house(more: &str) -> (AnyChannel, Program) {
    let gateway = AnyChannel::start().await;
    let emergency = format!("[emergency]\nmaster_key = \"{KEY}\"\n{more}\n");
    let program = Program::configured(&format!("{emergency}{}", gateway.provider("gateway", &["sms"])));
    for (phone, role) in [(ADMIN, "admin"), (DRIVER, "driver")] {
        let shop = program.shop();
        let id = shop.start(json!({"to": phone, "purpose": "registration"})).await.text("id");
        let code = gateway.message(&id, 1).await["code"].clone();
        let user = shop.post("/v1/sign-up", json!({"verification_id": id, "code": code})).await.expect(201);
        let user = user["user_id"].as_str().unwrap();
        execute(&program, &format!("UPDATE users SET role = '{role}' WHERE id = '{user}'"));
    }
    gateway.answer(500, "out of order");
    (gateway, program)
}

fn body(phone: &str, key: &str, ip: &str) -> Value {
    json!({"phone": phone, "master_key": key, "reason": "SMS is down", "client": {"ip": ip}})
}

async fn tried(caller: &Caller, body: Value) -> Answer {
    caller.post("/v1/sign-in/emergency", body).await
}

fn told(program: &Program, arguments: &[&str], code: i32) -> Value {
    let output = program.run(&[arguments, &["--json"]].concat());
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out} {err}");
    serde_json::from_str(&out).unwrap_or_else(|_| panic!("{arguments:?}: {out} {err}"))
}

/// How many records of the audit log carry this code.
fn recorded(program: &Program, code: &str) -> usize {
    let bodies = query(program, "SELECT body FROM audit");
    let carries = |row: &&Vec<Value>| {
        row[0].as_str().is_some_and(|body| body.contains(&format!("\"code\":\"{code}\"")))
    };
    bodies.iter().filter(carries).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_provider_failing_an_admin_gets_in_and_a_driver_or_a_wrong_key_does_not() {
    let (_gateway, program) = house("").await;
    let shop = program.shop();
    tried(&shop, body(DRIVER, KEY, "192.0.2.1")).await.refused(403, "emergency_not_served");
    tried(&shop, body(ADMIN, "wrong", "192.0.2.1")).await.refused(401, "emergency_key_wrong");
    assert_eq!(rows(&program, "sessions"), 2, "those of the two who signed up");
    assert_eq!(recorded(&program, "UNAUTHORIZED_EMERGENCY_LOGIN_ATTEMPT"), 2);

    let answer = tried(&shop, body(ADMIN, KEY, "192.0.2.1")).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let session = answer.expect(200);
    assert_eq!((&session["expires_in"], &session["emergency"]), (&json!(3600), &json!(true)));
    assert!(session.get("refresh_token").is_none());
    let token = session["access_token"].clone();
    let introspected = shop.post("/v1/tokens/introspect", json!({"token": token})).await.expect(200);
    assert_eq!(introspected["active"], true, "{introspected}");
    assert_eq!(recorded(&program, "EMERGENCY_LOGIN_USED"), 1);
    assert!(!program.log().contains(KEY));

    let open = told(&program, &["emergency", "sessions"], 0);
    assert_eq!(open["sessions"][0]["id"], session["session_id"]);
    let status = told(&program, &["emergency", "status"], 1);
    assert!(status["key_used_at"].is_string(), "{status}");
    let id = session["session_id"].as_str().unwrap();
    let waits = json!([{"session": id, "at": status["key_used_at"], "user": open["sessions"][0]["user"], "overdue": false}]);
    assert_eq!((&status["to_review"], &status["drill_due"]), (&waits, &json!(true)));
    let review = ["emergency", "review", id, "--drill", "--finding", "in after 40 s"];
    assert_eq!(told(&program, &review, 0)["drill"], true);
    told(&program, &review, 2);
    let status = told(&program, &["emergency", "status"], 1);
    assert_eq!((&status["to_review"], &status["drill_due"]), (&json!([]), &json!(false)));
    assert_eq!(told(&program, &["emergency", "revoke", id], 0)["ended"], true);
    let introspected = shop.post("/v1/tokens/introspect", json!({"token": token})).await.expect(200);
    assert_eq!(introspected["active"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_keys_from_one_network_do_not_lock_another_one_out() {
    let (_gateway, program) = house("").await;
    let shop = program.shop();
    for _ in 0..5 {
        tried(&shop, body(ADMIN, "wrong", "192.0.2.1")).await.refused(401, "emergency_key_wrong");
    }
    tried(&shop, body(ADMIN, KEY, "192.0.2.1")).await.refused(429, "too_many_tries");
    tried(&shop, body(ADMIN, KEY, "198.51.100.1")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_two_have_to_agree_an_approval_opens_once_and_somebody_else_reviews_it() {
    let (_gateway, program) = house("approvals = 2").await;
    let shop = program.shop();
    let waiting = tried(&shop, body(ADMIN, KEY, "192.0.2.1")).await.expect(202);
    let id = waiting["request_id"].as_str().unwrap();
    let mut again = body(ADMIN, KEY, "192.0.2.1");
    again["request_id"] = json!(id);
    assert_eq!(tried(&shop, again.clone()).await.expect(202)["request_id"], id);
    let requests = told(&program, &["emergency", "requests"], 0);
    assert_eq!(
        (&requests["requests"][0]["id"], &requests["requests"][0]["reason"]),
        (&json!(id), &json!("SMS is down"))
    );

    joined(&program, "Meera").await;
    told(&program, &["emergency", "approve", id], 2);
    told(&program, &["emergency", "approve", id, "--operator", "Nobody"], 2);
    told(&program, &["emergency", "approve", id, "--operator", "meera"], 0);
    let session = tried(&shop, again.clone()).await.expect(200);
    tried(&shop, again).await.refused(409, "emergency_request_over");

    let session = session["session_id"].as_str().unwrap();
    let open = told(&program, &["emergency", "sessions"], 0);
    let user = open["sessions"][0]["user"].as_str().unwrap();
    let review = |operator: &[&str], finding: &str, code| {
        let arguments = [&["emergency", "review", session, "--finding", finding], operator].concat();
        told(&program, &arguments, code)
    };
    review(&[], "SMS was down", 2);
    review(&["--operator", "Nobody"], "SMS was down", 2);
    review(&["--operator", "meera"], " ", 2);
    let change = async |change: Value| {
        let changed = shop.send(reqwest::Method::PATCH, &format!("/v1/users/{user}"), Some(change)).await;
        changed.expect(200);
    };
    change(json!({"add_addresses": [{"to": "meera@acme.example", "confirmed": true}]})).await;
    review(&["--operator", "meera"], "SMS was down", 2);
    change(json!({"remove_addresses": ["meera@acme.example"]})).await;
    assert_eq!(review(&["--operator", "meera"], "SMS was down", 0)["drill"], false);
}

/// Joins with a link of the command line, as a browser would.
async fn joined(program: &Program, name: &str) {
    let invited = told(program, &["operators", "invite"], 0);
    let link = invited["link"].as_str().unwrap();
    let (_, token) = link.split_once("token=").unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = client.get(program.url(&format!("/admin/join?token={token}"))).send().await.unwrap();
    assert_eq!(
        (page.status().as_u16(), &page.headers()["cache-control"]),
        (200, &"no-store".parse().unwrap())
    );
    let post = async |fields: String| {
        let request = client.post(program.url("/admin/join")).body(fields);
        let answer =
            request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, page) = post(format!("token={token}&name={name}&email=meera%40acme.example")).await;
    assert!(status == 200 && page.contains("<svg"), "{status} {page}");
    let field = |name: &str| {
        let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let second =
        |code: &str| format!("token={token}&state={}&secret={}&code={code}", field("state"), field("secret"));
    let right = totp(&field("secret"));
    let wrong = if right == "000000" { "111111" } else { "000000" };
    assert_eq!(post(second(wrong)).await.0, 400);
    let (status, done) = post(second(&right)).await;
    assert!(status == 200 && done.contains(&format!("Welcome, {name}")), "{status} {done}");
    assert_eq!(post(second(&right)).await.0, 404, "a link is good once");
}

/// The code of an authenticator app now.
fn totp(seed: &str) -> String {
    let script = "import base64, hashlib, hmac, struct, sys, time\n\
                  seed = base64.b32decode(sys.argv[1] + '=' * (-len(sys.argv[1]) % 8))\n\
                  mac = hmac.new(seed, struct.pack('>Q', int(time.time()) // 30), hashlib.sha1).digest()\n\
                  at = mac[-1] & 15\n\
                  print('%06d' % ((struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000))";
    let output = Command::new("python3").args(["-c", script, seed]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_are_listed_and_the_last_owner_stays() {
    let program = Program::development();
    assert_eq!(told(&program, &["operators", "list"], 0)["operators"], json!([]));
    joined(&program, "Meera").await;
    joined(&program, "Ravi").await;
    let listed = told(&program, &["operators", "list"], 0);
    let roles: Vec<&Value> = listed["operators"].as_array().unwrap().iter().map(|one| &one["role"]).collect();
    assert_eq!(roles, [&json!("owner"), &json!("operator")]);
    told(&program, &["operators", "remove", "Meera"], 2);
    told(&program, &["operators", "remove", "Ravi"], 0);
    let kept = query(&program, "SELECT body FROM operators");
    assert!(kept.len() == 1 && !kept[0][0].to_string().contains("meera@acme.example"), "{kept:?}");
}
