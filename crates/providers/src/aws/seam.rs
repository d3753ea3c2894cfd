//! Our one HTTP client in the shape that the official credential chain asks for.
//!
//! The chain asks the container or instance role over it, so those requests have the same TLS, caps and time-outs as all
//! others, and no second TLS library comes in.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient as AwsClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
        SharedHttpConnector,
    },
    orchestrator::{HttpRequest as AwsRequest, HttpResponse as AwsResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Url;

use crate::{
    client::{CONNECT_TIMEOUT, HttpClient},
    exchange::{Body, HttpRequest, TransportFailure},
};

/// How long one question for credentials may take, unless the chain says less.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The seam.
#[derive(Debug, Clone)]
pub(super) struct Seam {
    client: HttpClient,
    within: Duration,
}

impl Seam {
    pub(super) fn new(client: HttpClient) -> Self {
        Self { client, within: CONNECT_TIMEOUT + READ_TIMEOUT }
    }

    async fn exchange(self, request: AwsRequest) -> Result<AwsResponse, ConnectorError> {
        let request = ours(&request).ok_or_else(|| ConnectorError::user("not a request".into()))?;
        let response = self.client.send(request, self.within).await.map_err(|failure| match failure {
            TransportFailure::NotSent(text) => ConnectorError::io(text.into()).never_connected(),
            TransportFailure::NoAnswer(text) => ConnectorError::io(text.into()),
        })?;
        let Body::Whole(body) = response.body else {
            return Err(ConnectorError::io("the answer is too long or was cut off".into()));
        };
        let status = response.status.try_into().map_err(|_| ConnectorError::io("no status".into()))?;
        let mut answer = AwsResponse::new(status, SdkBody::from(body));
        for (name, value) in &response.headers {
            if let Ok(value) = value.to_str() {
                let _ = answer.headers_mut().try_append(name.as_str().to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }
}

impl HttpConnector for Seam {
    fn call(&self, request: AwsRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().exchange(request))
    }
}

impl AwsClient for Seam {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let connect = settings.connect_timeout().unwrap_or(CONNECT_TIMEOUT);
        let within = connect + settings.read_timeout().unwrap_or(READ_TIMEOUT);
        SharedHttpConnector::new(Self { client: self.client.clone(), within })
    }
}

fn ours(request: &AwsRequest) -> Option<HttpRequest> {
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers() {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    Some(HttpRequest {
        method: Method::from_bytes(request.method().as_bytes()).ok()?,
        url: Url::parse(request.uri()).ok()?,
        headers,
        body: request.body().bytes()?.to_vec(),
    })
}
