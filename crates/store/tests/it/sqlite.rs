//! The contract on SQLite files, and what only this store promises.

use std::path::PathBuf;

use backstop_domain::clock::Timestamp;
use backstop_store::SqliteStore;

use crate::setup::{self, Database};

#[path = "contract/all.rs"]
pub(crate) mod contract;
mod leases;
mod migrations;
mod rebuilt;
mod views;

type World = setup::World<SqliteFile>;

/// A file in a temporary folder.
pub(crate) struct SqliteFile {
    folder: tempfile::TempDir,
}

impl SqliteFile {
    fn path(&self) -> PathBuf {
        self.folder.path().join("data/backstop.db")
    }

    fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

impl Database for SqliteFile {
    type Store = SqliteStore;

    const BYTES: &'static str = "blob";

    fn create() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn open(&self, now: Timestamp) -> SqliteStore {
        SqliteStore::open(&self.path(), now).unwrap()
    }

    fn execute(&self, sql: &str) {
        self.sql().execute(sql, []).unwrap();
    }

    fn refuses(&self, sql: &str) -> bool {
        self.sql().execute(sql, []).is_err()
    }

    fn lift_the_guards(&self) {
        let sql = self.sql();
        let mut query = sql.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
        let names = query.query_map([], |row| row.get(0)).unwrap();
        let names: Vec<String> = names.map(Result::unwrap).collect();
        for name in names {
            sql.execute(&format!("DROP TRIGGER {name}"), []).unwrap();
        }
    }

    fn tables_with(&self, text: &str) -> Vec<String> {
        let sql = self.sql();
        let strings = |query: &str| -> Vec<String> {
            let mut query = sql.prepare(query).unwrap();
            query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let mut tables = strings("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
        tables.retain(|table| {
            let columns = strings(&format!("SELECT name FROM pragma_table_info('{table}')"));
            columns.iter().any(|column| {
                let query = format!("SELECT 1 FROM {table} WHERE instr(CAST({column} AS TEXT), ?1) > 0");
                sql.prepare(&query).unwrap().exists([text]).unwrap()
            })
        });
        tables
    }

    fn number(&self, sql: &str) -> i64 {
        self.sql().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

impl World {
    fn path(&self) -> PathBuf {
        self.database.path()
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.database.folder.path().join(name)
    }

    /// A connection of another program's, to look at the rows.
    fn sql(&self) -> rusqlite::Connection {
        self.database.sql()
    }
}
