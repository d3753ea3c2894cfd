//! What the development inbox shows: the page, its three live regions, and the same facts as JSON.

use std::collections::{HashMap, HashSet};

use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse as _, Response},
};
use backstop_domain::{channel::Channel, id::VerificationId, ports::inbox::InboxMessage};
use http::StatusCode;
use minijinja::context;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    DevPages,
    act::SendBody,
    answer,
    fate::{self, Fate, Lamp},
    message::{self, MessageJson, channel_label},
    switches,
};
use crate::{
    error::{Code, Problem},
    page::{self as pages_of_ours, RenderError},
};

/// The most messages that one answer holds.
const MOST: usize = 500;
/// How many the JSON holds if nobody says.
const USUAL: usize = 50;
/// How many the page shows.
const SHOWN: usize = 50;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Filter {
    channel: Option<String>,
}

impl Filter {
    /// The channel to show; an unknown word shows all, as a link can be old.
    pub(crate) fn channel(&self) -> Option<Channel> {
        self.channel.as_deref().and_then(|word| word.parse().ok())
    }
}

/// `GET /dev/inbox`.
pub(crate) async fn inbox(State(pages): State<DevPages>, Query(filter): Query<Filter>) -> Response {
    page(&pages, StatusCode::OK, filter.channel(), &SendBody::default(), None).await
}

/// The page, with what was typed and why it was refused, if it was.
pub(crate) async fn page(
    pages: &DevPages,
    status: StatusCode,
    channel: Option<Channel>,
    typed: &SendBody,
    refused: Option<&str>,
) -> Response {
    let regions = match Regions::of(pages, channel).await {
        Ok(regions) => regions,
        Err(error) => return Problem::internal(&error.to_string()).into_response(),
    };
    let filters: Vec<_> = [Channel::Sms, Channel::Whatsapp, Channel::Email, Channel::Voice, Channel::Telegram]
        .map(|each| context! { word => each.as_str(), label => channel_label(each), here => channel == Some(each) })
        .into();
    pages_of_ours::page(
        status,
        "dev/inbox.html",
        context! {
            summary => minijinja::Value::from_safe_string(regions.summary),
            switches => minijinja::Value::from_safe_string(regions.switches),
            messages => minijinja::Value::from_safe_string(regions.messages),
            filters => filters,
            all => channel.is_none(),
            channel => channel.map_or("", Channel::as_str),
            typed => typed,
            refused => refused,
        },
    )
}

/// The parts of the page that change by themselves, rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Regions {
    pub(crate) summary: String,
    pub(crate) switches: String,
    pub(crate) messages: String,
}

/// A verification that no message has left for.
#[derive(Debug, Serialize)]
struct Unsent {
    key: String,
    at: String,
    time: String,
    lamp: Lamp,
    story: Option<String>,
    verification: String,
    short: String,
}

impl Regions {
    pub(crate) async fn of(pages: &DevPages, channel: Option<Channel>) -> Result<Self, RenderError> {
        let all = pages.inbox.messages(MOST);
        let shown: Vec<&InboxMessage> = all
            .iter()
            .filter(|message| channel.is_none_or(|channel| message.channel == channel))
            .take(SHOWN)
            .collect();
        let fates = fates(pages, &shown).await;
        let fate = |message: &InboxMessage| fates.get(&message.verification?);
        let views: Vec<_> = shown.iter().map(|message| message::view(message, fate(message))).collect();
        let unsent = if channel.is_none() { unsent(pages, &all).await } else { Vec::new() };
        let oldest = all.last().map(|message| (message.at.to_rfc3339(), message::clock_time(message.at)));
        let providers = pages.inbox.providers();
        Ok(Self {
            summary: pages_of_ours::fill(
                "dev/summary.html",
                context! { count => all.len(), full => all.len() == MOST, oldest => oldest },
            )?,
            switches: pages_of_ours::fill(
                "dev/switches.html",
                context! { rows => switches::view(&providers) },
            )?,
            messages: pages_of_ours::fill(
                "dev/messages.html",
                context! {
                    messages => views,
                    unsent => unsent,
                    filtered => channel.map(channel_label),
                    more => all.len() > SHOWN,
                    base_url => pages.desk.base_url(),
                },
            )?,
        })
    }
}

async fn fates(pages: &DevPages, shown: &[&InboxMessage]) -> HashMap<VerificationId, Fate> {
    let mut fates = HashMap::new();
    for message in shown {
        if let Some(id) = message.verification
            && !fates.contains_key(&id)
            && let Some(fate) = pages.desk.fate(id).await
        {
            fates.insert(id, fate);
        }
    }
    fates
}

/// The last verifications without a message, so that a total outage is seen and not merely silent. Those that the
/// inbox was cleared of, or that ended, are not news.
async fn unsent(pages: &DevPages, all: &[InboxMessage]) -> Vec<Unsent> {
    let sent: HashSet<_> = all.iter().filter_map(|message| message.verification).collect();
    let newest = pages.desk.newest().await;
    newest
        .into_iter()
        .filter(|(id, fate)| {
            use backstop_domain::{attempt::AttemptState, verification::Status};
            let taken = |state| matches!(state, AttemptState::Accepted | AttemptState::Delivered);
            fate.status == Status::Pending
                && !sent.contains(id)
                && !fate.attempts.iter().any(|attempt| taken(attempt.state))
        })
        .map(|(id, fate)| {
            let verification = id.to_string();
            Unsent {
                key: verification.clone(),
                at: fate.created_at.to_rfc3339(),
                time: message::clock_time(fate.created_at),
                lamp: fate::of_unsent(&fate),
                story: fate::story(&fate),
                short: message::short(&verification),
                verification,
            }
        })
        .collect()
}

#[derive(Debug, Deserialize)]
pub(crate) struct Limit {
    limit: Option<String>,
}

/// `GET /dev/inbox.json?limit=`: an array, newest first.
pub(crate) async fn inbox_json(State(pages): State<DevPages>, Query(query): Query<Limit>) -> Response {
    let limit = match query.limit.as_deref().map(str::parse::<usize>) {
        None => USUAL,
        Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
        Some(_) => return Problem::field("limit", &format!("is a number from 1 to {MOST}")).into_response(),
    };
    let messages = pages.inbox.messages(limit);
    answer::json(messages.iter().map(MessageJson::from).collect::<Vec<_>>())
}

/// `GET /dev/outages.json`: every pretend provider and how it behaves.
pub(crate) async fn outages_json(State(pages): State<DevPages>) -> Response {
    let rows: Vec<_> = pages
        .inbox
        .providers()
        .into_iter()
        .map(|provider| {
            json!({
                "provider": provider.name,
                "channels": provider.channels,
                "outage": switches::word(provider.outage),
            })
        })
        .collect();
    answer::json(rows)
}

/// `GET /dev/verifications/{id}`: what became of one, without a key, so that a link can lead there.
pub(crate) async fn verification_json(State(pages): State<DevPages>, Path(id): Path<String>) -> Response {
    let found = match id.parse::<VerificationId>() {
        Ok(id) => pages.desk.fate(id).await,
        Err(_) => None,
    };
    let Some(fate) = found else {
        return Problem::new(Code::NotFound, "there is no such verification").into_response();
    };
    let attempts: Vec<_> = fate
        .attempts
        .iter()
        .map(|attempt| {
            json!({
                "id": attempt.id,
                "channel": attempt.channel,
                "provider": attempt.provider,
                "state": attempt.state,
                "outcome": attempt.outcome,
                "vendor_response": attempt.vendor_response,
                "price": attempt.price,
                "started_at": attempt.started_at.to_rfc3339(),
                "finished_at": attempt.finished_at.map(|at| at.to_rfc3339()),
            })
        })
        .collect();
    answer::json(json!({
        "id": id,
        "status": fate.status,
        "created_at": fate.created_at.to_rfc3339(),
        "approved_at": fate.approved_at.map(|at| at.to_rfc3339()),
        "attempts": attempts,
    }))
}
