//! Development is for the person at this machine; in production nothing of it is left.

use crate::harness::{
    Program,
    raw::{say, status},
    shop,
};

#[tokio::test]
async fn development_answers_nobody_but_this_machine() {
    let program = Program::development();
    let body = r#"{"to":"+919876543210"}"#;
    let start = |version: &str, headers: &str| {
        format!(
            "POST /v1/verifications HTTP/{version}\r\nauthorization: Bearer sk_dev\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
            body.len()
        )
    };
    let host = program.url("").trim_start_matches("http://").to_owned();
    let own = format!("host: {host}\r\n");
    for headers in [own.clone(), "host: localhost\r\n".into(), "host: [::1]:8080\r\n".into()] {
        assert_eq!(status(&say(&program, start("1.1", &headers).as_bytes()).await), 201, "{headers}");
    }
    let ours = format!("{own}origin: http://{host}\r\nsec-fetch-site: same-origin\r\n");
    // Another recipient's budget is not touched by what is refused below.
    assert_eq!(
        status(&say(&program, start("1.1", &ours).as_bytes()).await),
        429,
        "three live ones are enough"
    );
    let refusals = [
        "host: verify.example\r\n".to_owned(),
        "host: 127.0.0.1.evil.example\r\n".to_owned(),
        "host: localhost.evil.example\r\n".to_owned(),
        "host: 127.0.0.2\r\n".to_owned(),
        "host: localhost@evil.example\r\n".to_owned(),
        "host: 0.0.0.0\r\n".to_owned(),
        "host: \r\n".to_owned(),
        format!("{own}host: evil.example\r\n"),
        format!("{own}x-forwarded-for: 127.0.0.1\r\n"),
        format!("{own}X-Forwarded-Host: localhost\r\n"),
        format!("{own}x-forwarded-anything: 1\r\n"),
        format!("{own}forwarded: for=127.0.0.1\r\n"),
        format!("{own}via: 1.1 proxy\r\n"),
        format!("{own}origin: https://evil.example\r\n"),
        format!("{own}origin: null\r\n"),
        format!("{own}origin: https://{host}\r\n"),
        format!("{own}sec-fetch-site: cross-site\r\n"),
        format!("{own}sec-fetch-site: same-site\r\n"),
    ];
    for headers in &refusals {
        let answer = say(&program, start("1.1", headers).as_bytes()).await;
        assert!(matches!(status(&answer), 400 | 403), "{headers}: {answer}");
        assert!(!answer.contains("\"id\""), "{headers}: {answer}");
        let inbox = format!("GET /dev/inbox.json HTTP/1.1\r\nconnection: close\r\n{headers}\r\n");
        let answer = say(&program, inbox.as_bytes()).await;
        assert!(matches!(status(&answer), 400 | 403), "the inbox with {headers}: {answer}");
        assert!(!answer.contains("919876543210"));
    }
    for version in ["1.0", "0.9"] {
        for headers in [own.as_str(), "", ours.as_str()] {
            let answer = say(&program, start(version, headers).as_bytes()).await;
            assert!(!matches!(status(&answer), 200..300), "HTTP/{version} {headers}: {answer}");
            let inbox = format!("GET /dev/inbox.json HTTP/{version}\r\n{headers}\r\n");
            let answer = say(&program, inbox.as_bytes()).await;
            assert!(!answer.contains("919876543210"), "HTTP/{version} {headers}: {answer}");
        }
    }
    let absolute =
        format!("GET http://evil.example/dev/inbox.json HTTP/1.1\r\n{own}connection: close\r\n\r\n");
    assert!(!say(&program, absolute.as_bytes()).await.contains("919876543210"));
    let inbox = program.developer().get("/dev/inbox.json?limit=50").await.expect(200);
    assert!(inbox.as_array().unwrap().len() <= 3, "nothing refused was started: {inbox:#}");
}

#[tokio::test]
async fn production_has_no_inbox_and_none_of_the_well_known_keys() {
    let (_gateway, program) = shop("").await;
    for path in ["/dev/inbox", "/dev/inbox.json", "/dev/now", "/dev", "/dev/providers/sms-one"] {
        program.shop().get(path).await.refused(404, "not_found");
    }
    for key in ["sk_dev", "pk_dev"] {
        program.caller(Some(key)).get("/v1/verifications").await.refused(401, "unauthorized");
    }
}
