//! Whatever happens inside, somebody hears something.

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state, routing::get};

use super::house::{ask, doors, request};
use crate::{Entrance, Profile, envelope, router};

#[tokio::test]
async fn a_handler_that_panics_is_a_problem_and_not_a_dropped_connection() {
    async fn breaks() -> &'static str {
        panic!("the code was 123456")
    }
    let broken = Router::new().route("/", get(breaks));
    let entrance = Arc::new(Entrance::new(doors()));
    let router: Router = broken.layer(from_fn_with_state(entrance, envelope::wrap));
    let answer = ask(&router, request("GET", "/", &[], "")).await;
    assert_eq!(answer.in_short(), "500 internal");
    assert!(!answer.text.contains("123456"), "{}", answer.text);
}

#[tokio::test]
async fn development_answers_no_other_machine_on_any_path() {
    let mut doors = doors();
    doors.profile = Profile::Development;
    let paths: Vec<&str> = crate::routes(&doors.compat).iter().map(|route| route.path).collect();
    let router = router(doors);
    for path in paths.into_iter().chain(["/", "/docs", "/nowhere", "/dev/inbox"]) {
        for method in ["GET", "POST", "OPTIONS"] {
            let answer = ask(&router, request(method, path, &[("host", "localhost")], "")).await;
            assert_eq!(answer.in_short(), "403 development_only", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn development_hears_a_secret_key_from_our_own_pages_alone() {
    let mut doors = doors();
    doors.profile = Profile::Development;
    let router = router(doors);
    for (origin, expected) in
        [("http://localhost:8080", "503 unavailable"), ("http://localhost:3000", "403 development_only")]
    {
        for (path, body, authorization) in [
            ("/v1/verifications", r#"{"to":"+14155550123"}"#, super::house::SECRET),
            ("/v1/verifications", r#"{"to":"+14155550123"}"#, "Basic c2hvcDpza19zaG9w"),
        ] {
            let headers = [("host", "localhost:8080"), ("origin", origin), ("authorization", authorization)];
            let mut request = request("POST", path, &headers, body);
            request.extensions_mut().insert(crate::Peer(([127, 0, 0, 1], 4711).into()));
            assert_eq!(ask(&router, request).await.in_short(), expected, "{origin} {path}");
        }
    }
}

#[tokio::test]
async fn production_has_no_development_pages() {
    let router = router(doors());
    for path in ["/dev", "/dev/inbox", "/dev/inbox.json", "/dev/outages.json"] {
        assert_eq!(ask(&router, request("GET", path, &[], "")).await.in_short(), "404 not_found", "{path}");
    }
}
