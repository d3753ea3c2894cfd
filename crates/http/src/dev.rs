//! The development pages: the inbox that shows every code instead of sending it, and the switches that break the
//! pretend providers on purpose.
//!
//! The guarantee: nothing here exists unless the wiring hands over an [`Inbox`], which production never has. Every act
//! is a form that works without a module; the module adds a live view over one event stream. Nothing is written down:
//! a crash forgets messages and switches alike.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    routing::{get, post},
};
use backstop_domain::{clock::Timestamp, id::VerificationId, ports::Inbox};

mod act;
mod answer;
mod fate;
mod live;
mod message;
mod segment;
mod show;
mod switches;
#[cfg(test)]
pub(crate) mod tests;

pub use fate::Fate;

/// What the pages need of the engine.
#[async_trait]
pub trait Desk: Send + Sync {
    /// Starts a verification for what a person typed. `channel`: only that one. The error is a sentence for the person.
    async fn start(&self, to: &str, channel: Option<&str>) -> Result<(), String>;

    /// What became of a verification; `None` if it is not known.
    async fn fate(&self, id: VerificationId) -> Option<Fate>;

    /// The newest verifications, newest first, at most a dozen. The page shows those that no message has left for yet;
    /// without it, it shows messages alone.
    async fn newest(&self) -> Vec<(VerificationId, Fate)> {
        Vec::new()
    }

    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Where this service answers, such as `http://127.0.0.1:8080`, without a slash at the end.
    fn base_url(&self) -> String;

    /// Ends when the service stops: open event streams end with it, so that a shutdown need not wait for browsers.
    async fn closing(&self) {
        std::future::pending().await
    }
}

/// What the development pages show and act on.
#[derive(Clone)]
pub struct DevPages {
    /// The messages and the switches.
    pub inbox: Arc<dyn Inbox>,
    /// The engine.
    pub desk: Arc<dyn Desk>,
}

impl std::fmt::Debug for DevPages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DevPages")
    }
}

/// The development pages. Whoever mounts them guards them: loopback peers, our own origin.
pub fn router(pages: DevPages) -> Router {
    Router::new()
        .route("/dev/inbox", get(show::inbox))
        .route("/dev/inbox.json", get(show::inbox_json))
        .route("/dev/inbox/events", get(live::events))
        .route("/dev/outages.json", get(show::outages_json))
        .route("/dev/verifications/{id}", get(show::verification_json))
        .route("/dev/outage", post(act::outage))
        .route("/dev/clear", post(act::clear))
        .route("/dev/send", post(act::send))
        .with_state(pages)
}
