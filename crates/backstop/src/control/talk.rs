//! Several requests in a row, to the same one who carries them out: the running service, or an installation that is opened
//! once and stays open. On SQLite the latter keeps a service from starting, so a talk is short there.

use std::{path::PathBuf, time::Duration};

use backstop_domain::ports::Tasks;
use tokio::{net::UnixStream, runtime::Runtime};

use super::{
    acts::{self, Seat},
    ask,
    protocol::{ControlReply, ControlRequest},
    runtime,
};
use crate::{
    config::Config,
    runtime::TokioTasks,
    wiring::{self, Installation, socket_of},
};

/// See the module.
pub(crate) struct Talk {
    runtime: Runtime,
    partner: Partner,
}

enum Partner {
    /// The service at this socket.
    Service(PathBuf),
    /// We ourselves.
    Here { installation: Box<Installation>, others_write: bool },
}

impl Talk {
    /// Finds who carries requests out.
    ///
    /// # Errors
    /// If there is no service and the store cannot be opened.
    pub(crate) fn begin(config: &Config) -> anyhow::Result<Self> {
        let runtime = runtime()?;
        let socket = socket_of(config);
        let others_write = socket.is_none();
        let partner = runtime.block_on(async {
            match socket {
                Some(path) if UnixStream::connect(&path).await.is_ok() => Ok(Partner::Service(path)),
                _ => wiring::open(config.clone())
                    .await
                    .map(|opened| Partner::Here { installation: Box::new(opened), others_write }),
            }
        })?;
        Ok(Self { runtime, partner })
    }

    /// Has a request carried out.
    ///
    /// # Errors
    /// If the service does not answer.
    pub(crate) fn ask(&self, request: ControlRequest) -> anyhow::Result<ControlReply> {
        self.runtime.block_on(async {
            match &self.partner {
                Partner::Service(path) => ask(UnixStream::connect(path).await?, &request).await,
                Partner::Here { installation, .. } => {
                    Ok(acts::carry_out(installation, Seat::Alone, request).await)
                }
            }
        })
    }

    /// Whether anything can happen in the store that this talk does not do itself.
    pub(crate) fn others_write(&self) -> bool {
        match &self.partner {
            Partner::Service(_) => true,
            Partner::Here { others_write, .. } => *others_write,
        }
    }

    /// Waits a while.
    pub(crate) fn pause(&self, span: Duration) {
        self.runtime.block_on(TokioTasks::default().sleep(span));
    }
}
