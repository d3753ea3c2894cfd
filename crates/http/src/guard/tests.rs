//! Who development answers.

use std::net::SocketAddr;

use axum::{body::Body, extract::Request};
use http::{Version, request::Parts};

use super::{same_origin, this_machine};
use crate::Peer;

fn parts(peer: &str, version: Version, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri("/dev/inbox").version(version);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(Peer(peer.parse::<SocketAddr>().unwrap()));
    request.into_parts().0
}

fn local(headers: &[(&str, &str)]) -> Parts {
    parts("127.0.0.1:50000", Version::HTTP_11, headers)
}

#[test]
fn only_this_machine_is_answered() {
    for (peer, answered) in [
        ("127.0.0.1:1", true),
        ("127.9.9.9:1", true),
        ("[::1]:1", true),
        ("[::ffff:127.0.0.1]:1", true),
        ("192.168.1.20:1", false),
        ("[fe80::1]:1", false),
        ("203.0.113.9:1", false),
    ] {
        let parts = parts(peer, Version::HTTP_11, &[("host", "localhost:8080")]);
        assert_eq!(this_machine(&parts).is_ok(), answered, "{peer}");
    }
    let nobody = Request::builder().header("host", "localhost").body(Body::empty()).unwrap().into_parts().0;
    assert!(this_machine(&nobody).is_err());
}

#[test]
fn a_page_that_points_its_own_name_at_us_hears_nothing() {
    for (hosts, answered) in [
        (vec!["localhost"], true),
        (vec!["LOCALHOST:8080"], true),
        (vec!["127.0.0.1:8080"], true),
        (vec!["[::1]:8080"], true),
        (vec!["[::1]"], true),
        (vec![], false),
        (vec!["localhost", "localhost"], false),
        (vec!["evil.example"], false),
        (vec!["localhost.evil.example"], false),
        (vec!["127.0.0.1.evil.example:8080"], false),
        (vec!["127.0.0.2"], false),
        (vec!["localhost:80:80"], false),
        (vec!["localhost:"], false),
        (vec!["user@localhost"], false),
        (vec![""], false),
    ] {
        let headers: Vec<(&str, &str)> = hosts.iter().map(|host| ("host", *host)).collect();
        assert_eq!(this_machine(&local(&headers)).is_ok(), answered, "{hosts:?}");
    }
}

#[test]
fn a_proxy_in_between_is_refused() {
    for name in [
        "Forwarded",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "x-forwarded-anything",
    ] {
        let parts = local(&[("host", "localhost"), (name, "127.0.0.1")]);
        assert!(this_machine(&parts).is_err(), "{name}");
    }
}

#[test]
fn a_target_that_names_another_host_is_refused() {
    let mut parts = local(&[("host", "localhost:8080")]);
    parts.uri = "http://localhost:8080/dev/inbox".parse().unwrap();
    assert!(this_machine(&parts).is_ok());
    parts.uri = "http://evil.example/dev/inbox".parse().unwrap();
    assert!(this_machine(&parts).is_err());
}

#[test]
fn the_inbox_and_secret_keys_are_for_our_own_pages() {
    let host = ("host", "localhost:8080");
    for (headers, answered) in [
        (vec![], true),
        (vec![("origin", "http://localhost:8080")], true),
        (vec![("sec-fetch-site", "same-origin"), ("origin", "http://localhost:8080")], true),
        (vec![("sec-fetch-site", "none")], true),
        (vec![("origin", "http://localhost:3000")], false),
        (vec![("origin", "http://127.0.0.1:8080")], false),
        (vec![("origin", "https://localhost:8080")], false),
        (vec![("origin", "null")], false),
        (vec![("origin", "http://localhost:8080"), ("origin", "https://evil.example")], false),
        (vec![("sec-fetch-site", "cross-site")], false),
        (vec![("sec-fetch-site", "same-site")], false),
        (vec![("sec-fetch-site", "Same-Origin")], false),
    ] {
        let all: Vec<(&str, &str)> = std::iter::once(host).chain(headers.iter().copied()).collect();
        assert_eq!(same_origin(&local(&all)).is_ok(), answered, "{headers:?}");
    }
}

#[test]
fn an_old_proxy_that_speaks_http_1_0_is_refused() {
    let old = parts("127.0.0.1:1", Version::HTTP_10, &[("host", "localhost")]);
    assert!(this_machine(&old).is_ok());
    assert!(same_origin(&old).is_err());
}
