//! The network between a node and PostgreSQL, in the test's hands: it can be cut, and it can swallow everything for a while.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
};

/// Connections of an earlier generation end; while it is held nothing gets through, and nobody is told.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    generation: u64,
    held: bool,
}

/// A running proxy.
pub(super) struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
}

impl Proxy {
    pub(super) async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, told) = watch::channel(State::default());
        #[expect(clippy::disallowed_methods, reason = "a proxy of a test lives as long as its runtime")]
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, to, told.clone()));
            }
        });
        Self { address, state }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection.
    pub(super) fn cut(&self) {
        self.state.send_modify(|state| state.generation += 1);
    }

    /// Swallows everything from now on, or lets everything through again.
    pub(super) fn hold(&self, held: bool) {
        self.state.send_modify(|state| state.held = held);
    }
}

/// Carries bytes both ways until one side ends, or the connection is cut.
async fn carry(client: TcpStream, to: SocketAddr, mut told: watch::Receiver<State>) {
    let mine = told.borrow().generation;
    // While PostgreSQL is away nobody answers, as it would be without a proxy.
    let Ok(server) = TcpStream::connect(to).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, told.clone()) => {}
        () = pump(from_server, to_client, told.clone()) => {}
        _ = told.wait_for(|state| state.generation != mine) => {}
    }
}

async fn pump(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, mut told: watch::Receiver<State>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if told.wait_for(|state| !state.held).await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
