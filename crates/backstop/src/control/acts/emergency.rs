//! Emergency access: how it stands, what waits, who is in.

use backstop_domain::{
    emergency::review::{Use, Verdict},
    id::{EmergencyRequestId, OperatorId, SessionId},
    secret::SecretString,
};
use backstop_engine::emergency::{ApproveError, EmergencySession, RequestReport, ReviewError};

use super::super::{
    protocol::{
        ApprovedReply, ControlReply, EmergencyEndedReply, EmergencyRequestRow, EmergencyRequestsReply,
        EmergencySessionRow, EmergencySessionsReply, EmergencyStatusReply, EmergencyUseRow, Private,
        ReviewedReply,
    },
    refused,
};
use crate::wiring::Installation;

pub(super) async fn status(installation: &Installation) -> anyhow::Result<ControlReply> {
    let status = installation.engine.emergency_status().await?;
    let row = |(used, overdue): (Use, bool)| EmergencyUseRow {
        session: used.session,
        at: used.at.to_rfc3339(),
        user: used.user,
        overdue,
    };
    Ok(ControlReply::EmergencyStatus(EmergencyStatusReply {
        on: status.is_on,
        roles: status.roles,
        networks: status.networks,
        approvals: if status.needs_approval { 2 } else { 1 },
        key_used_at: status.key_used_at.map(|at| at.to_rfc3339()),
        to_review: status.to_review.into_iter().map(row).collect(),
        last_drill: status.last_drill.map(|at| at.to_rfc3339()),
        drill_due: status.is_drill_due,
    }))
}

pub(super) async fn requests(installation: &Installation) -> anyhow::Result<ControlReply> {
    let row = |report: RequestReport| EmergencyRequestRow {
        id: report.request.id,
        application: report.application,
        user: report.request.user,
        asked_at: report.request.asked_at.to_rfc3339(),
        network: report.request.network,
        state: report.state,
        reason: report.reason.map(|reason| Private::new(reason.expose())),
    };
    let requests = installation.engine.emergency_requests().await?.into_iter().map(row).collect();
    Ok(ControlReply::EmergencyRequests(EmergencyRequestsReply { requests }))
}

/// Approves. Where there are operators, one of them must be named, so that the record holds both.
pub(super) async fn approve(
    installation: &Installation,
    id: EmergencyRequestId,
    operator: Option<&str>,
) -> anyhow::Result<ControlReply> {
    let named = match named(installation, operator).await? {
        Ok(named) => named,
        Err(refusal) => return Ok(refusal),
    };
    Ok(match installation.engine.approve_emergency(named, id).await {
        Ok(()) => ControlReply::EmergencyApproved(ApprovedReply { id }),
        Err(ApproveError::Store(error)) => return Err(error.into()),
        Err(error) => refused(error.to_string(), Some("see `backstop emergency requests`")),
    })
}

/// Closes a use. Where there are operators, one of them must be named here too.
pub(super) async fn review(
    installation: &Installation,
    (id, operator): (SessionId, Option<&str>),
    drill: bool,
    finding: &Private,
) -> anyhow::Result<ControlReply> {
    let named = match named(installation, operator).await? {
        Ok(named) => named,
        Err(refusal) => return Ok(refusal),
    };
    let verdict = if drill { Verdict::Drill } else { Verdict::Use };
    let finding = SecretString::new(finding.expose());
    Ok(match installation.engine.review_emergency(named, id, verdict, finding).await {
        Ok(()) => ControlReply::EmergencyReviewed(ReviewedReply { session: id, drill }),
        Err(ReviewError::Store(error)) => return Err(error.into()),
        Err(error) => refused(error.to_string(), Some("see `backstop emergency status`")),
    })
}

/// The operator of this name, or whoever may run the program's commands where there is none; else the refusal.
async fn named(
    installation: &Installation,
    operator: Option<&str>,
) -> anyhow::Result<Result<Option<OperatorId>, ControlReply>> {
    let operators = installation.engine.operators().await?;
    Ok(match operator {
        Some(name) => match operators.iter().find(|one| one.name.is_same(name)) {
            Some(found) => Ok(Some(found.id)),
            None => Err(refused("no operator of that name", Some("see `backstop operators list`"))),
        },
        None if operators.is_empty() => Ok(None),
        None => {
            let fix = "add --operator NAME: never whoever was let in";
            Err(refused("nobody is named who does it", Some(fix)))
        }
    })
}

pub(super) async fn sessions(installation: &Installation) -> anyhow::Result<ControlReply> {
    let row = |open: EmergencySession| EmergencySessionRow {
        id: open.session.id,
        application: open.application,
        user: open.session.user,
        began_at: open.session.created_at.to_rfc3339(),
        ends_at: open.session.expires_at.to_rfc3339(),
        network: open.session.network,
    };
    let sessions = installation.engine.emergency_sessions().await?.into_iter().map(row).collect();
    Ok(ControlReply::EmergencySessions(EmergencySessionsReply { sessions }))
}

pub(super) async fn revoke(installation: &Installation, id: SessionId) -> anyhow::Result<ControlReply> {
    let ended = installation.engine.end_emergency(id).await?;
    Ok(ControlReply::EmergencyRevoked(EmergencyEndedReply { id, ended }))
}
