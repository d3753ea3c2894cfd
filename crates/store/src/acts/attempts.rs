//! Writing an attempt down before it leaves, keeping the lease, and ending a delivery.
//!
//! Every write of a worker names its holder and does nothing once another has the delivery, so a worker that was only
//! paused cannot go on with old work.

use backstop_domain::{
    clock::Timestamp,
    delivery::{DeliveryState, Lease},
    id::{DeliveryId, NodeId},
    ports::store::{Begun, NewAttempt},
};

use super::{
    DeliveryKey, Outbox, answers, held_by,
    spending::{self, Books},
};
use crate::error::Result;

/// Writes an attempt down, if it may leave; its money is set aside and its places are taken with it, or none of it.
pub(crate) fn begin<O: Outbox + Books>(outbox: &mut O, new: &NewAttempt) -> Result<Begun> {
    outbox.see(new.now);
    let Some(standing) = outbox.standing(new)? else { return Ok(Begun::LeaseLost) };
    if !standing.may_send {
        return Ok(Begun::Ended);
    }
    let money = match spending::set_aside(outbox, new)? {
        Ok(money) => money,
        Err(until) => return Ok(Begun::Capped { until }),
    };
    if let Err(until) = take_places(outbox, new)? {
        return Ok(Begun::Paced { until });
    }
    outbox.add_attempt(new)?;
    spending::keep(outbox, new, money)?;
    if standing.leased_until != new.lease.until {
        outbox.renew((new.application, new.verification, new.delivery), new.lease)?;
    }
    Ok(Begun::Send)
}

/// Takes a place of each of the provider's paces, or of none. `Err` says when all of them may have one.
fn take_places<O: Outbox>(outbox: &mut O, new: &NewAttempt) -> Result<std::result::Result<(), Timestamp>> {
    let mut books = Vec::with_capacity(new.pace.len());
    let mut until = None;
    for pace in &new.pace {
        let mut book = outbox.places(&new.provider, pace.span)?;
        until = until.max(book.take(*pace, new.now).err());
        books.push((pace.span, book));
    }
    if let Some(until) = until {
        return Ok(Err(until));
    }
    for (span, book) in books {
        outbox.keep_places(&new.provider, span, book)?;
    }
    Ok(Ok(()))
}

/// Ends a delivery, if the lease still holds. It is not sent if a receipt has said meanwhile that nothing arrived: then its
/// lease runs out, and whoever takes it over goes on. One without any attempt is a decoy's, which is never more than said
/// to be sent.
pub(crate) fn finish<O: Outbox>(
    outbox: &mut O,
    key: DeliveryKey,
    state: DeliveryState,
    holder: NodeId,
    now: Timestamp,
) -> Result<()> {
    outbox.see(now);
    match outbox.delivery(key)? {
        Some((from, lease)) if held_by(lease, holder) => {
            let states = outbox.states(key)?;
            let nothing_taken = !states.is_empty() && !states.into_iter().any(answers::is_taken);
            if state == DeliveryState::Sent && nothing_taken {
                return Ok(());
            }
            answers::end(outbox, key, from, state, None)
        }
        _ => Ok(()),
    }
}

/// Renews leases. Says which of them are no longer the caller's.
pub(crate) fn renew<O: Outbox>(
    outbox: &mut O,
    deliveries: &[DeliveryKey],
    lease: Lease,
) -> Result<Vec<DeliveryId>> {
    let mut lost = Vec::new();
    for key in deliveries {
        if !outbox.renew(*key, lease)? {
            lost.push(key.2);
        }
    }
    Ok(lost)
}
