//! What the network does to us, and that it is told from what the vendor says.

use std::time::{Duration, Instant};

use backstop_domain::{
    outcome::{Outcome, Reason},
    ports::provider::Sent,
};
use tokio::net::TcpListener;

use crate::harness::{
    self,
    vendor::{Does, Vendor, answer},
};

const KINDS: [&str; 3] = ["twilio", "aws-sns", "webhook"];
const SHORT: Duration = Duration::from_millis(600);

async fn send(kind: &str, does: Does) -> (Sent, usize) {
    let vendor = Vendor::start(does).await;
    let sent = harness::provider(kind, &vendor.base, SHORT).send(&harness::sms()).await;
    harness::assert_clean(&format!("{sent:?}"), kind);
    (sent, vendor.requests().len())
}

#[tokio::test]
async fn a_refused_connection_is_a_sure_refusal() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for kind in KINDS {
        let provider = harness::provider(kind, &format!("http://127.0.0.1:{port}"), SHORT);
        let sent = provider.send(&harness::sms()).await;
        assert!(harness::is(&sent.outcome, Reason::Unavailable), "{kind}: {sent:?}");
        assert!(sent.response.response.contains("refused"), "{sent:?}");
        assert!(!provider.check_up().await.well);
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_sure_refusal() {
    let provider = harness::provider("twilio", "https://vendor.invalid", Duration::from_secs(10));
    let sent = provider.send(&harness::sms()).await;
    assert!(harness::is(&sent.outcome, Reason::Unavailable), "{sent:?}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_a_sure_refusal() {
    let vendor = Vendor::start(Does::Answers(answer(201, &[], "{}"))).await;
    let base = vendor.base.replace("http://", "https://");
    let sent = harness::provider("twilio", &base, Duration::from_secs(5)).send(&harness::sms()).await;
    assert!(harness::is(&sent.outcome, Reason::Unavailable), "{sent:?}");
}

#[tokio::test]
async fn a_vendor_that_hangs_is_unknown_and_costs_no_more_than_the_time_out() {
    for kind in KINDS {
        let started = now();
        let (sent, requests) = send(kind, Does::Hangs).await;
        assert_eq!(sent.outcome, Outcome::Unknown, "{kind}: {sent:?}");
        assert_eq!(requests, 1, "{kind}: an attempt is sent at most once");
        assert!(started.elapsed() < SHORT * 3, "{kind} took {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_connection_cut_after_the_request_is_unknown_and_not_tried_again() {
    for kind in KINDS {
        let (sent, requests) = send(kind, Does::Cuts).await;
        assert_eq!(sent.outcome, Outcome::Unknown, "{kind}: {sent:?}");
        assert_eq!(requests, 1, "{kind}: an attempt is sent at most once");
    }
}

#[tokio::test]
async fn a_success_whose_body_never_ends_stalls_or_is_cut_is_unknown() {
    for kind in KINDS {
        for does in [Does::NeverEnds("200 OK"), Does::Stalls("200 OK"), Does::CutsTheBody("200 OK")] {
            let (sent, _) = send(kind, does.clone()).await;
            assert_eq!(sent.outcome, Outcome::Unknown, "{kind} {does:?}: {sent:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_counts_even_if_its_body_cannot_be_read() {
    for kind in KINDS {
        for does in [Does::NeverEnds("401 No"), Does::Stalls("401 No"), Does::CutsTheBody("401 No")] {
            let (sent, _) = send(kind, does.clone()).await;
            assert!(harness::is(&sent.outcome, Reason::Misconfigured), "{kind} {does:?}: {sent:?}");
        }
    }
}

#[tokio::test]
async fn garbage_instead_of_http_is_unknown() {
    for kind in KINDS {
        let (sent, requests) = send(kind, Does::Answers("\0\0\u{1}garbage\r\n\r\n".to_owned())).await;
        assert_eq!(sent.outcome, Outcome::Unknown, "{kind}: {sent:?}");
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere =
        Vendor::start(Does::Answers(answer(201, &[], r#"{"sid":"SM1","status":"queued"}"#))).await;
    for kind in KINDS {
        for status in [301, 302, 307, 308] {
            let location = [("Location".to_owned(), format!("{}/x", elsewhere.base))];
            let (sent, _) = send(kind, Does::Answers(answer(status, &location, ""))).await;
            assert!(harness::is(&sent.outcome, Reason::Misconfigured), "{kind} {status}: {sent:?}");
        }
    }
    assert!(elsewhere.requests().is_empty(), "the code went where the redirect pointed");
}

#[tokio::test]
async fn fifty_messages_to_a_vendor_that_hangs_take_no_longer_than_one() {
    let vendor = Vendor::start(Does::Hangs).await;
    let provider = harness::provider("twilio", &vendor.base, SHORT);
    let started = now();
    let message = harness::sms();
    let all = futures::future::join_all((0..50).map(|_| provider.send(&message))).await;
    assert!(all.iter().all(|sent| sent.outcome == Outcome::Unknown));
    assert!(started.elapsed() < SHORT * 4, "took {:?}", started.elapsed());
}

#[expect(clippy::disallowed_methods, reason = "this test measures real time")]
fn now() -> Instant {
    Instant::now()
}
