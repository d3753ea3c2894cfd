//! Connections for everything that does not go through a lane: one act at a time on each, and the rest waits in line.

use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{
    PostgresSettings,
    session::{Line, Session, within},
};
use crate::error::{Result, ends_the_session, internal};

/// What is done on a connection. If it fails, whatever transaction it began is undone.
pub(crate) type Act<T> = Box<dyn for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, Result<T>> + Send>;

/// How long an act may take.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hurry {
    /// As long as an exchange with the server may: somebody waits.
    Caller,
    /// So too, but the act itself says of each exchange how long, because it has to tell them apart.
    Steps,
    /// As long as it takes: a migration, a move.
    None,
}

/// See the module.
pub(super) struct Pool {
    settings: PostgresSettings,
    idle: Mutex<Vec<Line>>,
    places: Semaphore,
}

impl Pool {
    /// A pool of at most `places` connections, made when they are first needed.
    pub(super) fn new(settings: PostgresSettings, places: u32) -> Self {
        let places = usize::try_from(places).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { settings, idle: Mutex::default(), places: Semaphore::new(places) }
    }

    /// Runs an act.
    pub(super) async fn run<T>(&self, hurry: Hurry, act: Act<T>) -> Result<T> {
        let place = async { self.places.acquire().await.map_err(|_| internal("the pool was closed").into()) };
        let _place = match hurry {
            Hurry::Caller | Hurry::Steps => within(place).await?,
            Hurry::None => place.await?,
        };
        let idle = self.idle.lock().pop();
        let mut line = idle.unwrap_or_else(|| Line::new(self.settings.clone()));
        let act = act(line.session().await?);
        let done = match hurry {
            Hurry::Caller => within(act).await,
            Hurry::Steps | Hurry::None => act.await,
        };
        if let Err(failure) = &done
            && (ends_the_session(failure) || !line.roll_back().await)
        {
            line.hang_up();
        }
        self.idle.lock().push(line);
        done
    }
}
