//! What a peer that is slow, silent, greedy or many can do to others: nothing.

use std::time::Duration;

use tokio::{io::AsyncWriteExt, time::Instant};

use crate::harness::{Server, pause, read_all, short};

/// Writes a byte at a time until the server closes. Says how long that took.
async fn trickle(server: &Server, begin: &str, then: &str) -> Duration {
    let mut stream = server.connect().await;
    let start = Instant::now();
    stream.write_all(begin.as_bytes()).await.unwrap();
    for byte in then.bytes().cycle().take(100) {
        pause(50).await;
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
    }
    start.elapsed()
}

#[tokio::test]
async fn a_head_that_comes_a_byte_at_a_time_is_cut_off() {
    let server = Server::start(short()).await;
    let took = trickle(&server, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ", "a").await;
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn a_peer_that_says_nothing_or_only_begins_to_is_cut_off() {
    let server = Server::start(short()).await;
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "G", "GET / HT"] {
        let mut stream = server.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let start = Instant::now();
        read_all(&mut stream).await;
        assert!(start.elapsed() < Duration::from_secs(3), "{beginning:?} {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn a_kept_connection_without_requests_is_closed() {
    let server = Server::start(short()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let start = Instant::now();
    assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::start(short()).await;
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "a".repeat(20_000));
    assert!(server.say(&long).await.starts_with("HTTP/1.1 431"));
    let many: String = (0..65).map(|n| format!("X-{n}: 1\r\n")).collect();
    assert!(server.say(&format!("GET / HTTP/1.1\r\n{many}\r\n")).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn many_idle_sockets_stop_nobody_else() {
    let server = Server::start(short()).await;
    let mut idle = Vec::new();
    for n in 0..400 {
        idle.push(server.connect().await);
        if n % 40 == 0 {
            let answer = server.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
            assert!(answer.starts_with("HTTP/1.1 200"), "after {n} idle sockets: {answer}");
        }
    }
}

#[tokio::test]
async fn a_request_under_way_keeps_its_seat() {
    let server = Server::start(short()).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    pause(50).await;
    let mut idle = Vec::new();
    for _ in 0..150 {
        idle.push(server.connect().await);
    }
    assert!(read_all(&mut slow).await.ends_with("slow"));
}

#[tokio::test]
async fn a_stream_may_outlast_the_time_of_a_request() {
    let server = Server::start(short()).await;
    let start = Instant::now();
    let answer = server.say("GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains("11;"), "{answer}");
    assert!(start.elapsed() > Duration::from_secs(1));
}

#[tokio::test]
async fn what_is_being_answered_when_the_service_stops_is_finished() {
    let mut server = Server::start(short()).await;
    let mut slow = server.connect().await;
    let mut idle = server.connect().await;
    slow.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    pause(50).await;
    server.tell_to_stop();
    assert!(read_all(&mut slow).await.ends_with("slow"));
    assert_eq!(read_all(&mut idle).await, "");
    server.stopped().await;
}

#[tokio::test]
async fn a_stream_does_not_hold_up_the_end_for_longer_than_the_drain() {
    let mut server = Server::start(short()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    pause(150).await;
    let start = Instant::now();
    server.tell_to_stop();
    server.stopped().await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}
