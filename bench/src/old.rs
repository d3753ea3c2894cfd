//! Years of use in minutes: old verifications, written by plain SQL while the server is stopped.
//!
//! A model, which the server itself has started, sent and approved, is written again and again with its deliveries,
//! attempts and checks: other ids, other recipients, other moments, everything else as the server leaves it. The ids are
//! well-formed and of their time, and the rows go in by their order, as they would have.

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use tokio_postgres::NoTls;

/// Verifications that one statement writes.
const STEP: u64 = 250_000;
/// The youngest are three weeks old, the oldest eleven.
const YOUNGEST: Duration = Duration::from_secs(21 * 86_400);
const SPAN: Duration = Duration::from_secs(56 * 86_400);
/// The tables that a verification has rows in, the hub first.
const TABLES: [&str; 4] = ["verifications", "deliveries", "attempts", "checks"];

/// What differs between the two.
struct Dialect {
    columns: &'static str,
    numbers: &'static str,
    hash: &'static str,
}

const SQLITE: Dialect = Dialect {
    columns: "SELECT group_concat(name, ' ') FROM pragma_table_info('{}')",
    numbers: "(WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {to}) SELECT i FROM n) AS n",
    hash: "randomblob(length(t.recipient))",
};

const POSTGRES: Dialect = Dialect {
    columns: "SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns \
              WHERE table_name = '{}' AND table_schema = current_schema()",
    numbers: "generate_series({from}::bigint, {to}::bigint - 1) AS n(i)",
    hash: "substr(sha256(convert_to(n.i::text, 'UTF8')), 1, length(t.recipient))",
};

/// Fills a SQLite file.
pub(crate) fn fill_sqlite(file: &Path, count: u64) -> anyhow::Result<()> {
    let connection = rusqlite::Connection::open(file)?;
    // Nothing needs to survive a crash here; what the server does afterwards it does in its own way.
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;")?;
    let ask = |sql: &String| connection.query_row(sql, [], |row| row.get::<_, String>(0));
    let answers: Vec<String> = questions(&SQLITE).iter().map(ask).collect::<Result<_, _>>()?;
    for statement in statements(&SQLITE, &answers, count)? {
        connection.execute_batch(&statement).with_context(|| statement.clone())?;
    }
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// Fills a PostgreSQL database.
pub(crate) async fn fill_postgres(url: &str, count: u64) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let served = tokio::task::spawn_local(connection);
    client.batch_execute("SET synchronous_commit = off").await?;
    let mut answers = Vec::new();
    for question in questions(&POSTGRES) {
        answers.push(client.query_one(&question, &[]).await?.try_get(0)?);
    }
    for statement in statements(&POSTGRES, &answers, count)? {
        client.batch_execute(&statement).await.with_context(|| statement.clone())?;
    }
    // As autovacuum would have left them, so that it does not begin in the middle of a round.
    for table in TABLES {
        client.batch_execute(&format!("VACUUM (ANALYZE, FREEZE) {table}")).await?;
    }
    drop(client);
    Ok(served.await??)
}

/// What must be known: the columns of each table, and the model.
fn questions(dialect: &Dialect) -> Vec<String> {
    let mut questions: Vec<_> = TABLES.iter().map(|table| dialect.columns.replace("{}", table)).collect();
    questions.push(
        "SELECT application_id || ' ' || id FROM verifications WHERE status = 'approved' \
         ORDER BY id DESC LIMIT 1"
            .into(),
    );
    questions
}

/// Every statement, in its order.
fn statements(dialect: &Dialect, answers: &[String], count: u64) -> anyhow::Result<Vec<String>> {
    let (model, columns) = answers.split_last().context("nothing is known")?;
    let (application, model) = model.split_once(' ').context("no model")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let begin = now.saturating_sub(YOUNGEST + SPAN).as_millis();
    let step = SPAN.as_millis() / u128::from(count.max(1));
    let born = format!("({begin} + n.i * {step})");
    let mut all = Vec::new();
    for (table, columns) in TABLES.iter().zip(columns) {
        let names = columns.split(' ');
        let values: Vec<_> = names.clone().map(|column| value(table, column, &born, dialect.hash)).collect();
        let key = if *table == TABLES[0] { "id" } else { "verification_id" };
        let names = names.collect::<Vec<_>>().join(", ");
        for from in (0..count).step_by(usize::try_from(STEP)?) {
            let to = (from + STEP).min(count).to_string();
            let numbers = dialect.numbers.replace("{from}", &from.to_string()).replace("{to}", &to);
            all.push(format!(
                "INSERT INTO {table} ({names}) SELECT {} FROM {numbers} CROSS JOIN verifications AS m \
                 CROSS JOIN {table} AS t WHERE m.application_id = {application} AND m.id = '{model}' \
                 AND t.application_id = {application} AND t.{key} = '{model}'",
                values.join(", "),
            ));
        }
    }
    Ok(all)
}

/// What a copy has in a column.
fn value(table: &str, column: &str, born: &str, hash: &str) -> String {
    match column {
        "id" => id(
            match table {
                "verifications" => "ver",
                "deliveries" => "dlv",
                _ => "att",
            },
            born,
        ),
        "verification_id" => id("ver", born),
        "delivery_id" => id("dlv", born),
        "recipient" => hash.to_owned(),
        "at" => format!("t.at - m.created_at + {born}"),
        moment if moment.ends_with("_at") => format!("t.{moment} - m.created_at + {born}"),
        other => format!("t.{other}"),
    }
}

/// An id of the moment `born`: 48 bits of it in Crockford's base32, and where chance would be, the number.
fn id(prefix: &str, born: &str) -> String {
    let letter = |bits: &str| format!("substr('0123456789abcdefghjkmnpqrstvwxyz', ({bits}) + 1, 1)");
    let mut parts = vec![format!("'{prefix}_'")];
    parts.extend(
        [43, 38, 33, 28, 23, 18, 13, 8, 3]
            .map(|shift| letter(&format!("CAST(({born} >> {shift}) & 31 AS integer)"))),
    );
    parts.push(letter(&format!("CAST(({born} & 7) * 4 AS integer)")));
    parts.push("substr(CAST(10000000000000 + n.i AS text), 2)".into());
    parts.push("'0000000000000'".into());
    parts.join(" || ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_well_formed_and_of_their_time() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let at = |born: i64| -> String {
            let sql = format!("SELECT {} FROM (SELECT 7 AS i) AS n", id("ver", &born.to_string()));
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        // The bits of the moment as the program writes them.
        assert_eq!(at(1_800_000_000_123), "ver_06hhgq2gfc00000000000070000000000000");
        assert_eq!(at(0).len(), 40);
        assert!(at(1_799_999_999_999) < at(1_800_000_000_000));
    }
}
