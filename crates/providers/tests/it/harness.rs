//! What every test needs: a frozen clock, chance by seed, providers as the registry builds them, and a message.

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    application::ApplicationId,
    channel::Channel,
    clock::{ManualClock, Timestamp},
    code::Code,
    id::{AttemptId, Id},
    outcome::{Outcome, Reason, Scope},
    ports::{
        BoxFuture, Provider, Tasks,
        provider::{Links, Message, NoticeMail},
        random::SeededRandom,
    },
    receipt::AttemptReference,
    recipient::Recipient,
    secret::SecretString,
};
use backstop_providers::{
    DevInbox, HttpClient,
    registry::{BuildError, ProviderConfig, Shared, build},
};
use serde_json::Value;

use crate::vendors;

pub(crate) mod mailserver;
pub(crate) mod python;
pub(crate) mod vendor;

/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
pub(crate) const PHONE: &str = "+14155550123";
pub(crate) const EMAIL: &str = "asha.rao@example.com";
pub(crate) const CODE: &str = "482913";
pub(crate) const TEXT: &str = "Acme: your code is 482913.\n\nIt is good for 5 minutes. Never share it.";
pub(crate) const HTML: &str = "<p>Acme: your code is <b>482913</b>.</p><p>Never share it.</p>";
pub(crate) const VOICE_SECRET: &str = "canary-voice-secret-0a";
pub(crate) const TWILIO_TOKEN: &str = "canary-twilio-token-5f3a9c";
pub(crate) const TWILIO_VERIFY_TOKEN: &str = "canary-verify-token-8d21be";
pub(crate) const AWS_SECRET: &str = "canary-aws-secret-77aa01";
pub(crate) const AWS_TOKEN: &str = "canary-aws-session-19bb02";
pub(crate) const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const MAIL_PASSWORD: &str = "canary-mail-password-61cc03";

/// Tasks on the test's own runtime.
struct TestTasks;

impl Tasks for TestTasks {
    #[expect(clippy::disallowed_methods, reason = "this is the port's own implementation")]
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }

    fn compute(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }

    #[expect(clippy::disallowed_methods, reason = "this is the port's own implementation")]
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }
}

/// The same, in a world where every wait is over at once.
pub(crate) struct Sleepless;

impl Tasks for Sleepless {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        TestTasks.spawn(task);
    }

    fn compute(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }

    fn sleep(&self, _span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

pub(crate) fn shared() -> Shared {
    Shared {
        client: HttpClient::new().unwrap(),
        clock: Arc::new(ManualClock::at(NOW)),
        random: Arc::new(SeededRandom::new(7)),
        tasks: Arc::new(TestTasks),
        inbox: Some(Arc::new(DevInbox::new())),
    }
}

/// A provider's configuration; `settings` is an object.
pub(crate) fn config(kind: &str, settings: Value) -> ProviderConfig {
    let Value::Object(settings) = settings else { panic!("settings are an object") };
    let channels = match (kind, vendors::find(kind)) {
        (_, Some(vendor)) => vendor.channels.to_vec(),
        ("smtp", None) => vec![Channel::Email],
        _ => vec![Channel::Sms],
    };
    let dlt = vendors::find(kind).and_then(|vendor| vendor.dlt).map(|dlt| dlt());
    let (name, timeout) = (format!("{kind}-main"), Duration::from_secs(10));
    ProviderConfig { name, kind: kind.to_owned(), channels, timeout, dlt, settings }
}

/// What a provider over HTTP needs to reach a vendor at `base`.
pub(crate) fn settings(kind: &str, base: &str) -> Value {
    let vendor = vendors::find(kind).unwrap_or_else(|| panic!("{kind} does not speak HTTP"));
    (vendor.settings)(base)
}

pub(crate) fn try_build(kind: &str, settings: Value) -> Result<Arc<dyn Provider>, BuildError> {
    build(&config(kind, settings), &shared())
}

/// A provider over HTTP for a vendor at `base`, with this time-out.
pub(crate) fn provider(kind: &str, base: &str, timeout: Duration) -> Arc<dyn Provider> {
    build(&ProviderConfig { timeout, ..config(kind, settings(kind, base)) }, &shared()).unwrap()
}

/// Where people and vendors would reach us.
pub(crate) const PUBLIC_URL: &str = "https://verify.acme.example";
/// The secret part of an address for receipts.
pub(crate) const RECEIPTS_SECRET: &str = "c2VjcmV0LXBhcnQtMTIzNA";

/// The attempt of [`message`], as vendors give it back.
pub(crate) fn reference() -> AttemptReference {
    let random = SeededRandom::new(1);
    let (attempt, verification) = (Id::new(NOW, &random), Id::new(NOW, &random));
    AttemptReference { application: ApplicationId(1), verification, attempt }
}

pub(crate) fn message(channel: Channel, to: &str) -> Message {
    let reference = reference();
    let receipts = format!("{PUBLIC_URL}/receipts/main/{RECEIPTS_SECRET}?attempt={reference}");
    Message {
        attempt: reference.attempt,
        number: 2,
        verification: reference.verification,
        channel,
        to: Recipient::parse(to, None).unwrap(),
        code: Code::custom(CODE).unwrap(),
        brand: "Acme".into(),
        subject: "Your Acme code".into(),
        text: SecretString::new(TEXT),
        html: (channel == Channel::Email).then(|| SecretString::new(HTML)),
        locale: "en".into(),
        expires_in: Duration::from_secs(297),
        reference,
        links: Links {
            receipts: Some(receipts),
            voice: (channel == Channel::Voice)
                .then(|| SecretString::new(format!("{PUBLIC_URL}/voice/{reference}.{VOICE_SECRET}"))),
        },
    }
}

/// A mail without a code.
pub(crate) fn notice(to: &str) -> NoticeMail {
    NoticeMail {
        attempt: reference().attempt,
        notice: Id::new(NOW, &SeededRandom::new(2)),
        to: Recipient::parse(to, None).unwrap(),
        subject: "Acme: new device".into(),
        text: "A new device can now sign in.".into(),
        locale: "en",
    }
}

pub(crate) fn another_attempt() -> AttemptId {
    Id::new(NOW, &SeededRandom::new(3))
}

pub(crate) fn sms() -> Message {
    message(Channel::Sms, PHONE)
}

pub(crate) fn mail(to: &str) -> Message {
    message(Channel::Email, to)
}

/// An outcome in the words of the fixtures.
pub(crate) fn in_words(outcome: &Outcome) -> (String, Option<Scope>, Option<u64>) {
    let word = outcome.as_str().to_owned();
    match outcome {
        Outcome::Rejected(rejection) => {
            (word, Some(rejection.scope), rejection.retry_after.map(|span| span.as_secs()))
        }
        _ => (word, None, None),
    }
}

pub(crate) fn is(outcome: &Outcome, reason: Reason) -> bool {
    matches!(outcome, Outcome::Rejected(rejection) if rejection.reason == reason)
}

/// What must be in no answer, log line or `Debug`.
pub(crate) fn canaries() -> Vec<&'static str> {
    let ours =
        [CODE, &PHONE[1..], "4155550123", EMAIL, "asha.rao", "Never share it", VOICE_SECRET, MAIL_PASSWORD];
    let theirs = vendors::ALL.iter().flat_map(|vendor| vendor.secrets.iter().copied());
    ours.into_iter().chain(theirs).collect()
}

/// Fails if `text` holds a canary.
pub(crate) fn assert_clean(text: &str, what: &str) {
    for canary in canaries() {
        assert!(!text.contains(canary), "{what} holds {canary}:\n{text}");
    }
}
