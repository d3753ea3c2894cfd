//! What the database holds in the end, read from outside.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::harness::{
    Program,
    raw::{query, rows},
};

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Verification {
    pub(super) id: String,
    pub(super) recipient: String,
    pub(super) purpose: String,
    pub(super) status: String,
    pub(super) max_checks: i64,
    pub(super) checks_used: i64,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
    pub(super) approved_at: Option<i64>,
    pub(super) redeemed_at: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Delivery {
    pub(super) id: String,
    pub(super) verification: String,
    pub(super) recipient: String,
    pub(super) created_at: i64,
    pub(super) state: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Attempt {
    pub(super) id: String,
    pub(super) verification: String,
    pub(super) delivery: String,
    pub(super) state: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Check {
    pub(super) verification: String,
    pub(super) recipient: String,
    pub(super) number: i64,
    pub(super) at: i64,
    pub(super) charged: u8,
    pub(super) verdict: String,
}

/// Every row that a promise is about, in the order of their making.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) verifications: Vec<Verification>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) checks: Vec<Check>,
}

impl Rows {
    pub(super) fn read(program: &Program) -> Self {
        let verifications = "SELECT id, recipient, purpose, status, max_checks, checks_used, created_at, expires_at, \
                             approved_at, redeemed_at FROM verifications ORDER BY id";
        let deliveries =
            "SELECT id, verification_id, recipient, created_at, state FROM deliveries ORDER BY id";
        let attempts = "SELECT id, verification_id, delivery_id, state FROM attempts ORDER BY id";
        let checks = "SELECT verification_id, recipient, number, at, CASE WHEN charged THEN 1 ELSE 0 END, verdict \
                      FROM checks ORDER BY verification_id, number";
        Self {
            verifications: ask(program, verifications),
            deliveries: ask(program, deliveries),
            attempts: ask(program, attempts),
            checks: ask(program, checks),
        }
    }
}

/// How many deliveries are still being worked on.
pub(super) fn open_deliveries(program: &Program) -> u64 {
    rows(program, "deliveries WHERE lease_until IS NOT NULL")
}

/// A row is read by the order of its columns.
fn ask<T: DeserializeOwned>(program: &Program, sql: &str) -> Vec<T> {
    let rows = query(program, sql).into_iter();
    rows.map(|row| serde_json::from_value(Value::Array(row)).unwrap()).collect()
}
