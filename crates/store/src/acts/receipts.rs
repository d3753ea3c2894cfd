//! A vendor's later word on an attempt: what it moves, and whether the delivery has to go on.
//!
//! An attempt moves forward only, so a receipt that comes twice, late or in another order changes nothing more. A message
//! that did not arrive opens its delivery again only in the act that moved the attempt, which happens once; whoever notes
//! the same receipt at the same time waits for the rows and finds the attempt moved. Nothing is approved here. A crash
//! before the commit leaves nothing of it, and vendors repeat what was not answered.

use std::time::Duration;

use backstop_domain::{
    application::ApplicationId,
    attempt::{Attempt, AttemptState},
    clock::Timestamp,
    delivery::{DeliveryState, Lease},
    id::VerificationId,
    outcome::{Reason, VENDOR_RESPONSE_MAX},
    ports::store::{NewReceipt, Noted},
    price::Price,
    receipt::{About, AttemptReference, Receipt},
};

use super::{
    DeliveryKey, Outbox, answers, nobody,
    spending::{self, Books},
};
use crate::error::Result;

/// How long a vendor may still name an attempt by its own id.
pub(crate) const HANDLES_LIVE_FOR: Duration = Duration::from_secs(3 * 86_400);
/// The longest name of a message that a vendor may use.
const LONGEST_HANDLE: usize = 255;

/// What receipts may read and write beside the outbox.
pub(crate) trait Receipts: Outbox {
    /// The attempt that a provider names by its own id.
    fn by_handle(&self, provider: &str, handle: &str) -> Result<Option<AttemptReference>>;
    /// The attempts of a verification in full, oldest first.
    fn attempts_in_full(&self, application: ApplicationId, of: VerificationId) -> Result<Vec<Attempt>>;
    /// Whether a verification still waits for its code.
    fn waits(&self, application: ApplicationId, id: VerificationId, now: Timestamp) -> Result<bool>;
    /// Writes an attempt as a receipt left it; `told_at` is when its words came, if these are new.
    fn put(&mut self, attempt: &Attempt, told_at: Option<Timestamp>) -> Result<()>;
    /// Queues a delivery again, leased.
    fn reopen(&mut self, key: DeliveryKey, lease: Lease) -> Result<()>;
}

/// Whether a vendor can name a message so. PostgreSQL's text takes no zero.
pub(crate) fn is_handle(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_HANDLE && !text.contains('\0')
}

/// Writes a receipt down.
pub(crate) fn note<O: Receipts + Books>(outbox: &mut O, new: &NewReceipt) -> Result<Noted> {
    outbox.see(new.now);
    let named = match &new.receipt.about {
        About::Reference(reference) => Some(*reference),
        About::VendorId(handle) => outbox.by_handle(&new.provider, handle)?,
    };
    let Some(reference) = named else { return Ok(Noted::Unknown) };
    let attempts = outbox.attempts_in_full(reference.application, reference.verification)?;
    let meant = |attempt: &&Attempt| attempt.id == reference.attempt && attempt.provider == new.provider;
    let Some(before) = attempts.iter().find(meant) else { return Ok(Noted::Unknown) };

    let after = moved(before, &new.receipt, new.now);
    let news = after.state != before.state;
    if after != *before {
        outbox.put(&after, news.then_some(new.now))?;
    }
    if let Some(price) = settles(new) {
        let of = (reference.application, reference.verification, reference.attempt);
        let from = before.price.as_ref().and_then(|price| price.parse().ok());
        spending::reprice(outbox, of, (&before.provider, before.started_at), from, price)?;
    }
    if new.receipt.rejection.is_some_and(|rejection| rejection.reason == Reason::OptedOut) {
        outbox.opt_out(reference, new.now)?;
    }
    let goes_on = match after.state {
        AttemptState::Delivered if news => {
            arrived(outbox, &after)?;
            false
        }
        AttemptState::Undelivered | AttemptState::Rejected if news => {
            let is_latest = attempts.last().is_some_and(|latest| latest.id == after.id);
            is_latest && may_go_on(outbox, &after, new.now)?
        }
        _ => false,
    };
    if goes_on {
        outbox.reopen((after.application, after.verification, after.delivery), new.lease)?;
    }
    Ok(Noted::Noted { attempt: Box::new(after), news, goes_on })
}

/// The price that a receipt settles, if the provider's money is counted and it names one.
pub(crate) fn settles(new: &NewReceipt) -> Option<Price> {
    new.receipt.price.as_ref().filter(|_| new.counted).and_then(|price| price.parse().ok())
}

/// The attempt after a receipt. Its words are kept where they moved the attempt; a price is kept whenever it is said.
fn moved(before: &Attempt, receipt: &Receipt, now: Timestamp) -> Attempt {
    let mut after = before.clone();
    if let Some(price) = receipt.price.as_ref().filter(|price| price.parse::<Price>().is_ok()) {
        after.price = Some(price.clone());
    }
    let Some(to) = receipt.state.attempt().filter(|to| answers::forward(before.state, *to)) else {
        return after;
    };
    let rejection = receipt.rejection.filter(|_| to != AttemptState::Delivered);
    let outcome = rejection.map_or("accepted", |rejection| rejection.reason.as_str());
    let words = receipt.response.chars().filter(|letter| *letter != '\0').take(VENDOR_RESPONSE_MAX);
    after.state = to;
    after.rejection = rejection;
    after.outcome = Some(outcome.to_owned());
    after.receipt = Some(words.collect());
    after.finished_at = before.finished_at.or(Some(now));
    after
}

fn arrived<O: Receipts>(outbox: &mut O, attempt: &Attempt) -> Result<()> {
    let key = (attempt.application, attempt.verification, attempt.delivery);
    match outbox.delivery(key)? {
        Some((from, _)) => answers::end(outbox, key, from, DeliveryState::Delivered, None),
        None => Ok(()),
    }
}

/// Whether somebody has to go on now that an attempt has just turned out not to have arrived: the code waits, nothing else
/// of the delivery arrived or is on its way, and nobody is at it.
fn may_go_on<O: Receipts>(outbox: &O, attempt: &Attempt, now: Timestamp) -> Result<bool> {
    let key = (attempt.application, attempt.verification, attempt.delivery);
    let Some((state, lease)) = outbox.delivery(key)? else { return Ok(false) };
    let is_open = matches!(state, DeliveryState::Queued | DeliveryState::Sent);
    let is_free = lease.is_none_or(|lease| lease.holder == nobody() || lease.until <= now);
    let on_its_way = |state: &AttemptState| *state == AttemptState::Sending || answers::is_taken(*state);
    Ok(is_open
        && is_free
        && !outbox.states(key)?.iter().any(on_its_way)
        && outbox.waits(attempt.application, attempt.verification, now)?)
}
