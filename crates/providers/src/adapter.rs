//! What a vendor over HTTP is: pure functions, joined here to the one client that does the IO.
//!
//! The guarantee: `send` ends within the provider's time-out, signing included, and says `Unknown` exactly when a
//! request may have reached the vendor and no answer says which. Answers are redacted before they leave this file.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use backstop_domain::{
    clock::{Clock, Timestamp},
    outcome::{Outcome, Reason},
    ports::provider::{Checkup, Message, Provider, Sent},
    secret::SecretString,
};
use tokio::time::{Instant, timeout_at};

use crate::{
    aws::Signer,
    client::HttpClient,
    exchange::{HttpRequest, HttpResponse, TransportFailure},
    redaction::Redaction,
};

/// A vendor as pure functions.
pub(crate) trait Adapter: Send + Sync + 'static {
    /// The request that hands a message over, or the outcome of a message that this vendor cannot take.
    fn request(&self, message: &Message, at: Timestamp) -> Result<HttpRequest, Outcome>;

    /// What an answer means.
    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent;

    /// Requests that send nothing and tell whether the vendor believes us. None: nothing can be asked.
    fn questions(&self) -> Vec<HttpRequest>;

    /// What the answers to [`Adapter::questions`] tell; one answer for each.
    fn checkup(&self, answers: &[HttpResponse]) -> Checkup;

    /// Credentials that no answer may repeat.
    fn secrets(&self) -> Vec<SecretString>;
}

/// An adapter joined to the shared client.
pub(crate) struct HttpProvider<A> {
    name: String,
    adapter: A,
    signer: Option<Signer>,
    secrets: Vec<SecretString>,
    client: HttpClient,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

impl<A: Adapter> HttpProvider<A> {
    /// Joins an adapter to the client.
    pub(crate) fn new(
        name: String,
        adapter: A,
        client: HttpClient,
        clock: Arc<dyn Clock>,
        timeout: Duration,
    ) -> Self {
        let secrets = adapter.secrets();
        Self { name, adapter, signer: None, secrets, client, clock, timeout }
    }

    /// Signs every request in the manner of AWS.
    #[must_use]
    pub(crate) fn signed(mut self, signer: Signer) -> Self {
        self.secrets.extend(signer.secrets());
        self.signer = Some(signer);
        self
    }

    async fn exchange(&self, message: &Message) -> Sent {
        let at = self.clock.now();
        match self.adapter.request(message, at) {
            Err(outcome) => Sent::new(outcome, "not sent: this provider cannot carry the message"),
            Ok(request) => match self.perform(request, at, Instant::now() + self.timeout).await {
                Ok(response) => {
                    tracing::debug!(
                        provider.name = self.name, attempt.id = %message.attempt, http.status = response.status,
                        "vendor answered"
                    );
                    self.adapter.outcome(&response, at)
                }
                Err(sent) => sent,
            },
        }
    }

    /// Signs and sends, all before `deadline`.
    async fn perform(
        &self,
        request: HttpRequest,
        at: Timestamp,
        deadline: Instant,
    ) -> Result<HttpResponse, Sent> {
        let request = match &self.signer {
            None => request,
            Some(signer) => timeout_at(deadline, signer.sign(request, at)).await.unwrap_or_else(|_| {
                Err(Sent::new(
                    Outcome::rejected(Reason::Unavailable),
                    "not sent: no AWS credentials within the time-out",
                ))
            })?,
        };
        let within = deadline.saturating_duration_since(Instant::now());
        self.client.send(request, within).await.map_err(|failure| match failure {
            TransportFailure::NotSent(text) => Sent::new(Outcome::rejected(Reason::Unavailable), &text),
            TransportFailure::NoAnswer(text) => Sent::new(Outcome::Unknown, &text),
        })
    }
}

#[async_trait]
impl<A: Adapter> Provider for HttpProvider<A> {
    async fn send(&self, message: &Message) -> Sent {
        let sent = Redaction::of(message, &self.secrets).sent(self.exchange(message).await);
        tracing::debug!(
            provider.name = self.name, attempt.id = %message.attempt, outcome = sent.outcome.as_str(),
            "handed over"
        );
        sent
    }

    async fn check_up(&self) -> Checkup {
        let deadline = Instant::now() + self.timeout;
        let redaction = Redaction::of_secrets(&self.secrets);
        let mut answers = Vec::new();
        for question in self.adapter.questions() {
            match self.perform(question, self.clock.now(), deadline).await {
                Ok(answer) => answers.push(answer),
                Err(sent) => {
                    return Checkup {
                        well: false,
                        finding: redaction.text(&sent.response.response),
                        fix: Some("check base_url, credentials and the way out of this network".to_owned()),
                    };
                }
            }
        }
        let checkup = self.adapter.checkup(&answers);
        Checkup { finding: redaction.text(&checkup.finding), ..checkup }
    }
}
