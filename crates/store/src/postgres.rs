//! The store on PostgreSQL.

#[cfg_attr(not(test), expect(dead_code, reason = "the store that connects comes next"))]
mod connect;
mod settings;
mod tls;

pub use settings::PostgresSettings;
