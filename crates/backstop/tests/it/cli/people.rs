//! People in the operator's hands: made, imported, suspended, erased; their codes, devices and sessions ended.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha1::Sha1;

use super::{ALL, ASHA, Program, err, exit, out, shop, told};

const RAVI: &str = "+919876543210";
const WORDS: &str = "correct horse battery";
/// Made by other programs of [`WORDS`].
const ARGON2ID: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$69I7qCjDTsQwhQqFvpQJiqEI0lGQvxC84fXE0Ktxca4";
const BCRYPT: &str = "$2b$05$1l3LzfhlzZtsB864AgE23OJLZI73SYkBOJWEd/o83Wafcfu1ibL4W";
/// The seed of RFC 6238, in base32 and plain.
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const PLAIN_SEED: &[u8] = b"12345678901234567890";

/// A code of now (RFC 6238, SHA-1) of this many digits, by the RFC's own words.
fn totp(digits: u32) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the program goes by the real time, and so does the app of this test"
    )]
    let step = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 30;
    let mut mac = Hmac::<Sha1>::new_from_slice(PLAIN_SEED).unwrap();
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let offset = usize::from(hash[19] & 0xf);
    let number = u32::from_be_bytes(hash[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:0width$}", number % 10_u32.pow(digits), width = digits as usize)
}

/// Makes a user and gives the id.
fn create(program: &Program, arguments: &[&str]) -> String {
    let made = told(program, &[&["users", "create"], arguments].concat(), 0);
    made["id"].as_str().unwrap().to_owned()
}

async fn by_password(program: &Program, phone: &str) -> (u16, Value) {
    let body = json!({"phone": phone, "password": WORDS});
    let answer = program.shop().post("/v1/sign-in/password", body).await;
    (answer.status.as_u16(), answer.body)
}

/// The audit log as it is exported, without what is personal.
fn audit(program: &Program) -> String {
    let output = program.run(&["audit", "export"]);
    assert_eq!(exit(&output), 0, "{}", err(&output));
    out(&output)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_made_changed_and_erased_beside_a_service_and_without_one() {
    let (_gateway, mut program) = shop(&ALL).await;
    for (round, phone) in [ASHA, RAVI].into_iter().enumerate() {
        if round == 1 {
            program.kill();
        }
        let mail = format!("person{round}@example.com");
        let id = create(&program, &["--phone", phone, "--email", &mail, "--role", "driver"]);
        let shown = program.run(&["users", "show", &mail]);
        assert!(out(&shown).contains(&id) && !out(&shown).contains(&mail), "masked: {}", out(&shown));
        assert!(!audit(&program).contains(r#""method":"addresses""#) || round == 1);
        let revealed = told(&program, &["users", "show", &id, "--reveal", "--app", "shop"], 0);
        assert_eq!(revealed["addresses"][0]["to"], phone);
        assert!(audit(&program).contains(r#""method":"addresses""#), "the reading is recorded");

        let taken = program.run(&["users", "create", "--phone", phone]);
        assert_eq!(exit(&taken), 2);
        assert!(err(&taken).contains("belongs to another user") && !err(&taken).contains(phone));
        let changed = told(&program, &["users", "update", phone, "--role", "admin", "--remove", &mail], 0);
        assert_eq!((&changed["role"], changed["addresses"].as_array().unwrap().len()), (&json!("admin"), 1));
        assert_eq!(told(&program, &["users", "suspend", &id], 0)["status"], "suspended");
        assert_eq!(told(&program, &["users", "activate", phone], 0)["status"], "active");

        let listed = program.run(&["users", "list", "--role", "admin", "--json"]);
        assert_eq!(out(&listed).lines().count(), 1 + round, "a line for each: {}", out(&listed));
        let found = program.run(&["users", "list", "--address", phone, "--json"]);
        assert!(out(&found).contains(&id) && !out(&found).contains(phone), "{}", out(&found));
        let export = program.run(&["users", "export", &id]);
        let document: Value = serde_json::from_str(&out(&export)).unwrap();
        assert_eq!(document["user"]["addresses"][0]["to"], phone);
        if round == 1 {
            assert_eq!(told(&program, &["users", "erase", phone, "--yes"], 0)["id"], id.as_str());
            told(&program, &["users", "show", &id], 2);
            assert_eq!(exit(&program.run(&["users", "show", phone])), 2);
            let log = audit(&program);
            assert!(log.contains(&id) && log.contains("user.erased") && !log.contains(phone));
            let by: Vec<&str> = log.lines().filter(|line| line.contains(&id)).collect();
            assert!(by.iter().all(|line| line.contains(r#""actor":"command_line""#)), "{by:#?}");
            told(&program, &["audit", "verify"], 0);
        }
    }
    for wrong in [&["users", "show", "nobody"][..], &["users", "show", "usr_1"], &["codes", "count", "+12"]] {
        assert_eq!(told(&program, wrong, 2)["reply"], "refused", "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_imported_signs_in_with_what_they_had_and_bad_rows_stop_nobody() {
    let (_gateway, program) = shop(&ALL).await;
    let file = program.folder().join("people.csv");
    let csv = format!(
        "phone,email,role,second_factor,password_hash,totp_seed,totp_digits,status\n\
         +14155550101,,driver,off,{BCRYPT},,,\n\
         +14155550102,,,off,\"{ARGON2ID}\",,,\n\
         +14155550103,secret-name@example.com,,required,{BCRYPT},{SEED},8,\n\
         5550104,,,,,,,\n\
         +14155550105,,,,md5:5f4dcc3b5aa765d61d8327deb882cf99,,,\n\
         +14155550106,,,,,too-short,,\n\
         +14155550101,,,,,,,\n\
         ,,driver,,,,,\n\
         +14155550107,too,many,,,,,,,,\n\
         +14155550108,,,off,{BCRYPT},,,suspended\n"
    );
    std::fs::write(&file, csv).unwrap();
    let name = file.to_str().unwrap();
    let lines = |reply: &Value| -> Vec<u64> {
        reply["refused"].as_array().unwrap().iter().map(|row| row["line"].as_u64().unwrap()).collect()
    };
    let tried = told(&program, &["users", "import", name, "--app", "shop", "--dry-run"], 1);
    assert_eq!((tried["imported"].as_u64(), lines(&tried)), (Some(4), vec![5, 6, 7, 8, 9, 10]));
    assert!(out(&program.run(&["users", "list", "--json"])).is_empty(), "nothing was written");

    let plain = program.run(&["users", "import", name]);
    assert_eq!(exit(&plain), 1);
    let said = format!("{}{}", out(&plain), err(&plain));
    assert!(said.contains("4 users imported, 6 rows refused") && said.contains("row 5: phone"), "{said}");
    for personal in ["5550104", "5f4dcc", "too-short", "secret-name", "41555501"] {
        assert!(!said.contains(personal), "{said}");
    }
    let again = told(&program, &["users", "import", name], 1);
    assert_eq!((again["imported"].as_u64(), lines(&again).len()), (Some(0), 10), "nobody twice");

    for phone in ["+14155550101", "+14155550102"] {
        let (status, body) = by_password(&program, phone).await;
        assert!(status == 200 && body["access_token"].is_string(), "{phone}: {body:#}");
    }
    let (status, first) = by_password(&program, "+14155550103").await;
    assert!(status == 200 && first["mfa_token"].is_string(), "{first:#}");
    let body = json!({"mfa_token": first["mfa_token"], "code": totp(8)});
    let second = program.shop().post("/v1/sign-in/totp", body).await.expect(200);
    assert!(second["access_token"].is_string(), "{second:#}");
    assert_ne!(by_password(&program, "+14155550108").await.0, 200, "suspended");

    let json_file = program.folder().join("people.json");
    let rows = json!([{"phone": "+14155550109"}, {"phone": "+14155550110", "role": 7}, {"name": "x"}, 5]);
    std::fs::write(&json_file, rows.to_string()).unwrap();
    let read = told(&program, &["users", "import", json_file.to_str().unwrap()], 1);
    assert_eq!((read["imported"].as_u64(), lines(&read)), (Some(2), vec![3, 4]));
    for (text, words) in [("phone,surname\n1,2\n", "header"), ("[{\"phone\": \"+14155550111\"},", "no JSON")]
    {
        std::fs::write(&file, text).unwrap();
        let format = if text.starts_with('[') { "json" } else { "csv" };
        let broken = program.run(&["users", "import", name, "--format", format]);
        assert!(exit(&broken) == 2 && err(&broken).contains(words), "{}", err(&broken));
    }
    assert_eq!(exit(&program.run(&["users", "import", name, "--app", "nobody"])), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_file_is_imported_in_portions_with_and_without_a_service() {
    let (_gateway, mut program) = shop(&ALL).await;
    for round in 0..2 {
        let rows: Vec<Value> = (0..230)
            .map(|number| json!({"phone": format!("+1415556{round}{number:03}"), "password_hash": ARGON2ID}))
            .collect();
        let file = program.folder().join(format!("long-{round}.json"));
        std::fs::write(&file, Value::Array(rows).to_string()).unwrap();
        let done = told(&program, &["users", "import", file.to_str().unwrap()], 0);
        assert_eq!(done["imported"], 230, "{done:#}");
        let listed = program.run(&["users", "list"]);
        assert_eq!(out(&listed).lines().count(), 1 + 230 * (round + 1), "all pages under one title");
        program.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_and_sessions_end_when_an_operator_says_so() {
    let (_gateway, mut program) = shop(&ALL).await;
    let id = create(&program, &["--phone", ASHA, "--second-factor", "off"]);
    assert_eq!(told(&program, &["codes", "count", &id], 1)["left"], Value::Null);
    let made = told(&program, &["codes", "generate", ASHA], 0);
    let codes: Vec<String> = serde_json::from_value(made["codes"].clone()).unwrap();
    assert_eq!(codes.len(), 10);
    let enter = async |program: &Program, code: &str| {
        let body = json!({"phone": ASHA, "code": code});
        program.shop().post("/v1/sign-in/backup-code", body).await.status.as_u16()
    };
    assert_eq!(enter(&program, &codes[0]).await, 200);
    assert_ne!(enter(&program, &codes[0]).await, 200, "once");
    assert_eq!(told(&program, &["codes", "count", ASHA], 0)["left"], 9);

    let sessions = told(&program, &["sessions", "list", &id], 0);
    let session = sessions["sessions"][0]["id"].as_str().unwrap();
    assert_eq!(sessions["sessions"][0]["live"], true);
    assert_eq!(told(&program, &["sessions", "revoke", &id, session], 0)["count"], 1);
    assert_eq!(told(&program, &["sessions", "revoke", &id, session], 1)["count"], 0);
    assert_eq!(told(&program, &["sessions", "list", &id], 0)["sessions"][0]["live"], false);
    let stranger = session.replace(&session[session.len() - 4..], "0000");
    assert_eq!(told(&program, &["sessions", "revoke", &id, &stranger], 1)["count"], 0);

    let page = program.run(&["codes", "generate", &id, "--print"]);
    assert_eq!(out(&page).matches("[ ]").count(), 10, "{}", out(&page));
    assert_ne!(enter(&program, &codes[1]).await, 200, "the old set is dead");
    program.kill();
    assert_eq!(told(&program, &["codes", "revoke", &id], 0)["count"], 1);
    assert_eq!(told(&program, &["codes", "revoke", &id], 1)["count"], 0);
    assert_eq!(told(&program, &["devices", "list", &id], 0)["devices"], json!([]));
    assert_eq!(told(&program, &["devices", "revoke", &id, "--all"], 1)["count"], 0);
    let log = audit(&program);
    assert!(log.contains("factor.backup_codes.revoked") && !log.contains(&codes[2]));
    program.start();
    assert!(!program.log().contains(&codes[0]) && !program.log().contains(ASHA), "not in the log");
}
