//! Prints every message to standard output. Development only: it shows codes to whoever sees the terminal.
//!
//! The guarantee: `Accepted` once the lines were written. Nothing is kept.

use std::{io::Write as _, sync::Arc};

use async_trait::async_trait;
use backstop_domain::{
    channel::Channel,
    outcome::{Outcome, Reason},
    ports::{
        Provider,
        provider::{Checkup, Message, NoticeMail, Sent},
    },
};

use crate::registry::{BuildError, Draft, KindInfo};

/// The kind `console`.
pub(crate) const INFO: KindInfo = KindInfo {
    kind: "console",
    channels: &Channel::ALL,
    summary: "prints messages to standard output, for development",
    paid: false,
    development_only: true,
    keys: &[],
    sample: r#"[[provider]]
name = "console"
kind = "console"
channels = ["sms", "whatsapp", "email"]
"#,
    build,
};

struct Console {
    name: String,
}

/// Builds one.
pub(crate) fn build(draft: &Draft<'_>) -> Result<Arc<dyn Provider>, BuildError> {
    Ok(Arc::new(Console { name: draft.config.name.clone() }))
}

#[async_trait]
impl Provider for Console {
    async fn send(&self, message: &Message) -> Sent {
        let text = printable(message.text.expose());
        print(&format!(
            "--- {} by {} to {}, code {}\n{text}\n",
            message.channel,
            self.name,
            message.to.expose(),
            message.code.expose(),
        ))
    }

    async fn send_notice(&self, notice: &NoticeMail) -> Option<Sent> {
        let (to, subject, text) = (notice.to.expose(), &notice.subject, printable(&notice.text));
        Some(print(&format!("--- notice by {} to {to}, {subject}\n{text}\n", self.name)))
    }

    async fn check_up(&self) -> Checkup {
        Checkup { well: true, finding: "prints to standard output".to_owned(), fix: None }
    }
}

fn print(lines: &str) -> Sent {
    let mut out = std::io::stdout().lock();
    match out.write_all(lines.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Sent::new(Outcome::Accepted { vendor_id: None }, "printed"),
        Err(_) => Sent::new(Outcome::rejected(Reason::Unavailable), "standard output is closed"),
    }
}

/// Without control characters, which could repaint a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}
