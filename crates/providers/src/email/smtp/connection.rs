//! One open dialogue: a message at a time, each step bounded and each failure with its stage.

use std::io;

use lettre::{
    Address,
    transport::smtp::{
        self,
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Quit, Rcpt, Rset},
        response::Response,
    },
};
use tokio::time::{Instant, timeout_at};

use super::{
    mail::Composed,
    opening::PROBE,
    reply::Reply,
    target::Security,
    verdict::{Cause, Failure, Stage},
    wire::FinalDot,
};

/// An open connection, authenticated where asked.
pub(super) struct Connection {
    smtp: AsyncSmtpConnection,
    final_dot: FinalDot,
    security: Security,
    authenticated: bool,
    pub(super) carried: u32,
}

impl Connection {
    pub(super) fn new(
        smtp: AsyncSmtpConnection,
        final_dot: FinalDot,
        security: Security,
        authenticated: bool,
    ) -> Self {
        Self { smtp, final_dot, security, authenticated, carried: 0 }
    }

    /// Hands one message over: the server's last line.
    pub(super) async fn send(&mut self, mail: &Composed, deadline: Instant) -> Result<String, Failure> {
        self.carried += 1;
        self.final_dot.reset();
        let sender: Address = mail.sender.clone();
        step(Stage::Mail, deadline, self.smtp.command(Mail::new(Some(sender), Vec::new()))).await?;
        let recipient: Address = mail.recipient.clone();
        step(Stage::Rcpt, deadline, self.smtp.command(Rcpt::new(recipient, Vec::new()))).await?;
        let ready = step(Stage::Data, deadline, self.smtp.command(Data)).await?;
        if !ready.has_code(354) {
            return Err(Failure {
                stage: Stage::Data,
                cause: Cause::Lost("a reply out of order".to_owned()),
            });
        }
        let taken = step(Stage::Content, deadline, self.smtp.message(&mail.bytes)).await;
        let taken = taken.map_err(|failure| self.after_content(failure))?;
        if u16::from(taken.code()) / 100 != 2 {
            let cause = Cause::NoAnswer("a reply out of order".to_owned());
            return Err(Failure { stage: Stage::Content, cause });
        }
        Ok(line(&taken))
    }

    /// Silence after the final dot is another thing than before it.
    fn after_content(&self, failure: Failure) -> Failure {
        let cause = match failure.cause {
            Cause::Lost(text) if self.final_dot.is_written() => Cause::NoAnswer(text),
            Cause::TimedOut if self.final_dot.is_written() => Cause::NoAnswer("timed out".to_owned()),
            other => other,
        };
        Failure { cause, ..failure }
    }

    /// Whether the server still listens, with nothing left of the message before.
    pub(super) async fn is_ready(&mut self, deadline: Instant) -> bool {
        let soon = deadline.min(Instant::now() + PROBE);
        step(Stage::Mail, soon, self.smtp.command(Rset)).await.is_ok()
    }

    /// Says goodbye.
    pub(super) async fn quit(mut self) {
        let _ = step(Stage::Mail, Instant::now() + PROBE, self.smtp.command(Quit)).await;
    }

    /// What a check-up tells of it.
    pub(super) fn described(&self) -> &'static str {
        match (self.security, self.authenticated) {
            (Security::None, false) => "without TLS and without a user",
            (Security::None, true) => "without TLS, user accepted",
            (_, false) => "TLS verified, without a user",
            (_, true) => "TLS verified, user accepted",
        }
    }
}

/// Runs one command at a stage.
pub(super) async fn step<T>(
    stage: Stage,
    deadline: Instant,
    command: impl Future<Output = Result<T, smtp::Error>>,
) -> Result<T, Failure> {
    let error = match timeout_at(deadline, command).await {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error,
        Err(_) => return Err(Failure { stage, cause: Cause::TimedOut }),
    };
    let source = std::error::Error::source(&error);
    let cause = match (error.status(), source) {
        (Some(code), source) => {
            let text = source.map(ToString::to_string).unwrap_or_default();
            Cause::Refused(Reply { code: code.into(), text })
        }
        (None, Some(source)) => match source.downcast_ref::<io::Error>() {
            Some(error) => cause_of(error),
            None => Cause::Lost("the server does not answer as an SMTP server does".to_owned()),
        },
        (None, None) => Cause::Lost("the dialogue failed".to_owned()),
    };
    Err(Failure { stage, cause })
}

/// A bad certificate is ours to mend; anything else is the network's.
pub(super) fn cause_of(error: &io::Error) -> Cause {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(why)) => {
            Cause::Certificate(format!("the server's certificate is not good: {why:?}"))
        }
        Some(error) => Cause::Lost(error.to_string()),
        None => Cause::Lost(error.to_string()),
    }
}

fn line(response: &Response) -> String {
    let text: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), text.join(" "))
}
