//! The contract on PostgreSQL, and what only several nodes on one database can break.

use std::sync::{Arc, Mutex};

use backstop_domain::{clock::Timestamp, id::NodeId, ports::random::SeededRandom};
use backstop_store::{PostgresSettings, PostgresStore};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::{
    cluster::Cluster,
    setup::{self, Database, at, wait},
};

#[path = "contract/all.rs"]
mod contract;
mod migrations;
mod nodes;
mod people;
mod routing;

type World = setup::World<PostgresDatabase>;

/// A fresh database of the cluster that all tests share.
#[derive(Clone)]
pub(crate) struct PostgresDatabase {
    url: String,
    looker: Arc<Mutex<Looker>>,
}

/// A connection of another program's.
struct Looker {
    runtime: Runtime,
    client: Client,
}

impl Looker {
    fn new(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (client, connection) = runtime.block_on(tokio_postgres::connect(url, NoTls)).unwrap();
        runtime.spawn(connection);
        // Moments that are written without a zone mean the same on every machine.
        runtime.block_on(client.batch_execute("SET TimeZone = 'UTC'")).unwrap();
        Self { runtime, client }
    }
}

impl Database for PostgresDatabase {
    type Store = PostgresStore;

    const BYTES: &'static str = "bytea";

    fn create() -> Self {
        let url = Cluster::shared().database();
        Self { looker: Arc::new(Mutex::new(Looker::new(&url))), url }
    }

    fn open(&self, _now: Timestamp) -> PostgresStore {
        let settings = PostgresSettings::parse(&self.url).unwrap();
        wait(PostgresStore::open(&settings)).unwrap()
    }

    fn execute(&self, sql: &str) {
        let looker = self.looker.lock().unwrap();
        looker.runtime.block_on(looker.client.batch_execute(sql)).unwrap();
    }

    fn refuses(&self, sql: &str) -> bool {
        let looker = self.looker.lock().unwrap();
        looker.runtime.block_on(looker.client.batch_execute(sql)).is_err()
    }

    fn lift_the_guards(&self) {
        self.execute(
            "ALTER TABLE audit DISABLE TRIGGER USER; ALTER TABLE audit_checkpoints DISABLE TRIGGER USER",
        );
    }

    fn tables_with(&self, text: &str) -> Vec<String> {
        self.texts(&format!(
            "SELECT table_name FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' \
             AND query_to_xml(format('SELECT * FROM %I', table_name), true, false, '')::text LIKE '%{text}%' \
             ORDER BY table_name"
        ))
    }

    fn number(&self, sql: &str) -> i64 {
        self.texts(sql)[0].parse().unwrap()
    }
}

impl PostgresDatabase {
    /// The first column of what a query answers.
    fn texts(&self, sql: &str) -> Vec<String> {
        let looker = self.looker.lock().unwrap();
        let answer = looker.runtime.block_on(looker.client.simple_query(sql)).unwrap();
        let first = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        answer.iter().filter_map(first).collect()
    }
}

impl World {
    /// Another node on the same database, with the same keys and ids of its own.
    fn another(&self) -> Self {
        let random = SeededRandom::new(8);
        Self {
            store: self.database.open(at(0)),
            ring: self.ring.clone(),
            node: NodeId::new(at(0), &random),
            random,
            limits: self.limits.clone(),
            database: self.database.clone(),
        }
    }
}
