//! What a command says to the service, and what it hears back: one JSON line each way over the owner-only socket.
//!
//! The same values serve when no service runs and the command opens the store itself, so a command cannot tell the
//! difference. Recipients, codes and new keys cross as [`Private`]: readable on the other side, never in `Debug`.

mod audit;
mod codes;
mod doctor;
mod emergency;
mod keys;
mod people;
mod private;
mod providers;
mod routing;
mod store;
#[cfg(test)]
mod tests;
mod usage;

use std::path::PathBuf;

use backstop_domain::{
    channel::Channel,
    id::{ApiKeyId, EmergencyRequestId, SessionId, VerificationId},
    purpose::Purpose,
};
use serde::{Deserialize, Serialize};

pub use self::{
    audit::{AuditExportReply, AuditPageReply, AuditRow, AuditVerifyReply, BrokenRecord, CheckpointRow},
    codes::{CancelReply, SendReply, VerifyReply},
    doctor::{DoctorLine, DoctorReply, Level},
    emergency::{
        ApprovedReply, EmergencyEndedReply, EmergencyRequestRow, EmergencyRequestsReply, EmergencySessionRow,
        EmergencySessionsReply, EmergencyStatusReply, EmergencyUseRow, InviteReply, OperatorRow,
        OperatorsReply, RemovedReply, ReviewedReply,
    },
    keys::{KeyReply, KeyRow, KeysReply, RevokeReply, RotateReply, RotatedKey},
    people::{
        AddressRow, CodesReply, CountReply, DeviceRow, DevicesReply, EndedReply, EraseReply, ExportReply,
        FactorsRow, ImportReply, ImportRow, PeopleRequest, PersonChanges, RefusedRow, SessionRow,
        SessionsReply, UserRow, UsersReply,
    },
    private::Private,
    providers::{
        CreditRow, ErrandReply, Figures, Finding, LimitReply, ProviderRow, ProvidersReply, SpendRow,
        SwitchReply, TestReply, TestSend,
    },
    routing::{AttemptRow, Recorded, RecordedReply, RouteReply, RungRow},
    store::{BackupReply, MigrateReply, MoveReply, MovedTable, RestoreReply},
    usage::{
        ChannelCosts, ChannelStats, CostRow, CostsReply, InsteadRow, OutcomeRow, PurposeRow, StatsReply,
    },
};

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum ControlRequest {
    /// Start a verification.
    Send {
        /// For this application; `None`: the only one there is.
        application: Option<String>,
        /// The recipient, as typed.
        to: Private,
        /// Only over this channel.
        channel: Option<Channel>,
        /// For this purpose; `None`: login.
        purpose: Option<Purpose>,
        /// Answer when a vendor has accepted it.
        wait: bool,
    },
    /// Check a code.
    Verify {
        /// Of this application; `None`: the only one there is.
        application: Option<String>,
        /// The verification.
        id: VerificationId,
        /// The code, as typed.
        code: Private,
    },
    /// End a pending verification.
    Cancel {
        /// Of this application; `None`: the only one there is.
        application: Option<String>,
        /// The verification.
        id: VerificationId,
    },
    /// Make an API key.
    CreateKey {
        /// For this application.
        application: String,
        /// A publishable key instead of a secret one.
        publishable: bool,
    },
    /// List the API keys.
    ListKeys,
    /// End an API key.
    RevokeKey {
        /// Which.
        id: ApiKeyId,
    },
    /// Add new keys to the keyring; new work uses them.
    RotateKeyring,
    /// Copy the store into a file.
    Backup {
        /// An absolute path where nothing is yet.
        to: PathBuf,
    },
    /// Tell how the providers are.
    Providers,
    /// Switch a provider on or off, on every node.
    SwitchProvider {
        /// Its configured name.
        name: String,
        /// Whether it is to be used.
        enabled: bool,
    },
    /// Set the most that a provider's month may cost.
    SetSpendLimit {
        /// Its configured name.
        name: String,
        /// The amount, as typed.
        amount: String,
        /// Its currency; `None`: that of the provider's prices.
        currency: Option<String>,
    },
    /// Look at one provider and, if asked, send a real message through it alone.
    TestProvider {
        /// Its configured name.
        name: String,
        /// For this application; `None`: the only one there is.
        application: Option<String>,
        /// The recipient of a message, as typed.
        to: Option<Private>,
        /// Over this channel; `None`: the first of its channels that reaches the recipient.
        channel: Option<Channel>,
    },
    /// Have a vendor begin to verify that a sender is ours.
    VerifySender {
        /// The provider's configured name.
        name: String,
        /// The sender, as typed.
        address: Private,
    },
    /// Tell what would be tried for a recipient, and why.
    Route {
        /// The recipient, as typed.
        to: Private,
        /// For this application; `None`: the only one there is.
        application: Option<String>,
        /// For this purpose; `None`: login.
        purpose: Option<Purpose>,
        /// Over this channel alone; `None`: the application's ladder.
        channel: Option<Channel>,
    },
    /// Tell what was tried for a verification, and why.
    Recorded {
        /// The verification.
        id: VerificationId,
    },
    /// Tell what a month has cost.
    Costs {
        /// The month, as `2026-11`; `None`: this one.
        month: Option<String>,
    },
    /// Count what became of messages and verifications.
    Stats {
        /// Since so many seconds ago.
        since_seconds: u64,
    },
    /// See whether the audit log is whole.
    AuditVerify,
    /// Record that the audit log is taken out, and say up to where.
    AuditExport {
        /// Whether with what is personal.
        with_details: bool,
    },
    /// Read the audit log.
    AuditPage {
        /// From behind this record.
        after: u64,
        /// Up to this one; `None`: to the end.
        until: Option<u64>,
        /// Whether with what is personal.
        with_details: bool,
    },
    /// Read the end of the audit log.
    AuditTail {
        /// So many records.
        count: u32,
    },
    /// Something about the people of an application.
    People {
        /// Of this application; `None`: the only one there is, or the one that the user is of.
        application: Option<String>,
        /// What.
        act: PeopleRequest,
    },
    /// List who runs the installation.
    ListOperators,
    /// Make a link that makes an operator.
    InviteOperator {
        /// One who may invite others.
        owner: bool,
    },
    /// Remove an operator.
    RemoveOperator {
        /// By name or id.
        who: String,
    },
    /// Tell how emergency access stands.
    EmergencyStatus,
    /// List who asked to be let in.
    EmergencyRequests,
    /// Approve a request.
    ApproveEmergency {
        /// Which.
        id: EmergencyRequestId,
        /// Who approves it, by name.
        operator: Option<String>,
    },
    /// List who is in.
    EmergencySessions,
    /// End a session of emergency access.
    RevokeEmergency {
        /// Which.
        id: SessionId,
    },
    /// Review a use of emergency access.
    ReviewEmergency {
        /// The session that it opened.
        id: SessionId,
        /// Who reviews it, by name.
        operator: Option<String>,
        /// Whether it was a drill.
        drill: bool,
        /// What they found.
        finding: Private,
    },
    /// Look whether everything works.
    Doctor {
        /// Also send a real code to this number.
        send_to_phone: Option<Private>,
        /// Also send a real code to this address.
        send_to_email: Option<Private>,
    },
}

impl ControlRequest {
    /// Whether it asks for an order of providers, which rests on what was learned.
    pub(super) const fn routes(&self) -> bool {
        matches!(self, Self::Send { .. } | Self::Route { .. } | Self::Doctor { .. })
    }
}

/// What a command hears.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum ControlReply {
    /// To [`ControlRequest::Send`].
    Send(SendReply),
    /// To [`ControlRequest::Verify`].
    Verify(VerifyReply),
    /// To [`ControlRequest::Cancel`].
    Cancel(CancelReply),
    /// To [`ControlRequest::CreateKey`].
    CreateKey(KeyReply),
    /// To [`ControlRequest::ListKeys`].
    ListKeys(KeysReply),
    /// To [`ControlRequest::RevokeKey`].
    RevokeKey(RevokeReply),
    /// To [`ControlRequest::RotateKeyring`].
    RotateKeyring(RotateReply),
    /// To [`ControlRequest::Backup`].
    Backup(BackupReply),
    /// To [`ControlRequest::Providers`].
    Providers(ProvidersReply),
    /// To [`ControlRequest::SwitchProvider`].
    SwitchProvider(SwitchReply),
    /// To [`ControlRequest::SetSpendLimit`].
    SetSpendLimit(LimitReply),
    /// To [`ControlRequest::TestProvider`].
    TestProvider(TestReply),
    /// To [`ControlRequest::VerifySender`].
    VerifySender(ErrandReply),
    /// To [`ControlRequest::Route`].
    Route(RouteReply),
    /// To [`ControlRequest::Recorded`].
    Recorded(RecordedReply),
    /// To [`ControlRequest::Costs`].
    Costs(CostsReply),
    /// To [`ControlRequest::Stats`].
    Stats(StatsReply),
    /// To [`ControlRequest::AuditVerify`].
    AuditVerify(AuditVerifyReply),
    /// To [`ControlRequest::AuditExport`].
    AuditExport(AuditExportReply),
    /// To [`ControlRequest::AuditPage`] and [`ControlRequest::AuditTail`].
    AuditPage(AuditPageReply),
    /// To [`PeopleRequest`]s that make, read or change one user.
    User(UserRow),
    /// To [`PeopleRequest::List`].
    Users(UsersReply),
    /// To [`PeopleRequest::Erase`].
    Erase(EraseReply),
    /// To [`PeopleRequest::Export`].
    Export(ExportReply),
    /// To [`PeopleRequest::Import`].
    Import(ImportReply),
    /// To [`PeopleRequest::GenerateCodes`].
    Codes(CodesReply),
    /// To [`PeopleRequest::CountCodes`].
    CodesLeft(CountReply),
    /// To [`PeopleRequest::ListDevices`].
    Devices(DevicesReply),
    /// To [`PeopleRequest::ListSessions`].
    Sessions(SessionsReply),
    /// To [`PeopleRequest`]s that end codes, devices or sessions.
    Ended(EndedReply),
    /// To [`ControlRequest::ListOperators`].
    Operators(OperatorsReply),
    /// To [`ControlRequest::InviteOperator`].
    InviteOperator(InviteReply),
    /// To [`ControlRequest::RemoveOperator`].
    RemoveOperator(RemovedReply),
    /// To [`ControlRequest::EmergencyStatus`].
    EmergencyStatus(EmergencyStatusReply),
    /// To [`ControlRequest::EmergencyRequests`].
    EmergencyRequests(EmergencyRequestsReply),
    /// To [`ControlRequest::ApproveEmergency`].
    EmergencyApproved(ApprovedReply),
    /// To [`ControlRequest::EmergencySessions`].
    EmergencySessions(EmergencySessionsReply),
    /// To [`ControlRequest::RevokeEmergency`].
    EmergencyRevoked(EmergencyEndedReply),
    /// To [`ControlRequest::ReviewEmergency`].
    EmergencyReviewed(ReviewedReply),
    /// To [`ControlRequest::Doctor`].
    Doctor(DoctorReply),
    /// To any of them: it was not done.
    Refused(Refusal),
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// In one clause, without personal data.
    pub problem: String,
    /// What to do instead.
    pub fix: Option<String>,
}
