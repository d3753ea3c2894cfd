//! What the database holds in the end, read from outside.

use serde::{Deserialize, de::DeserializeOwned};

use crate::harness::store::psql;

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
    pub(super) charged: bool,
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
    pub(super) fn read(url: &str) -> Self {
        Self {
            verifications: ask(
                url,
                "SELECT id, encode(recipient, 'hex') AS recipient, purpose, status, max_checks, checks_used, created_at, \
                 expires_at, approved_at, redeemed_at FROM verifications ORDER BY id",
            ),
            deliveries: ask(
                url,
                "SELECT id, verification_id AS verification, encode(recipient, 'hex') AS recipient, created_at, state \
                 FROM deliveries ORDER BY id",
            ),
            attempts: ask(
                url,
                "SELECT id, verification_id AS verification, delivery_id AS delivery, state FROM attempts ORDER BY id",
            ),
            checks: ask(
                url,
                "SELECT verification_id AS verification, encode(recipient, 'hex') AS recipient, number, at, charged, \
                 verdict FROM checks ORDER BY verification_id, number",
            ),
        }
    }
}

/// How many deliveries are still being worked on.
pub(super) fn open_deliveries(url: &str) -> u64 {
    psql(url, "SELECT count(*) FROM deliveries WHERE lease_until IS NOT NULL").trim().parse().unwrap()
}

fn ask<T: DeserializeOwned>(url: &str, sql: &str) -> Vec<T> {
    let text = psql(url, &format!("SELECT coalesce(json_agg(found), '[]') FROM ({sql}) AS found"));
    serde_json::from_str(&text).unwrap()
}
