//! The audit log: whether it is whole, and reading it.

use std::collections::BTreeMap;

use backstop_domain::{
    audit::{Checkpoint, Record},
    event::{Actor, Event, EventKind},
    secret::SecretString,
};

use super::super::protocol::{
    AuditExportReply, AuditPageReply, AuditRow, AuditVerifyReply, BrokenRecord, CheckpointRow, ControlReply,
    Private,
};
use crate::wiring::Installation;

/// Records in one answer.
const PAGE: u32 = 500;

pub(super) async fn verify(installation: &Installation) -> anyhow::Result<ControlReply> {
    Ok(ControlReply::AuditVerify(match installation.engine.verify_audit().await? {
        Ok(verified) => AuditVerifyReply {
            whole: true,
            records: Some(verified.head.seq),
            head: Some(hex::encode(verified.head.hash)),
            checkpoints: Some(verified.checkpoints),
            broken: None,
        },
        Err(broken) => AuditVerifyReply {
            whole: false,
            records: None,
            head: None,
            checkpoints: None,
            broken: Some(BrokenRecord { seq: broken.seq, problem: broken.fault.to_string() }),
        },
    }))
}

/// Records that the log is taken out, and says up to where.
pub(super) async fn begin_export(
    installation: &Installation,
    with_details: bool,
) -> anyhow::Result<ControlReply> {
    let event = Event::new(installation.clock.now(), EventKind::AuditExported, Actor::CommandLine);
    let method = with_details.then(|| "with_details".to_owned());
    installation.engine.record(&Event { method, ..event }).await?;
    let until = installation.store.audit_head().await?.seq;
    Ok(ControlReply::AuditExport(AuditExportReply { until }))
}

/// The records after number `after`.
pub(super) async fn page(
    installation: &Installation,
    after: u64,
    until: Option<u64>,
    with_details: bool,
) -> anyhow::Result<ControlReply> {
    let mut records = installation.store.audit_page(after, PAGE).await?;
    records.retain(|record| until.is_none_or(|until| record.seq <= until));
    let last = records.last().map_or(after, |record| record.seq);
    let mut checkpoints = installation.store.checkpoints(after, PAGE).await?;
    checkpoints.retain(|checkpoint| checkpoint.seq <= last);
    let details = match with_details {
        true => installation.engine.read_audit_details(&records, Actor::CommandLine).await?,
        false => BTreeMap::new(),
    };
    let rows = records.iter().map(|record| row(record, details.get(&record.seq)));
    let lines = checkpoints.iter().map(line);
    let (records, checkpoints) = (rows.collect::<Result<_, _>>()?, lines.collect::<Result<_, _>>()?);
    Ok(ControlReply::AuditPage(AuditPageReply { records, checkpoints }))
}

/// The newest records.
pub(super) async fn tail(installation: &Installation, count: u32) -> anyhow::Result<ControlReply> {
    let head = installation.store.audit_head().await?;
    page(installation, head.seq.saturating_sub(u64::from(count.min(PAGE))), None, false).await
}

fn row(record: &Record, detail: Option<&SecretString>) -> serde_json::Result<AuditRow> {
    Ok(AuditRow {
        seq: record.seq,
        at: record.at.as_millis(),
        prev: hex::encode(record.prev),
        body: serde_json::from_str(&record.body)?,
        hash: hex::encode(record.hash),
        detail: detail.map(|detail| Private::new(detail.expose())),
    })
}

fn line(checkpoint: &Checkpoint) -> serde_json::Result<CheckpointRow> {
    Ok(CheckpointRow { seq: checkpoint.seq, line: serde_json::from_str(&checkpoint.to_string())? })
}
