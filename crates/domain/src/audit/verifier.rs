//! Walking the chain, to see whether it is whole.
//!
//! First comes everything that the chain has to meet: where it ends by the store's own word, and every checkpoint from
//! wherever. Then come the records, in the order of their numbers, a page at a time. The first fault ends the walk and names
//! a record.

use std::{collections::BTreeMap, fmt};

use super::{ChainHash, Checkpoint, Head, Record, Signer};

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its content does not have its hash.
    Altered,
    /// It does not follow the record before it.
    Unlinked,
    /// It is not there, though later ones are.
    Missing,
    /// It is not there, and neither is anything after it, though there was.
    CutOff,
    /// It stands in the wrong place.
    OutOfOrder,
    /// A checkpoint signed another record of this number.
    Rewritten,
    /// The store's own note of the end has another hash.
    OtherEnd,
    /// A checkpoint of it was not signed by this installation.
    Unsigned,
    /// Its detail is not the one that was recorded.
    OtherDetail,
    /// Its row cannot be read.
    Unreadable,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Altered => "was altered: its content does not have its hash",
            Self::Unlinked => "does not follow the record before it",
            Self::Missing => "is missing",
            Self::CutOff => "is missing, and so is everything after it",
            Self::OutOfOrder => "stands in the wrong place",
            Self::Rewritten => "is not the one that a checkpoint has signed",
            Self::OtherEnd => "is not the one that the store noted as its end",
            Self::Unsigned => "has a checkpoint that this installation did not sign",
            Self::OtherDetail => "has a detail that is not the one recorded",
            Self::Unreadable => "cannot be read: its row is damaged",
        })
    }
}

/// The chain is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} {fault}")]
pub struct Broken {
    /// The record.
    pub seq: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// The chain is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Where it ends; its number is also how many records there are.
    pub head: Head,
    /// How many checkpoints it meets.
    pub checkpoints: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Verifier {
    head: Head,
    checkpoints: u64,
    due: BTreeMap<u64, Vec<(ChainHash, Fault)>>,
}

impl From<Head> for Verifier {
    /// A walk that begins behind a record of which all is known.
    fn from(head: Head) -> Self {
        Self { head, ..Self::default() }
    }
}

impl Verifier {
    /// The chain must reach this end.
    pub fn expect_head(&mut self, head: Head) {
        if head.seq > 0 {
            self.due.entry(head.seq).or_default().push((head.hash, Fault::OtherEnd));
        }
    }

    /// The chain must meet this checkpoint.
    ///
    /// # Errors
    /// If it is not one of ours.
    pub fn expect(&mut self, checkpoint: &Checkpoint, signer: &dyn Signer) -> Result<(), Broken> {
        if !checkpoint.is_signed(signer) {
            return Err(Broken { seq: checkpoint.seq, fault: Fault::Unsigned });
        }
        self.due.entry(checkpoint.seq).or_default().push((checkpoint.hash, Fault::Rewritten));
        Ok(())
    }

    /// The next record.
    ///
    /// # Errors
    /// If the chain breaks at it, or before it.
    pub fn take(&mut self, record: &Record) -> Result<(), Broken> {
        let (seq, expected) = (record.seq, self.head.seq + 1);
        let broken = |fault| Err(Broken { seq, fault });
        if seq > expected {
            return Err(Broken { seq: expected, fault: Fault::Missing });
        }
        if seq < expected {
            return broken(Fault::OutOfOrder);
        }
        if record.computed_hash() != record.hash {
            return broken(Fault::Altered);
        }
        if record.prev != self.head.hash {
            return broken(Fault::Unlinked);
        }
        for (hash, fault) in self.due.remove(&seq).unwrap_or_default() {
            if hash != record.hash {
                return broken(fault);
            }
            self.checkpoints += u64::from(fault == Fault::Rewritten);
        }
        self.head = record.head();
        Ok(())
    }

    /// There are no more records.
    ///
    /// # Errors
    /// If there should be.
    pub fn finish(self) -> Result<Verified, Broken> {
        if !self.due.is_empty() {
            return Err(Broken { seq: self.head.seq + 1, fault: Fault::CutOff });
        }
        Ok(Verified { head: self.head, checkpoints: self.checkpoints })
    }
}
