//! No code, recipient, text or credential in a log line at any level, an answer or a `Debug`.

use std::{io::Write, sync::Arc, time::Duration};

use backstop_domain::{channel::Channel, ports::Provider};
use parking_lot::Mutex;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{
    self, EMAIL, MAIL_PASSWORD, TEXT,
    mailserver::MailServer,
    vendor::{Does, Vendor, answer},
};
use crate::vendors;

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_line_at_any_level_holds_the_code_the_recipient_or_a_credential() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    // Other tests met the same lines while nobody listened.
    tracing::callsite::rebuild_interest_cache();

    for vendor in vendors::ALL {
        let kind = vendor.kind;
        for channel in vendor.channels {
            let to = if *channel == Channel::Email { EMAIL } else { harness::PHONE };
            let repeated = json!({ "code": 21211, "message": format!("{TEXT} to {to} failed") }).to_string();
            for does in [
                Does::Answers(answer(400, &[], &repeated)),
                Does::Answers(answer(200, &[], &repeated)),
                Does::Answers("garbage".to_owned()),
                Does::Hangs,
                Does::Cuts,
            ] {
                let server = Vendor::start(does).await;
                let provider = harness::provider(kind, &server.base, Duration::from_millis(300));
                let sent = provider.send(&harness::message(*channel, to)).await;
                harness::assert_clean(&format!("{sent:?}"), kind);
            }
        }
        // A check-up carries no message, but credentials.
        let secret = vendor.secrets[0];
        let repeated = json!({ "code": 20003, "message": format!("{secret} is wrong") }).to_string();
        let server = Vendor::start(Does::Answers(answer(401, &[], &repeated))).await;
        let checkup = harness::provider(kind, &server.base, Duration::from_secs(5)).check_up().await;
        assert!(!checkup.well);
        harness::assert_clean(&format!("{checkup:?}"), kind);
    }
    for reply in
        ["250 2.0.0 Ok", "550 5.1.1 <asha.rao@example.com> unknown, password was canary-mail-password-61cc03"]
    {
        let server = MailServer::start([("rcpt".to_owned(), reply.to_owned())].into()).await;
        let settings = json!({
            "host": "127.0.0.1", "port": server.port, "tls": "none", "from": "login@acme.example",
            "username": "acme", "password": MAIL_PASSWORD,
        });
        let provider: Arc<dyn Provider> = harness::try_build("smtp", settings).unwrap();
        let (sent, checkup) = (provider.send(&harness::mail(EMAIL)).await, provider.check_up().await);
        harness::assert_clean(&format!("{sent:?} {checkup:?}"), "smtp");
    }

    drop(guard);
    let logged = String::from_utf8_lossy(&log.0.lock()).into_owned();
    assert!(
        logged.contains("TRACE") && logged.contains("handed over"),
        "the log was not listening:\n{logged}"
    );
    harness::assert_clean(&logged, "the log");
}

#[test]
fn a_message_prints_neither_code_nor_recipient_nor_text() {
    for message in [harness::sms(), harness::mail(EMAIL), harness::message(Channel::Voice, harness::PHONE)] {
        harness::assert_clean(&format!("{message:?}"), "Debug");
    }
}
