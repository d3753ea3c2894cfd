//! Mail to a real SMTP server: what arrives, what protects it, and what each end of the dialogue means.

use std::{
    net::IpAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use backstop_domain::{
    outcome::{Outcome, Reason, Scope},
    ports::provider::Sent,
};
use backstop_providers::registry::{ProviderConfig, build};
use rcgen::{CertificateParams, KeyPair, SanType};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::harness::{self, MAIL_PASSWORD, config, mail, python::Server, shared, try_build, vendor::spawn};

const SOON: Duration = Duration::from_secs(10);

/// A certificate for this machine that nobody but the test trusts.
struct Certificate {
    folder: TempDir,
}

impl Certificate {
    fn for_host(host: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = vec![match host.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(host.try_into().unwrap()),
        }];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        Self { folder }
    }

    fn cert(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn serve(&self, tls: &str, more: &[&str]) -> Server {
        let (cert, key) = (self.cert(), self.folder.path().join("key.pem"));
        let mut arguments =
            vec!["--tls", tls, "--cert", cert.to_str().unwrap(), "--key", key.to_str().unwrap()];
        arguments.extend(more);
        Server::start("smtp.py", &arguments)
    }
}

fn plain(port: u16) -> Value {
    json!({ "host": "127.0.0.1", "port": port, "tls": "none", "from": "Acme Ltd <login@acme.example>" })
}

fn with(mut settings: Value, more: Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    settings
}

async fn send(settings: Value, to: &str) -> Sent {
    let sent = try_build("smtp", settings).unwrap().send(&mail(to)).await;
    harness::assert_clean(&format!("{:?}", sent.response), "the answer");
    sent
}

fn assert_accepted(sent: &Sent) {
    assert!(matches!(sent.outcome, Outcome::Accepted { .. }), "{sent:?}");
}

fn assert_refused(sent: &Sent, reason: Reason, scope: Scope) {
    let (word, found, _) = harness::in_words(&sent.outcome);
    assert_eq!((word.as_str(), found), (reason.as_str(), Some(scope)), "{sent:?}");
}

#[tokio::test]
async fn a_real_server_receives_the_mail_and_the_code_is_in_it() {
    let mut server = Server::start("smtp.py", &[]);
    let sent = send(plain(server.port), harness::EMAIL).await;
    assert_accepted(&sent);
    let mail = server.next(SOON).unwrap();
    assert_eq!(mail["mail_from"], "login@acme.example");
    assert_eq!(mail["rcpt_to"], json!([harness::EMAIL]));
    assert_eq!(mail["subject"], "Your Acme code");
    assert_eq!(mail["text"].as_str().unwrap().replace("\r\n", "\n").trim_end(), harness::TEXT);
    assert!(mail["html"].as_str().unwrap().contains(harness::HTML), "{mail}");
    let headers = &mail["headers"];
    assert_eq!(headers["From"], "Acme Ltd <login@acme.example>");
    assert_eq!(headers["Auto-Submitted"], "auto-generated");
    assert_eq!(headers["X-Auto-Response-Suppress"], "All");
    assert_eq!(headers["Date"], "Thu, 01 Jan 2026 00:00:00 +0000");
    let Outcome::Accepted { vendor_id: Some(id) } = sent.outcome else { panic!("no id") };
    assert_eq!(headers["Message-ID"], format!("<{id}>"));
}

#[tokio::test]
async fn a_notice_is_a_mail_that_says_the_same_id_over_every_try() {
    let mut server = Server::start("smtp.py", &[]);
    let provider = try_build("smtp", plain(server.port)).unwrap();
    let mut notice = harness::notice(harness::EMAIL);
    let first = provider.send_notice(&notice).await.unwrap();
    notice.attempt = harness::another_attempt();
    let second = provider.send_notice(&notice).await.unwrap();
    let mails = [server.next(SOON).unwrap(), server.next(SOON).unwrap()];
    for (sent, mail) in [first, second].iter().zip(&mails) {
        assert_accepted(sent);
        harness::assert_clean(&format!("{:?}", sent.response), "the answer");
        assert_eq!(mail["rcpt_to"], json!([harness::EMAIL]));
        assert_eq!((&mail["subject"], &mail["html"]), (&json!("Acme: new device"), &Value::Null));
        assert_eq!(mail["text"].as_str().unwrap().trim_end(), "A new device can now sign in.");
        assert_eq!(mail["headers"]["Auto-Submitted"], "auto-generated");
        assert_eq!(mail["headers"]["Message-ID"], format!("<{}@acme.example>", notice.notice));
    }
    let refused = provider.send_notice(&harness::notice("reply-550-5.1.1@example.com")).await.unwrap();
    assert_refused(&refused, Reason::InvalidRecipient, Scope::Recipient);
}

#[tokio::test]
async fn a_real_server_refuses_in_its_words_and_they_are_understood() {
    let mut server = Server::start("smtp.py", &[]);
    let provider = try_build("smtp", plain(server.port)).unwrap();
    for (to, reason, scope) in [
        ("reply-550-5.1.1@example.com", Reason::InvalidRecipient, Scope::Recipient),
        ("reply-550@example.com", Reason::InvalidRecipient, Scope::Recipient),
        ("reply-451-4.7.1@example.com", Reason::Unavailable, Scope::Recipient),
        ("reply-550-5.7.26@example.com", Reason::Misconfigured, Scope::Route),
        ("reply-550-5.7.13@example.com", Reason::OptedOut, Scope::Recipient),
        ("data-554-5.6.0@example.com", Reason::Misconfigured, Scope::Route),
        ("data-451-4.3.0@example.com", Reason::Unavailable, Scope::Provider),
        ("drop-rcpt@example.com", Reason::Unavailable, Scope::Provider),
    ] {
        let sent = provider.send(&mail(to)).await;
        assert_refused(&sent, reason, scope);
        assert!(!sent.response.response.contains(to), "{sent:?}");
    }
    // And none of it spoiled the connections for the next.
    assert_accepted(&provider.send(&mail(harness::EMAIL)).await);
    assert!(server.next(SOON).is_some());
}

#[tokio::test]
async fn a_server_that_cuts_the_connection_after_the_message_leaves_it_unknown() {
    let mut server = Server::start("smtp.py", &[]);
    let sent = send(plain(server.port), "drop-data@example.com").await;
    assert_eq!(sent.outcome, Outcome::Unknown, "{sent:?}");
    assert!(server.next(SOON).is_some(), "it had taken the message: a refusal would have been a lie");
}

#[tokio::test]
async fn a_server_that_sleeps_after_the_message_leaves_it_unknown_within_the_time_out() {
    let server = Server::start("smtp.py", &["--sleep", "30"]);
    let timeout = Duration::from_millis(1500);
    let config = ProviderConfig { timeout, ..config("smtp", plain(server.port)) };
    let started = now();
    let sent = build(&config, &shared()).unwrap().send(&mail("sleep-data@example.com")).await;
    assert_eq!(sent.outcome, Outcome::Unknown, "{sent:?}");
    assert!(started.elapsed() < timeout * 2, "took {:?}", started.elapsed());
}

#[tokio::test]
async fn starttls_protects_mail_and_password_and_a_private_authority_is_trusted_when_named() {
    let certificate = Certificate::for_host("localhost");
    let mut server = certificate.serve("starttls", &["--user", "acme", "--password", MAIL_PASSWORD]);
    let good = json!({
        "host": "localhost", "port": server.port, "from": "login@acme.example",
        "username": "acme", "password": MAIL_PASSWORD, "ca_file": certificate.cert(),
    });
    assert_accepted(&send(good.clone(), harness::EMAIL).await);
    let mail = server.next(SOON).unwrap();
    assert_eq!((&mail["peer_tls"], &mail["user"]), (&json!(true), &json!("acme")));

    let wrong = send(with(good.clone(), json!({ "password": "not-the-password" })), harness::EMAIL).await;
    assert_refused(&wrong, Reason::Misconfigured, Scope::Provider);
    assert!(wrong.response.response.starts_with("AUTH: 535"), "{wrong:?}");

    let anonymous = json!({ "username": null, "password": null });
    let anonymous = send(with(good.clone(), anonymous), harness::EMAIL).await;
    assert_refused(&anonymous, Reason::Misconfigured, Scope::Provider);

    let provider = try_build("smtp", good).unwrap();
    assert_eq!(provider.check_up().await.finding, "connected, TLS verified, user accepted");
}

#[tokio::test]
async fn implicit_tls_protects_from_the_first_byte() {
    let certificate = Certificate::for_host("127.0.0.1");
    let mut server = certificate.serve("implicit", &[]);
    let settings = json!({
        "host": "127.0.0.1", "port": server.port, "tls": "implicit", "from": "login@acme.example",
        "ca_file": certificate.cert(),
    });
    assert_accepted(&send(settings, harness::EMAIL).await);
    assert_eq!(server.next(SOON).unwrap()["peer_tls"], true);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_or_of_another_host_stops_the_mail() {
    let certificate = Certificate::for_host("other.example");
    for tls in ["starttls", "implicit"] {
        let mut server = certificate.serve(tls, &[]);
        let settings = json!({
            "host": "localhost", "port": server.port, "tls": tls, "from": "login@acme.example",
        });
        for settings in [settings.clone(), with(settings, json!({ "ca_file": certificate.cert() }))] {
            let sent = send(settings, harness::EMAIL).await;
            assert_refused(&sent, Reason::Misconfigured, Scope::Provider);
        }
        assert!(server.next(Duration::from_millis(200)).is_none(), "the mail went out all the same");
    }
}

#[tokio::test]
async fn a_server_without_starttls_gets_neither_password_nor_mail() {
    let mut server = Server::start("smtp.py", &[]);
    let settings = json!({
        "host": "localhost", "port": server.port, "from": "login@acme.example",
        "username": "acme", "password": MAIL_PASSWORD,
    });
    let sent = send(settings, harness::EMAIL).await;
    assert_refused(&sent, Reason::Misconfigured, Scope::Provider);
    assert!(sent.response.response.contains("STARTTLS"), "{sent:?}");
    assert!(server.next(Duration::from_millis(200)).is_none());
}

#[tokio::test]
async fn a_reply_slipped_in_before_tls_stops_the_dialogue() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 mx\r\n").await.unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        stream.write_all(b"250-mx\r\n250 STARTTLS\r\n").await.unwrap();
        stream.read_line(&mut line).await.unwrap();
        stream.write_all(b"220 go ahead\r\n250-mx\r\n250 AUTH PLAIN\r\n").await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "the client went on: {rest:?}");
    });
    let settings = json!({ "host": "localhost", "port": port, "from": "login@acme.example" });
    let sent = send(settings, harness::EMAIL).await;
    assert_refused(&sent, Reason::Unavailable, Scope::Provider);
    server.await.unwrap();
}

#[tokio::test]
async fn one_connection_carries_many_mails_and_a_dead_one_is_replaced() {
    let mut server = Server::start("smtp.py", &[]);
    let port = server.port;
    let provider = try_build("smtp", plain(port)).unwrap();
    for _ in 0..5 {
        assert_accepted(&provider.send(&mail(harness::EMAIL)).await);
        assert!(server.next(SOON).is_some());
    }
    drop(server);
    let sent = provider.send(&mail(harness::EMAIL)).await;
    assert_refused(&sent, Reason::Unavailable, Scope::Provider);
    let mut server = Server::start("smtp.py", &["--port", &port.to_string()]);
    assert_accepted(&provider.send(&mail(harness::EMAIL)).await);
    assert!(server.next(SOON).is_some());
}

#[tokio::test]
async fn thirty_mails_at_once_share_a_few_connections() {
    let mut server = Server::start("smtp.py", &[]);
    let provider = try_build("smtp", with(plain(server.port), json!({ "max_connections": 3 }))).unwrap();
    let message = mail(harness::EMAIL);
    let all = futures::future::join_all((0..30).map(|_| provider.send(&message))).await;
    all.iter().for_each(assert_accepted);
    for _ in 0..30 {
        assert!(server.next(SOON).is_some());
    }
}

#[expect(clippy::disallowed_methods, reason = "this test measures real time")]
fn now() -> Instant {
    Instant::now()
}
