//! Commands and the service: one JSON line each way over an owner-only socket beside the store.
//!
//! On SQLite the process that holds the store's lock is the only one that writes. A command asks it over the socket; if
//! nobody holds the lock, the command takes it and does the same work itself. So a command never writes behind the
//! service's back, and works whether or not it runs. On PostgreSQL a command is one more process on the store; running
//! nodes read what it changed.

pub(crate) mod acts;
mod doctor;
mod postgres;
pub mod protocol;
mod sqlite;
mod talk;
mod upkeep;

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use anyhow::Context;
use backstop_domain::ports::Tasks;
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

pub(crate) use postgres::no_backup;
pub(crate) use talk::Talk;
pub use upkeep::{migrate, move_store, restore};

use self::{
    acts::Seat,
    protocol::{ControlReply, ControlRequest, Refusal},
};
use crate::{
    config::Config,
    wiring::{self, Installation, socket_of},
};

/// The longest request line.
const LONGEST_LINE: u64 = 64 * 1024;
/// Commands that are answered at once; more wait.
const AT_ONCE: usize = 8;
/// The wait after the system had no socket for us.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the service waits for a command to say what it wants: one that is silent keeps no other out.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a command without a service waits for what it started.
const DRAIN: Duration = Duration::from_secs(30);

/// Has a request carried out, by the running service or, if there is none, here.
///
/// # Errors
/// If neither can: the store cannot be opened, or the service does not answer.
pub fn call(config: &Config, request: ControlRequest) -> anyhow::Result<ControlReply> {
    runtime()?.block_on(async {
        let service = match socket_of(config) {
            Some(path) => UnixStream::connect(path).await.ok(),
            None => None,
        };
        match service {
            Some(stream) => ask(stream, &request).await,
            None => alone(config, request).await,
        }
    })
}

async fn alone(config: &Config, request: ControlRequest) -> anyhow::Result<ControlReply> {
    let installation = wiring::open(config.clone()).await?;
    if request.routes() {
        installation.engine.catch_up().await?;
    }
    let reply = acts::carry_out(&installation, Seat::Alone, request).await;
    installation.tasks.drain(DRAIN).await;
    Ok(reply)
}

async fn ask(mut stream: UnixStream, request: &ControlRequest) -> anyhow::Result<ControlReply> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).await.context("asking the running service")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).await.context("hearing from the running service")?;
    serde_json::from_str(&answer)
        .context("the running service said something else than this version understands")
}

/// The service's end of the socket. Removed when dropped.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: std::path::PathBuf,
}

impl ControlSocket {
    /// Listens beside the store, if it is of the kind that one service holds. The lock is ours, so a socket that is there
    /// is a dead process's.
    pub(crate) fn bind(installation: &Installation) -> anyhow::Result<Option<Self>> {
        let Some(path) = installation.backing.socket() else { return Ok(None) };
        if path.exists() {
            fs::remove_file(&path).with_context(|| format!("the old socket {}", path.display()))?;
        }
        let listener = UnixListener::bind(&path).with_context(|| format!("the socket {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(Some(Self { listener, path }))
    }

    /// Answers commands until the future is dropped, several at once: whoever wants a provider off does not wait for a look
    /// at another that hangs.
    pub(crate) async fn answer(&self, installation: &Arc<Installation>) {
        let mut answering = FuturesUnordered::new();
        loop {
            let has_room = answering.len() < AT_ONCE;
            tokio::select! {
                accepted = self.listener.accept(), if has_room => match accepted {
                    Ok((stream, _)) => answering.push(answer_one(stream, installation)),
                    Err(error) => {
                        tracing::warn!(%error, "the control socket");
                        // Out of file descriptors, accepting fails at once and again: without a pause that is all we would do.
                        installation.tasks.sleep(PAUSE).await;
                    }
                },
                Some(answered) = answering.next() => {
                    if let Err(error) = answered {
                        tracing::debug!(%error, "a command went away");
                    }
                }
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // A socket that stays behind is removed by the next start.
        let _ = fs::remove_file(&self.path);
    }
}

async fn answer_one(stream: UnixStream, installation: &Arc<Installation>) -> anyhow::Result<()> {
    use tokio::io::AsyncReadExt;
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LONGEST_LINE));
    tokio::time::timeout(PATIENCE, reader.read_line(&mut line)).await.context("it said nothing")??;
    let reply = match serde_json::from_str(&line) {
        Ok(request) => acts::carry_out(installation, Seat::Service, request).await,
        Err(_) => refused("the request is of another version", Some("use the program that the service runs")),
    };
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    writer.write_all(&line).await?;
    Ok(())
}

fn refused(problem: impl Into<String>, fix: Option<&str>) -> ControlReply {
    ControlReply::Refused(Refusal { problem: problem.into(), fix: fix.map(str::to_owned) })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
