//! Several nodes on one store: what they tell each other, and what follows from it.
//!
//! About twice a second a node reports the newest key that it has loaded and the breakers that it holds open by what itself
//! has seen, and reads what the other running nodes say. A key that another one added is loaded, and used for new work
//! once every running node has it. API keys made or revoked at another node open or shut here. A store that does not
//! answer changes nothing: what was heard last stays. A node that dies is not heard any more, and nobody waits for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use backstop_domain::{
    clock::Timestamp,
    ports::{
        StoreError,
        store::{ApiKey, NodeReport},
    },
};
use futures::future;
use parking_lot::Mutex;

use crate::{Credential, Engine, access::Grant};

/// How often a node reports; whatever it says has reached every other after twice this.
const REPORT_EVERY: Duration = Duration::from_millis(400);
/// How often all keys are looked at though nobody is there who could have added or ended one.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is known of the other running nodes.
#[derive(Debug)]
pub(crate) struct Nodes {
    alone: AtomicBool,
    silent: AtomicBool,
    look_due: Mutex<Timestamp>,
}

impl Default for Nodes {
    fn default() -> Self {
        Self {
            alone: AtomicBool::new(true),
            silent: AtomicBool::new(false),
            look_due: Mutex::new(Timestamp::default()),
        }
    }
}

impl Nodes {
    /// Whether no other node runs.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone.load(Ordering::Acquire)
    }

    /// Whether it is time to look at all keys again.
    fn look_is_due(&self, now: Timestamp) -> bool {
        let mut due = self.look_due.lock();
        let is_due = now >= *due;
        if is_due {
            *due = now + LOOK_EVERY;
        }
        is_due
    }
}

impl Engine {
    /// Announces this node to the others, loads what keys they added, and takes those into use that all have. To be called
    /// before the first call is answered, and after keys were added here.
    ///
    /// # Errors
    /// If the store does not answer, or holds a key that does not open.
    pub async fn meet(&self) -> Result<(), StoreError> {
        // In this order a rotation elsewhere either knows of this node and waits for it, or is in the ring that is read.
        self.report_to_others().await?;
        self.load_ring().await?;
        self.report_to_others().await?;
        self.load_api_keys().await
    }

    pub(crate) async fn meet_forever(self: Arc<Self>) {
        while !self.workload.is_stopping() {
            let met = self.meet_once().await;
            let was_silent = self.nodes.silent.swap(met.is_err(), Ordering::AcqRel);
            if let (Err(error), false) = (met, was_silent) {
                tracing::warn!(%error, "the other nodes cannot be heard");
            }
            let pause = if self.store.is_shared() { REPORT_EVERY } else { LOOK_EVERY };
            future::select(self.tasks.sleep(pause), self.workload.stopped()).await;
        }
    }

    async fn meet_once(&self) -> Result<(), StoreError> {
        let somebody_is_ahead = self.report_to_others().await?;
        let look = self.nodes.look_is_due(self.clock.now());
        if look || somebody_is_ahead {
            self.load_ring().await?;
        }
        if look || !self.nodes.is_alone() {
            self.load_api_keys().await?;
        }
        Ok(())
    }

    /// Reports, and draws the consequences of what the others report. Says whether one of them has a newer key.
    async fn report_to_others(&self) -> Result<bool, StoreError> {
        let newest_kid = self.keyring().newest();
        let own = NodeReport {
            node: self.node,
            seen_at: self.clock.now(),
            newest_kid,
            open_breakers: self.routes.seen_open(),
        };
        let others = self.store.report(own).await?;
        self.nodes.alone.store(others.is_empty(), Ordering::Release);
        self.routes.hear(&others, self.clock.now());
        // What was loaded while the report was on its way waits for the next one: a node that came in between may not
        // have it.
        let loaded_by_all = others.iter().map(|other| other.newest_kid).fold(newest_kid, Ord::min);
        let mut ring = self.keyring.write();
        let active = ring.active_up_to(loaded_by_all);
        if active.newest_active() != ring.newest_active() {
            tracing::info!(key.id = active.newest_active().0, "new codes, seals and tokens take another key");
            *ring = Arc::new(active);
        }
        Ok(others.iter().any(|other| other.newest_kid > newest_kid))
    }

    /// Loads the keys that were added to the ring. New work does not take them yet.
    pub(crate) async fn load_ring(&self) -> Result<(), StoreError> {
        let wrapped = self.store.ring().await?;
        let newest = wrapped.iter().map(|entry| entry.kid).max();
        if newest <= Some(self.keyring().newest()) {
            return Ok(());
        }
        let loaded = self.root.open_ring(&wrapped);
        let loaded = loaded.map_err(|error| StoreError::Internal(format!("the keyring: {error}")))?;
        let mut ring = self.keyring.write();
        if loaded.newest() > ring.newest() {
            *ring = Arc::new(loaded.active_up_to(ring.newest_active()));
        }
        Ok(())
    }

    /// Opens and shuts what was made and revoked at other nodes.
    async fn load_api_keys(&self) -> Result<(), StoreError> {
        let mark = self.access.mark();
        let live = self.store.keys().await?.into_iter().filter(|key| key.revoked_at.is_none());
        let grant = |key: ApiKey| {
            let mut applications = self.applications();
            let application = applications.find(|application| application.id == key.application)?.clone();
            Some((Credential(key.hash), Grant { application, authority: key.authority, key: Some(key.id) }))
        };
        self.access.keep_to(live.filter_map(grant).collect(), mark);
        Ok(())
    }
}
