//! Vendors that break off: whatever a socket does, one attempt is one request, and the next provider sends.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::harness::vendor::ACCOUNT;

/// What ends like this goes on for ever, a space at a time.
const DRIP: &[u8] = b"\r\n\r\n   ";

/// Takes each connection's first bytes, says these and hangs up. Counts what it was sent.
async fn broken(says: &'static [u8]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    #[expect(clippy::disallowed_methods, reason = "a vendor of a test lives as long as its runtime")]
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut request = Vec::new();
            let mut bytes = [0; 4096];
            // The text is the last thing in a request; then it has come whole.
            while !String::from_utf8_lossy(&request).contains("Attempt=") {
                match stream.read(&mut bytes).await {
                    Ok(0) | Err(_) => break,
                    Ok(length) => request.extend_from_slice(&bytes[..length]),
                }
            }
            counted.fetch_add(usize::from(!request.is_empty()), Ordering::AcqRel);
            let _ = stream.write_all(says).await;
            if says.ends_with(DRIP) {
                #[expect(clippy::disallowed_methods, reason = "each connection drips for itself")]
                tokio::spawn(async move {
                    while stream.write_all(b" ").await.is_ok() {
                        pause(Duration::from_millis(100)).await
                    }
                });
            }
        }
    });
    (address, count)
}

async fn breaks_off(says: &'static [u8]) {
    let (address, count) = broken(says).await;
    let stage = Stage::set(&twilio_provider("first", address), "").await;
    for (number, person) in [PERSON, NEXT_PERSON, THIRD_PERSON].into_iter().enumerate() {
        let id = stage.start(person).await;
        stage.tells(&id, &["first unknown unknown", TOOK_OVER]).await;
        assert_eq!(count.load(Ordering::Acquire), number + 1, "one attempt is one request");
    }
}

#[tokio::test]
async fn a_vendor_that_hangs_up_without_a_word_is_asked_once() {
    breaks_off(b"").await;
}

#[tokio::test]
async fn a_vendor_that_speaks_another_language_is_asked_once() {
    breaks_off(b"220 mx.example ESMTP ready\r\n").await;
}

#[tokio::test]
async fn an_acceptance_that_breaks_off_in_the_middle_is_none() {
    breaks_off(b"HTTP/1.1 201 Created\r\ncontent-length: 200\r\n\r\n{\"sid\": \"SM0").await;
}

#[tokio::test]
async fn an_answer_that_drips_for_ever_ends_with_the_time_out() {
    let (address, _count) = broken(b"HTTP/1.1 201 Created\r\n\r\n   ").await;
    let entry = format!("{}timeout = \"1s\"\n", twilio_provider("first", address));
    let stage = Stage::set(&entry, "").await;
    let id = stage.start(PERSON).await;
    stage.tells(&id, &["first unknown unknown", TOOK_OVER]).await;
}

#[tokio::test]
async fn headers_without_end_are_cut_off() {
    static LONG: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let mut head = b"HTTP/1.1 201 Created\r\n".to_vec();
        (0..200_000).for_each(|number| head.extend(format!("x-{number}: {number}\r\n").bytes()));
        head
    });
    breaks_off(&LONG).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_code_in_hand() {
    let elsewhere = Twilio::start(Behaviour::Accept).await;
    let says = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{}/2010-04-01/Accounts/{ACCOUNT}/Messages.json\r\n\
         content-length: 0\r\n\r\n",
        elsewhere.address()
    );
    let (first, _count) = broken(says.leak().as_bytes()).await;
    let stage = Stage::set(&twilio_provider("first", first), "").await;
    let id = stage.start(PERSON).await;
    stage.tells(&id, &["first rejected misconfigured", TOOK_OVER]).await;
    assert!(elsewhere.received().is_empty());
}
