//! Who may call: keys by their hash, and the caller that a key makes.
//!
//! Keys are random and long, so their SHA-256 is what is kept and looked up; no lookup and no comparison touches a key.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use backstop_domain::{
    application::{Application, Authority},
    id::ApiKeyId,
    purpose::Purpose,
};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};

/// Whoever called, and on whose word. The engine asks for it everywhere, so a door that forgot to ask does not compile.
#[derive(Clone)]
pub struct Caller {
    /// The application that the credential belongs to.
    pub application: Arc<Application>,
    /// What the credential may do.
    pub authority: Authority,
    /// The SHA-256 of the credential: tells callers apart without keeping it.
    pub credential: Credential,
    /// The person's address, where it is known: the peer of a public call.
    pub network: Option<IpAddr>,
    /// The page that a public call came from.
    pub origin: Option<String>,
    /// The purposes of the drop-in surface that the call came through. Such a caller is public; it may start these
    /// beside the application's public purposes, and check by recipient, since a surface's callers never learn an id.
    pub surface: Option<&'static [&'static str]>,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (application, authority) = (&self.application.name, self.authority);
        f.debug_struct("Caller")
            .field("application", application)
            .field("authority", &authority)
            .finish_non_exhaustive()
    }
}

impl Caller {
    /// Whether a code for `purpose` is this caller's to ask for. A surface opens its purposes to its own callers, not to
    /// publishable keys.
    pub(crate) fn may_start(&self, purpose: &Purpose) -> bool {
        !self.authority.is_public()
            || self.application.public_purposes.contains(purpose)
            || self.surface.is_some_and(|purposes| purposes.contains(&purpose.as_str()))
    }
}

/// The SHA-256 of a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Credential(pub [u8; 32]);

impl Credential {
    /// Hashes a key.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[credential]")
    }
}

/// What a key opens.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Whose it is.
    pub application: Arc<Application>,
    /// What it may do.
    pub authority: Authority,
    /// Its id, where it was made by command and not by configuration.
    pub key: Option<ApiKeyId>,
}

/// The keys that open.
#[derive(Debug, Default)]
pub struct Access {
    grants: RwLock<HashMap<Credential, Grant>>,
    changes: AtomicU64,
}

impl Access {
    /// Lets a key in.
    pub fn admit(&self, credential: Credential, grant: Grant) {
        let mut grants = self.grants.write();
        grants.insert(credential, grant);
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Shuts a key out from now on.
    pub fn revoke(&self, id: ApiKeyId) {
        let mut grants = self.grants.write();
        grants.retain(|_, grant| grant.key != Some(id));
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// To be taken before the keys are read that [`Access::keep_to`] gets.
    pub(crate) fn mark(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Of the keys made by command lets in exactly these; those of the configuration stay. Does nothing if a key was made
    /// or revoked here since `mark`: it would be undone.
    pub(crate) fn keep_to(&self, live: HashMap<Credential, Grant>, mark: u64) {
        let by_command = |grants: &HashMap<Credential, Grant>| {
            grants
                .iter()
                .filter(|(_, grant)| grant.key.is_some())
                .map(|(credential, _)| *credential)
                .collect()
        };
        let current: HashSet<Credential> = by_command(&self.grants.read());
        if current.len() == live.len() && live.keys().all(|credential| current.contains(credential)) {
            return;
        }
        let mut grants = self.grants.write();
        if self.mark() == mark {
            grants.retain(|credential, grant| grant.key.is_none() || live.contains_key(credential));
            for (credential, grant) in live {
                grants.entry(credential).or_insert(grant);
            }
        }
    }

    /// What `key` opens, if anything.
    pub fn grant(&self, key: &str) -> Option<(Credential, Grant)> {
        let credential = Credential::of(key);
        self.grants.read().get(&credential).map(|grant| (credential, grant.clone()))
    }
}
