//! The running nodes, one row each, written anew about once a second and deleted when it is a day old.

use async_trait::async_trait;
use backstop_domain::{
    clock::Timestamp,
    keyring::Kid,
    ports::store::{NODE_IS_GONE_AFTER, NodeReport, Nodes, StoreError},
};

use super::PostgresStore;
use crate::{
    error::{Result, internal},
    fields::{Cells, Fields},
};

const TELL: &str = "INSERT INTO nodes (id, seen_at, newest_kid, open_breakers) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, newest_kid = excluded.newest_kid, \
     open_breakers = excluded.open_breakers";

const HEAR: &str = "SELECT id, seen_at, newest_kid, open_breakers FROM nodes \
     WHERE id <> $1 AND seen_at > $2 ORDER BY id";

const FORGET: &str = "DELETE FROM nodes WHERE seen_at < $1";
const KEPT_FOR: std::time::Duration = std::time::Duration::from_secs(86_400);

#[async_trait]
impl Nodes for PostgresStore {
    fn is_shared(&self) -> bool {
        true
    }

    async fn report(&self, own: NodeReport) -> std::result::Result<Vec<NodeReport>, StoreError> {
        self.run_at_once(Box::new(move |session| {
            Box::pin(async move {
                let breakers = serde_json::to_string(&own.open_breakers);
                let breakers = breakers.map_err(|error| internal(error.to_string()))?;
                let statements = [
                    session.prepare(TELL).await?,
                    session.prepare(FORGET).await?,
                    session.prepare(HEAR).await?,
                ];
                let [tell, forget, hear] = &statements;
                let (id, kid) = (own.node.to_string(), i64::from(own.newest_kid.0));
                let client = session.client();
                client.execute(tell, &[&id, &own.seen_at.as_millis(), &kid, &breakers]).await?;
                client.execute(forget, &[&(own.seen_at - KEPT_FOR).as_millis()]).await?;
                let since = (own.seen_at - NODE_IS_GONE_AFTER).as_millis();
                let others = client.query(hear, &[&id, &since]).await?;
                Ok(others.iter().filter_map(|row| readable(report(row))).collect())
            })
        }))
        .await
    }

    async fn probe(&self, now: Timestamp) -> std::result::Result<(), StoreError> {
        self.run_at_once(Box::new(move |session| {
            Box::pin(async move {
                let probe = "INSERT INTO meta (key, value) VALUES ('probed_at', $1) \
                             ON CONFLICT (key) DO UPDATE SET value = excluded.value";
                session.client().execute(probe, &[&now.as_millis().to_string()]).await?;
                Ok(())
            })
        }))
        .await
    }
}

/// What one node says in a way that this one cannot read must not keep the others from being heard.
fn readable(report: Result<NodeReport>) -> Option<NodeReport> {
    report.inspect_err(|error| tracing::warn!(%error, "a node's report cannot be read")).ok()
}

fn report(row: &impl Cells) -> Result<NodeReport> {
    let mut fields = Fields::of(row, "nodes", 1);
    Ok(NodeReport {
        node: fields.parsed("id")?,
        seen_at: fields.moment("seen_at")?,
        newest_kid: Kid(fields.take("newest_kid")?),
        open_breakers: fields.json_if_any("open_breakers")?.unwrap_or_default(),
    })
}
