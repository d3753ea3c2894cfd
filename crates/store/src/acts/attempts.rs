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

use super::{DeliveryKey, Outbox, answers, held_by};
use crate::error::Result;

/// Writes an attempt down, if it may leave.
pub(crate) fn begin<O: Outbox>(outbox: &mut O, new: &NewAttempt) -> Result<Begun> {
    outbox.see(new.now);
    let Some(standing) = outbox.standing(new)? else { return Ok(Begun::LeaseLost) };
    if !standing.may_send {
        return Ok(Begun::Ended);
    }
    if let Err(until) = outbox.take_place(&new.provider, &new.pace, new.now)? {
        return Ok(Begun::Paced { until });
    }
    outbox.add_attempt(new)?;
    if standing.leased_until != new.lease.until {
        outbox.renew((new.application, new.verification, new.delivery), new.lease)?;
    }
    Ok(Begun::Send)
}

/// Ends a delivery, if the lease still holds.
pub(crate) fn finish<O: Outbox>(
    outbox: &mut O,
    key: DeliveryKey,
    state: DeliveryState,
    holder: NodeId,
    now: Timestamp,
) -> Result<()> {
    outbox.see(now);
    match outbox.delivery(key)? {
        Some((from, lease)) if held_by(lease, holder) => answers::end(outbox, key, from, state),
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
