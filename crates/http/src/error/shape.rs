//! What a failure looks like: a problem document, or what the callers of a drop-in surface are used to.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Code, Problem};

/// How a failure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// RFC 9457.
    Problem,
    /// `{"error": "…"}`.
    Smartfin,
    /// `{"success": false, "message": "…"}`.
    AsyncOtp,
    /// `{"error": "…"}`, and until when it is locked.
    Fleetflow,
}

/// A failure, as RFC 9457 has it.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// Where this kind of failure is explained, relative to this service.
    #[schema(example = "/docs#errors-rate_limited")]
    r#type: String,
    /// What this kind of failure means.
    title: &'a str,
    /// The answer's status.
    status: u16,
    /// What was wrong this time. Never repeats what was sent.
    detail: &'a str,
    /// The kind of failure, for programs.
    #[schema(example = "rate_limited")]
    code: &'a str,
    /// Finds this request in the service's log.
    request_id: &'a str,
    /// Which limit is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "recipient_per_hour")]
    limit: Option<&'a str>,
    /// In how many seconds the same call can pass; also in `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

#[derive(Serialize)]
struct SmartfinBody<'a> {
    error: &'a str,
}

#[derive(Serialize)]
struct FleetflowBody<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_until: Option<String>,
}

#[derive(Serialize)]
struct AsyncOtpBody<'a> {
    success: bool,
    message: &'a str,
}

impl Shape {
    /// Status, content type and body of a failure.
    pub(super) fn render(
        self,
        problem: &Problem,
        request_id: &str,
        retry_after: Option<u64>,
    ) -> (StatusCode, &'static str, String) {
        let code = problem.code;
        let detail = problem.detail.as_ref();
        match self {
            Self::Problem => {
                let body = ProblemBody {
                    r#type: format!("/docs#errors-{}", code.as_str()),
                    title: code.title(),
                    status: code.status().as_u16(),
                    detail,
                    code: code.as_str(),
                    request_id,
                    limit: problem.limit.map(|limit| limit.limit.as_str()),
                    retry_after,
                };
                (code.status(), "application/problem+json", text(&body))
            }
            Self::Smartfin => (plain(code), "application/json", text(&SmartfinBody { error: detail })),
            Self::Fleetflow => {
                let locked = problem.until.filter(|_| code.status() == StatusCode::TOO_MANY_REQUESTS);
                let locked_until = locked.map(|until| until.to_rfc3339());
                (plain(code), "application/json", text(&FleetflowBody { error: detail, locked_until }))
            }
            Self::AsyncOtp => {
                (plain(code), "application/json", text(&AsyncOtpBody { success: false, message: detail }))
            }
        }
    }
}

/// The surfaces know few statuses: whatever is wrong with the request itself is 400.
fn plain(code: Code) -> StatusCode {
    match code.status() {
        StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
            StatusCode::BAD_REQUEST
        }
        status => status,
    }
}

fn text(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}
