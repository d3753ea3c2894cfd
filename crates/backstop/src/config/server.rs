//! `[server]`: where to listen, what the service is called from outside, and whose word counts about addresses.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::Deserialize;

use super::{error::ConfigError, profile::Profile, read::Section};

/// What the section can say.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerSection {
    listen: String,
    public_url: Option<String>,
    trusted_proxies: Vec<String>,
    support_phone: Option<String>,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            public_url: None,
            trusted_proxies: Vec::new(),
            support_phone: None,
        }
    }
}

/// The listener and what people see of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// How the service is reached from outside, without a slash at the end; `None`: as it listens.
    pub public_url: Option<String>,
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// The number that people call when they cannot get in; it stands in messages.
    pub support_phone: Option<String>,
}

pub(crate) fn resolve(
    section: &Section<'_>,
    profile: Profile,
    warnings: &mut Vec<String>,
) -> Result<Server, ConfigError> {
    let said: ServerSection = section.read()?;
    let listen: SocketAddr = said.listen.parse().map_err(|_| {
        section.wrong("listen", "must be an IP address and a port", "listen = \"127.0.0.1:8080\"")
    })?;
    if profile == Profile::Development && !listen.ip().is_loopback() {
        return Err(section.wrong(
            "listen",
            "must be a loopback address in development",
            "listen = \"127.0.0.1:8080\", or profile = \"production\"",
        ));
    }
    let public_url = said.public_url.map(|url| public_url(section, &url)).transpose()?;
    if profile == Profile::Production
        && let Some(url) = &public_url
        && url.starts_with("http://")
        && !is_local(url)
    {
        warnings.push("server.public_url is not https: codes and keys would travel in the clear".into());
    }
    let trusted_proxies = said.trusted_proxies.iter().map(|text| {
        backstop_http::trusted_proxy(text).ok_or_else(|| {
            let finding = "holds something that is neither an address nor a network";
            section.wrong("trusted_proxies", finding, "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]")
        })
    });
    let is_number = |text: &String| {
        (3..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || b"+-() ".contains(&b))
    };
    if said.support_phone.as_ref().is_some_and(|text| !is_number(text)) {
        let finding = "is not a telephone number as people write one";
        return Err(section.wrong("support_phone", finding, "support_phone = \"+91-80-5550-0100\""));
    }
    let trusted_proxies = trusted_proxies.collect::<Result<_, _>>()?;
    Ok(Server { listen, public_url, trusted_proxies, support_phone: said.support_phone })
}

fn public_url(section: &Section<'_>, url: &str) -> Result<String, ConfigError> {
    let bare = url.trim_end_matches('/');
    let host = bare.strip_prefix("https://").or_else(|| bare.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['?', '#', '@', ' ']) => Ok(bare.to_owned()),
        _ => Err(section.wrong(
            "public_url",
            "must be the http or https address that people reach, without a query",
            "public_url = \"https://verify.example.com\"",
        )),
    }
}

/// Whether a URL names this very machine.
fn is_local(url: &str) -> bool {
    let host = url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
