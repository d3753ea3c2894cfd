//! Starting a verification and sending its code again: each a charge and an outbox entry in one act.
//!
//! The order is always: the answer that was given before, the wait or the place that must be free, the limits, the
//! rows. The limits are charged last of all that can refuse, so a refusal has nothing to take back.

use backstop_domain::{
    application::ApplicationId,
    channel::Channel,
    clock::Timestamp,
    id::VerificationId,
    limit::{LimitExceeded, LimitName},
    ports::store::{NewDelivery, NewVerification, Once, Opened, Refusal, Resent},
    verification::{Status, Verification},
};

use super::{Charged, Ledger, replay};
use crate::error::Result;

/// Saves a verification, or joins one, or refuses.
pub(crate) fn open<L: Ledger>(ledger: &mut L, new: &NewVerification) -> Result<Once<Opened>> {
    let row = &new.verification;
    let now = row.created_at;
    ledger.see(now);
    if let Some(answer) = replay::before(ledger, new.idempotency, now)? {
        return Ok(answer);
    }
    let refused = |exceeded| Ok(Once::Done(Opened::Refused(Refusal(exceeded))));
    let joined = ledger.memory().joinable(row);
    let room = match joined {
        Some(id) => rested(ledger, row.application, id, new.resend_after, now)?,
        None => ledger.memory().room_for(row),
    };
    if let Err(exceeded) = room {
        return refused(exceeded);
    }
    let ladder = match joined {
        Some(id) => ladder_if_other(ledger, row, id)?,
        None => None,
    };
    if let Err(exceeded) = ledger.charge(&new.rules, row.authority.is_public(), now) {
        return refused(exceeded);
    }
    let verification = joined.unwrap_or(row.id);
    if joined.is_none() {
        ledger.add_verification(row)?;
    }
    ledger.add_delivery(Charged {
        application: row.application,
        verification,
        id: new.delivery,
        at: now,
        ladder,
        lease: new.lease,
        recipient: row.recipient,
        network: row.network,
        public: row.authority.is_public(),
    })?;
    let opted_out = ledger.opted_out(row.application, row.recipient)?;
    let first = new.first_attempt.as_ref().filter(|first| {
        joined.is_none() && row.status == Status::Pending && !opted_out.forbid(first.channel, &first.provider)
    });
    if let Some(first) = first {
        ledger.add_first_attempt(first)?;
    }
    let begun = first.is_some();
    let answer = Opened::Opened { verification, delivery: new.delivery, opted_out, begun };
    replay::keep(ledger, new.idempotency, &answer, now)?;
    Ok(Once::Done(answer))
}

/// Saves one more delivery, or refuses.
pub(crate) fn resend<L: Ledger>(ledger: &mut L, new: &NewDelivery) -> Result<Once<Resent>> {
    ledger.see(new.now);
    if let Some(answer) = replay::before(ledger, new.idempotency, new.now)? {
        return Ok(answer);
    }
    let Some(row) = ledger.verification(new.application, new.verification)? else {
        return Ok(Once::Done(Resent::NotFound));
    };
    match row.status_at(new.now) {
        Status::Pending => {}
        ended => return Ok(Once::Done(Resent::Ended(ended))),
    }
    let public = new.authority.is_public();
    let charged = rested(ledger, new.application, new.verification, new.resend_after, new.now)?
        .and_then(|()| ledger.charge(&new.rules, public, new.now));
    if let Err(exceeded) = charged {
        return Ok(Once::Done(Resent::Refused(Refusal(exceeded))));
    }
    ledger.add_delivery(Charged {
        application: new.application,
        verification: new.verification,
        id: new.delivery,
        at: new.now,
        ladder: new.ladder.clone(),
        lease: new.lease,
        recipient: row.recipient,
        network: new.network,
        public,
    })?;
    let answer = Resent::Queued(new.delivery);
    replay::keep(ledger, new.idempotency, &answer, new.now)?;
    Ok(Once::Done(answer))
}

/// Whether the latest delivery is long enough ago.
fn rested<L: Ledger>(
    ledger: &L,
    application: ApplicationId,
    verification: VerificationId,
    wait: std::time::Duration,
    now: Timestamp,
) -> Result<std::result::Result<(), LimitExceeded>> {
    let latest = ledger.latest_delivery(application, verification)?;
    Ok(match latest.map(|latest| latest + wait) {
        Some(retry_at) if now < retry_at => Err(LimitExceeded { limit: LimitName::ResendAfter, retry_at }),
        _ => Ok(()),
    })
}

/// The ladder of a joining start, where it asks for another than the verification's own.
fn ladder_if_other<L: Ledger>(
    ledger: &L,
    new: &Verification,
    joined: VerificationId,
) -> Result<Option<Vec<Channel>>> {
    let own = ledger.verification(new.application, joined)?;
    // A checker's code goes over its own channels, and ours over ours.
    let same_checker = |own: &Verification| own.vendor_check == new.vendor_check;
    Ok(own.filter(|own| same_checker(own) && own.ladder != new.ladder).map(|_| new.ladder.clone()))
}
