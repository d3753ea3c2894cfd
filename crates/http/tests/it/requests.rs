//! What the server hands to the router, and what never gets that far.

use axum::body::Body;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::harness::{Server, short};

#[tokio::test]
async fn a_handler_knows_its_peer_and_the_version_of_the_protocol() {
    let server = Server::start(short()).await;
    let new = server.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(new.ends_with("HTTP/1.1 127.0.0.1"), "{new}");
    assert!(new.to_lowercase().contains("content-length: 18"), "{new}");
    let old = server.say("GET / HTTP/1.0\r\n\r\n").await;
    assert!(old.ends_with("HTTP/1.0 127.0.0.1"), "{old}");
}

#[tokio::test]
async fn requests_that_two_servers_could_cut_apart_differently_are_refused() {
    let server = Server::start(short()).await;
    for head in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: +5",
        "Content-Length: 5, 6",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
        "Bad Name: 1",
    ] {
        let request = format!("POST /read HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{head}\r\n\r\nhello");
        let answer = server.say(&request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head}: {answer}");
    }
    let both = "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
                0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = server.say(both).await;
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
}

#[tokio::test]
async fn an_unknown_protocol_hears_nothing_of_use() {
    let server = Server::start(short()).await;
    for bytes in ["\u{16}\u{3}\u{1}", "HELO there\r\n\r\n", "GET /\r\n\r\n"] {
        let answer = server.say(bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{bytes:?}: {answer}");
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the client's connection runs beside the test")]
async fn http_2_is_spoken_with_whoever_begins_with_it() {
    let server = Server::start(short()).await;
    let io = TokioIo::new(server.connect().await);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let running = tokio::spawn(connection);
    let request = http::Request::get("http://a/").body(Body::empty()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let body = axum::body::to_bytes(Body::new(answer.into_body()), 1024).await.unwrap();
    assert_eq!(body, "HTTP/2.0 127.0.0.1");
    let ended = tokio::time::timeout(std::time::Duration::from_secs(3), running).await;
    assert!(ended.is_ok(), "an idle connection was kept");
}
