//! What holds for every answer, and for the document that describes them.

use super::house::{SECRET, SOMEBODY, ask, doors, request};
use crate::{openapi, router, routes};

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own_and_is_not_kept() {
    let router = router(doors());
    let mut ids = Vec::new();
    for path in ["/healthz", "/nowhere", SOMEBODY, "/openapi.json"] {
        let answer = ask(&router, request("GET", path, &[], "")).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        ids.push(answer.header("x-request-id").to_owned());
    }
    assert!(ids.iter().all(|id| id.starts_with("req_")), "{ids:?}");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn a_failure_is_a_problem_document() {
    let router = router(doors());
    let answer = ask(&router, request("GET", "/nowhere", &[], "")).await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let mut problem = answer.json();
    assert_eq!(problem["request_id"], answer.header("x-request-id"));
    problem["request_id"] = "req_…".into();
    insta::assert_json_snapshot!(problem, @r#"
    {
      "code": "not_found",
      "detail": "this service has no such path",
      "request_id": "req_…",
      "status": 404,
      "title": "There is no such thing",
      "type": "/docs#errors-not_found"
    }
    "#);
}

#[tokio::test]
async fn a_method_that_a_path_does_not_know_hears_which_it_does() {
    let router = router(doors());
    for (method, path, allow) in [
        ("DELETE", "/v1/verifications", "GET,HEAD,POST"),
        ("TRACE", "/v1/verifications", "GET,HEAD,POST"),
        ("BREW", SOMEBODY, "GET,HEAD"),
        ("GET", "/send-otp", "POST"),
        ("OPTIONS", "/healthz", "GET,HEAD"),
    ] {
        let answer = ask(&router, request(method, path, &[], "")).await;
        assert_eq!(answer.in_short(), "405 method_not_allowed", "{method} {path}");
        let mut methods: Vec<_> = answer.header("allow").split(',').collect();
        methods.sort_unstable();
        assert_eq!(methods.join(","), allow, "{method} {path}");
    }
    let head = ask(&router, request("HEAD", "/healthz", &[], "")).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn an_id_that_cannot_be_answers_like_one_of_nobody() {
    let router = router(doors());
    for id in ["ver_1", "dlv_000000000000000000000000000000000000", "..%2f..", "%00", "%ff"] {
        let path = format!("/v1/verifications/{id}");
        let answer = ask(&router, request("GET", &path, &[("authorization", SECRET)], "")).await;
        assert_eq!(answer.in_short(), "404 not_found", "{id}");
    }
}

#[tokio::test]
async fn a_store_that_is_down_is_told_with_a_time_to_come_back_and_without_a_cause() {
    let router = router(doors());
    for (method, path, body) in [
        ("GET", SOMEBODY.to_owned(), ""),
        ("GET", "/v1/verifications".to_owned(), ""),
        ("POST", "/v1/verifications".to_owned(), r#"{"to":"+14155550123"}"#),
        ("POST", "/v1/verifications/check".to_owned(), r#"{"to":"+14155550123","code":"123456"}"#),
        ("POST", format!("{SOMEBODY}/check"), r#"{"code":"123456"}"#),
        ("POST", format!("{SOMEBODY}/resend"), ""),
        ("POST", format!("{SOMEBODY}/redeem"), "{}"),
        ("POST", format!("{SOMEBODY}/cancel"), ""),
    ] {
        let answer = ask(&router, request(method, &path, &[("authorization", SECRET)], body)).await;
        assert_eq!(answer.in_short(), "503 unavailable", "{method} {path}");
        assert_eq!(answer.header("retry-after"), "1");
        assert!(!answer.text.contains("down for the test"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_says_so_and_lives() {
    let mut doors = doors();
    doors.ready = std::sync::Arc::new(|| false);
    let router = router(doors);
    assert_eq!(ask(&router, request("GET", "/readyz", &[], "")).await.in_short(), "503 unavailable");
    assert_eq!(ask(&router, request("GET", "/healthz", &[], "")).await.text, r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let router = router(doors());
    let names: Vec<String> = (0..65).map(|n| format!("x-filler-{n}")).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let answer = ask(&router, request("GET", "/healthz", &headers, "")).await;
    assert_eq!(answer.in_short(), "431 too_many_headers");
}

#[test]
fn the_committed_openapi_document_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    let built = openapi::document();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &built).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == built,
        "openapi.json is not what the code says; write it anew with: UPDATE_OPENAPI=1 cargo test -p backstop-http openapi"
    );
}

#[test]
fn every_call_is_in_the_openapi_document_and_no_other() {
    let document = openapi::value();
    assert_eq!(document["openapi"], "3.1.0");
    let mut described: Vec<String> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    let mut offered: Vec<String> = routes(&doors().compat)
        .iter()
        .filter(|route| route.path != "/openapi.json")
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    described.sort();
    offered.sort();
    assert_eq!(described, offered);
}

#[test]
fn the_openapi_document_refers_to_nothing_that_is_not_in_it() {
    let document = openapi::value();
    let text = document.to_string();
    for reference in text.split(r##""$ref":"#"##).skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}
