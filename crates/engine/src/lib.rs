//! What the service does: start, check, deliver. Async, over ports only.
//!
//! An [`Engine`] holds the ports and offers the use cases, one file each in [`verify`]. Delivering goes on beside them in
//! [`deliver`]: every delivery is a task of its own, spawned through the `Tasks` port right after the commit that owed
//! it; what a crash left, recovery finds by its ended lease. [`nodes`] is the talk with other nodes on the same store,
//! and [`notify`] tells people and applications of security events.
//! Nothing here knows a database, a vendor or HTTP.

pub mod access;
pub mod accounts;
mod alarm;
pub mod audit;
pub mod deliver;
pub mod emergency;
pub mod factor;
pub mod health;
mod housekeeping;
mod idempotency;
mod learning;
pub mod manage;
mod nodes;
pub mod notify;
pub mod operators;
mod people;
mod report;
pub mod sign_in;
pub mod sms_backup;
pub mod users;
pub mod verify;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use backstop_domain::{
    application::Application,
    channel::Channel,
    clock::Timestamp,
    emergency::Emergency,
    id::NodeId,
    keyring::{Keyring, RootKey},
    ports::{BoxFuture, Clock, Random, Store, Tasks, Witness},
    price::Price,
    rule::Rule,
};
use parking_lot::RwLock;

pub use access::{Caller, Credential};
pub use idempotency::IdempotencyKey;
pub use report::{AttemptReport, VerificationReport};

use deliver::{ProviderSettings, routes::RouteTable, workload::Workload};

/// What an engine is made of.
pub struct Parts {
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Keeps the facts.
    pub store: Arc<dyn Store>,
    /// Runs tasks and lets time pass.
    pub tasks: Arc<dyn Tasks>,
    /// Keeps the audit log's checkpoints outside the store, where that is wanted.
    pub witness: Option<Arc<dyn Witness>>,
    /// The opened keyring.
    pub keyring: Keyring,
    /// What opens the keys that another node adds to it.
    pub root: RootKey,
    /// The applications, with the numbers that the store gave them.
    pub applications: Vec<Application>,
    /// The providers in the configured order.
    pub providers: Vec<ProviderSettings>,
    /// Which providers may be used for what; the first rule that says something wins.
    pub rules: Vec<Rule>,
    /// When another provider of a channel starts beside one that does not answer.
    pub hedge_after: Duration,
    /// How long a message that was taken may be silent, by channel, before another route is tried.
    pub escalate_after: BTreeMap<Channel, Duration>,
    /// What it costs if a person does not get in, for the ranking by conversion.
    pub lost_person: Option<Price>,
    /// How vendors and people reach us, without a slash at its end; `None` where nobody can from outside.
    pub public_url: Option<String>,
    /// The key that opens when nothing else does; `None`: emergency access is off.
    pub emergency: Option<Emergency>,
    /// Who is told of security events, and how.
    pub notices: notify::NoticeSettings,
    /// How long a verification is kept.
    pub retention: Duration,
    /// This run of the program: the holder of its leases.
    pub node: NodeId,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("node", &self.node).finish_non_exhaustive()
    }
}

/// The service: the ports it holds and the use cases over them.
pub struct Engine {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    store: Arc<dyn Store>,
    tasks: Arc<dyn Tasks>,
    witness: Option<Arc<dyn Witness>>,
    keyring: RwLock<Arc<Keyring>>,
    root: RootKey,
    applications: BTreeMap<String, Arc<Application>>,
    access: access::Access,
    routes: RouteTable,
    learning: learning::Learning,
    workload: Workload,
    nodes: nodes::Nodes,
    telling: notify::Telling,
    pulse: health::Pulse,
    in_progress: idempotency::InProgress,
    hedge_after: Duration,
    rules: Vec<Rule>,
    public_url: Option<String>,
    emergency: Option<Emergency>,
    retention: Duration,
    node: NodeId,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("node", &self.node).finish_non_exhaustive()
    }
}

impl Engine {
    /// Puts an engine together. Nothing runs until [`Engine::run`].
    pub fn new(parts: Parts) -> Arc<Self> {
        let applications =
            parts.applications.into_iter().map(|app| (app.name.clone(), Arc::new(app))).collect();
        Arc::new(Self {
            clock: parts.clock,
            random: parts.random,
            store: parts.store,
            tasks: parts.tasks,
            witness: parts.witness,
            keyring: RwLock::new(Arc::new(parts.keyring)),
            root: parts.root,
            applications,
            access: access::Access::default(),
            routes: RouteTable::new(parts.providers, parts.escalate_after),
            learning: learning::Learning::new(parts.lost_person),
            workload: Workload::default(),
            nodes: nodes::Nodes::default(),
            telling: notify::Telling::new(parts.notices),
            pulse: health::Pulse::default(),
            in_progress: idempotency::InProgress::default(),
            hedge_after: parts.hedge_after,
            rules: parts.rules,
            public_url: parts.public_url,
            emergency: parts.emergency,
            retention: parts.retention,
            node: parts.node,
        })
    }

    /// The present moment, as the engine sees it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub fn pause(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.tasks.sleep(span)
    }

    /// Lets time pass: `span`, and by chance up to a fifth more. What is done meanwhile is not seen by who measures the whole, however
    /// often a limit lets them.
    pub fn pause_about(&self, span: Duration) -> BoxFuture<'static, ()> {
        let mut bytes = [0; 2];
        self.random.fill(&mut bytes);
        let more = span / 5 * u32::from(u16::from_le_bytes(bytes)) / u32::from(u16::MAX);
        self.pause(span + more)
    }

    /// This run of the program.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The application of this name.
    pub fn application(&self, name: &str) -> Option<Arc<Application>> {
        self.applications.get(name).cloned()
    }

    /// Every application.
    pub fn applications(&self) -> impl Iterator<Item = &Arc<Application>> {
        self.applications.values()
    }

    /// Who may call.
    pub fn access(&self) -> &access::Access {
        &self.access
    }

    /// The providers and how they are.
    pub fn routes(&self) -> &RouteTable {
        &self.routes
    }

    fn keyring(&self) -> Arc<Keyring> {
        self.keyring.read().clone()
    }
}
