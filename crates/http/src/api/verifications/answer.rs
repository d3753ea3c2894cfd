//! What callers read. Moments are RFC 3339 in UTC; recipients are masked, but for a redeemed proof.

use backstop_domain::channel::Channel;
use backstop_engine::{
    AttemptReport, VerificationReport,
    verify::{CheckReport, Proof, VerificationPage},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::words::{ChannelWord, DeliveryWord, StatusWord};

/// A verification.
#[derive(Serialize, ToSchema)]
#[schema(as = Verification)]
pub(crate) struct VerificationBody {
    /// Names it.
    #[schema(example = "ver_06e8w4g2k7q1m9x3z5c0b8n6v4t2r1p0s7d3")]
    id: String,
    /// Where it stands.
    #[schema(value_type = StatusWord)]
    status: &'static str,
    /// Where its latest delivery stands.
    #[schema(value_type = DeliveryWord)]
    delivery: &'static str,
    /// The recipient, masked.
    #[schema(example = "+1••••••••23")]
    to: String,
    /// The channel of the latest attempt, or the first that will be tried.
    #[schema(value_type = ChannelWord)]
    channel: &'static str,
    /// The ladder of channels.
    #[schema(value_type = Vec<ChannelWord>)]
    channels: Vec<&'static str>,
    /// What the code is for.
    #[schema(example = "login")]
    purpose: String,
    /// When the code dies.
    #[schema(example = "2026-11-20T03:22:04.123Z")]
    expires_at: String,
    /// From when on a resend can pass.
    #[schema(example = "2026-11-20T03:13:04.123Z")]
    resend_after: String,
    /// How many checks it still takes.
    #[schema(example = 3)]
    checks_left: u32,
    /// With `wait`: the channel that took the message; null if none did yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ChannelWord>, required = false)]
    channel_used: Option<Option<&'static str>>,
    /// With `wait`: the provider that took the message; null if none did yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    provider: Option<Option<String>>,
    /// On reading with a secret key: each hand-over to a vendor, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptBody>>,
}

/// One hand-over to a vendor.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct AttemptBody {
    /// Names it.
    id: String,
    /// How the code travelled.
    #[schema(value_type = ChannelWord)]
    channel: &'static str,
    /// Through whom.
    #[schema(example = "twilio-main")]
    provider: String,
    /// `sending`, `accepted`, `delivered`, `undelivered`, `rejected` or `unknown`.
    #[schema(example = "accepted")]
    state: &'static str,
    /// `accepted`, `unknown`, or the reason of the refusal; null while sending.
    #[schema(example = "accepted")]
    outcome: Option<String>,
    /// What the vendor said.
    vendor_response: Option<VendorResponseBody>,
    /// What it cost, where that is known.
    #[schema(example = "0.0079 USD")]
    price: Option<String>,
    /// When it was written down, just before it left.
    started_at: String,
    /// When its answer was.
    finished_at: Option<String>,
}

/// What a vendor said, without the code, the recipient or a credential.
#[derive(Serialize, ToSchema)]
#[schema(as = VendorResponse)]
pub(crate) struct VendorResponseBody {
    /// Whether it took the message.
    success: bool,
    /// Its own words.
    response: String,
    /// Our word for them.
    outcome: Option<String>,
}

/// A page of verifications, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = VerificationPage)]
pub(crate) struct VerificationPageBody {
    verifications: Vec<VerificationBody>,
    /// The `cursor` of the next page; null on the last.
    next_cursor: Option<String>,
}

/// The answer to a check.
#[derive(Serialize, ToSchema)]
#[schema(as = Checked)]
pub(crate) struct CheckBody {
    /// The verification that answers.
    id: String,
    /// Whether this very code approved it.
    valid: bool,
    /// Where it stands now.
    #[schema(value_type = StatusWord)]
    status: &'static str,
    /// How many checks it still takes.
    #[schema(example = 0)]
    checks_left: u32,
}

/// What was proven.
#[derive(Serialize, ToSchema)]
#[schema(as = Proof)]
pub(crate) struct ProofBody {
    /// The verification.
    id: String,
    /// Who, in full.
    #[schema(example = "+14155550123")]
    to: String,
    /// What for.
    #[schema(example = "login")]
    purpose: String,
    /// Over what: the weakest channel that the code was ever handed to; null if it was handed to none.
    #[schema(value_type = Option<ChannelWord>)]
    channel: Option<&'static str>,
    /// How, in the manner of RFC 8176.
    #[schema(example = json!(["otp", "sms"]))]
    amr: Vec<&'static str>,
    /// What was approved, if a transaction was.
    transaction: Option<ProvenTransaction>,
    /// Your own notes.
    #[schema(value_type = Option<Object>)]
    metadata: Option<serde_json::Value>,
}

/// What was approved.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProvenTransaction {
    amount: String,
    payee: String,
}

impl VerificationBody {
    /// What everybody may read who knows the id.
    pub(crate) fn new(report: &VerificationReport) -> Self {
        Self {
            id: report.id.to_string(),
            status: report.status.as_str(),
            delivery: report.delivery.as_str(),
            to: report.to.clone(),
            channel: report.channel.as_str(),
            channels: report.channels.iter().map(|channel| channel.as_str()).collect(),
            purpose: report.purpose.to_string(),
            expires_at: report.expires_at.to_rfc3339(),
            resend_after: report.resend_after.to_rfc3339(),
            checks_left: report.checks_left,
            channel_used: None,
            provider: None,
            attempts: None,
        }
    }

    /// With the route that took it: the answer to `wait`.
    pub(crate) fn with_route(mut self, used: Option<(Channel, String)>) -> Self {
        let (channel, provider) = used.unzip();
        self.channel_used = Some(channel.map(Channel::as_str));
        self.provider = Some(provider);
        self
    }

    /// With what only the application may read.
    pub(crate) fn with_attempts(mut self, report: &VerificationReport) -> Self {
        self.attempts = Some(report.attempts.iter().map(AttemptBody::new).collect());
        self
    }
}

impl AttemptBody {
    fn new(attempt: &AttemptReport) -> Self {
        Self {
            id: attempt.id.to_string(),
            channel: attempt.channel.as_str(),
            provider: attempt.provider.clone(),
            state: attempt.state.as_str(),
            outcome: attempt.outcome.clone(),
            vendor_response: attempt.vendor_response.as_ref().map(|said| VendorResponseBody {
                success: said.success,
                response: said.response.clone(),
                outcome: attempt.outcome.clone(),
            }),
            price: attempt.price.clone(),
            started_at: attempt.started_at.to_rfc3339(),
            finished_at: attempt.finished_at.map(backstop_domain::clock::Timestamp::to_rfc3339),
        }
    }
}

impl VerificationPageBody {
    pub(crate) fn new(page: &VerificationPage) -> Self {
        Self {
            verifications: page.verifications.iter().map(VerificationBody::new).collect(),
            next_cursor: page.next.map(|id| id.to_string()),
        }
    }
}

impl CheckBody {
    pub(crate) fn new(report: &CheckReport) -> Self {
        Self {
            id: report.verification.to_string(),
            valid: report.answer.valid,
            status: report.answer.status.as_str(),
            checks_left: report.answer.checks_left,
        }
    }
}

impl ProofBody {
    pub(crate) fn new(proof: Proof) -> Self {
        Self {
            id: proof.id.to_string(),
            to: proof.to,
            purpose: proof.purpose.to_string(),
            channel: proof.channel.map(Channel::as_str),
            amr: proof.amr,
            transaction: proof.transaction.map(|transaction| ProvenTransaction {
                amount: transaction.amount,
                payee: transaction.payee,
            }),
            metadata: proof.metadata,
        }
    }
}
