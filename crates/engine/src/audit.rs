//! The audit log, as the service uses it: making events ready, signing the chain, and reading it again.
//!
//! A record goes into the transaction of the change that it tells of; [`Engine::new_record`] makes it ready for that, and an
//! act whose record cannot be written is not done. Each node looks now and then whether what is new since the last checkpoint
//! is much or old enough, walks over it, and signs its end: a chain that is broken is never signed. A crash between two looks
//! loses nothing but time. Two nodes may sign the same end; one of the two checkpoints stays.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use backstop_domain::{
    audit::{Broken, Checkpoint, Fault, Head, NewRecord, Record, Verified, Verifier},
    event::{Actor, Event, EventKind},
    ports::StoreError,
    secret::SecretString,
};
use futures::future;

use crate::Engine;

/// How often a node looks whether a checkpoint is due.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// A checkpoint is due when so many records are new,
const DUE_AFTER: u64 = 1000;
/// or when the oldest of them is this old.
const DUE_WITHIN: Duration = Duration::from_secs(300);
/// Rows that are read at once.
const PAGE: u32 = 500;

/// Why the log was not read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The checkpoints outside the store cannot be read.
    #[error("the checkpoints outside the store: {0}")]
    Witness(String),
}

impl Engine {
    /// Makes an event ready to be recorded in the act that it tells of.
    pub fn new_record(&self, event: &Event) -> NewRecord {
        NewRecord::of(event, &self.keyring(), self.random.as_ref())
    }

    /// Records an event that changes nothing else.
    ///
    /// # Errors
    /// If it cannot be written: then what it tells of must not be done.
    pub async fn record(&self, event: &Event) -> Result<(), StoreError> {
        self.noting(self.store.record(vec![self.new_record(event)]).await)
    }

    /// Walks the whole log, with all checkpoints in the store and outside of it, and the details that are left.
    ///
    /// # Errors
    /// If it cannot be read; a log that is not whole is an answer.
    pub async fn verify_audit(&self) -> Result<Result<Verified, Broken>, AuditError> {
        match self.walk_audit().await {
            Err(AuditError::Store(StoreError::BadRow { table, key, .. })) if table.starts_with("audit") => {
                Ok(Err(Broken { seq: key.parse().unwrap_or_default(), fault: Fault::Unreadable }))
            }
            walked => walked,
        }
    }

    async fn walk_audit(&self) -> Result<Result<Verified, Broken>, AuditError> {
        self.load_ring().await?;
        let ring = self.keyring();
        let mut verifier = Verifier::default();
        // What the chain has to meet is read first: whatever it names was written before.
        let kept = match &self.witness {
            Some(witness) => witness.kept().await.map_err(AuditError::Witness)?,
            None => Vec::new(),
        };
        for checkpoint in kept.iter().chain(&self.checkpoints().await?) {
            if let Err(broken) = verifier.expect(checkpoint, ring.as_ref()) {
                return Ok(Err(broken));
            }
        }
        verifier.expect_head(self.store.audit_head().await?);
        let mut after = 0;
        loop {
            let page = self.store.audit_page(after, PAGE).await?;
            let (Some(first), Some(last)) = (page.first(), page.last()) else { break };
            let mut details = self.store.audit_details(first.seq, last.seq).await?.into_iter().peekable();
            after = last.seq;
            for record in &page {
                if let Err(broken) = verifier.take(record) {
                    return Ok(Err(broken));
                }
                let detail = details.next_if(|detail| detail.seq == record.seq);
                if detail.is_some_and(|detail| record.open(&detail, &ring).is_err()) {
                    return Ok(Err(Broken { seq: record.seq, fault: Fault::OtherDetail }));
                }
            }
        }
        Ok(verifier.finish())
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        let mut all: Vec<Checkpoint> = Vec::new();
        loop {
            let page = self.store.checkpoints(all.last().map_or(0, |last| last.seq), PAGE).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// What is personal about these records, by number, as far as it is not erased. That it was read is recorded first.
    ///
    /// # Errors
    /// If that cannot be recorded, or the store cannot be read.
    pub async fn read_audit_details(
        &self,
        records: &[Record],
        actor: Actor,
    ) -> Result<BTreeMap<u64, SecretString>, StoreError> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(BTreeMap::new()) };
        let sealed = self.store.audit_details(first.seq, last.seq).await?;
        if sealed.is_empty() {
            return Ok(BTreeMap::new());
        }
        let read = Event::new(self.now(), EventKind::AuditDetailRead, actor);
        self.record(&read.with_object(format!("{}-{}", first.seq, last.seq))).await?;
        self.load_ring().await?;
        let ring = self.keyring();
        let by_number: BTreeMap<u64, &Record> = records.iter().map(|record| (record.seq, record)).collect();
        // One that does not open is not the one recorded: verifying names it.
        let opened = sealed.iter().filter_map(|detail| {
            let record = by_number.get(&detail.seq)?;
            Some((detail.seq, record.open(detail, &ring).ok()?))
        });
        Ok(opened.collect())
    }

    pub(crate) async fn checkpoint_forever(self: Arc<Self>) {
        let (mut was_silent, mut was_broken) = (false, None);
        while !self.workload.is_stopping() {
            let looked = if self.clock.is_reliable() { self.checkpoint(false).await } else { Ok(None) };
            match &looked {
                Err(error) if !was_silent => tracing::warn!(%error, "the audit log cannot be signed"),
                Ok(Some(broken)) if was_broken != Some(*broken) => {
                    tracing::error!(audit.seq = broken.seq, %broken, "the audit log was tampered with and is not signed");
                }
                _ => {}
            }
            was_silent = looked.is_err();
            was_broken = looked.unwrap_or(was_broken);
            future::select(self.tasks.sleep(LOOK_EVERY), self.workload.stopped()).await;
        }
    }

    /// Signs the end of the log if that is due, or anything is new and it is the last time for now. Says what is wrong with
    /// what is new, if anything is.
    pub(crate) async fn checkpoint(&self, is_last: bool) -> Result<Option<Broken>, StoreError> {
        let signed = self.store.last_checkpoint().await?;
        let signed = signed.map_or(Head::default(), |last| Head { seq: last.seq, hash: last.hash });
        let head = self.store.audit_head().await?;
        if head.seq < signed.seq {
            return Ok(Some(Broken { seq: head.seq + 1, fault: Fault::CutOff }));
        }
        if head.seq == signed.seq || !(is_last || self.is_due(signed, head).await?) {
            return Ok(None);
        }
        if let Err(broken) = self.walk_on(signed, head).await? {
            return Ok(Some(broken));
        }
        let made = Checkpoint::of(head, self.now(), self.keyring().as_ref());
        let made = made.map_err(|error| StoreError::Internal(format!("signing the audit log: {error}")))?;
        self.store.checkpoint(made.clone()).await?;
        let hash = data_encoding::HEXLOWER.encode(&made.hash);
        tracing::info!(audit.seq = made.seq, audit.hash = %hash, "the audit log has a checkpoint");
        if let Some(witness) = &self.witness
            && let Err(problem) = witness.keep(&made).await
        {
            tracing::error!(%problem, "a checkpoint could not be kept outside the store");
        }
        Ok(None)
    }

    async fn is_due(&self, signed: Head, head: Head) -> Result<bool, StoreError> {
        if head.seq - signed.seq >= DUE_AFTER {
            return Ok(true);
        }
        let oldest = self.store.audit_page(signed.seq, 1).await?;
        Ok(oldest.first().is_none_or(|record| self.now().since(record.at) >= DUE_WITHIN))
    }

    /// Walks from what was signed to the end that is to be signed.
    async fn walk_on(&self, signed: Head, head: Head) -> Result<Result<(), Broken>, StoreError> {
        let mut verifier = Verifier::from(signed);
        verifier.expect_head(head);
        let mut after = signed.seq;
        while after < head.seq {
            let page = self.store.audit_page(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for record in page.iter().filter(|record| record.seq <= head.seq) {
                if let Err(broken) = verifier.take(record) {
                    return Ok(Err(broken));
                }
            }
        }
        Ok(verifier.finish().map(drop))
    }
}
