//! Signing and credentials for the AWS files.
//!
//! Requests are signed with the official signer. Credentials are the configured pair, or come from the official chain
//! (environment, profile, web identity, container, instance), are kept until shortly before they end, and are asked for
//! by one task at a time. A credential that cannot be renewed is used while it is good. The caller's time-out bounds all of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::{Credentials, provider::error::CredentialsError};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason},
    ports::provider::Sent,
    secret::SecretString,
};
use http::{HeaderName, HeaderValue, header::CONTENT_TYPE};
use sha2::{Digest, Sha256};

use crate::exchange::HttpRequest;

pub(crate) mod account;
mod chain;
pub(crate) mod notification;
mod seam;

pub(crate) use chain::Chain;

/// How long before its end a credential is renewed.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

/// Where credentials come from.
pub(crate) enum Source {
    /// The configuration.
    Fixed(Box<Credentials>),
    /// The official chain.
    Chain(Chain),
}

impl Source {
    /// A configured pair.
    pub(crate) fn fixed(id: &str, secret: &SecretString, token: Option<&SecretString>) -> Self {
        let token = token.map(|token| token.expose().to_owned());
        Self::Fixed(Box::new(Credentials::new(id, secret.expose(), token, None, "configuration")))
    }
}

/// Signs requests to one service in one region.
pub(crate) struct Signer {
    source: Source,
    region: String,
    service: &'static str,
}

impl Signer {
    pub(crate) fn new(source: Source, region: String, service: &'static str) -> Self {
        Self { source, region, service }
    }

    /// What no answer may repeat. The chain's credentials are not known yet; AWS never repeats a secret key.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        match &self.source {
            Source::Fixed(fixed) => [Some(fixed.secret_access_key()), fixed.session_token()]
                .into_iter()
                .flatten()
                .map(SecretString::new)
                .collect(),
            Source::Chain(_) => Vec::new(),
        }
    }

    /// The request with its signature for `at`.
    ///
    /// # Errors
    /// What becomes of the message without credentials: nothing was sent.
    pub(crate) async fn sign(&self, request: HttpRequest, at: Timestamp) -> Result<HttpRequest, Sent> {
        let credentials = match &self.source {
            Source::Fixed(fixed) => fixed.as_ref().clone(),
            Source::Chain(chain) => chain.credentials(at).await.map_err(|error| refusal(&error))?,
        };
        self.sign_with(credentials, request, at).ok_or_else(|| {
            Sent::new(Outcome::rejected(Reason::Misconfigured), "not sent: the request cannot be signed")
        })
    }

    fn sign_with(
        &self,
        credentials: Credentials,
        mut request: HttpRequest,
        at: Timestamp,
    ) -> Option<HttpRequest> {
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(system_time(at))
            .settings(SigningSettings::default())
            .build()
            .ok()?
            .into();
        let content_type = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let headers = content_type.map(|value| ("content-type", value));
        // The hash and not the body: the signer may print what it is given.
        let body = SignableBody::Precomputed(hex::encode(Sha256::digest(&request.body)));
        let signable =
            SignableRequest::new(request.method.as_str(), request.url.as_str(), headers.into_iter(), body)
                .ok()?;
        let (instructions, _) = sign(signable, &params).ok()?.into_parts();
        for (name, value) in instructions.headers() {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let mut value = HeaderValue::from_str(value).ok()?;
            value.set_sensitive(true);
            request.headers.insert(name, value);
        }
        Some(request)
    }
}

/// Without credentials, nothing is sent: wrong set-up, unless it was only the source that did not answer.
fn refusal(error: &CredentialsError) -> Sent {
    let (reason, text) = match error {
        CredentialsError::CredentialsNotLoaded(_) => (
            Reason::Misconfigured,
            "no AWS credentials: none in the configuration, the environment, a profile or a role",
        ),
        CredentialsError::InvalidConfiguration(_) => {
            (Reason::Misconfigured, "no AWS credentials: the environment or the profile is malformed")
        }
        CredentialsError::ProviderTimedOut(_) => {
            (Reason::Unavailable, "no AWS credentials: their source timed out")
        }
        _ => (Reason::Unavailable, "no AWS credentials: their source failed"),
    };
    Sent::new(Outcome::rejected(reason), &format!("not sent: {text}"))
}

fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;

    #[tokio::test]
    async fn a_signature_depends_on_nothing_but_its_inputs() {
        let source = Source::fixed(
            "AKIDEXAMPLE",
            &SecretString::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            None,
        );
        let signer = Signer::new(source, "us-east-1".to_owned(), "sns");
        let url = Url::parse("https://sns.us-east-1.amazonaws.com/").unwrap();
        let request = HttpRequest::form(url, &[("Action", "Publish"), ("Version", "2010-03-31")]);
        let signed = signer.sign(request, Timestamp::from_millis(1_767_225_600_000)).await.unwrap();
        // Computed by another implementation of the scheme, botocore.
        insta::assert_snapshot!(
            signed.headers["authorization"].to_str().unwrap(),
            @"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/sns/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=140e4c7859cb208ce4ecae916f32379dcf2dd278270da6731fa9fc76047c52b4"
        );
        insta::assert_snapshot!(signed.headers["x-amz-date"].to_str().unwrap(), @"20260101T000000Z");
        assert!(!format!("{:?}", signed.headers).contains("Signature"), "a header map prints its signature");
    }
}
