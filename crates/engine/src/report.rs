//! What a caller reads about a verification. Masked; what a public caller may not see is left out by the door.

use backstop_domain::{
    application::Application,
    attempt::{Attempt, AttemptState},
    channel::Channel,
    clock::Timestamp,
    delivery::DeliveryState,
    id::{AttemptId, VerificationId},
    outcome::VendorResponse,
    ports::store::VerificationView,
    purpose::Purpose,
    verification::{Status, Verification},
};

/// A verification as its application reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct VerificationReport {
    /// Names it.
    pub id: VerificationId,
    /// Where it stands.
    pub status: Status,
    /// Where its latest delivery stands.
    pub delivery: DeliveryState,
    /// The recipient, masked.
    pub to: String,
    /// The channel of the latest attempt, or the first of the ladder.
    pub channel: Channel,
    /// The ladder.
    pub channels: Vec<Channel>,
    /// What it proves.
    pub purpose: Purpose,
    /// When it was started.
    pub created_at: Timestamp,
    /// When its code dies.
    pub expires_at: Timestamp,
    /// From when on a resend can pass.
    pub resend_after: Timestamp,
    /// How many checks it still takes.
    pub checks_left: u32,
    /// When the right code came.
    pub approved_at: Option<Timestamp>,
    /// How it was proven, once it is approved.
    pub amr: Vec<&'static str>,
    /// Hand-overs to vendors, oldest first.
    pub attempts: Vec<AttemptReport>,
}

/// One hand-over to a vendor.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptReport {
    /// Names it.
    pub id: AttemptId,
    /// How it travelled.
    pub channel: Channel,
    /// Through whom.
    pub provider: String,
    /// Where it stands.
    pub state: AttemptState,
    /// `accepted`, `unknown`, or the reason of the refusal.
    pub outcome: Option<String>,
    /// The vendor's answer.
    pub vendor_response: Option<VendorResponse>,
    /// What it cost.
    pub price: Option<String>,
    /// When it was written down.
    pub started_at: Timestamp,
    /// When its answer was.
    pub finished_at: Option<Timestamp>,
}

impl From<&Attempt> for AttemptReport {
    fn from(attempt: &Attempt) -> Self {
        Self {
            id: attempt.id,
            channel: attempt.channel,
            provider: attempt.provider.clone(),
            state: attempt.state,
            outcome: attempt.outcome.clone(),
            vendor_response: attempt.vendor_response.clone(),
            price: attempt.price.clone(),
            started_at: attempt.started_at,
            finished_at: attempt.finished_at,
        }
    }
}

impl VerificationReport {
    /// Reads rows.
    pub(crate) fn of(view: &VerificationView, application: &Application, now: Timestamp) -> Self {
        let row = &view.verification;
        let latest = view.deliveries.last();
        let mut report = Self::fresh(row, application, latest.map_or(row.created_at, |d| d.created_at), now);
        report.delivery = latest.map_or(DeliveryState::Queued, |delivery| delivery.state);
        if let Some(attempt) = view.attempts.last() {
            report.channel = attempt.channel;
        }
        if row.status == Status::Approved {
            report.amr = weakest(&view.attempts).map(|channel| channel.amr().to_vec()).unwrap_or_default();
        }
        report.attempts = view.attempts.iter().map(AttemptReport::from).collect();
        report
    }

    /// The route that took the latest message, if one did.
    pub(crate) fn taken_by(&self) -> Option<(Channel, String)> {
        let taken = |attempt: &&AttemptReport| {
            matches!(attempt.state, AttemptState::Accepted | AttemptState::Delivered)
        };
        self.attempts.iter().rev().find(taken).map(|attempt| (attempt.channel, attempt.provider.clone()))
    }

    /// A verification that was written just now.
    pub(crate) fn fresh(
        row: &Verification,
        application: &Application,
        asked_at: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            id: row.id,
            status: row.status_at(now),
            delivery: DeliveryState::Queued,
            to: row.masked.clone(),
            channel: row.ladder.first().copied().unwrap_or(Channel::Sms),
            channels: row.ladder.clone(),
            purpose: row.purpose.clone(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            resend_after: asked_at + application.limits.resend_after,
            checks_left: row.checks_left(now),
            approved_at: row.approved_at,
            amr: Vec::new(),
            attempts: Vec::new(),
        }
    }
}

/// The weakest channel that the code was ever handed to: what an approval is worth.
fn weakest(attempts: &[Attempt]) -> Option<Channel> {
    attempts.iter().filter(|attempt| attempt.state.may_have_reached()).map(|attempt| attempt.channel).min()
}
