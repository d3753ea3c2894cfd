//! What the development pages ask of the engine.

use std::sync::Arc;

use async_trait::async_trait;
use backstop_domain::{
    application::Authority, channel::Channel, clock::Timestamp, id::VerificationId, purpose::Purpose,
    recipient::Recipient,
};
use backstop_engine::{
    Caller, Credential, Engine,
    verify::{Selection, StartError, StartRequest, VerificationQuery},
};
use backstop_http::dev::{Desk, Fate};

/// The development pages' desk: the application `dev` by its secret key, nothing more than a caller could do.
pub(crate) struct DevelopmentDesk {
    engine: Arc<Engine>,
    caller: Caller,
    base_url: String,
}

impl DevelopmentDesk {
    /// A desk for the first application there is; `None` if there is none.
    pub(crate) fn new(engine: Arc<Engine>, base_url: String) -> Option<Self> {
        let application = engine.application("dev").or_else(|| engine.applications().next().cloned())?;
        let caller = Caller {
            application,
            authority: Authority::Secret,
            credential: Credential::of("development pages"),
            network: None,
            origin: None,
            surface: None,
        };
        Some(Self { engine, caller, base_url })
    }

    fn read(report: &backstop_engine::VerificationReport) -> Fate {
        Fate {
            status: report.status,
            created_at: report.created_at,
            approved_at: report.approved_at,
            attempts: report.attempts.clone(),
        }
    }
}

#[async_trait]
impl Desk for DevelopmentDesk {
    async fn start(&self, to: &str, channel: Option<&str>) -> Result<(), String> {
        let to = Recipient::parse(to, self.caller.application.default_region)
            .map_err(|error| error.to_string())?;
        let mut request = StartRequest::new(to, Purpose::login());
        if let Some(channel) = channel {
            request.selection =
                Selection::Only(channel.parse::<Channel>().map_err(|error| error.to_string())?);
        }
        match self.engine.start(&self.caller, request, None).await {
            Ok(_) => Ok(()),
            Err(StartError::Limited(limit)) => {
                let wait = limit.retry_at.since(self.engine.now()).as_secs() + 1;
                Err(format!("the limit {} is used up; try again in {wait} s, or another number", limit.limit))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn fate(&self, id: VerificationId) -> Option<Fate> {
        self.engine.read(&self.caller, id).await.ok().map(|report| Self::read(&report))
    }

    async fn newest(&self) -> Vec<(VerificationId, Fate)> {
        let query = VerificationQuery { limit: 12, ..VerificationQuery::default() };
        let page =
            self.engine.list(&self.caller, query).await.map(|page| page.verifications).unwrap_or_default();
        page.iter().map(|report| (report.id, Self::read(report))).collect()
    }

    fn now(&self) -> Timestamp {
        self.engine.now()
    }

    fn base_url(&self) -> String {
        self.base_url.clone()
    }

    async fn closing(&self) {
        self.engine.stopped().await;
    }
}
