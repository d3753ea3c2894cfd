//! Mail through any SMTP server. RFC 5321, 6409, 8314, 3207, 4954, 3463.
//!
//! The guarantee: a message is said to be refused only while its final dot was not written; from then on silence is
//! `Unknown`. Without the TLS that was asked for nothing is sent, no credential either. Connections are kept and
//! bounded; a crash loses them and no more.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use backstop_domain::{
    channel::Channel,
    clock::Clock,
    outcome::{Outcome, Reason},
    ports::{
        Provider,
        provider::{Checkup, Message, NoticeMail, Sent},
    },
    secret::SecretString,
};
use lettre::transport::smtp::{authentication::Credentials, extension::ClientId};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use self::{
    mail::Sender,
    pool::Pool,
    target::{Security, Target},
    verdict::{Cause, Failure, Stage},
};
use crate::{
    address::is_loopback_host,
    email::{Mail, mailbox},
    redaction::Redaction,
    registry::{BuildError, Draft, Form, KeyInfo, KindInfo},
};

mod connection;
mod mail;
mod opening;
mod pool;
mod reply;
mod target;
mod verdict;
mod wire;

/// How many connections a provider has at most, unless told.
const CONNECTIONS: usize = 8;

/// The kind `smtp`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "smtp",
    channels: &[Channel::Email],
    summary: "mail through any SMTP server",
    paid: false,
    development_only: false,
    keys: &[
        KeyInfo::text("host", "the server's name, which its certificate must carry").required(),
        KeyInfo::of(Form::Number, "port", "587 for starttls, 465 for implicit, 25 for none, unless set"),
        KeyInfo::text("tls", "starttls (the default), implicit, or none"),
        KeyInfo::text("username", "the user, where the server wants one"),
        KeyInfo::secret("password", "the password of username"),
        KeyInfo::text("from", "the sender, as Acme <login@acme.example>").required(),
        KeyInfo::text("reply_to", "where answers go, if not to from"),
        KeyInfo::text("envelope_from", "where bounces go, if not to from"),
        KeyInfo::text("hello_name", "how this machine calls itself; its host name unless set"),
        KeyInfo::text("ca_file", "a PEM file with the authorities to trust instead of the public ones"),
        KeyInfo::of(Form::Number, "max_connections", "how many connections at once, 1 to 100; 8 unless set"),
    ],
    sample: r#"[[provider]]
name = "mail"
kind = "smtp"
channels = ["email"]
host = "smtp.acme.example"
port = 587
tls = "starttls"                      # starttls, implicit, none
username = "login@acme.example"
password_file = "/run/secrets/mail"
from = "Acme <login@acme.example>"
"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    tls: Security,
    username: Option<String>,
    password: Option<SecretString>,
    from: String,
    reply_to: Option<String>,
    envelope_from: Option<String>,
    hello_name: Option<String>,
    ca_file: Option<String>,
    max_connections: Option<usize>,
}

struct Smtp {
    name: String,
    sender: Sender,
    pool: Pool,
    secrets: Vec<SecretString>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    let config: Config = draft.read()?;
    let credentials = credentials(draft, &config)?;
    let from = mailbox(draft, "from", &config.from)?;
    let reply_to = config.reply_to.as_deref().map(|text| mailbox(draft, "reply_to", text)).transpose()?;
    let envelope =
        config.envelope_from.as_deref().map(|text| mailbox(draft, "envelope_from", text)).transpose()?;
    let connections = config.max_connections.unwrap_or(CONNECTIONS);
    if !(1..=100).contains(&connections) {
        return Err(draft.wrong("max_connections", "is not between 1 and 100", "8 is the usual value"));
    }
    if config.hello_name.as_ref().is_some_and(|name| !is_host_name(name)) {
        return Err(draft.wrong("hello_name", "is not a host name", "such as verify.acme.example"));
    }
    let hello = match config.hello_name {
        Some(name) => ClientId::Domain(name),
        None => match ClientId::default() {
            ClientId::Domain(name) if !is_host_name(&name) => ClientId::Domain("localhost".to_owned()),
            own => own,
        },
    };
    let target =
        Target::new(&config.host, config.port, config.tls, config.ca_file.as_deref(), hello, credentials)
            .map_err(|(key, problem, fix)| draft.wrong(key, problem, fix))?;
    Ok(Arc::new(Smtp {
        name: draft.config.name.clone(),
        sender: Sender { envelope: envelope.unwrap_or_else(|| from.clone()).email, from, reply_to },
        pool: Pool::new(target, connections, Arc::clone(&draft.shared.tasks)),
        secrets: config.password.into_iter().collect(),
        clock: Arc::clone(&draft.shared.clock),
        timeout: draft.config.timeout,
    }))
}

fn credentials(draft: &Draft<'_>, config: &Config) -> Result<Option<Credentials>, BuildError> {
    match (&config.username, &config.password) {
        (Some(_), Some(_)) if config.tls == Security::None && !is_loopback_host(&config.host) => {
            Err(draft.wrong("tls", "would send the password in the clear", "use starttls or implicit"))
        }
        (Some(user), Some(password)) => {
            Ok(Some(Credentials::new(user.clone(), password.expose().to_owned())))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(draft.wrong("password", "is missing", "set it beside username, or neither")),
        (None, Some(_)) => Err(draft.wrong("username", "is missing", "set it beside password, or neither")),
    }
}

fn is_host_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

impl Smtp {
    async fn sent(&self, mail: Option<Mail<'_>>) -> Sent {
        match self.hand_over(mail, Instant::now() + self.timeout).await {
            Ok(sent) => sent,
            Err(failure) => Sent::new(failure.outcome(), &failure.to_string()),
        }
    }

    async fn hand_over(&self, mail: Option<Mail<'_>>, deadline: Instant) -> Result<Sent, Failure> {
        let mail = mail
            .and_then(|mail| mail::compose(&self.sender, &mail, self.clock.now()))
            .ok_or(Failure { stage: Stage::Rcpt, cause: Cause::Unaddressable })?;
        let Ok(slot) = timeout_at(deadline, self.pool.slot()).await else {
            return Err(Failure { stage: Stage::Connect, cause: Cause::Busy });
        };
        let (mut connection, reused) = self.pool.take(deadline).await?;
        let mut answer = connection.send(&mail, deadline).await;
        if reused && answer.as_ref().is_err_and(Failure::was_stale) {
            // The server had hung up on an idle connection: nothing was said yet, so a new one may say it.
            connection = self.pool.open(deadline).await?;
            answer = connection.send(&mail, deadline).await;
        }
        self.pool.put_back(connection, answer.as_ref().err());
        drop(slot);
        let line = answer?;
        Ok(Sent::new(Outcome::Accepted { vendor_id: Some(mail.id) }, &line))
    }
}

#[async_trait]
impl Provider for Smtp {
    async fn send(&self, message: &Message) -> Sent {
        let sent = self.sent(Mail::of(message)).await;
        let sent = Redaction::of(message, &self.secrets).sent_by_us(sent);
        tracing::debug!(
            provider.name = self.name, attempt.id = %message.attempt, outcome = sent.outcome.as_str(),
            "handed over"
        );
        sent
    }

    async fn send_notice(&self, notice: &NoticeMail) -> Option<Sent> {
        let sent = self.sent(Mail::of_notice(notice)).await;
        Some(Redaction::of_notice(notice, &self.secrets).sent_by_us(sent))
    }

    async fn check_up(&self) -> Checkup {
        let deadline = Instant::now() + self.timeout;
        match self.pool.open(deadline).await {
            Ok(connection) => {
                let finding = format!("connected, {}", connection.described());
                self.pool.put_back(connection, None);
                Checkup { well: true, finding, fix: None }
            }
            Err(failure) => {
                let fix = match failure.outcome() {
                    Outcome::Rejected(rejection) if rejection.reason == Reason::Misconfigured => {
                        "check tls, ca_file, username and password"
                    }
                    _ => "check host and port, and the way out of this network",
                };
                let finding = Redaction::of_secrets(&self.secrets).text(&failure.to_string());
                Checkup { well: false, finding, fix: Some(fix.to_owned()) }
            }
        }
    }
}
