//! What the store does, written once for both databases.
//!
//! An act is a plain function over a [`Ledger`] or an [`Outbox`]: what it may read, and what it may write. SQLite carries
//! each step out at once, on the writer's connection; PostgreSQL runs the acts of a whole batch over rows that were read
//! and locked beforehand, and writes what they changed in a few statements. Either way acts run one after another in
//! the order of their arrival, on rows and charges that nobody else can change before the commit; so racing callers
//! cannot share a count, a place or a code, and a rule cannot differ between the databases. An act that refuses has
//! changed nothing. A crash before the commit leaves nothing of it.

pub(crate) mod answers;
pub(crate) mod attempts;
pub(crate) mod checks;
pub(crate) mod ended;
mod ledger;
mod outbox;
pub(crate) mod people;
pub(crate) mod receipts;
mod replay;
pub(crate) mod spending;
pub(crate) mod starts;
pub(crate) mod vendor_checks;

pub(crate) use ledger::{Charged, Ledger, TakenCheck};
pub(crate) use outbox::{DeliveryKey, Outbox, Standing, held_by, nobody};
pub(crate) use receipts::Receipts;
