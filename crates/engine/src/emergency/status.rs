//! How emergency access stands: whether it is on, whether its key must be replaced, and what waits.

use std::time::Duration;

use backstop_domain::{
    clock::Timestamp,
    emergency::{
        Emergency,
        request::{EmergencyRequest, RequestState},
        review::Use,
    },
    ports::StoreError,
    secret::SecretString,
};

use crate::Engine;

/// How far back requests are listed.
const LISTED: Duration = Duration::from_secs(86_400);

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyStatus {
    /// Whether a key is configured. What is owed of one that was is owed all the same.
    pub is_on: bool,
    /// For users of which roles it opens.
    pub roles: Vec<String>,
    /// From which networks; empty: from everywhere.
    pub networks: Vec<String>,
    /// Whether somebody else has to approve each use.
    pub needs_approval: bool,
    /// When somebody got in with the key that is configured; it must be replaced.
    pub key_used_at: Option<Timestamp>,
    /// Uses that nobody has reviewed, oldest first, and whether that is overdue.
    pub to_review: Vec<(Use, bool)>,
    /// When the way in was last tried,
    pub last_drill: Option<Timestamp>,
    /// and whether that is too long ago.
    pub is_drill_due: bool,
}

/// A request, as operators read it.
#[derive(Debug, Clone)]
pub struct RequestReport {
    /// In which application; `None`: one that is no longer configured.
    pub application: Option<String>,
    /// The request.
    pub request: EmergencyRequest,
    /// How it stands.
    pub state: RequestState,
    /// Why, where that can still be read.
    pub reason: Option<SecretString>,
}

fn texts(values: &[impl ToString]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

impl Engine {
    /// How it stands.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn emergency_status(&self) -> Result<EmergencyStatus, StoreError> {
        let emergency = self.emergency.as_ref();
        let used = self.noting(self.store.emergency_key_used().await)?;
        let used = used.filter(|used| emergency.is_some_and(|own| used.fingerprint == own.fingerprint()));
        let (ledger, now) = (self.emergency_ledger().await?, self.clock.now());
        let open = ledger.uses.iter().filter(|one| !one.is_reviewed);
        Ok(EmergencyStatus {
            is_on: emergency.is_some(),
            roles: emergency.map_or_else(Vec::new, |own| texts(own.roles())),
            networks: emergency.map_or_else(Vec::new, |own| texts(own.networks())),
            needs_approval: emergency.is_some_and(Emergency::needs_approval),
            key_used_at: used.map(|used| used.at),
            to_review: open.map(|one| (one.clone(), one.is_overdue(now))).collect(),
            last_drill: ledger.last_drill,
            is_drill_due: emergency.is_some() && ledger.is_drill_due(now),
        })
    }

    /// The requests of the last day, oldest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn emergency_requests(&self) -> Result<Vec<RequestReport>, StoreError> {
        let now = self.clock.now();
        let requests = self.noting(self.store.emergency_requests(now - LISTED).await)?;
        let ring = self.keyring();
        let name = |request: &EmergencyRequest| {
            let mut applications = self.applications();
            let found = applications.find(|application| application.id == request.application);
            found.map(|application| application.name.clone())
        };
        let report = |request: EmergencyRequest| RequestReport {
            application: name(&request),
            state: request.state(now),
            reason: request.open_reason(&ring).ok(),
            request,
        };
        Ok(requests.into_iter().map(report).collect())
    }
}
