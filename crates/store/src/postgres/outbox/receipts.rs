//! A batch as the place of [`Receipts`]: the attempts that they are about, in full, and what they have made of them.

use std::collections::BTreeMap;

use backstop_domain::{
    application::ApplicationId,
    attempt::Attempt,
    clock::Timestamp,
    delivery::{DeliveryState, Lease},
    id::{AttemptId, VerificationId},
    receipt::AttemptReference,
    verification::Status,
};
use tokio_postgres::{Client, Statement};

use super::{
    OutboxDraft,
    write::{column, names, write},
};
use crate::{
    acts::{DeliveryKey, Receipts},
    error::{Result, internal},
    postgres::ledger::VerificationKey,
};

/// Attempts as receipts left them. Their deliveries are locked, so nobody else has changed them.
pub(super) const PUT: &str = "UPDATE attempts t SET state = w.state, outcome = w.outcome, rejection = w.rejection, \
     price = w.price, receipt = w.receipt, receipt_at = coalesce(w.told_at, t.receipt_at), finished_at = w.finished \
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
     $9::bigint[], $10::bigint[]) w (a, v, i, state, outcome, rejection, price, receipt, told_at, finished) \
     WHERE t.application_id = w.a AND t.verification_id = w.v AND t.id = w.i";

/// What receipts of a batch read, and what they have made of it.
#[derive(Default)]
pub(super) struct Told {
    /// By provider and the provider's own id.
    pub(super) named: BTreeMap<(String, String), AttemptReference>,
    /// In full, oldest first.
    pub(super) attempts: BTreeMap<VerificationKey, Vec<Attempt>>,
    /// To be written, with the moment of their words, if these are new.
    put: BTreeMap<(VerificationKey, AttemptId), (Attempt, Option<Timestamp>)>,
}

impl Receipts for OutboxDraft {
    fn by_handle(&self, provider: &str, handle: &str) -> Result<Option<AttemptReference>> {
        Ok(self.told.named.get(&(provider.to_owned(), handle.to_owned())).copied())
    }

    fn attempts_in_full(&self, application: ApplicationId, of: VerificationId) -> Result<Vec<Attempt>> {
        Ok(self.told.attempts.get(&(application, of)).cloned().unwrap_or_default())
    }

    fn waits(&self, application: ApplicationId, id: VerificationId, now: Timestamp) -> Result<bool> {
        let found = self.verifications.get(&(application, id));
        Ok(found.is_some_and(|(status, expires_at)| *status == Status::Pending && *expires_at > now))
    }

    fn put(&mut self, attempt: &Attempt, told_at: Option<Timestamp>) -> Result<()> {
        self.changes += 1;
        let key = (attempt.application, attempt.verification);
        let rows = self.told.attempts.entry(key).or_default();
        let Some(row) = rows.iter_mut().find(|row| row.id == attempt.id) else {
            return Err(internal("a receipt changed an attempt that was not read").into());
        };
        row.clone_from(attempt);
        let light = self.attempts.entry(key).or_default();
        light.insert(attempt.id, (attempt.delivery, attempt.state));
        let put = self.told.put.entry((key, attempt.id)).or_insert_with(|| (attempt.clone(), None));
        *put = (attempt.clone(), told_at.or(put.1));
        Ok(())
    }

    fn reopen(&mut self, key: DeliveryKey, lease: Lease) -> Result<()> {
        self.changes += 1;
        self.deliveries.insert(key, (DeliveryState::Queued, Some(lease)));
        self.new.deliveries.insert(key);
        Ok(())
    }
}

pub(super) async fn write_put(draft: &OutboxDraft, client: &Client, update: &Statement) -> Result<()> {
    let (applications, verifications, ids) = names(draft.told.put.keys());
    let rows: Vec<_> = draft.told.put.values().collect();
    let rejections: std::result::Result<Vec<_>, _> =
        rows.iter().map(|(row, _)| row.rejection.as_ref().map(serde_json::to_string).transpose()).collect();
    write(
        client,
        update,
        rows.len(),
        &[
            &applications,
            &verifications,
            &ids,
            &column(&rows, |(row, _)| row.state.as_str()),
            &column(&rows, |(row, _)| row.outcome.as_deref()),
            &rejections.map_err(|error| internal(error.to_string()))?,
            &column(&rows, |(row, _)| row.price.as_deref()),
            &column(&rows, |(row, _)| row.receipt.as_deref()),
            &column(&rows, |(_, told_at)| told_at.map(Timestamp::as_millis)),
            &column(&rows, |(row, _)| row.finished_at.map(Timestamp::as_millis)),
        ],
    )
    .await
}
