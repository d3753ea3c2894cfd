//! The vendor: takes every message at once, on a thread of its own, and notes when its first byte came.
//!
//! It answers 200 with nothing, which the `webhook` provider reads as accepted. What it keeps is the code, for the
//! checks that follow, and the moment, to be held against the moment when the start left the caller.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use anyhow::Context;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{connection, people};

/// A verification whose code has arrived.
#[derive(Debug)]
pub(crate) struct Coded {
    pub(crate) verification: String,
    pub(crate) code: String,
}

/// What the vendor knows.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Who was sent to.
    pub(crate) people: HashSet<u32>,
    /// Messages for somebody who had one: attempts that were repeated.
    pub(crate) again: u64,
    /// Messages with the moment of their first byte, since this was last taken away.
    pub(crate) arrivals: Vec<(u32, Instant)>,
    /// Codes that nobody has used.
    pub(crate) coded: Vec<Coded>,
}

/// A running vendor.
#[derive(Clone)]
pub(crate) struct Vendor {
    pub(crate) address: SocketAddr,
    ledger: Arc<Mutex<Ledger>>,
}

impl Vendor {
    /// Starts its thread.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let vendor = Self { address: listener.local_addr()?, ledger: Arc::default() };
        let ledger = vendor.ledger.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new()
            .name("vendor".into())
            .spawn(move || runtime.block_on(answer_all(listener, ledger)))?;
        Ok(vendor)
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer_all(listener: std::net::TcpListener, ledger: Arc<Mutex<Ledger>>) -> anyhow::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A connection that ends is the server's affair; a message that cannot be read is missed in the count.
        tokio::spawn(answer(stream, ledger.clone()));
    }
}

async fn answer(mut stream: TcpStream, ledger: Arc<Mutex<Ledger>>) -> anyhow::Result<()> {
    let mut buffer = Vec::with_capacity(4096);
    loop {
        buffer.clear();
        let mut first = None;
        let body = loop {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            first.get_or_insert_with(Instant::now);
            if let Some(head) = connection::end_of_head(&buffer) {
                let length = connection::content_length(&buffer[..head])?;
                if buffer.len() >= head + length {
                    break &buffer[head..head + length];
                }
            }
        };
        let body = std::str::from_utf8(body)?;
        let text = |name| connection::field(body, name).with_context(|| format!("a message without {name}"));
        let person = people::person(text("to")?).context("a message for nobody")?;
        let coded =
            Coded { verification: text("verification_id")?.to_owned(), code: text("code")?.to_owned() };
        {
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            if ledger.people.insert(person) {
                ledger.coded.push(coded);
                ledger.arrivals.extend(first.map(|first| (person, first)));
            } else {
                ledger.again += 1;
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    }
}
