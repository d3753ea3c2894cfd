//! The port's [`Routing`], not yet kept by either store.

use async_trait::async_trait;
use backstop_domain::{
    clock::Timestamp,
    ports::store::{ProviderSwitch, Routing, StoreError, Usage},
    ranking::Observation,
    spend::SpendBook,
};

use crate::{PostgresStore, SqliteStore, error::internal};

fn not_yet<T>() -> Result<T, StoreError> {
    Err(internal("not yet"))
}

#[async_trait]
impl Routing for SqliteStore {
    async fn observe(
        &self,
        _mine: Vec<Observation>,
        _since: Timestamp,
        _now: Timestamp,
    ) -> Result<Vec<Observation>, StoreError> {
        not_yet()
    }

    async fn spending(&self, _now: Timestamp) -> Result<Vec<(String, SpendBook)>, StoreError> {
        not_yet()
    }

    async fn switches(&self) -> Result<Vec<ProviderSwitch>, StoreError> {
        not_yet()
    }

    async fn switch(&self, _switch: ProviderSwitch) -> Result<(), StoreError> {
        not_yet()
    }

    async fn usage(&self, _from: Timestamp, _to: Timestamp) -> Result<Vec<Usage>, StoreError> {
        not_yet()
    }
}

#[async_trait]
impl Routing for PostgresStore {
    async fn observe(
        &self,
        _mine: Vec<Observation>,
        _since: Timestamp,
        _now: Timestamp,
    ) -> Result<Vec<Observation>, StoreError> {
        not_yet()
    }

    async fn spending(&self, _now: Timestamp) -> Result<Vec<(String, SpendBook)>, StoreError> {
        not_yet()
    }

    async fn switches(&self) -> Result<Vec<ProviderSwitch>, StoreError> {
        not_yet()
    }

    async fn switch(&self, _switch: ProviderSwitch) -> Result<(), StoreError> {
        not_yet()
    }

    async fn usage(&self, _from: Timestamp, _to: Timestamp) -> Result<Vec<Usage>, StoreError> {
        not_yet()
    }
}
