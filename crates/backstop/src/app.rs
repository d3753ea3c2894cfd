//! The service with its doors open: what `serve` runs, and what tests start too.

use std::{future, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use backstop_domain::{event::Actor, operator::OperatorRole};
use backstop_engine::emergency::EmergencyStatus;
use backstop_http::{Compat, DevPages, Doors, FleetflowSurface, SmartfinSurface, router, server};
use tokio::net::TcpListener;

use crate::{
    config::{Config, Profile, compat::Surface},
    control::{ControlSocket, acts},
    desk::DevelopmentDesk,
    wiring::{self, Installation},
};

/// How long a shutdown waits for what was sent to be answered.
const DRAIN: Duration = Duration::from_secs(30);

/// A service that listens. Nothing is answered until [`App::run`].
pub struct App {
    installation: Arc<Installation>,
    listener: TcpListener,
    address: SocketAddr,
    socket: Option<ControlSocket>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("address", &self.address).finish_non_exhaustive()
    }
}

impl App {
    /// Opens everything and binds the listener.
    ///
    /// # Errors
    /// If the store, the root key, a provider or the address cannot be had.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let listen = config.server.listen;
        let installation = Arc::new(wiring::open(config).await?);
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("cannot listen on {listen}\n  fix: stop what listens there, or set server.listen")
        })?;
        let address = listener.local_addr()?;
        let socket = ControlSocket::bind(&installation)?;
        Ok(Self { installation, listener, address, socket })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the store was made just now.
    pub fn is_new(&self) -> bool {
        self.installation.is_new
    }

    /// The link that makes the first operator, while there is none.
    pub async fn first_operator_link(&self) -> Option<String> {
        let engine = &self.installation.engine;
        let made = async {
            match engine.operators().await?.is_empty() {
                true => engine.invite_operator(OperatorRole::Owner, Actor::System).await.map(Some),
                false => Ok(None),
            }
        };
        let token = match made.await {
            Ok(invited) => invited?.token,
            Err(error) => {
                tracing::warn!(%error, "whether there are operators cannot be read");
                return None;
            }
        };
        let configured = self.installation.config.server.public_url.clone();
        let url = configured.unwrap_or_else(|| format!("http://{}", self.address));
        Some(acts::operators::link(&url, token.expose()))
    }

    /// Says so if somebody got in with the master key that is configured.
    pub async fn warn_of_used_key(&self) {
        match self.installation.engine.emergency_status().await {
            Ok(EmergencyStatus { key_used_at: Some(at), .. }) => {
                tracing::warn!(
                    emergency.used_at = at.to_rfc3339(),
                    "the emergency master key was used: replace it"
                );
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "whether the emergency key was used cannot be read"),
        }
    }

    /// Serves until `shutdown` ends; then takes no new calls, finishes those that came, and waits for what was sent.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
        let Self { installation, listener, address, socket } = self;
        installation.engine.run();
        let router = router(doors(&installation, address));
        let engine = installation.engine.clone();
        let stopping = async move {
            shutdown.await;
            tracing::info!("stopping: no new calls, what was sent is waited for");
            engine.stop();
        };
        tokio::select! {
            () = server::serve(listener, router, server::Limits::default(), stopping) => {}
            () = answer_commands(socket.as_ref(), &installation) => {}
        }
        if !installation.tasks.drain(DRAIN).await {
            tracing::warn!("some deliveries were still in work; the next start takes them over");
        }
        installation.engine.leave().await;
        Ok(())
    }
}

/// Answers commands until the future is dropped, where there is a socket for them.
async fn answer_commands(socket: Option<&ControlSocket>, installation: &Arc<Installation>) {
    match socket {
        Some(socket) => socket.answer(installation).await,
        None => future::pending().await,
    }
}

fn doors(installation: &Arc<Installation>, address: SocketAddr) -> Doors {
    let config = &installation.config;
    let engine = installation.engine.clone();
    let public_url = config.server.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let dev = installation.inbox.clone().and_then(|inbox| {
        let desk = Arc::new(DevelopmentDesk::new(engine.clone(), format!("http://{address}"))?);
        Some(DevPages { inbox, desk })
    });
    let ready = engine.clone();
    Doors {
        engine,
        profile: match config.profile {
            Profile::Development => backstop_http::Profile::Development,
            Profile::Production => backstop_http::Profile::Production,
        },
        public_url,
        trusted_proxies: config.server.trusted_proxies.clone(),
        compat: Compat {
            async_otp: installation.surface(Surface::AsyncOtp),
            fleetflow: installation.surface(Surface::Fleetflow).map(|application| FleetflowSurface {
                application,
                answer_after: config.compat.answer_after,
                support_phone: config.server.support_phone.clone(),
            }),
            smartfin: installation.surface(Surface::Smartfin).map(|application| SmartfinSurface {
                application,
                loose_purpose: config.compat.loose_purpose,
            }),
        },
        dev,
        ready: Arc::new(move || ready.is_ready()),
    }
}
