//! What a vendor over HTTP is: pure functions, joined here to the one client that does the IO.
//!
//! The guarantee: `send` ends within the provider's time-out, signing included, and says `Unknown` exactly when a
//! request may have reached the vendor and no answer says which. Answers are redacted before they leave this file.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use backstop_domain::{
    channel::Channel,
    clock::{Clock, Timestamp},
    id::AttemptId,
    outcome::{Outcome, Reason, VENDOR_RESPONSE_MAX},
    ports::provider::{
        Balance, Callback, CallbackRefused, Checker, Checkup, Errand, Heard, Message, NoticeMail, Provider,
        Receiver, Sent, Speaker, VendorCheck, VendorVerdict,
    },
    receipt::{AttemptReference, VendorEvent},
    secret::SecretString,
};
use tokio::time::{Instant, timeout_at};

use crate::{
    aws::Signer,
    client::HttpClient,
    exchange::{HttpRequest, HttpResponse, TransportFailure},
    redaction::Redaction,
    usual,
};

/// A vendor as pure functions.
pub(crate) trait Adapter: Send + Sync + 'static {
    /// The request that hands a message over, or the outcome of a message that this vendor cannot take.
    fn request(&self, message: &Message, at: Timestamp) -> Result<HttpRequest, Outcome>;

    /// The request that hands a mail without a code over; `None`: this vendor carries codes alone.
    fn notice(&self, _notice: &NoticeMail) -> Option<Result<HttpRequest, Outcome>> {
        None
    }

    /// What an answer means.
    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Sent;

    /// Requests that send nothing and tell whether the vendor believes us; unless it says otherwise, what is left in the
    /// account. None: nothing can be asked.
    fn questions(&self) -> Vec<HttpRequest> {
        self.balance().into_iter().collect()
    }

    /// What the answers to [`Adapter::questions`] tell; one answer for each.
    fn checkup(&self, answers: &[HttpResponse]) -> Checkup {
        usual::checkup_by_balance(answers, answers.first().and_then(|answer| self.balance_in(answer)))
    }

    /// Credentials that no answer may repeat.
    fn secrets(&self) -> Vec<SecretString>;

    /// Reads what the vendor says later; `None`: it says nothing.
    fn receipts(&self) -> Option<&dyn Receipts> {
        None
    }

    /// Says what a call says; `None`: no call fetches a script.
    fn speaker(&self) -> Option<&dyn Speaker> {
        None
    }

    /// Has the vendor check codes of its own making; `None`: it sends ours.
    fn checks(&self) -> Option<&dyn Checks> {
        None
    }

    /// The request that asks what is left in the account; `None`: the vendor does not say.
    fn balance(&self) -> Option<HttpRequest> {
        None
    }

    /// What the answer to [`Adapter::balance`] says.
    fn balance_in(&self, _answer: &HttpResponse) -> Option<Balance> {
        None
    }

    /// What is left as some answer said in passing, for a vendor that cannot be asked; `None`: none said it yet.
    fn balance_seen(&self) -> Option<Balance> {
        None
    }

    /// The requests that do an operator's errand; `None`: the vendor knows no such thing.
    fn errand(&self, _errand: &Errand) -> Option<Vec<HttpRequest>> {
        None
    }

    /// What the answers to [`Adapter::errand`] say; one answer for each.
    fn errand_done(&self, _errand: &Errand, answers: &[HttpResponse]) -> Checkup {
        let failed = answers.iter().find(|answer| !answer.is_success());
        match failed {
            Some(answer) => Checkup {
                well: false,
                finding: answer.raw(),
                fix: Some("see the vendor's console".to_owned()),
            },
            None => Checkup { well: true, finding: "done".to_owned(), fix: None },
        }
    }
}

/// How a vendor's callbacks are read.
pub(crate) trait Receipts: Send + Sync {
    /// Whether the vendor signs them.
    fn is_signed(&self) -> bool;

    /// Whether a receipt names the message by the vendor's id alone.
    fn finds_by_vendor_id(&self) -> bool {
        false
    }

    /// Verifies a callback and reads it. `fetched` holds the answers to what was asked for in [`Reception::Fetch`], in order:
    /// a certificate, the confirmation of a subscription.
    fn receive(&self, callback: &Callback, fetched: &[HttpResponse], at: Timestamp) -> Received;
}

/// What became of the reading of a callback.
pub(crate) type Received = Result<Reception, CallbackRefused>;

/// How a vendor compares codes of its own making.
pub(crate) trait Checks: Send + Sync {
    /// The request that asks about a submitted code.
    fn question(&self, check: &VendorCheck) -> HttpRequest;

    /// What the answer says. Its text, if any, holds nothing of what was asked.
    fn verdict(&self, check: &VendorCheck, answer: &HttpResponse) -> VendorVerdict;
}

/// What a callback needs or tells.
pub(crate) enum Reception {
    /// Understood.
    Heard(Heard),
    /// This must be fetched first; then the callback is read again.
    Fetch(HttpRequest),
}

/// The attempt that an address of ours for receipts names.
pub(crate) fn attempt_in(query: &str) -> Option<AttemptReference> {
    let (_, reference) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "attempt")?;
    reference.parse().ok()
}

/// Why a message that makes no request was not sent.
fn why_not(message: &Message) -> &'static str {
    if message.channel == Channel::Voice && message.links.voice.is_none() {
        "not sent: a call needs an address where the vendor asks what to say; set server.public_url"
    } else {
        "not sent: this provider cannot carry the message"
    }
}

/// The most that one callback may have us fetch.
const MOST_FETCHES: usize = 2;

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
            Err(outcome) => Sent::new(outcome, why_not(message)),
            Ok(request) => self.hand_over(request, message.attempt, at).await,
        }
    }

    async fn hand_over(&self, request: HttpRequest, attempt: AttemptId, at: Timestamp) -> Sent {
        match self.perform(request, at, Instant::now() + self.timeout).await {
            Ok(response) => {
                tracing::debug!(
                    provider.name = self.name, attempt.id = %attempt, http.status = response.status,
                    "vendor answered"
                );
                self.adapter.outcome(&response, at)
            }
            Err(sent) => sent,
        }
    }

    /// The answer to a question that sends no message, within the time-out.
    async fn ask(&self, question: HttpRequest) -> Result<HttpResponse, String> {
        let deadline = Instant::now() + self.timeout;
        let answer = self.perform(question, self.clock.now(), deadline).await;
        answer.map_err(|sent| Redaction::of_secrets(&self.secrets).text(&sent.response.response))
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

    async fn send_notice(&self, notice: &NoticeMail) -> Option<Sent> {
        let at = self.clock.now();
        let sent = match self.adapter.notice(notice)? {
            Err(outcome) => Sent::new(outcome, "not sent: this provider cannot carry the mail"),
            Ok(request) => self.hand_over(request, notice.attempt, at).await,
        };
        Some(Redaction::of_notice(notice, &self.secrets).sent(sent))
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
    fn receiver(&self) -> Option<&dyn Receiver> {
        self.adapter.receipts().map(|_| self as &dyn Receiver)
    }

    fn speaker(&self) -> Option<&dyn Speaker> {
        self.adapter.speaker()
    }

    fn checker(&self) -> Option<&dyn Checker> {
        self.adapter.checks().map(|_| self as &dyn Checker)
    }

    async fn balance(&self) -> Result<Option<Balance>, String> {
        let Some(question) = self.adapter.balance() else { return Ok(self.adapter.balance_seen()) };
        let answer = self.ask(question).await?;
        match self.adapter.balance_in(&answer) {
            Some(balance) => Ok(Some(balance)),
            None => Err(Redaction::of_secrets(&self.secrets).text(&answer.raw())),
        }
    }

    async fn errand(&self, errand: &Errand) -> Option<Checkup> {
        let mut answers = Vec::new();
        for request in self.adapter.errand(errand)? {
            match self.ask(request).await {
                Ok(answer) => answers.push(answer),
                Err(finding) => return Some(Checkup { well: false, finding, fix: None }),
            }
        }
        let done = self.adapter.errand_done(errand, &answers);
        Some(Checkup { finding: Redaction::of_secrets(&self.secrets).text(&done.finding), ..done })
    }
}

#[async_trait]
impl<A: Adapter> Checker for HttpProvider<A> {
    async fn check(&self, check: &VendorCheck) -> VendorVerdict {
        let Some(checks) = self.adapter.checks() else {
            return VendorVerdict::Unknown("this vendor checks nothing".to_owned());
        };
        match self.ask(checks.question(check)).await {
            Ok(answer) => checks.verdict(check, &answer),
            Err(why) => VendorVerdict::Unknown(why),
        }
    }
}

#[async_trait]
impl<A: Adapter> Receiver for HttpProvider<A> {
    fn is_signed(&self) -> bool {
        self.adapter.receipts().is_some_and(Receipts::is_signed)
    }

    fn finds_by_vendor_id(&self) -> bool {
        self.adapter.receipts().is_some_and(Receipts::finds_by_vendor_id)
    }

    async fn receive(&self, callback: &Callback) -> Result<Heard, CallbackRefused> {
        let Some(receipts) = self.adapter.receipts() else {
            return Err(CallbackRefused::Unreadable("this vendor tells nothing"));
        };
        let mut fetched = Vec::new();
        loop {
            match receipts.receive(callback, &fetched, self.clock.now())? {
                Reception::Heard(heard) => return Ok(self.redacted(heard)),
                Reception::Fetch(_) if fetched.len() == MOST_FETCHES => {
                    return Err(CallbackRefused::Unreadable("it has too much fetched"));
                }
                Reception::Fetch(request) => {
                    let within = self.timeout;
                    let answer =
                        self.client.send(request, within).await.map_err(|failure| match failure {
                            TransportFailure::NotSent(text) | TransportFailure::NoAnswer(text) => {
                                CallbackRefused::NotNow(Redaction::of_secrets(&self.secrets).text(&text))
                            }
                        })?;
                    fetched.push(answer);
                }
            }
        }
    }
}

impl<A: Adapter> HttpProvider<A> {
    /// The same without our credentials, and no longer than is kept.
    fn redacted(&self, mut heard: Heard) -> Heard {
        let redaction = Redaction::of_secrets(&self.secrets);
        for event in &mut heard.events {
            if let VendorEvent::Receipt(receipt) = event {
                receipt.response =
                    redaction.text(&receipt.response).chars().take(VENDOR_RESPONSE_MAX).collect();
            }
        }
        heard
    }
}

/// Some attempt's name, for tests beside the code.
#[cfg(test)]
pub(crate) fn test_reference() -> backstop_domain::receipt::AttemptReference {
    use backstop_domain::{application::ApplicationId, id::Id, ports::random::SeededRandom};
    let (random, at) = (SeededRandom::new(1), Timestamp::from_millis(1_767_225_600_000));
    backstop_domain::receipt::AttemptReference {
        application: ApplicationId(1),
        verification: Id::new(at, &random),
        attempt: Id::new(at, &random),
    }
}
