//! The tables that move, and how to read them page by page along their keys.

use backstop_domain::ports::store::StoreError;
use rusqlite::{params_from_iter, types::Value};
use tokio_postgres::types::Type;

use crate::SqliteStore;

/// The tables that the target has no equal of.
pub(super) const PACES: &str = "paces";
pub(super) const SPEND_BOOKS: &str = "spend_books";
/// Rows in one page.
const PAGE: usize = 2000;

/// A table, alike in both databases but for the types of its columns.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// How many columns at the beginning are the key.
    key: usize,
    pub(super) columns: &'static [(&'static str, Type)],
}

/// Rows of one table.
pub(super) struct Page {
    pub(super) table: usize,
    pub(super) rows: Vec<Vec<Value>>,
}

impl Page {
    /// Everything was sent: without it what came is not whole.
    pub(super) const END: Self = Self { table: usize::MAX, rows: Vec::new() };
}

impl Table {
    /// The key of a row.
    pub(super) fn key_of(&self, row: &[Value]) -> Vec<Value> {
        row.iter().take(self.key).cloned().collect()
    }

    fn select(&self, goes_on: bool) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let key = names[..self.key].join(", ");
        let marks = vec!["?"; self.key].join(", ");
        let after = if goes_on { format!("WHERE ({key}) > ({marks})") } else { String::new() };
        format!("SELECT {} FROM {} {after} ORDER BY {key} LIMIT {PAGE}", names.join(", "), self.name)
    }
}

impl SqliteStore {
    /// The rows of a table that come after a key.
    pub(super) async fn page(
        &self,
        table: &'static Table,
        after: Option<Vec<Value>>,
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        self.read(move |connection| {
            let mut query = connection.prepare(&table.select(after.is_some()))?;
            let count = table.columns.len();
            let rows = query.query_map(params_from_iter(after.unwrap_or_default()), |row| {
                (0..count).map(|index| row.get(index)).collect::<rusqlite::Result<Vec<Value>>>()
            })?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
        })
        .await
    }
}

/// Every table whose rows outlive a minute. Of `meta` the fingerprints of the root key and of a used emergency key move; `audit_head` follows from `audit`; `paces` and `spend_books` become
/// rows of `buckets`.
pub(super) const TABLES: [Table; 28] = [
    Table { name: "meta", key: 1, columns: &[("key", Type::TEXT), ("value", Type::TEXT)] },
    Table {
        name: "keyring",
        key: 1,
        columns: &[
            ("kid", Type::INT8),
            ("key_use", Type::TEXT),
            ("wrapped", Type::BYTEA),
            ("created_at", Type::INT8),
        ],
    },
    Table {
        name: "applications",
        key: 1,
        columns: &[("id", Type::INT8), ("name", Type::TEXT), ("created_at", Type::INT8)],
    },
    Table {
        name: "api_keys",
        key: 1,
        columns: &[
            ("id", Type::TEXT),
            ("application_id", Type::INT8),
            ("authority", Type::TEXT),
            ("hash", Type::BYTEA),
            ("hint", Type::TEXT),
            ("created_at", Type::INT8),
            ("revoked_at", Type::INT8),
        ],
    },
    Table {
        name: "users",
        key: 2,
        columns: &[
            ("application_id", Type::INT8),
            ("id", Type::TEXT),
            ("created_at", Type::INT8),
            ("updated_at", Type::INT8),
            ("status", Type::TEXT),
            ("role", Type::TEXT),
            ("second_factor", Type::TEXT),
            ("profile", Type::TEXT),
        ],
    },
    Table {
        name: "user_lookups",
        key: 3,
        columns: &[
            ("application_id", Type::INT8),
            ("kind", Type::TEXT),
            ("hash", Type::BYTEA),
            ("user_id", Type::TEXT),
        ],
    },
    Table {
        name: "sessions",
        key: 2,
        columns: &[
            ("application_id", Type::INT8),
            ("id", Type::TEXT),
            ("user_id", Type::TEXT),
            ("expires_at", Type::INT8),
            ("body", Type::TEXT),
        ],
    },
    Table {
        name: "tries",
        key: 3,
        columns: &[
            ("application_id", Type::INT8),
            ("factor", Type::TEXT),
            ("subject", Type::TEXT),
            ("until", Type::INT8),
            ("body", Type::TEXT),
        ],
    },
    Table {
        name: "used_once",
        key: 2,
        columns: &[("application_id", Type::INT8), ("hash", Type::BYTEA), ("until", Type::INT8)],
    },
    Table { name: "operators", key: 1, columns: &[("id", Type::TEXT), ("body", Type::TEXT)] },
    Table {
        name: "operator_invitations",
        key: 1,
        columns: &[
            ("hash", Type::BYTEA),
            ("role", Type::TEXT),
            ("is_first", Type::BOOL),
            ("expires_at", Type::INT8),
        ],
    },
    Table { name: "emergency_requests", key: 1, columns: &[("id", Type::TEXT), ("body", Type::TEXT)] },
    Table {
        name: "verifications",
        key: 2,
        columns: &[
            ("application_id", Type::INT8),
            ("id", Type::TEXT),
            ("authority", Type::TEXT),
            ("created_at", Type::INT8),
            ("expires_at", Type::INT8),
            ("status", Type::TEXT),
            ("purpose", Type::TEXT),
            ("ladder", Type::TEXT),
            ("recipient", Type::BYTEA),
            ("masked", Type::TEXT),
            ("personal", Type::BYTEA),
            ("kid", Type::INT8),
            ("salt", Type::BYTEA),
            ("code_length", Type::INT4),
            ("code_alphabet", Type::TEXT),
            ("custom_code", Type::BYTEA),
            ("join_hash", Type::BYTEA),
            ("network", Type::BYTEA),
            ("locale", Type::TEXT),
            ("max_checks", Type::INT4),
            ("checks_used", Type::INT4),
            ("approved_at", Type::INT8),
            ("redeemed_at", Type::INT8),
            ("vendor_check", Type::TEXT),
            ("checking", Type::BYTEA),
            ("subject", Type::TEXT),
        ],
    },
    Table {
        name: "deliveries",
        key: 3,
        columns: &[
            ("application_id", Type::INT8),
            ("verification_id", Type::TEXT),
            ("id", Type::TEXT),
            ("created_at", Type::INT8),
            ("ladder", Type::TEXT),
            ("state", Type::TEXT),
            ("lease_holder", Type::TEXT),
            ("lease_until", Type::INT8),
            ("recipient", Type::BYTEA),
            ("network", Type::BYTEA),
            ("public", Type::BOOL),
            ("given_back", Type::BOOL),
        ],
    },
    Table {
        name: "attempts",
        key: 3,
        columns: &[
            ("application_id", Type::INT8),
            ("verification_id", Type::TEXT),
            ("id", Type::TEXT),
            ("number", Type::INT4),
            ("delivery_id", Type::TEXT),
            ("channel", Type::TEXT),
            ("provider", Type::TEXT),
            ("round", Type::INT4),
            ("state", Type::TEXT),
            ("outcome", Type::TEXT),
            ("rejection", Type::TEXT),
            ("vendor_id", Type::TEXT),
            ("vendor_response", Type::TEXT),
            ("price", Type::TEXT),
            ("started_at", Type::INT8),
            ("finished_at", Type::INT8),
            ("receipt", Type::TEXT),
            ("receipt_at", Type::INT8),
            ("decision", Type::TEXT),
        ],
    },
    Table {
        name: "checks",
        key: 3,
        columns: &[
            ("application_id", Type::INT8),
            ("verification_id", Type::TEXT),
            ("number", Type::INT4),
            ("at", Type::INT8),
            ("recipient", Type::BYTEA),
            ("public", Type::BOOL),
            ("charged", Type::BOOL),
            ("verdict", Type::TEXT),
        ],
    },
    Table {
        name: PACES,
        key: 2,
        columns: &[("provider", Type::TEXT), ("span", Type::INT8), ("book", Type::TEXT)],
    },
    Table {
        name: SPEND_BOOKS,
        key: 2,
        columns: &[("month", Type::TEXT), ("provider", Type::TEXT), ("book", Type::TEXT)],
    },
    Table {
        name: "reservations",
        key: 3,
        columns: &[
            ("application_id", Type::INT8),
            ("verification_id", Type::TEXT),
            ("attempt_id", Type::TEXT),
            ("provider", Type::TEXT),
            ("month", Type::TEXT),
            ("set_aside", Type::TEXT),
        ],
    },
    Table {
        name: "observations",
        key: 2,
        columns: &[("attempt", Type::TEXT), ("kind", Type::TEXT), ("at", Type::INT8), ("body", Type::TEXT)],
    },
    Table {
        name: "provider_switches",
        key: 1,
        columns: &[
            ("provider", Type::TEXT),
            ("enabled", Type::BOOL),
            ("monthly_spend_limit", Type::TEXT),
            ("changed_at", Type::INT8),
        ],
    },
    Table {
        name: "opt_outs",
        key: 3,
        columns: &[
            ("application_id", Type::INT8),
            ("recipient", Type::BYTEA),
            ("provider", Type::TEXT),
            ("at", Type::INT8),
        ],
    },
    Table {
        name: "open_attempts",
        key: 2,
        columns: &[
            ("provider", Type::TEXT),
            ("handle", Type::TEXT),
            ("application_id", Type::INT8),
            ("verification_id", Type::TEXT),
            ("attempt_id", Type::TEXT),
            ("at", Type::INT8),
        ],
    },
    Table {
        name: "notices",
        key: 2,
        columns: &[
            ("application_id", Type::INT8),
            ("id", Type::TEXT),
            ("kind", Type::TEXT),
            ("user_id", Type::TEXT),
            ("line", Type::TEXT),
            ("target", Type::TEXT),
            ("address", Type::BYTEA),
            ("masked", Type::TEXT),
            ("at", Type::INT8),
            ("sequence", Type::INT8),
            ("detail", Type::TEXT),
            ("state", Type::TEXT),
            ("tries", Type::INT4),
            ("due_at", Type::INT8),
            ("ended_at", Type::INT8),
            ("lease_holder", Type::TEXT),
            ("lease_until", Type::INT8),
        ],
    },
    Table {
        name: "stops",
        key: 2,
        columns: &[("recipient", Type::BYTEA), ("channel", Type::TEXT), ("at", Type::INT8)],
    },
    Table {
        name: "audit",
        key: 1,
        columns: &[
            ("seq", Type::INT8),
            ("at", Type::INT8),
            ("prev", Type::BYTEA),
            ("body", Type::TEXT),
            ("hash", Type::BYTEA),
        ],
    },
    Table {
        name: "audit_details",
        key: 1,
        columns: &[("seq", Type::INT8), ("user_id", Type::TEXT), ("sealed", Type::BYTEA)],
    },
    Table {
        name: "audit_checkpoints",
        key: 1,
        columns: &[
            ("seq", Type::INT8),
            ("at", Type::INT8),
            ("hash", Type::BYTEA),
            ("signing_key", Type::TEXT),
            ("signature", Type::BYTEA),
        ],
    },
];
