//! A server on a free port, and a peer that writes what no client library would.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    routing::{get, post},
};
use backstop_http::{
    Peer,
    server::{Limits, serve},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// Limits that a test can wait for.
pub(crate) fn short() -> Limits {
    Limits {
        head: Duration::from_millis(300),
        request: Duration::from_millis(600),
        idle: Duration::from_millis(400),
        drain: Duration::from_millis(800),
        connections: 64,
    }
}

fn routes() -> Router {
    Router::new()
        .route(
            "/",
            get(|request: Request| async move {
                let peer = request.extensions().get::<Peer>().map(|Peer(peer)| peer.ip().to_string());
                format!("{:?} {}", request.version(), peer.unwrap_or_default())
            }),
        )
        .route("/read", post(|body: String| async move { body.len().to_string() }))
        .route(
            "/slow",
            get(|| async {
                pause(250).await;
                "slow"
            }),
        )
        .route(
            "/stream",
            get(|| async {
                let drops = futures::stream::unfold(0, |n| async move {
                    pause(100).await;
                    (n < 12).then(|| (Ok::<_, std::io::Error>(format!("{n};")), n + 1))
                });
                Body::from_stream(drops)
            }),
        )
}

#[expect(clippy::disallowed_methods, reason = "a test of time-outs on real sockets waits in real time")]
pub(crate) async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

impl Server {
    pub(crate) async fn start(limits: Limits) -> Self {
        Self::serve(limits, routes()).await
    }

    #[expect(clippy::disallowed_methods, reason = "the server under test runs beside the test")]
    pub(crate) async fn serve(limits: Limits, router: Router) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(serve(listener, router, limits, async {
            let _ = stopped.await;
        }));
        Self { address, stop: Some(stop), running }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// One request on a connection of its own, and all that comes back until the server closes.
    pub(crate) async fn say(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    }

    pub(crate) fn tell_to_stop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
    }

    pub(crate) async fn stopped(self) {
        timeout(Duration::from_secs(5), self.running).await.expect("the server did not stop").unwrap();
    }
}

/// Reads until the other end closes; a reset is an end too.
pub(crate) async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let read = async {
        while let Ok(read @ 1..) = stream.read(&mut piece).await {
            bytes.extend_from_slice(&piece[..read]);
        }
    };
    timeout(Duration::from_secs(5), read).await.expect("the server did not close");
    String::from_utf8_lossy(&bytes).into_owned()
}
