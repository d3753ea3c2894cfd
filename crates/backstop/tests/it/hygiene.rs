//! What a careful server does with careless, odd and hostile requests: it answers each, says nothing of itself, and
//! never breaks.

mod hostile;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    Program,
    raw::{rows, say, status},
    shop,
};

const AUTH: &str = "authorization: Bearer sk_shop_0123456789abcdef\r\n";

/// A POST to start a verification, with these header lines and this body.
async fn start(program: &Program, headers: &str, body: &[u8]) -> String {
    let length = body.len();
    let head = format!(
        "POST /v1/verifications HTTP/1.1\r\nhost: localhost\r\n{AUTH}connection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    say(program, &[head.as_bytes(), body].concat()).await
}

const JSON: &str = "content-type: application/json\r\n";

#[tokio::test]
async fn what_two_parsers_could_read_differently_is_refused() {
    let (_gateway, program) = shop("").await;
    let deep =
        format!("{{\"to\":\"+14155550123\",\"metadata\":{}1{}}}", "{\"a\":".repeat(20), "}".repeat(20));
    let bodies: Vec<&[u8]> = vec![
        br#"{"to":"+14155550123","to":"+14155550124"}"#,
        br#"{"to":"+14155550123","metadata":{"a":1,"a":2}}"#,
        br#"{"to":"+14155550123","unknown":1}"#,
        br#"{"to":"+14155550123"} "#.split_at(20).0,
        br#"{"to":"+14155550123"}{}"#,
        br#"{"to":"+14155550123",}"#,
        br#"{'to':'+14155550123'}"#,
        br#"{"to":"+14155550123","wait":"true"}"#,
        br#"{"to":"+14155550123","wait":1}"#,
        br#"{"to":"+14155550123","code_length":"6"}"#,
        br#"{"to":"+14155550123","code_length":6.0}"#,
        br#"{"to":"+14155550123","code_length":-1}"#,
        br#"{"to":"+14155550123","ttl_seconds":1e400}"#,
        br#"{"to":"+14155550123","ttl_seconds":99999999999999999999}"#,
        br#"{"to":14155550123}"#,
        br#"{"to":null}"#,
        br#"["+14155550123"]"#,
        br#""+14155550123""#,
        b"null",
        b"{}",
        b"",
        b"NaN",
        b"{\"to\":\"+1415555\xff0123\"}",
        b"\xef\xbb\xbf{\"to\":\"+14155550123\"}",
        b"{\"to\":\"+14155550123\\ud800\"}",
        b"{\"to\":\"+1415555\n0123\"}",
        b"// hello\n{\"to\":\"+14155550123\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let answer = start(&program, JSON, body).await;
        assert_eq!(status(&answer), 400, "{}: {answer}", String::from_utf8_lossy(body));
        assert!(answer.contains("application/problem+json") && !answer.contains("4155550123"), "{answer}");
    }
    assert_eq!(rows(&program, "verifications"), 0);
}

#[tokio::test]
async fn only_plain_json_of_a_fair_size_is_read() {
    let (_gateway, program) = shop("").await;
    let good = br#"{"to":"+14155550123"}"#;
    for headers in [
        "",
        "content-type: text/plain\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        "content-type: application/jsonp\r\n",
        "content-type: application/json; charset=latin1\r\n",
        "content-type: application/json\r\ncontent-type: text/plain\r\n",
        "content-type: application/json\r\ncontent-encoding: gzip\r\n",
    ] {
        let answer = start(&program, headers, good).await;
        assert_eq!(status(&answer), 415, "{headers}: {answer}");
        assert!(answer.contains("unsupported_media_type"));
    }
    assert_eq!(
        status(&start(&program, "content-type: Application/JSON; charset=utf-8\r\n", good).await),
        201
    );
    let filler = |size: usize| format!("{{\"to\":\"+14155550124\",\"session\":\"{}\"}}", "x".repeat(size));
    for size in [33 * 1024, 200 * 1024] {
        let answer = start(&program, JSON, filler(size).as_bytes()).await;
        // One who is still sending may find the connection closed instead.
        assert!(matches!(status(&answer), 413 | 0), "{answer}");
    }
    let chunked = format!(
        "POST /v1/verifications HTTP/1.1\r\nhost: localhost\r\n{AUTH}{JSON}connection: close\r\n\
         transfer-encoding: chunked\r\n\r\n8800\r\n{}\r\n0\r\n\r\n",
        " ".repeat(0x8800)
    );
    let answer = say(&program, chunked.as_bytes()).await;
    assert_eq!(status(&answer), 413, "{answer}");
    assert!(answer.contains("body_too_large"));
    let within = start(
        &program,
        JSON,
        format!("{}{}", " ".repeat(32 * 1024 - 24), r#"{"to":"+14155550125"}"#).as_bytes(),
    )
    .await;
    assert_eq!(status(&within), 201, "{within}");
}

#[tokio::test]
async fn every_answer_has_its_own_request_id_and_keeps_to_itself() {
    let (_gateway, program) = shop("").await;
    let caller = program.shop();
    let mut ids = std::collections::BTreeSet::new();
    for (method, path, status, code) in [
        (Method::GET, "/nowhere", 404, "not_found"),
        (Method::GET, "/v1", 404, "not_found"),
        (Method::GET, "/v1/verifications/", 404, "not_found"),
        (Method::GET, "/v1//verifications", 404, "not_found"),
        (Method::DELETE, "/v1/verifications", 405, "method_not_allowed"),
        (Method::PUT, "/healthz", 405, "method_not_allowed"),
        (Method::PATCH, "/v1/verifications/check", 405, "method_not_allowed"),
        (Method::GET, "/v1/verifications/%00", 404, "not_found"),
        (Method::GET, "/v1/verifications/..%2f..%2fetc", 404, "not_found"),
        (Method::TRACE, "/", 405, "method_not_allowed"),
    ] {
        let answer =
            caller.with("x-request-id", "chosen-by-the-caller").send(method.clone(), path, None).await;
        assert_eq!((answer.status.as_u16(), &answer.body["code"]), (status, &json!(code)), "{method} {path}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(answer.body["request_id"], id.as_str());
        assert!(id.starts_with("req_") && ids.insert(id), "its own, and not the caller's");
        if status == 405 {
            assert!(answer.headers.contains_key("allow"), "{method} {path}");
        }
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.headers[name], value);
        }
        assert!(
            !answer.headers.contains_key("server")
                && !answer.headers.contains_key("access-control-allow-origin")
        );
    }
    let unknown =
        say(&program, b"BREW /v1/verifications HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!(status(&unknown), 405, "{unknown}");
}

#[tokio::test]
async fn the_document_that_is_served_is_the_one_that_is_committed() {
    let (_gateway, program) = shop("").await;
    let served = program.caller(None).get("/openapi.json").await.expect(200);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(served, committed);
    assert_eq!(served["openapi"].as_str().unwrap().split('.').next(), Some("3"));
}

#[tokio::test]
async fn our_pages_load_nothing_from_elsewhere() {
    let production = shop("").await.1;
    let development = Program::development();
    for (program, paths) in
        [(&production, vec!["/", "/docs"]), (&development, vec!["/", "/docs", "/dev/inbox"])]
    {
        for path in paths {
            let answer = program.caller(None).get(path).await;
            assert_eq!(answer.status, 200, "{path}");
            let page = answer.body.as_str().unwrap();
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            assert!(
                policy.starts_with("default-src 'self'")
                    && !policy.contains("unsafe")
                    && !policy.contains("http"),
                "{policy}"
            );
            let mut own = Vec::new();
            for attribute in ["src=\"", "href=\"", "action=\"", "srcset=\"", "url("] {
                for rest in page.split(attribute).skip(1) {
                    own.push(rest.split(['"', ')']).next().unwrap().to_owned());
                }
            }
            for target in own {
                let elsewhere = target.contains("://") && !target.starts_with(&program.url(""));
                assert!(!elsewhere && !target.starts_with("//"), "{path} loads {target}");
                if target.starts_with("/assets/") {
                    program.caller(None).get(&target).await.expect(200);
                }
            }
        }
    }
}
