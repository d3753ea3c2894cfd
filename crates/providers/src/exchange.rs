//! One exchange with a vendor as plain values: the request, the response, and how it can fail.
//!
//! The request holds the code and a credential, so its `Debug` prints neither body, query nor header values.

use std::fmt;

use backstop_domain::secret::SecretString;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, InvalidHeaderValue},
};
use reqwest::Url;

/// A request to a vendor.
#[derive(Clone)]
pub(crate) struct HttpRequest {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl HttpRequest {
    /// A `GET` without a body.
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new() }
    }

    /// A `POST` of a form.
    pub(crate) fn form(url: Url, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { method: Method::POST, url, headers: HeaderMap::new(), body: body.into_bytes() }
            .with(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
    }

    /// A `POST` of a JSON document, exactly these bytes.
    pub(crate) fn json(url: Url, body: Vec<u8>) -> Self {
        Self { method: Method::POST, url, headers: HeaderMap::new(), body }
            .with(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .with(ACCEPT, HeaderValue::from_static("application/json"))
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds an `Authorization`.
    #[must_use]
    pub(crate) fn authorized(self, value: &HeaderValue) -> Self {
        self.with(AUTHORIZATION, value.clone())
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What a vendor answered.
#[derive(Clone)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// A response's body.
#[derive(Clone)]
pub(crate) enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// Too long, cut off or too slow; why.
    Unreadable(String),
}

impl HttpResponse {
    /// The body, unless it is unreadable.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Whole(bytes) => Some(bytes),
            Body::Unreadable(_) => None,
        }
    }

    /// The body as a JSON value.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(self.bytes()?).ok()
    }

    /// Whether the status is one of success.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Status and beginning of a body that says nothing to the adapter.
    pub(crate) fn raw(&self) -> String {
        const SHOWN: usize = 300;
        match &self.body {
            Body::Whole(bytes) => {
                let text: String = String::from_utf8_lossy(bytes).chars().take(SHOWN).collect();
                let text = text.replace(|c: char| c.is_control(), " ");
                format!("{} {}", self.status, text.trim()).trim_end().to_owned()
            }
            Body::Unreadable(why) => format!("{} (body unreadable: {why})", self.status),
        }
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TransportFailure {
    /// Nothing of the request reached the vendor.
    NotSent(String),
    /// The request may have reached the vendor.
    NoAnswer(String),
}

/// The `Authorization` of HTTP Basic, marked so that no layer below prints it.
///
/// # Errors
/// If a part cannot stand in a header.
pub(crate) fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, InvalidHeaderValue> {
    let pair = zeroize::Zeroizing::new(format!("{user}:{}", password.expose()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair.as_bytes())))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The `Authorization` of a bearer token, marked so that no layer below prints it.
///
/// # Errors
/// If the token cannot stand in a header.
pub(crate) fn bearer(token: &SecretString) -> Result<HeaderValue, InvalidHeaderValue> {
    let text = zeroize::Zeroizing::new(format!("Bearer {}", token.expose()));
    let mut value = HeaderValue::from_str(&text)?;
    value.set_sensitive(true);
    Ok(value)
}
