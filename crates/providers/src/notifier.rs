//! Events out: one signed post to an address of the operator's configuration, by the Standard Webhooks scheme 1.0.0.
//! <https://www.standardwebhooks.com>, read 2026-11.
//!
//! The guarantee: the bytes that are signed are the bytes that are sent; the id is the notice's and the same over every try, the
//! timestamp is the try's own; it ends within [`TIMEOUT`], follows no redirect, and believes a status alone. While a secret is
//! changed it signs with the old and the new one, so that the receiver may change when it likes. It remembers nothing.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use backstop_domain::{
    clock::Timestamp,
    id::NoticeId,
    ports::{Notifier, notifier::Notified},
    secret::SecretString,
};
use http::{HeaderName, HeaderValue};
use reqwest::Url;

use crate::{
    address,
    client::HttpClient,
    exchange::{HttpRequest, HttpResponse},
    status,
    webhook::signature::SigningKey,
};

/// For the whole exchange.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The receiver wants nothing any more.
const GONE: u16 = 410;

/// Why a webhook cannot be used. Never holds the address or a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWebhook {
    /// What is wrong with the address.
    #[error("{0}")]
    Url(&'static str),
    /// A secret is not one of the scheme.
    #[error("is not a signing secret")]
    Secret,
}

/// A receiver at an address.
pub struct WebhookNotifier {
    url: Url,
    keys: Vec<SigningKey>,
    client: HttpClient,
}

impl fmt::Debug for WebhookNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The path and query of such an address are often a secret of their own.
        f.debug_struct("WebhookNotifier").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl WebhookNotifier {
    /// A receiver at `url`, which is https unless `plain_http`; signed with every one of `secrets`, in that order.
    ///
    /// # Errors
    /// Says what is wrong with the address, or that a secret is none.
    pub fn new(
        url: &str,
        plain_http: bool,
        secrets: &[SecretString],
        client: HttpClient,
    ) -> Result<Self, InvalidWebhook> {
        let url = address::parse(url, plain_http).map_err(InvalidWebhook::Url)?;
        let keys: Option<Vec<_>> = secrets.iter().map(SigningKey::parse).collect();
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or(InvalidWebhook::Secret)?;
        Ok(Self { url, keys, client })
    }

    fn request(&self, id: &str, body: &[u8], at: Timestamp) -> Option<HttpRequest> {
        let seconds = at.as_millis().div_euclid(1000);
        let signatures: Vec<String> = self.keys.iter().map(|key| key.sign(id, seconds, body)).collect();
        Some(
            HttpRequest::json(self.url.clone(), body.to_vec())
                .with(HeaderName::from_static("webhook-id"), HeaderValue::from_str(id).ok()?)
                .with(HeaderName::from_static("webhook-timestamp"), HeaderValue::from(seconds))
                .with(
                    HeaderName::from_static("webhook-signature"),
                    HeaderValue::from_str(&signatures.join(" ")).ok()?,
                ),
        )
    }
}

/// What an answer means. Its body is not looked at.
fn notified(answer: &HttpResponse, at: Timestamp) -> Notified {
    match answer.status {
        200..=299 => Notified::Taken,
        GONE => Notified::Gone,
        status => Notified::Refused { status: Some(status), retry_after: status::retry_after(answer, at) },
    }
}

#[async_trait]
impl Notifier for WebhookNotifier {
    async fn notify(&self, id: NoticeId, body: &[u8], at: Timestamp) -> Notified {
        let nothing = Notified::Refused { status: None, retry_after: None };
        let Some(request) = self.request(&id.to_string(), body, at) else { return nothing };
        match self.client.send(request, TIMEOUT).await {
            Ok(answer) => notified(&answer, at),
            Err(_) => nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, header::RETRY_AFTER};

    use super::*;
    use crate::exchange::Body;

    const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OLD: &str = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
    const BODY: &str = r#"{"type":"verification.approved","timestamp":"2026-01-01T00:00:00Z","data":{"verification_id":"ver_7Q2M","tenant_id":"ten_1","channel":"sms","destination":"+91******3210","sequence":3}}"#;

    fn notifier(url: &str, plain_http: bool, secrets: &[&str]) -> Result<WebhookNotifier, InvalidWebhook> {
        let secrets: Vec<_> = secrets.iter().map(|secret| SecretString::new(*secret)).collect();
        WebhookNotifier::new(url, plain_http, &secrets, HttpClient::new().unwrap())
    }

    fn headers(secrets: &[&str], body: &str) -> Vec<(String, String)> {
        let notifier = notifier("https://shop.example/hooks", false, secrets).unwrap();
        let at = Timestamp::from_millis(1_767_225_600_999);
        let request = notifier.request("msg_01JGFJJZ00SRTESTVECT0R0001", body.as_bytes(), at).unwrap();
        assert_eq!(request.body, body.as_bytes(), "what is signed is what is sent");
        let header = |name: &str| (name.to_owned(), request.headers[name].to_str().unwrap().to_owned());
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(header).into()
    }

    #[test]
    fn the_worked_example_comes_out_to_the_byte_old_then_new() {
        let expected = [
            ("webhook-id", "msg_01JGFJJZ00SRTESTVECT0R0001"),
            ("webhook-timestamp", "1767225600"),
            (
                "webhook-signature",
                "v1,X0EVCQqpwRBd2Q+hJvDSqTEYk8i0aobjU7cp60JvaM8= v1,Zuke9AHpqO2AyCLzIAddgbfYzmajSsus7LDcWjCiEO8=",
            ),
        ];
        let signed = |secrets: &[&str]| headers(secrets, BODY);
        let whole = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(signed(&[OLD, NEW]), whole);
        for one in [OLD, NEW] {
            let signature = &signed(&[one])[2].1;
            assert!(expected[2].1.contains(signature.as_str()) && !signature.contains(' '), "{signature}");
        }
    }

    #[test]
    fn the_signatures_of_the_usual_mistakes_do_not_appear() {
        let wrong = [
            "ptEnDyM3BNWNfJyla1k75o1vVBvrp3fk2Xf0J2/agfk=",
            "AI0SIBbUqfX0V+x8jM90WQYw9b2mt3lOvUSGeDPKJgY=",
            "qvnkeENcO9DmOsFXTvSmvDbQxETKoNFJk9/OW6FTTNE=",
        ];
        let signature = &headers(&[OLD, NEW], BODY)[2].1;
        for mistake in wrong {
            assert!(!signature.contains(mistake), "{mistake}");
        }
        // The last one is of other bytes, and is what those bytes give.
        let other = BODY.replace(r#""sequence":3"#, r#""sequence": 3"#);
        assert!([OLD, NEW].iter().any(|secret| headers(&[secret], &other)[2].1.contains(wrong[2])));
    }

    #[test]
    fn an_address_that_is_not_https_and_a_secret_that_is_none_are_refused() {
        for url in ["http://shop.example/hooks", "https://user:pass@shop.example", "shop.example", "ftp://a"]
        {
            assert!(matches!(notifier(url, false, &[NEW]), Err(InvalidWebhook::Url(_))), "{url}");
        }
        assert!(notifier("http://shop.example/hooks", true, &[NEW]).is_ok(), "in a trusted network");
        for secrets in [&[][..], &["whsec_c2hvcnQ="], &[NEW, "plain"]] {
            assert_eq!(notifier("https://shop.example", false, secrets).err(), Some(InvalidWebhook::Secret));
        }
    }

    #[test]
    fn only_a_success_is_one_and_only_410_ends_it() {
        let at = Timestamp::from_millis(1_767_225_600_000);
        let answer = |status, retry_after: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = retry_after {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            }
            // A body without end, or none that can be read, takes nothing back.
            notified(&HttpResponse { status, headers, body: Body::Unreadable("too long".into()) }, at)
        };
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(answer(status, None), Notified::Taken, "{status}");
        }
        assert_eq!(answer(410, None), Notified::Gone);
        for status in [301, 302, 304, 307, 400, 404, 429, 500, 503] {
            let refused = Notified::Refused { status: Some(status), retry_after: None };
            assert_eq!(answer(status, None), refused, "{status}");
        }
        let wish = |seconds| Some(Duration::from_secs(seconds));
        let refused = |seconds| Notified::Refused { status: Some(429), retry_after: wish(seconds) };
        assert_eq!(answer(429, Some("30")), refused(30));
        assert_eq!(answer(429, Some("9000000")), refused(86_400));
    }

    #[test]
    fn neither_the_address_nor_a_secret_is_printed() {
        let printed =
            format!("{:?}", notifier("https://shop.example/hooks/t0ken?key=s3cret", false, &[NEW]).unwrap());
        assert!(
            !printed.contains("t0ken") && !printed.contains("s3cret") && !printed.contains("AAEC"),
            "{printed}"
        );
    }
}
