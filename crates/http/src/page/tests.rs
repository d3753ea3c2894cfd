use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;

/// An answer, read to its end.
pub(crate) struct Read {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Sends a request to a router.
pub(crate) async fn send(router: &Router, request: Request<Body>) -> Read {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Read { status: head.status, headers: head.headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
}

/// Sends a GET.
pub(crate) async fn get_from(router: &Router, path: &str) -> Read {
    send(router, Request::get(path).body(Body::empty()).unwrap()).await
}

/// What must hold of every page: the headers, no script or style of its own, nothing from elsewhere.
pub(crate) fn assert_well_kept(page: &Read) {
    assert_eq!(page.headers[header::CONTENT_SECURITY_POLICY], POLICY);
    assert_eq!(page.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(page.headers[header::REFERRER_POLICY], "same-origin");
    assert_eq!(page.headers["cross-origin-opener-policy"], "same-origin");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(page.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert_well_behaved(&page.body);
}

/// The same of a part of a page.
pub(crate) fn assert_well_behaved(html: &str) {
    let tags: Vec<&str> = html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()).collect();
    for tag in tags {
        let tag = tag.to_ascii_lowercase();
        assert!(!tag.starts_with("style"), "<{tag}>");
        assert!(!tag.starts_with("script") || tag.contains("src=\"/assets/"), "<{tag}>");
        // What is between quotes is a value, whatever it looks like: every second piece, its name before it.
        let pieces: Vec<&str> = tag.split('"').collect();
        for attribute in [" style=", " on"] {
            assert!(!pieces.iter().step_by(2).any(|names| names.contains(attribute)), "<{tag}>");
        }
        for pair in pieces.chunks_exact(2) {
            let leads = ["href=", "src=", "action="].iter().any(|name| pair[0].ends_with(name));
            let local = pair[1].starts_with('#') || pair[1].starts_with('/') && !pair[1].starts_with("//");
            assert!(!leads || local, "<{tag}> leads elsewhere");
        }
    }
    assert_no_other_host(html);
}

fn assert_no_other_host(text: &str) {
    for scheme in ["http://", "https://", "//cdn", "//fonts"] {
        for (at, _) in text.match_indices(scheme) {
            let rest = &text[at + scheme.len()..];
            // The namespace of SVG is a name that nobody fetches.
            let ours =
                ["127.0.0.1", "localhost", "www.w3.org/2000/svg"].iter().any(|host| rest.starts_with(host));
            assert!(ours, "another host: {scheme}{}", rest.chars().take(40).collect::<String>());
        }
    }
}

#[test]
fn no_asset_speaks_to_another_host_or_evaluates_text_as_code() {
    for asset in &ASSETS {
        assert_no_other_host(asset.content);
        for word in ["@import", "eval(", "new Function", "document.write"] {
            assert!(!asset.content.contains(word), "{} holds {word}", asset.name);
        }
    }
}

#[test]
fn every_template_parses() {
    assert_eq!(ENVIRONMENT.templates().count(), TEMPLATES.len());
}

#[tokio::test]
async fn an_asset_is_sent_once_and_then_known_by_its_tag() {
    let router = assets();
    for asset in &ASSETS {
        let path = format!("/assets/{}", asset.name);
        let first = get_from(&router, &path).await;
        assert_eq!(first.status, StatusCode::OK);
        assert_eq!(first.headers[header::CONTENT_TYPE], asset.content_type);
        assert_eq!(first.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(first.body, asset.content);

        let tag = first.headers[header::ETAG].clone();
        for known in [tag.to_str().unwrap().to_owned(), format!("\"old\", W/{}", tag.to_str().unwrap())] {
            let request =
                Request::get(&path).header(header::IF_NONE_MATCH, known).body(Body::empty()).unwrap();
            let again = send(&router, request).await;
            assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
            assert_eq!(again.headers[header::ETAG], tag);
        }
        let request =
            Request::get(&path).header(header::IF_NONE_MATCH, "\"old\"").body(Body::empty()).unwrap();
        assert_eq!(send(&router, request).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_path_that_is_not_an_asset_is_not_found_wherever_it_points() {
    for path in
        ["/assets/other.css", "/assets/..%2Fpage.rs", "/assets/%2e%2e%2fpage.rs", "/assets/BACKSTOP.css"]
    {
        assert_eq!(get_from(&assets(), path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
