//! The one sender of every vendor over HTTP.
//!
//! The guarantee: an exchange ends within its time-out, reads at most [`BODY_MAX`] bytes, follows no redirect, goes
//! through no proxy of the environment, is never sent twice, and fails as one of two facts: nothing reached the vendor,
//! or something may have. Certificates are verified against Mozilla's roots by rustls. It keeps connections and nothing else.

use std::{error::Error as _, fmt, time::Duration};

use reqwest::redirect;

use crate::exchange::{Body, HttpRequest, HttpResponse, TransportFailure};

/// How long a connection may take to be made, with TLS.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How much of a response is read. No vendor's answer to one message is longer.
pub(crate) const BODY_MAX: usize = 64 * 1024;
/// How long an idle connection is kept: shorter than vendors keep theirs, so that we rarely write to a dead one.
const IDLE: Duration = Duration::from_secs(20);

/// The TLS library refused to start.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made: {0}")]
pub struct ClientError(String);

/// The shared HTTP client. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct HttpClient {
    client: reqwest::Client,
}

impl HttpClient {
    /// A client with our time-outs, caps and TLS.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new() -> Result<Self, ClientError> {
        let client = reqwest::Client::builder()
            .use_rustls_tls()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("backstop/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError(innermost(&error)))?;
        Ok(Self { client })
    }

    /// Sends one request and reads its answer, all `within` that time.
    pub(crate) async fn send(
        &self,
        request: HttpRequest,
        within: Duration,
    ) -> Result<HttpResponse, TransportFailure> {
        let HttpRequest { method, url, headers, body } = request;
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        *request.timeout_mut() = Some(within);
        let mut response = self.client.execute(request).await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        Ok(HttpResponse { status, headers, body: read(response).await })
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpClient")
    }
}

/// Reads a body up to the cap. The status is known by now, so trouble here is the body's alone.
async fn read(mut response: reqwest::Response) -> Body {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > BODY_MAX => {
                return Body::Unreadable(format!("longer than {BODY_MAX} bytes"));
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Body::Whole(bytes),
            Err(error) if error.is_timeout() => return Body::Unreadable("it did not end in time".to_owned()),
            Err(error) => return Body::Unreadable(innermost(&error)),
        }
    }
}

/// Sorts an error by whether anything can have reached the vendor.
fn failure(error: &reqwest::Error) -> TransportFailure {
    let text = if error.is_timeout() { "timed out".to_owned() } else { innermost(error) };
    if error.is_connect() {
        TransportFailure::NotSent(format!("cannot connect: {text}"))
    } else if error.is_builder() {
        TransportFailure::NotSent(format!("cannot be sent: {text}"))
    } else {
        TransportFailure::NoAnswer(format!("no answer: {text}"))
    }
}

/// The last cause of an error. The outer ones name the address, which may hold a credential.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    let mut text = None;
    while let Some(inner) = cause {
        text = Some(inner.to_string());
        cause = inner.source();
    }
    text.unwrap_or_else(|| "the exchange failed".to_owned())
}
