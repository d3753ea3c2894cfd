//! Writing the pages that arrive, in one transaction of the target.

use backstop_domain::{clock::Timestamp, ports::store::StoreError};
use rusqlite::types::Value;
use tokio::sync::mpsc;
use tokio_postgres::{
    binary_copy::BinaryCopyInWriter,
    types::{ToSql, Type},
};

use super::{
    TransferReport,
    memory::Remembered,
    tables::{PACES, Page, SPEND_BOOKS, TABLES, Table},
};
use crate::{
    PostgresStore,
    acts::nobody,
    error::{Result, internal},
    operators::KEY_USED,
    postgres::Session,
};

impl PostgresStore {
    /// Takes pages until the last, and commits.
    pub(super) async fn receive(
        &self,
        arriving: mpsc::Receiver<Page>,
        now: Timestamp,
    ) -> std::result::Result<TransferReport, StoreError> {
        self.run_long(Box::new(move |session| Box::pin(receive(session, arriving, now)))).await
    }
}

async fn receive(
    session: &mut Session,
    mut arriving: mpsc::Receiver<Page>,
    now: Timestamp,
) -> Result<TransferReport> {
    session.begin().await?;
    let limits = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
                  LOCK TABLE meta, verifications IN EXCLUSIVE MODE";
    session.client().batch_execute(limits).await?;
    let used: bool = session
        .client()
        .query_one("SELECT EXISTS (SELECT 1 FROM meta) OR EXISTS (SELECT 1 FROM applications)", &[])
        .await?
        .try_get(0)?;
    if used {
        return Err(internal("the target holds an installation already; name an empty database").into());
    }
    let mut counts = [0; TABLES.len()];
    let mut remembered = Remembered::at(now);
    loop {
        let Some(page) = arriving.recv().await else { return Err(internal("the source gave up").into()) };
        let Some(table) = TABLES.get(page.table) else { break };
        let rows: Vec<Vec<Value>> = page.rows.into_iter().filter(|row| moves(table, row)).collect();
        remembered.take(table, &rows)?;
        counts[page.table] += match table.name {
            PACES | SPEND_BOOKS => rows.len() as u64,
            _ => copy(session, table, &rows).await?,
        };
    }
    remembered.write(session).await?;
    settle(session, now).await?;
    session.commit().await?;
    Ok(TransferReport { tables: TABLES.iter().map(|table| table.name).zip(counts).collect() })
}

/// The writer's own marks are of no use in another database.
fn moves(table: &Table, row: &[Value]) -> bool {
    let moving = ["root_fingerprint", KEY_USED].map(|key| Value::Text(key.into()));
    table.name != "meta" || row.first().is_some_and(|key| moving.contains(key))
}

async fn copy(session: &Session, table: &Table, rows: &[Vec<Value>]) -> Result<u64> {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let types: Vec<Type> = table.columns.iter().map(|(_, kind)| kind.clone()).collect();
    let sql = format!("COPY {} ({}) FROM STDIN BINARY", table.name, names.join(", "));
    let sink = session.client().copy_in(&sql).await?;
    let writer = BinaryCopyInWriter::new(sink, &types);
    futures::pin_mut!(writer);
    for row in rows {
        let cells = row.iter().zip(&types).map(|(value, kind)| cell(value, kind, table.name));
        let cells: Vec<Box<dyn ToSql + Sync + Send>> = cells.collect::<Result<_>>()?;
        let cells: Vec<&(dyn ToSql + Sync)> = cells.iter().map(|cell| &**cell as _).collect();
        writer.as_mut().write(&cells).await?;
    }
    Ok(writer.finish().await?)
}

fn cell(value: &Value, kind: &Type, table: &str) -> Result<Box<dyn ToSql + Sync + Send>> {
    let unfit = || internal(format!("{table} holds a value that is not of its column's type"));
    Ok(match (value, kind.clone()) {
        (Value::Null, Type::TEXT) => Box::new(None::<String>),
        (Value::Null, Type::BYTEA) => Box::new(None::<Vec<u8>>),
        (Value::Null, Type::INT8) => Box::new(None::<i64>),
        (Value::Null, Type::BOOL) => Box::new(None::<bool>),
        (Value::Text(text), Type::TEXT) => Box::new(text.clone()),
        (Value::Blob(bytes), Type::BYTEA) => Box::new(bytes.clone()),
        (Value::Integer(number), Type::INT8) => Box::new(*number),
        (Value::Integer(number), Type::INT4) => Box::new(i32::try_from(*number).map_err(|_| unfit())?),
        (Value::Integer(number), Type::BOOL) => Box::new(*number != 0),
        _ => return Err(unfit().into()),
    })
}

/// The next application gets a number of its own, the audit log goes on where it ended, and every open delivery is anybody's;
/// what rests goes on resting.
async fn settle(session: &Session, now: Timestamp) -> Result<()> {
    let client = session.client();
    client
        .execute(
            "SELECT setval(pg_get_serial_sequence('applications', 'id'), greatest(max(id), 1)) FROM applications",
            &[],
        )
        .await?;
    client
        .execute(
            "UPDATE deliveries SET lease_until = least(created_at, $1) \
             WHERE lease_until IS NOT NULL AND lease_holder <> $2",
            &[&now.as_millis(), &nobody().to_string()],
        )
        .await?;
    client
        .execute(
            "UPDATE audit_head h SET seq = a.seq, hash = a.hash \
             FROM (SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1) a",
            &[],
        )
        .await?;
    // Plans and the planner's idea of the tables' sizes.
    client.batch_execute("ANALYZE verifications, deliveries, attempts, checks, buckets").await?;
    Ok(())
}
