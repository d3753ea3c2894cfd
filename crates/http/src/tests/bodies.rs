//! Bodies that are refused before they are read, or because they never end.

use axum::body::Body;
use http::Request;

use super::house::{SECRET, ask, doors};
use crate::{envelope::Deadline, extract::BODY_LIMIT, router};

const START: &str = r#"{"to":"+14155550123"}"#;

fn start(headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request =
        Request::builder().method("POST").uri("/v1/verifications").header("authorization", SECRET);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

#[tokio::test]
async fn only_plain_json_is_read() {
    let router = router(doors());
    for (headers, expected) in [
        (vec![("content-type", "application/json")], "503 unavailable"),
        (vec![("content-type", "Application/JSON; Charset=\"UTF-8\"")], "503 unavailable"),
        (vec![], "415 unsupported_media_type"),
        (vec![("content-type", "text/plain")], "415 unsupported_media_type"),
        (vec![("content-type", "application/jsonp")], "415 unsupported_media_type"),
        (vec![("content-type", "application/json; charset=utf-7")], "415 unsupported_media_type"),
        (vec![("content-type", "application/x-www-form-urlencoded")], "415 unsupported_media_type"),
        (
            vec![("content-type", "application/json"), ("content-type", "text/plain")],
            "415 unsupported_media_type",
        ),
        (
            vec![("content-type", "application/json"), ("content-encoding", "gzip")],
            "415 unsupported_media_type",
        ),
        (
            vec![("content-type", "application/json"), ("content-encoding", "identity")],
            "415 unsupported_media_type",
        ),
    ] {
        assert_eq!(ask(&router, start(&headers, START)).await.in_short(), expected, "{headers:?}");
    }
}

#[tokio::test]
async fn an_empty_body_is_an_object_without_fields() {
    let router = router(doors());
    assert_eq!(ask(&router, start(&[], "")).await.in_short(), "400 invalid_request");
    let nothing = Request::builder()
        .method("POST")
        .uri(format!("{}/resend", super::house::SOMEBODY))
        .header("authorization", SECRET)
        .body(Body::empty())
        .unwrap();
    assert_eq!(ask(&router, nothing).await.in_short(), "503 unavailable");
}

#[tokio::test]
async fn a_body_past_the_limit_is_refused_whether_or_not_it_says_its_length() {
    let router = router(doors());
    let json = [("content-type", "application/json")];
    let fits = format!("{START}{}", " ".repeat(BODY_LIMIT - START.len()));
    assert_eq!(ask(&router, start(&json, fits.clone())).await.in_short(), "503 unavailable");
    assert_eq!(ask(&router, start(&json, format!("{fits} "))).await.in_short(), "413 body_too_large");
    let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>("  ".repeat(512)));
    let answer = ask(&router, start(&json, Body::from_stream(endless))).await;
    assert_eq!(answer.in_short(), "413 body_too_large");
}

#[tokio::test]
async fn a_drop_in_call_refuses_a_large_body_in_its_own_words() {
    let router = router(doors());
    for path in ["/send-otp", "/verify-otp", "/register-with-otp", "/forgot-password-otp"] {
        let request = Request::builder().method("POST").uri(path).header("content-type", "application/json");
        let answer = ask(&router, request.body(Body::from(" ".repeat(BODY_LIMIT + 1))).unwrap()).await;
        assert_eq!(answer.status, 413, "{path}");
        let body: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        assert!(body["error"].is_string() && body.get("code").is_none(), "{path}: {body:#}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let router = router(doors());
    let never = Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>());
    let mut request = start(&[("content-type", "application/json")], never);
    request.extensions_mut().insert(Deadline(std::time::Duration::from_millis(50)));
    assert_eq!(ask(&router, request).await.in_short(), "408 request_timeout");
}

#[tokio::test]
async fn nobodys_body_is_read_before_the_key_is_believed() {
    let router = router(doors());
    let never = Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>());
    let mut request = start(&[("content-type", "application/json")], never);
    request.headers_mut().insert("authorization", "Bearer sk_wrong".parse().unwrap());
    assert_eq!(ask(&router, request).await.in_short(), "401 unauthorized");
}
