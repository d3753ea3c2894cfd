//! What an HTTP status alone says, for answers without a vendor's own error.
//!
//! A 5xx that the vendor did not form itself may come from a gateway before or after the message was taken, so it is
//! `Unknown`; only a 503 that says when to come back is a deliberate refusal.

use std::time::{Duration, UNIX_EPOCH};

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
};
use http::header::RETRY_AFTER;

use crate::exchange::HttpResponse;

/// The longest that a vendor's word on when to come back is believed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The outcome by status alone. A success says nothing without its body.
pub(crate) fn outcome(response: &HttpResponse, at: Timestamp) -> Outcome {
    let retry_after = retry_after(response, at);
    match response.status {
        // Our address for the vendor is wrong: it answers from somewhere else, for every message.
        301 | 302 | 307 | 308 | 401 | 403 => Outcome::rejected(Reason::Misconfigured),
        402 => Outcome::rejected(Reason::OutOfCredit),
        408 => Outcome::Unknown,
        429 => Outcome::rejected(Reason::RateLimited).with_retry_after(retry_after),
        400..=499 => Outcome::rejected_for(Reason::Misconfigured, Scope::Route),
        503 if retry_after.is_some() => Outcome::rejected(Reason::Unavailable).with_retry_after(retry_after),
        _ => Outcome::Unknown,
    }
}

/// `Retry-After`, in seconds or as a date.
pub(crate) fn retry_after(response: &HttpResponse, at: Timestamp) -> Option<Duration> {
    let text = response.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let span = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
            let date = Timestamp::from_millis(i64::try_from(date.as_millis()).ok()?);
            date.since(at)
        }
    };
    Some(span.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;
    use crate::exchange::Body;

    fn answer(status: u16, retry_after: Option<&'static str>) -> HttpResponse {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
        }
        HttpResponse { status, headers, body: Body::Whole(Vec::new()) }
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date_and_is_bounded() {
        let at = Timestamp::from_millis(784_111_777_000);
        let read = |value| retry_after(&answer(429, Some(value)), at);
        assert_eq!(read("30"), Some(Duration::from_secs(30)));
        assert_eq!(read("Sun, 06 Nov 1994 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("99999999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(read("soon"), None);
    }

    #[test]
    fn a_bare_gateway_error_is_no_proof_that_nothing_was_sent() {
        let at = Timestamp::from_millis(0);
        for status in [303, 408, 500, 502, 503, 504, 599] {
            assert_eq!(outcome(&answer(status, None), at), Outcome::Unknown, "{status}");
        }
        assert_eq!(outcome(&answer(503, Some("5")), at).as_str(), "unavailable");
    }

    #[test]
    fn no_status_alone_means_accepted() {
        let at = Timestamp::from_millis(0);
        for status in 100..600 {
            assert_ne!(outcome(&answer(status, None), at).as_str(), "accepted", "{status}");
        }
    }
}
