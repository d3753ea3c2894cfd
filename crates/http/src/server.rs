//! The accept loop: every time-out and every cap that a socket meets before a handler does.
//!
//! hyper alone waits for ever on a peer that sends nothing, or a byte a second. So: the protocol is told by a bounded
//! peek, a head has [`Limits::head`] to arrive, a request [`Limits::request`] to be answered, a quiet connection is
//! closed, and when all seats are taken the one that has sat idle longest gives its place to the next caller: idle
//! sockets cost nobody else anything. On shutdown the listener closes first, then what is being answered is finished;
//! what a crash cuts off was either committed or never acknowledged.

mod seats;

use std::{convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::IntoResponse as _};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::{Peer, envelope::Deadline};
use seats::{Held, Seat, Seats};

/// What a socket may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For a request's head to arrive, counted from the end of the answer before.
    pub head: Duration,
    /// For a request to be answered, its body included. A stream may go on after that.
    pub request: Duration,
    /// For a connection without a request.
    pub idle: Duration,
    /// For what is being answered when the service stops.
    pub drain: Duration,
    /// How many at once. Leaves room under the 1024 open files that a process often has.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            request: Duration::from_secs(15),
            idle: Duration::from_secs(60),
            drain: Duration::from_secs(10),
            connections: 768,
        }
    }
}

/// Header fields of a request.
const HEADERS: usize = 64;
/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;
/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 64;
/// How every HTTP/2 connection begins.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The wait when the system has no socket for us, and between two looks at a preface that comes in pieces.
const PAUSE: Duration = Duration::from_millis(20);

/// Serves `router` until `shutdown` ends, then finishes what is being answered.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let seats = Seats::new(limits.connections);
    let closing = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // Without a seat the stream is dropped, which closes it: everybody else is being answered.
                    if let Some(seat) = seats.take() {
                        connections.spawn(connection(stream, peer, router.clone(), limits, seat, closing.clone()));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    pause().await;
                }
            }
        }
    }
    drop(listener);
    closing.cancel();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain, drained).await.is_err() {
        tracing::warn!("some requests were cut off: they outlasted the drain");
    }
    connections.shutdown().await;
}

#[expect(clippy::disallowed_methods, reason = "sockets live in real time; no simulation has any")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// Looks at the first bytes without taking them. `None`: the peer left.
async fn protocol(stream: &TcpStream) -> Option<Protocol> {
    let mut first = [0; PREFACE.len()];
    loop {
        let seen = stream.peek(&mut first).await.ok().filter(|seen| *seen > 0)?;
        if first[..seen] != PREFACE[..seen] {
            return Some(Protocol::Http1);
        }
        if seen == PREFACE.len() {
            return Some(Protocol::Http2);
        }
        pause().await;
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    seat: Arc<Seat>,
    closing: CancellationToken,
) {
    let protocol = tokio::select! {
        protocol = tokio::time::timeout(limits.head, protocol(&stream)) => protocol,
        () = seat.given_away() => return,
        () = closing.cancelled() => return,
    };
    let Ok(Some(protocol)) = protocol else { return };
    // A small answer leaves at once.
    let _ = stream.set_nodelay(true);
    let turns = seat.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(Deadline(limits.request));
        let turn = turns.begin();
        let answer = finish(router.clone(), request);
        async move { Ok::<_, Infallible>(answer.await.map(|body| Held::new(body, turn))) }
    });
    let builder = builder(protocol, limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut quiet = tokio::time::interval_at(tokio::time::Instant::now() + limits.idle, limits.idle);
    let mut leaving = false;
    loop {
        tokio::select! {
            // How a connection ends is its peer's affair: resets and time-outs are weather.
            _ = connection.as_mut() => return,
            () = seat.given_away() => return,
            () = closing.cancelled(), if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = quiet.tick(), if !leaving => if seat.was_quiet() {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Answers in a task of its own: a caller who hangs up does not stop what was begun, so that a start that is committed
/// is also handed over.
#[expect(clippy::disallowed_methods, reason = "sockets live in real time; no simulation has any")]
async fn finish(router: Router, request: Request<Body>) -> Response<Body> {
    match tokio::spawn(router.oneshot(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(impossible)) => match impossible {},
        Err(error) => {
            tracing::error!(%error, "a request ended without an answer");
            http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn builder(protocol: Protocol, limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES as u32)
        .keep_alive_interval(limits.idle)
        .keep_alive_timeout(limits.head);
    match protocol {
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    }
}
