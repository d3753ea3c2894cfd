//! What SES says later, published on an SNS topic.
//! <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>, read 2026-11.
//!
//! Records repeat and come in any order; states only move forward, so neither matters. Of a record only words of SES are
//! kept: what the other mail server said repeats the address.

use std::collections::BTreeMap;

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::provider::{Callback, CallbackRefused, Heard, Reply},
    receipt::{About, Receipt, ReceiptState, VendorEvent},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    adapter::{Receipts, Reception},
    aws::notification::{Read, Topic},
    email::{REFERENCE, rejection, word},
    exchange::{HttpRequest, HttpResponse},
};

/// Hears the events of one topic.
pub(super) struct Listening {
    pub(super) topic: Topic,
    /// Events of a configuration set carry our tag; an identity's own notifications do not.
    pub(super) gives_tags_back: bool,
}

impl Receipts for Listening {
    fn is_signed(&self) -> bool {
        true
    }

    fn finds_by_vendor_id(&self) -> bool {
        !self.gives_tags_back
    }

    fn receive(
        &self,
        callback: &Callback,
        fetched: &[HttpResponse],
        at: Timestamp,
    ) -> Result<Reception, CallbackRefused> {
        let events = match self.topic.read(&callback.body, fetched, at)? {
            Read::Fetch(url) => return Ok(Reception::Fetch(HttpRequest::get(url))),
            Read::Handshake => Vec::new(),
            // SES also publishes a sentence when a topic is first used.
            Read::Message(text) => {
                let record = serde_json::from_str::<Record>(&text).ok();
                record.and_then(Record::receipt).map(VendorEvent::Receipt).into_iter().collect()
            }
        };
        Ok(Reception::Heard(Heard { events, reply: Reply::OK }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_type: Option<String>,
    notification_type: Option<String>,
    mail: Mail,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    delivery_delay: Option<Delay>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    message_id: String,
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    #[serde(default)]
    bounce_type: String,
    #[serde(default)]
    bounce_sub_type: String,
    #[serde(default)]
    bounced_recipients: Vec<Bounced>,
}

#[derive(Deserialize)]
struct Bounced {
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complaint_sub_type: Option<String>,
    complaint_feedback_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delay {
    delay_type: Option<String>,
}

impl Record {
    /// What it tells of a mail; `None` for words that we do not know.
    fn receipt(self) -> Option<Receipt> {
        let event = self.event_type.or(self.notification_type)?;
        let about = match self.mail.tags.get(REFERENCE).and_then(|values| values.first()?.parse().ok()) {
            Some(reference) => About::Reference(reference),
            None => About::VendorId(self.mail.message_id),
        };
        let mut told = json!({ "eventType": event });
        let (state, outcome) = match event.as_str() {
            "Send" => (ReceiptState::OnItsWay, None),
            "DeliveryDelay" => {
                told["delayType"] =
                    json!(word(self.delivery_delay.as_ref().and_then(|delay| delay.delay_type.as_deref())));
                (ReceiptState::OnItsWay, None)
            }
            // A mail that was looked at has arrived.
            "Delivery" | "Open" | "Click" => (ReceiptState::Delivered, None),
            "Bounce" => {
                let bounce = self.bounce?;
                told["bounceType"] = json!(word(Some(&bounce.bounce_type)));
                told["bounceSubType"] = json!(word(Some(&bounce.bounce_sub_type)));
                told["status"] = json!(bounce.status());
                bounce.outcome()
            }
            "Complaint" => {
                let complaint = self.complaint?;
                told["complaintSubType"] = json!(word(complaint.complaint_sub_type.as_deref()));
                told["complaintFeedbackType"] = json!(word(complaint.complaint_feedback_type.as_deref()));
                // One that complained before is not written to; who complains of this mail has it.
                let state = match complaint.complaint_sub_type.as_deref() {
                    Some("OnAccountSuppressionList") => ReceiptState::Failed,
                    _ => ReceiptState::OnItsWay,
                };
                (state, Some(Outcome::rejected(Reason::OptedOut)))
            }
            // A virus, or a template that cannot be filled: the text's fault, whoever it goes to.
            "Reject" | "Rendering Failure" | "RenderingFailure" => {
                (ReceiptState::Failed, Some(Outcome::rejected_for(Reason::Misconfigured, Scope::Route)))
            }
            _ => return None,
        };
        let rejection = outcome.and_then(rejection);
        Some(Receipt { about, state, rejection, price: None, response: told.to_string() })
    }
}

impl Bounce {
    /// The enhanced code of RFC 3463, such as 5.1.1.
    fn status(&self) -> Option<&str> {
        let status = self.bounced_recipients.first()?.status.as_deref()?.trim();
        let is_code = status.len() <= 11 && status.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        is_code.then_some(status)
    }

    fn outcome(&self) -> (ReceiptState, Option<Outcome>) {
        match (self.bounce_type.as_str(), self.bounce_sub_type.as_str()) {
            ("Permanent", "Suppressed" | "OnAccountSuppressionList") => {
                (ReceiptState::Failed, Some(Outcome::rejected(Reason::OptedOut)))
            }
            ("Permanent", _) => (ReceiptState::Failed, Some(Outcome::rejected(Reason::InvalidRecipient))),
            // No such domain.
            ("Transient", _) if self.status() == Some("5.4.4") => {
                (ReceiptState::Undelivered, Some(Outcome::rejected(Reason::InvalidRecipient)))
            }
            _ => (ReceiptState::Undelivered, None),
        }
    }
}
