//! Credentials from the official chain, kept until shortly before they end.

use aws_config::{
    Region, default_provider::credentials::DefaultCredentialsChain, provider_config::ProviderConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError},
};
use backstop_domain::clock::Timestamp;
use tokio::sync::Mutex;
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

use super::{RENEW_BEFORE, seam::Seam, system_time};
use crate::client::HttpClient;

/// How long a credential without an end is kept: a profile on disk may be rotated.
const REREAD: std::time::Duration = std::time::Duration::from_secs(15 * 60);

/// The chain and what it gave last.
pub(crate) struct Chain {
    client: HttpClient,
    region: String,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    credentials: Credentials,
    since: Timestamp,
}

impl Kept {
    fn is_fresh(&self, at: Timestamp) -> bool {
        match self.credentials.expiry() {
            Some(end) => system_time(at) + RENEW_BEFORE < end,
            None => at.since(self.since) < REREAD,
        }
    }

    fn is_good(&self, at: Timestamp) -> bool {
        self.credentials.expiry().is_none_or(|end| system_time(at) < end)
    }
}

impl Chain {
    pub(crate) fn new(client: HttpClient, region: String) -> Self {
        Self { client, region, kept: Mutex::new(None) }
    }

    /// The kept credentials, or new ones. Whoever comes second waits for the first and takes what it got.
    pub(super) async fn credentials(&self, at: Timestamp) -> Result<Credentials, CredentialsError> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_fresh(at)) {
            return Ok(kept.credentials.clone());
        }
        // The chain logs what it is told, secrets included: it gets no log to write to.
        let loaded = self.load().with_subscriber(NoSubscriber::default()).await;
        match (loaded, kept.as_ref().filter(|kept| kept.is_good(at))) {
            (Ok(credentials), _) => {
                *kept = Some(Kept { credentials: credentials.clone(), since: at });
                Ok(credentials)
            }
            (Err(_), Some(kept)) => {
                tracing::warn!("AWS credentials cannot be renewed; the old ones are used until they end");
                Ok(kept.credentials.clone())
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Asks the chain. A new one each time: it remembers the files that it has read.
    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let config = ProviderConfig::without_region().with_http_client(Seam::new(self.client.clone()));
        let region = Region::new(self.region.clone());
        let chain = DefaultCredentialsChain::builder().configure(config).region(region).build().await;
        chain.provide_credentials().await
    }
}
