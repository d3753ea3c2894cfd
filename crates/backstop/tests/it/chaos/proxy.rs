//! The network between a node and PostgreSQL, in the test's hands: it can be cut, it can hold everything up for a while,
//! and it can swallow one COMMIT.

use std::net::SocketAddr;

use crate::privacy::memmem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
};

/// The simple query that every transaction ends with, as it stands on the wire.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// Connections of an earlier generation end; while it is held nothing gets through, and nobody is told.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    generation: u64,
    held: bool,
    is_hungry: bool,
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
        let state = watch::Sender::new(State::default());
        let shared = state.clone();
        #[expect(clippy::disallowed_methods, reason = "a proxy of a test lives as long as its runtime")]
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, to, shared.clone()));
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

    /// Swallows the COMMIT of the next transaction that writes of a verification, and waits until that has happened. Whoever
    /// sent it hears nothing.
    pub(super) async fn swallow_a_commit(&self) {
        self.state.send_modify(|state| state.is_hungry = true);
        let mut told = self.state.subscribe();
        told.wait_for(|state| !state.is_hungry).await.unwrap();
    }

    /// Holds everything up from now on, or lets everything through again.
    pub(super) fn hold(&self, held: bool) {
        self.state.send_modify(|state| state.held = held);
    }
}

/// Carries bytes both ways until one side ends, or the connection is cut.
async fn carry(client: TcpStream, to: SocketAddr, state: watch::Sender<State>) {
    let mut told = state.subscribe();
    let mine = told.borrow().generation;
    // While PostgreSQL is away nobody answers, as it would be without a proxy.
    let Ok(server) = TcpStream::connect(to).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, &state) => {}
        () = pump(from_server, to_client, &state) => {}
        _ = told.wait_for(|state| state.generation != mine) => {}
    }
}

async fn pump(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, state: &watch::Sender<State>) {
    let (mut bytes, mut told) = (vec![0; 64 * 1024], state.subscribe());
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let Ok(now) = told.wait_for(|state| !state.held).await.map(|state| *state) else { return };
        let mut passing = &bytes[..count];
        let commit = memmem(passing, COMMIT).filter(|_| now.is_hungry && memmem(passing, b"ver_").is_some());
        passing = &passing[..commit.unwrap_or(count)];
        if to.write_all(passing).await.is_err() {
            return;
        }
        if commit.is_some() {
            state.send_modify(|state| state.is_hungry = false);
            return std::future::pending().await;
        }
    }
}
