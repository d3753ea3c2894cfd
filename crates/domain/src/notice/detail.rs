//! What a notice tells beside its kind: only what cannot harm whom it is about, if somebody else reads it.
//!
//! Numbers and addresses of people are masked as they are put in, networks are cut to the part that many share, and a device's
//! name, which a stranger may have chosen, loses whatever a mail program could make a link of. There is no other way in.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{application::masked_network, recipient::Recipient};

/// The longest that a name is told.
const LONGEST: usize = 60;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Detail {
    #[serde(skip_serializing_if = "Option::is_none")]
    factor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    codes_left: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<u64>,
}

impl Detail {
    /// Which way in: `totp`, `passkey`. A word of ours.
    #[must_use]
    pub fn with_factor(self, factor: &'static str) -> Self {
        Self { factor: Some(factor.to_owned()), ..self }
    }

    /// Which device, by the name that somebody gave it.
    #[must_use]
    pub fn with_device(self, name: &str) -> Self {
        let device = Some(plain(name)).filter(|name| !name.is_empty());
        Self { device, ..self }
    }

    /// From where: the IPv4 /24 or the IPv6 /48.
    #[must_use]
    pub fn with_network(self, from: IpAddr) -> Self {
        Self { network: Some(masked_network(from)), ..self }
    }

    /// The number or address that it is about, masked.
    #[must_use]
    pub fn with_address(self, address: &Recipient) -> Self {
        Self { address: Some(address.masked()), ..self }
    }

    /// How many backup codes are left.
    #[must_use]
    pub fn with_codes_left(self, left: u32) -> Self {
        Self { codes_left: Some(left), ..self }
    }

    /// How many tries failed in [`crate::factor::failures::WINDOW`].
    #[must_use]
    pub fn with_failures(self, failures: u64) -> Self {
        Self { failures: Some(failures), ..self }
    }

    /// What there is, with its name for people, in the order in which a mail says it.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&'static str, String)> {
        [
            ("Way to sign in", self.factor.clone()),
            ("Device", self.device.clone()),
            ("Address", self.address.clone()),
            ("Backup codes left", self.codes_left.map(|left| left.to_string())),
            ("Network", self.network.clone()),
            ("Failed tries in ten minutes", self.failures.map(|failures| failures.to_string())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

/// A name as one line of letters, digits and a few signs. Without dots, slashes and `@` nothing in it looks like an address.
fn plain(name: &str) -> String {
    let harmless = |c: char| c.is_alphanumeric() || " -_()'+,".contains(c);
    let text: String = name.chars().map(|c| if harmless(c) { c } else { ' ' }).take(LONGEST).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
