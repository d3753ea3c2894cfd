//! Where the PostgreSQL server is and how to reach it, read from a URL in libpq's form.
//!
//! `postgres://user:password@host:5432/database?sslmode=verify-full`. What the URL cannot mean is refused by the
//! parameter's name; a parameter that nobody reads would be a promise that nobody keeps. Neither a refusal nor what
//! prints holds the password.

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use backstop_domain::secret::SecretString;
use percent_encoding::percent_decode_str;
use tokio_postgres::{
    Config,
    config::{Host, SslMode as Encryption, TargetSessionAttrs},
};

/// Connections for work, where nothing is said.
const CONNECTIONS: u32 = 8;
/// How long a host may take to let a connection in, where nothing is said.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A silent server is asked whether it lives after this long, then every second, three times.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(3);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
const KEEPALIVE_RETRIES: u32 = 3;
/// A server that confirms nothing of what was sent to it for this long is gone.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(6);
/// What the URL may say after the `?`.
const PARAMETERS: &str = "sslmode, sslrootcert, connect_timeout, application_name, host, port, user, dbname";

/// How to reach a PostgreSQL server.
#[derive(Clone)]
pub struct PostgresSettings {
    /// How many connections work is spread over.
    pub connections: u32,
    pub(super) config: Config,
    pub(super) tls: SslMode,
    pub(super) roots: Roots,
}

/// What is asked of TLS, in libpq's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SslMode {
    /// None.
    Disable,
    /// If the server offers it. Protects from nobody who is on the way.
    Prefer,
    /// Always; but the server is whoever answers, unless `sslrootcert` names its authority.
    Require,
    /// Always, with a certificate of a known authority, for whatever name.
    VerifyCa,
    /// Always, with a certificate of a known authority for the host's own name.
    VerifyFull,
}

/// Whose certificates count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those that browsers trust.
    Public,
    /// Those in a PEM file.
    File(PathBuf),
}

impl PostgresSettings {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it, in words that go on after "the URL" and hold nothing of its password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or("must begin with postgres:// or postgresql://")?;
        let (credentials, rest) = match rest.split_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        if rest.contains('@') {
            return Err("holds a second @: in a password, write it as %40".into());
        }
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let mut said = Said::default();
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            said.take(parameter)?;
        }

        let credentials = credentials.map_or(String::new(), |credentials| format!("{credentials}@"));
        let plain = format!("postgres://{credentials}{place}?{}", said.of_the_driver.join("&"));
        let mut config: Config = plain.parse().map_err(|error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            format!("cannot be read: {}", cause.unwrap_or_else(|| error.to_string()))
        })?;
        let hosts = config.get_hosts();
        if hosts.is_empty() {
            return Err("names no host".into());
        }
        if config.get_ports().len() > 1 && config.get_ports().len() != hosts.len() {
            return Err("must name one port, or one for each host".into());
        }
        let only_local = hosts.iter().all(|host| !matches!(host, Host::Tcp(_)));
        let (tls, roots) = said.tls(only_local)?;
        if config.get_application_name().is_none() {
            config.application_name("backstop");
        }
        config
            .connect_timeout(said.connect_timeout.unwrap_or(CONNECT_TIMEOUT))
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES)
            .tcp_user_timeout(TCP_USER_TIMEOUT)
            // Of several hosts the one that can be written; a standby is passed over.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .ssl_mode(match tls {
                SslMode::Disable => Encryption::Disable,
                SslMode::Prefer => Encryption::Prefer,
                SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Encryption::Require,
            });
        Ok(Self { connections: CONNECTIONS, config, tls, roots })
    }

    /// Whether the URL held a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Whether somebody on the way to the server could pose as it: it is not on this machine, and its certificate is not
    /// looked at.
    pub fn trusts_the_network(&self) -> bool {
        let elsewhere = |host: &Host| match host {
            Host::Tcp(name) if name == "localhost" => false,
            Host::Tcp(name) => !name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
            Host::Unix(_) => false,
        };
        self.tls < SslMode::VerifyCa && self.config.get_hosts().iter().any(elsewhere)
    }

    /// Takes a password that did not stand in the URL.
    pub fn set_password(&mut self, password: &SecretString) {
        self.config.password(password.expose());
    }
}

/// The parameters of a URL.
#[derive(Default)]
struct Said<'a> {
    sslmode: Option<SslMode>,
    sslrootcert: Option<String>,
    connect_timeout: Option<Duration>,
    of_the_driver: Vec<&'a str>,
}

impl<'a> Said<'a> {
    fn take(&mut self, parameter: &'a str) -> Result<(), String> {
        let (key, value) =
            parameter.split_once('=').ok_or("has something after the ? that is no parameter=value")?;
        match key {
            "sslmode" => {
                let mode = SslMode::parse(value).ok_or(
                    "has an sslmode that is none of disable, prefer, require, verify-ca, verify-full",
                )?;
                self.sslmode = Some(mode);
            }
            "sslrootcert" => {
                let path = percent_decode_str(value)
                    .decode_utf8()
                    .map_err(|_| "has an sslrootcert that is not UTF-8")?;
                self.sslrootcert = Some(path.into_owned());
            }
            "connect_timeout" => {
                let seconds = value.parse().ok().filter(|seconds| (1..=60).contains(seconds));
                let seconds = seconds.ok_or("has a connect_timeout that is not 1 to 60, in seconds")?;
                self.connect_timeout = Some(Duration::from_secs(seconds));
            }
            "application_name" | "host" | "port" | "user" | "dbname" => self.of_the_driver.push(parameter),
            "password" => return Err("holds the password after the ?: write it before the @".into()),
            other => return Err(unknown(other)),
        }
        Ok(())
    }

    /// As libpq: a named authority makes `require` check the chain, and public authorities, who vouch for anybody's
    /// server, are worth something only together with the name. Sockets of this machine have no TLS.
    fn tls(&self, only_local: bool) -> Result<(SslMode, Roots), String> {
        let public = self.sslrootcert.as_deref() == Some("system");
        let default = if public { SslMode::VerifyFull } else { SslMode::Prefer };
        let mode = self.sslmode.unwrap_or(default);
        if public && mode < SslMode::VerifyFull {
            return Err("has sslrootcert=system, which needs sslmode=verify-full".into());
        }
        let roots = match &self.sslrootcert {
            Some(path) if !public => Roots::File(path.into()),
            _ => Roots::Public,
        };
        Ok(match (mode, &roots) {
            _ if only_local => (SslMode::Disable, roots),
            (SslMode::Require, Roots::File(_)) => (SslMode::VerifyCa, roots),
            _ => (mode, roots),
        })
    }
}

impl SslMode {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// Names a parameter if it looks like one: what does not may be a piece of a password.
fn unknown(key: &str) -> String {
    let named =
        !key.is_empty() && key.len() <= 32 && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let key = if named { key } else { "after the ?" };
    format!("has a parameter {key} that is not known; there are {PARAMETERS}")
}

/// Without the password and the parameters: `postgres://backstop@db.internal:5432/backstop`.
impl fmt::Display for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = self.config.get_user() {
            write!(f, "{user}@")?;
        }
        let ports = self.config.get_ports();
        for (index, host) in self.config.get_hosts().iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) if name.contains(':') => write!(f, "{comma}[{name}]")?,
                Host::Tcp(name) => write!(f, "{comma}{name}")?,
                Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
            }
            if let Some(port) = ports.get(index).or(ports.first()) {
                write!(f, ":{port}")?;
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSettings")
            .field("server", &self.to_string())
            .field("tls", &self.tls)
            .field("roots", &self.roots)
            .field("connections", &self.connections)
            .finish()
    }
}

#[cfg(test)]
mod tests;
