//! Emergency access: the master key that opens when no other way does.
//!
//! The key itself is kept nowhere: its SHA-256 is compared in constant time. It opens for users of some roles alone, optionally
//! from some networks alone. [`request`] is a use that somebody else has to approve first, [`review`] what is owed after it.

pub mod request;
pub mod review;

use std::{fmt, net::IpAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{clock::Timestamp, secret::SecretString, user::Role};

/// Characters of a reason.
const REASON: std::ops::RangeInclusive<usize> = 1..=500;

/// Whether a reason says something that can be kept and read: characters that a terminal only shows, and not just spaces.
pub fn is_reason(text: &str) -> bool {
    let shown = |c: char| c == '\n' || !c.is_control();
    REASON.contains(&text.chars().count()) && !text.trim().is_empty() && text.chars().all(shown)
}

/// Of a key that was used: which one, and when it last was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUsed {
    /// Names the key: [`Emergency::fingerprint`].
    pub fingerprint: String,
    /// When.
    pub at: Timestamp,
}

/// What holds for emergency access.
#[derive(Clone)]
pub struct Emergency {
    key: [u8; 32],
    roles: Vec<Role>,
    networks: Vec<IpNet>,
    approvals: u8,
}

impl Emergency {
    /// Keeps the key's hash. `networks` empty: from everywhere. `approvals` 2: an operator confirms each use.
    pub fn new(key: &SecretString, roles: Vec<Role>, networks: Vec<IpNet>, approvals: u8) -> Self {
        Self { key: Sha256::digest(key.expose().as_bytes()).into(), roles, networks, approvals }
    }

    /// Whether this is the key.
    pub fn opens(&self, key: &SecretString) -> bool {
        Sha256::digest(key.expose().as_bytes()).as_slice().ct_eq(&self.key).into()
    }

    /// Whether it opens for users of this role.
    pub fn serves(&self, role: &Role) -> bool {
        self.roles.contains(role)
    }

    /// Whether it opens from there. Where networks are named, an unknown address is none of them.
    pub fn admits(&self, address: Option<IpAddr>) -> bool {
        self.networks.is_empty()
            || address.is_some_and(|ip| self.networks.iter().any(|net| net.contains(&ip.to_canonical())))
    }

    /// For users of which roles it opens.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// From which networks; empty: from everywhere.
    pub fn networks(&self) -> &[IpNet] {
        &self.networks
    }

    /// Whether somebody else has to confirm each use.
    pub const fn needs_approval(&self) -> bool {
        self.approvals > 1
    }

    /// Names the key without telling it: what is kept of a key that was used.
    pub fn fingerprint(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(self.key)[..8])
    }
}

impl fmt::Debug for Emergency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emergency").field("roles", &self.roles).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_that_a_terminal_only_shows() {
        assert!(is_reason("SMS is down, incident 4711"));
        for bad in ["", "  ", "a\u{1b}[2J", &"x".repeat(501)] {
            assert!(!is_reason(bad), "{bad:?}");
        }
    }

    #[test]
    fn only_the_key_opens_and_only_from_where_it_may() {
        let key = SecretString::new("uS2pTq8m1kQvZ0c5xY7wAg");
        let nets = vec!["10.0.0.0/8".parse().unwrap()];
        let emergency = Emergency::new(&key, vec!["admin".parse().unwrap()], nets, 1);
        assert!(emergency.opens(&key));
        assert!(!emergency.opens(&SecretString::new("uS2pTq8m1kQvZ0c5xY7wAh")));
        assert!(emergency.admits(Some("::ffff:10.1.2.3".parse().unwrap())));
        assert!(!emergency.admits(Some("192.0.2.1".parse().unwrap())));
        assert!(!emergency.admits(None));
        assert!(emergency.serves(&"admin".parse().unwrap()) && !emergency.serves(&Role::default()));
    }
}
