//! One connection to PostgreSQL, with what every session here relies on.
//!
//! A session commits durably, waits for nothing without end, and holds locks only while somebody works. Each of these is
//! set or looked at before the first statement, whatever the server, the database or the role has for a default. A
//! process that freezes inside a transaction loses it, and its locks, after [`IDLE_IN_TRANSACTION`]; whoever waits for a
//! lock waits longer than that, so that a frozen neighbour is a pause and not an error.

use std::{fmt, time::Duration};

use backstop_domain::ports::store::StoreError;
use tokio::runtime::Handle;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use super::{settings::PostgresSettings, tls};

/// The oldest server that the statements here are written for.
const OLDEST: u32 = 15;
/// No statement of the service's own takes nearly as long.
const STATEMENT: Duration = Duration::from_secs(10);
/// Longer than [`IDLE_IN_TRANSACTION`].
const LOCK: Duration = Duration::from_secs(4);
/// A transaction is a few statements in one breath.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(2);

impl PostgresSettings {
    /// Whether what the server commits survives its own crash and a power cut: `fsync` and `full_page_writes` are on. Asks
    /// over a connection of its own.
    ///
    /// # Errors
    /// If the server cannot be reached, or is not one that the store runs on.
    pub async fn is_durable(&self) -> Result<bool, StoreError> {
        let question =
            "SELECT current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean";
        let client = connect(self).await?;
        let row = client.query_one(question, &[]).await;
        row.and_then(|row| row.try_get(0)).map_err(|error| unavailable(self, explain(&error)))
    }
}

const LOOK: &str = "SELECT current_setting('server_version_num'), current_setting('server_version'), \
                    current_setting('server_encoding'), current_setting('synchronous_commit')";

/// Opens a connection and drives it on the present tokio runtime until the client is dropped or the server goes.
pub(super) async fn connect(settings: &PostgresSettings) -> Result<Client, StoreError> {
    let each = settings.config.get_connect_timeout().copied().unwrap_or(STATEMENT);
    let hosts = u32::try_from(settings.config.get_hosts().len()).unwrap_or(u32::MAX);
    // The driver's own limit ends where the handshake begins.
    let limit = each.saturating_mul(hosts.saturating_add(1));
    match tokio::time::timeout(limit, greet(settings)).await {
        Ok(greeted) => greeted.map_err(|problem| unavailable(settings, problem)),
        Err(_) => Err(unavailable(settings, format!("no answer in {} s", limit.as_secs()))),
    }
}

async fn greet(settings: &PostgresSettings) -> Result<Client, String> {
    let connector = tls::connector(settings.tls, &settings.roots)?;
    let (client, connection) = settings.config.connect(connector).await.map_err(|error| explain(&error))?;
    // Ends with the client. What went wrong reaches whoever waits for an answer.
    Handle::current().spawn(connection);
    let found = client.simple_query(LOOK).await.map_err(|error| explain(&error))?;
    let told = |column| {
        found.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.try_get(column).ok().flatten(),
            _ => None,
        })
    };
    let [number, version, encoding, commit] = [0, 1, 2, 3].map(|column| told(column).unwrap_or_default());
    suits(number, version, encoding)?;
    client.batch_execute(&settle(commit)).await.map_err(|error| explain(&error))?;
    Ok(client)
}

/// Whether a server can keep our promises.
fn suits(number: &str, version: &str, encoding: &str) -> Result<(), String> {
    if number.parse().unwrap_or(0_u32) / 10_000 < OLDEST {
        return Err(format!("it is PostgreSQL {version}, and {OLDEST} or newer is needed"));
    }
    if encoding != "UTF8" {
        return Err(format!(
            "the database is in {encoding}, and UTF8 is needed: create it with ENCODING 'UTF8'"
        ));
    }
    Ok(())
}

/// What a session is set to. `remote_apply`, stronger than what we need, is left as it is.
fn settle(commit: &str) -> String {
    let commit = if commit == "remote_apply" { commit } else { "on" };
    format!(
        "SET synchronous_commit = {commit}; SET default_transaction_isolation = 'read committed'; \
         SET client_encoding = 'UTF8'; SET TimeZone = 'UTC'; SET statement_timeout = {}; SET lock_timeout = {}; \
         SET idle_in_transaction_session_timeout = {}",
        STATEMENT.as_millis(),
        LOCK.as_millis(),
        IDLE_IN_TRANSACTION.as_millis()
    )
}

/// The driver says what it was doing, its cause what was wrong.
fn explain(error: &Error) -> String {
    let mut text = match error.as_db_error() {
        Some(refusal) => return refusal.message().to_owned(),
        None => error.to_string(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text.replace("database does not allow writes", "it is a standby or read-only, and takes no writes")
        .replace("UnknownIssuer", "UnknownIssuer: sslrootcert must name the file of its authority")
}

fn unavailable(settings: &PostgresSettings, problem: impl fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("{settings}: {problem}"))
}

#[cfg(test)]
mod tests;
