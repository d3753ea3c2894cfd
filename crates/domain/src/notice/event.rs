//! What a webhook is posted: `{"type", "timestamp", "data"}`, with ids, masked texts, and nothing that opens a door.

use serde::Serialize;

use super::{Detail, NewNotice};
use crate::id::UserId;

#[derive(Serialize)]
struct Event<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    application: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    #[serde(flatten)]
    detail: &'a Detail,
    sequence: u64,
}

/// The body, the same over every try. `application` is the configured name.
pub fn body(notice: &NewNotice, application: &str) -> Vec<u8> {
    let event = Event {
        r#type: notice.kind.as_str(),
        timestamp: notice.at.to_rfc3339(),
        data: Data { application, user_id: notice.user, detail: &notice.detail, sequence: notice.sequence },
    };
    // A struct of texts and numbers always becomes JSON.
    serde_json::to_vec(&event).unwrap_or_default()
}
