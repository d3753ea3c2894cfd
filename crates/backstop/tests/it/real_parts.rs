//! Real parts: somebody else's SMTP server and somebody else's AWS take the message, the test reads the code out of
//! what they received, and the code opens the door.

use std::{fs, path::Path, process::Command, time::Duration};

use serde_json::{Value, json};

use crate::harness::{Program, eventually, server::Server, vendor::code_in};

const PERSON: &str = "+14155550123";

fn mail(server: &Server, more: &str) -> String {
    format!(
        r#"
[[provider]]
name = "mail"
kind = "smtp"
channels = ["email"]
host = "localhost"
port = {}
from = "Shop <login@shop.example>"
{more}
"#,
        server.port()
    )
}

/// A certificate for `localhost` that signs itself, and its key.
fn certificate(folder: &Path) -> (String, String) {
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-out")
        .arg(&cert)
        .arg("-keyout")
        .arg(&key)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (cert.display().to_string(), key.display().to_string())
}

/// Starts for a mailbox, reads the code out of the mail that the server took, and checks it.
async fn a_code_by_mail(program: &Program, server: &Server) -> Value {
    let shop = program.shop();
    let started = shop.start(json!({ "to": "person@example.com", "wait": true })).await;
    assert_eq!((&started.body["channel_used"], &started.body["provider"]), (&json!("email"), &json!("mail")));
    let mail = server.record(1).await;
    assert_eq!(mail["rcpt_to"], json!(["person@example.com"]));
    assert_eq!(mail["mail_from"], "login@shop.example");
    let code = code_in(mail["text"].as_str().unwrap());
    let id = started.text("id");
    assert_eq!(shop.check(&id, &code).await.expect(200)["valid"], true);
    let attempts = shop.read(&id).await["attempts"].clone();
    assert_eq!((&attempts[0]["outcome"], &attempts[0]["state"]), (&json!("accepted"), &json!("accepted")));
    assert!(!attempts.to_string().contains(&code));
    mail
}

#[tokio::test]
async fn a_real_mail_server_gets_the_mail_and_the_code_in_it_is_right() {
    let server = Server::start("smtp.py", &[]);
    let program = Program::configured(&mail(&server, "tls = \"none\""));
    let mail = a_code_by_mail(&program, &server).await;
    assert_eq!(mail["headers"]["From"], "Shop <login@shop.example>");
    assert_eq!(mail["peer_tls"], false);
}

#[tokio::test]
async fn a_real_mail_server_with_starttls_and_a_password_gets_the_mail() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(folder.path());
    let arguments = [
        "--tls",
        "starttls",
        "--cert",
        &cert,
        "--key",
        &key,
        "--user",
        "login",
        "--password",
        "pass-0123456789",
    ];
    let server = Server::start("smtp.py", &arguments);
    let secret = folder.path().join("password");
    fs::write(&secret, "pass-0123456789").unwrap();
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let more = format!(
        "tls = \"starttls\"\nca_file = \"{cert}\"\nusername = \"login\"\npassword_file = \"{}\"",
        secret.display()
    );
    let program = Program::configured(&mail(&server, &more));
    let mail = a_code_by_mail(&program, &server).await;
    assert_eq!((&mail["peer_tls"], &mail["user"]), (&json!(true), &json!("login")));
    assert!(!program.log().contains("pass-0123456789"));
}

#[tokio::test]
async fn a_mailbox_that_does_not_exist_is_told_as_such_and_ends_nothing() {
    let server = Server::start("smtp.py", &[]);
    let program = Program::configured(&mail(&server, "tls = \"none\""));
    let shop = program.shop();
    let body = json!({ "to": "reply-550-5.1.1@example.com", "custom_code": "482913" });
    let id = shop.start(body).await.text("id");
    let read = eventually("the end of it", Duration::from_secs(20), || async {
        let read = shop.read(&id).await;
        (read["delivery"] == "undeliverable").then_some(read)
    })
    .await;
    assert_eq!(read["attempts"][0]["outcome"], "invalid_recipient");
    let kept = read["attempts"][0]["vendor_response"]["response"].as_str().unwrap();
    assert!(kept.contains("550") && !kept.contains("reply-550-5.1.1@example.com"), "{kept}");
    assert_eq!(shop.check(&id, "482913").await.expect(200)["valid"], true);
}

#[tokio::test]
async fn a_mail_server_that_goes_away_after_the_last_dot_leaves_an_unknown() {
    let server = Server::start("smtp.py", &[]);
    let program = Program::configured(&mail(&server, "tls = \"none\""));
    let shop = program.shop();
    let id = shop.start(json!({ "to": "drop-data@example.com" })).await.text("id");
    let code = code_in(server.record(1).await["text"].as_str().unwrap());
    let attempts = eventually("its outcome", Duration::from_secs(20), || async {
        let attempts = shop.read(&id).await["attempts"].clone();
        (attempts[0]["state"] == "unknown").then_some(attempts)
    })
    .await;
    assert_eq!(attempts[0]["outcome"], "unknown");
    assert_eq!(shop.check(&id, &code).await.expect(200)["valid"], true, "it had arrived after all");
}

fn sns(server: &Server) -> String {
    format!(
        r#"
[[provider]]
name = "sns"
kind = "aws-sns"
channels = ["sms"]
region = "ap-south-1"
access_key_id = "AKIA0F3C9A7E51D2B846"
secret_access_key = "k3y/of0a9test8that7nobody6else5has4a1b2c"
sender_id = "SHOPIN"
base_url = "http://127.0.0.1:{}"
"#,
        server.port()
    )
}

#[tokio::test]
async fn an_aws_that_is_not_ours_gets_the_text_and_the_code_in_it_is_right() {
    let server = Server::start("aws.py", &[]);
    let program = Program::configured(&sns(&server));
    let shop = program.shop();
    let started = shop.start(json!({ "to": PERSON, "wait": true })).await;
    assert_eq!((&started.body["channel_used"], &started.body["provider"]), (&json!("sms"), &json!("sns")));
    let url = format!("http://127.0.0.1:{}/moto-api/data.json", server.port());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let data: Value = client.get(url).send().await.unwrap().json().await.unwrap();
    let sent = data["sns"]["SMS"].as_array().unwrap();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0]["phone_number"], PERSON);
    let code = code_in(sent[0]["message"].as_str().unwrap());
    let id = started.text("id");
    assert_eq!(shop.check(&id, &code).await.expect(200)["valid"], true);
    let attempts = shop.read(&id).await["attempts"].clone();
    let kept = attempts[0]["vendor_response"]["response"].as_str().unwrap();
    assert!(kept.contains(sent[0]["message_id"].as_str().unwrap()) && !kept.contains(&code), "{kept}");
}

#[tokio::test]
async fn when_aws_is_down_the_same_code_arrives_by_real_mail() {
    let (mail_server, aws) = (Server::start("smtp.py", &[]), Server::start("aws.py", &[]));
    let program = Program::configured(&format!("{}{}", mail(&mail_server, "tls = \"none\""), sns(&aws)));
    let shop = program.shop();
    drop(aws);
    let body = json!({ "to": PERSON, "fallback_to": { "email": "person@example.com" } });
    let id = shop.start(body).await.text("id");
    let code = code_in(mail_server.record(1).await["text"].as_str().unwrap());
    assert_eq!(shop.check(&id, &code).await.expect(200)["valid"], true);
    let attempts = shop.read(&id).await["attempts"].clone();
    assert_eq!((&attempts[0]["provider"], &attempts[0]["outcome"]), (&json!("sns"), &json!("unavailable")));
}
