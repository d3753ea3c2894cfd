//! Can people get in: every provider for whoever watches the service, and in one word for everybody.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use backstop_domain::{breaker::BreakerState, clock::Timestamp};
use backstop_engine::{deliver::routes::ProviderHealth, health::ChannelHealth};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Entrance;

/// How the providers of each channel are.
#[utoipa::path(
    get, path = "/health/messaging", tag = "operations", security(()),
    responses(
        (status = 200, description = "Every channel has a provider that may be tried", body = BTreeMap<String, Vec<ProviderState>>),
        (status = 503, description = "A channel has none", body = BTreeMap<String, Vec<ProviderState>>)
    )
)]
pub(crate) async fn messaging(State(entrance): State<Arc<Entrance>>) -> Response {
    let channels = entrance.doors.engine.channels();
    let status = if channels.iter().all(|channel| channel.works) {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body: BTreeMap<&str, Vec<ProviderState>> = channels
        .iter()
        .map(|channel| {
            let providers = channel
                .providers
                .iter()
                .zip(1..)
                .map(|(health, priority)| ProviderState::of(health, priority));
            (channel.channel.as_str(), providers.collect())
        })
        .collect();
    (status, Json(body)).into_response()
}

/// A provider of one channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderState {
    /// Its configured name.
    provider: String,
    /// Its place in the configured order, from 1.
    priority: usize,
    /// `available`, `probing`, `unavailable`, or `off`.
    status: &'static str,
    /// `closed`, `open` or `half_open`.
    circuit_breaker: &'static str,
    /// Failures in a row.
    consecutive_failures: usize,
    /// When it last took a message.
    last_success: Option<String>,
    /// When it last did not, and in a word why.
    last_error: Option<String>,
}

impl ProviderState {
    fn of(health: &ProviderHealth, priority: usize) -> Self {
        let status = match health.breaker {
            _ if health.is_off => "off",
            BreakerState::Closed => "available",
            BreakerState::HalfOpen => "probing",
            BreakerState::Open => "unavailable",
        };
        Self {
            provider: health.name.clone(),
            priority,
            status,
            circuit_breaker: health.breaker.as_str(),
            consecutive_failures: health.consecutive_failures,
            last_success: health.last_success.map(Timestamp::to_rfc3339),
            last_error: health.last_error.map(|(at, what)| format!("{what} at {}", at.to_rfc3339())),
        }
    }
}

/// Can people get in.
#[utoipa::path(
    get, path = "/status", tag = "operations", security(()),
    responses((status = 200, description = "Whether people can get a code, and over what", body = PublicStatus))
)]
pub(crate) async fn status(State(entrance): State<Arc<Entrance>>) -> Json<PublicStatus> {
    let channels = entrance.doors.engine.channels();
    let working = channels.iter().filter(|channel| channel.works).count();
    let status = match working {
        0 => "down",
        all if all == channels.len() => "ok",
        _ => "degraded",
    };
    let since =
        channels.iter().map(|channel| channel.since).max().unwrap_or_else(|| entrance.doors.engine.now());
    let told = |channel: &ChannelHealth| {
        let status = if channel.works { "working" } else { "down" };
        (channel.channel.as_str(), ChannelStatus { status, since: channel.since.to_rfc3339() })
    };
    Json(PublicStatus { status, since: since.to_rfc3339(), channels: channels.iter().map(told).collect() })
}

/// Whether people can get a code.
#[derive(Serialize, ToSchema)]
pub(crate) struct PublicStatus {
    /// `ok`, `degraded` where a channel is down, `down` where all are.
    status: &'static str,
    /// When a channel last stopped or began to work.
    since: String,
    /// Each channel that is configured.
    channels: BTreeMap<&'static str, ChannelStatus>,
}

/// One channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChannelStatus {
    /// `working` or `down`.
    status: &'static str,
    /// Since when.
    since: String,
}
