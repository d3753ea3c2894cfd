//! What a well-behaved client would not do: requests written byte by byte, and the database read from outside.

use std::{process::Command, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Program, Store,
    store::{ask_postgres, psql},
};

/// A request that is never whole is cut off by the server after ten seconds; ours are whole, or refused at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes a whole request to a socket of its own and gives back everything that comes, head and all.
pub(crate) async fn say(program: &Program, request: &[u8]) -> String {
    let address = program.url("").trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answer = Vec::new();
    // A server that has heard enough may close before it has read all.
    if stream.write_all(request).await.is_ok() {
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status in an answer's first line; 0 if there was none.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Runs a query on the database from outside, beside the running program: one array per row.
pub(crate) fn query(program: &Program, sql: &str) -> Vec<Vec<Value>> {
    if let Store::Postgres(url) = program.store() {
        return ask_postgres(url, sql);
    }
    let script = "import json, sqlite3, sys\n\
                  base = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True, timeout=10)\n\
                  print(json.dumps(base.execute(sys.argv[2]).fetchall(), default=lambda blob: blob.hex()))";
    let output =
        Command::new("python3").args(["-c", script]).arg(program.database()).arg(sql).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// How many rows a table has.
pub(crate) fn rows(program: &Program, table: &str) -> u64 {
    query(program, &format!("SELECT count(*) FROM {table}"))[0][0].as_u64().unwrap()
}

/// Changes rows from outside, beside the running program, as an act of the service would.
pub(crate) fn execute(program: &Program, sql: &str) {
    if let Store::Postgres(url) = program.store() {
        psql(url, sql);
        return;
    }
    let script = "import sqlite3, sys\n\
                  base = sqlite3.connect(sys.argv[1], timeout=10)\n\
                  base.execute(sys.argv[2])\n\
                  base.commit()";
    let output =
        Command::new("python3").args(["-c", script]).arg(program.database()).arg(sql).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
