//! A client of Backstop and what it may do.

use std::{collections::BTreeMap, fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{
    channel::Channel,
    code::{Alphabet, CodeForm},
    limit::Limits,
    purpose::Purpose,
    recipient::Region,
    sign_in::SignInPolicy,
    template::Templates,
    verification::Verification,
};
use std::time::Duration;

/// The number that the store gave an application; the first part of every key in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApplicationId(pub i64);

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// How codes are made and judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodePolicy {
    /// Length and alphabet of a code.
    pub form: CodeForm,
    /// How long a code lives.
    pub ttl: Duration,
    /// How many checks one verification takes.
    pub max_checks: u32,
}

impl Default for CodePolicy {
    fn default() -> Self {
        Self {
            form: CodeForm { length: 6, alphabet: Alphabet::Digits },
            ttl: Duration::from_secs(600),
            max_checks: 3,
        }
    }
}

/// A client of Backstop: its policy and its texts. Its keys live beside it, hashed.
#[derive(Debug, Clone)]
pub struct Application {
    /// The store's number.
    pub id: ApplicationId,
    /// The name in the configuration.
    pub name: String,
    /// The name in messages.
    pub brand: String,
    /// How codes are made and judged.
    pub codes: CodePolicy,
    /// Limits by recipient, network, application.
    pub limits: Limits,
    /// The ladder when a start names none.
    pub ladder: Vec<Channel>,
    /// The weakest channel that may carry each purpose; a purpose not named takes [`Application::default_floor`].
    pub floors: BTreeMap<Purpose, Channel>,
    /// The floor of purposes without their own.
    pub default_floor: Channel,
    /// Where a number without `+` is read as a national form.
    pub default_region: Option<Region>,
    /// Numbering regions that may be sent to; `None`: all.
    pub countries: Option<Vec<Region>>,
    /// Origins that a publishable key may be used from.
    pub origins: Vec<String>,
    /// Purposes that a publishable key may start.
    pub public_purposes: Vec<Purpose>,
    /// Channels that a publishable key may use; `None`: the ladder's.
    pub public_channels: Option<Vec<Channel>>,
    /// Whether public calls without `Origin` are taken, as native apps send them.
    pub native_apps: bool,
    /// Providers that serve this application, by name in order; `None`: all, in the configured order.
    pub providers: Option<Vec<String>>,
    /// Message texts.
    pub templates: Templates,
    /// How its people sign in.
    pub sign_in: SignInPolicy,
}

impl Application {
    /// The weakest channel that may carry `purpose`.
    pub fn floor(&self, purpose: &Purpose) -> Channel {
        self.floors.get(purpose).copied().unwrap_or(self.default_floor)
    }
}

/// On whose word a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// A secret key: the application itself.
    Secret,
    /// A publishable key: whoever has the page open.
    Public,
}

impl Authority {
    /// Whether a verification is this caller's to read, check and resend: an application's are all its own, a page's only
    /// those that pages started.
    pub fn may_see(self, verification: &Verification) -> bool {
        !self.is_public() || verification.authority.is_public()
    }

    /// Whether the caller may use only the public share of budgets.
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Public)
    }
}

/// What network limits count: an IPv4 address, or an IPv6 /64.
pub fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The network of an address, for people to read and for rows to keep: the IPv4 /24, the IPv6 /48.
pub fn masked_network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_is_one_bucket_whatever_the_host_part() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("203.0.113.9"), network("::ffff:203.0.113.9"));
        assert_eq!(network("2001:db8:1:2:aaaa::1"), network("2001:db8:1:2:bbbb::2"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }
}
