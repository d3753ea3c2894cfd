//! Who is let in.

use super::house::{PAGE, PUBLIC, SECRET, SOMEBODY, ask, doors, filled, request};
use crate::{router, routes};

/// Calls that answer without a key, and why that is well. This list only gets shorter.
const OPEN: [&str; 18] = [
    "GET /healthz",
    "GET /readyz",
    "GET /openapi.json",
    // Public keys are for everybody who verifies a token.
    "GET /.well-known/jwks.json",
    // For watchers and for everybody: names of providers and how they are, nothing of persons.
    "GET /health/messaging",
    "GET /status",
    // Older services' callers have no credential: these run under the public share of every budget.
    "POST /send-otp",
    "POST /verify-otp",
    "POST /api/auth/send-otp",
    "POST /api/auth/verify-otp",
    "POST /auth/otp/send",
    "POST /auth/otp/verify",
    "POST /auth/emergency/backup-code",
    "POST /auth/emergency/admin",
    "POST /auth/device/login",
    "POST /auth/device/pin",
    "POST /register-with-otp",
    "POST /forgot-password-otp",
];

#[tokio::test]
async fn no_call_answers_without_a_key_but_those_on_the_list() {
    let doors = doors();
    let router = router(doors.clone());
    for route in routes(&doors.compat) {
        let path = filled(route.path);
        let answer = ask(&router, request(route.method.as_str(), &path, &[], "")).await;
        let name = format!("{} {}", route.method, route.path);
        let open = answer.status != 401;
        assert_eq!(open, OPEN.contains(&name.as_str()), "{name} answered {}", answer.status);
        if !open {
            assert_eq!(answer.in_short(), "401 unauthorized", "{name}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{name}");
        }
    }
}

#[tokio::test]
async fn a_wrong_key_of_any_form_opens_nothing() {
    let router = router(doors());
    for (header, opens) in [
        (SECRET, true),
        ("bearer sk_shop", true),
        ("Basic c2hvcDpza19zaG9w", true),
        ("Bearer sk_shop2", false),
        ("Bearer SK_SHOP", false),
        ("Bearer", false),
        ("sk_shop", false),
        ("Basic b3RoZXI6c2tfc2hvcA==", false),
        ("Basic c2tfc2hvcA==", false),
        ("Basic %%%", false),
        ("Digest sk_shop", false),
    ] {
        let answer = ask(&router, request("GET", SOMEBODY, &[("authorization", header)], "")).await;
        assert_eq!(answer.status != 401, opens, "{header}");
    }
    let twice = [("authorization", SECRET), ("authorization", SECRET)];
    assert_eq!(ask(&router, request("GET", SOMEBODY, &twice, "")).await.status, 401);
}

#[tokio::test]
async fn a_publishable_key_counts_from_its_applications_pages_alone() {
    let router = router(doors());
    for (origins, expected) in [
        (vec![PAGE], "503 unavailable"),
        (vec![], "403 origin_not_allowed"),
        (vec!["https://shop.example.evil.example"], "403 origin_not_allowed"),
        (vec!["http://shop.example"], "403 origin_not_allowed"),
        (vec!["null"], "403 origin_not_allowed"),
        (vec![PAGE, PAGE], "403 origin_not_allowed"),
    ] {
        let mut headers = vec![("authorization", PUBLIC)];
        headers.extend(origins.iter().map(|origin| ("origin", *origin)));
        let answer = ask(&router, request("GET", SOMEBODY, &headers, "")).await;
        assert_eq!(answer.in_short(), expected, "{origins:?}");
    }
}

#[tokio::test]
async fn a_secret_key_needs_no_origin_and_no_page_can_read_its_answers() {
    let router = router(doors());
    let headers = [("authorization", SECRET), ("origin", "https://elsewhere.example")];
    let answer = ask(&router, request("GET", SOMEBODY, &headers, "")).await;
    assert_eq!(answer.in_short(), "503 unavailable");
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_preflight_passes_for_a_listed_page_and_for_no_other() {
    let router = router(doors());
    let preflight = |origin, path| {
        request("OPTIONS", path, &[("origin", origin), ("access-control-request-method", "POST")], "")
    };
    let granted = ask(&router, preflight(PAGE, "/v1/verifications")).await;
    assert_eq!(granted.status, 204);
    assert_eq!(granted.header("access-control-allow-origin"), PAGE);
    assert_eq!(granted.header("vary"), "origin");
    assert_eq!(ask(&router, preflight(PAGE, "/send-otp")).await.status, 204);
    for (origin, path) in [
        ("https://evil.example", "/v1/verifications"),
        (PAGE, "/healthz"),
        ("https://evil.example", "/send-otp"),
    ] {
        let answer = ask(&router, preflight(origin, path)).await;
        assert_eq!(answer.in_short(), "403 origin_not_allowed", "{origin} {path}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}
