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

use super::{lookups, replay, rows, writer::Unit};
use crate::error::Result;

/// Saves a verification, or joins one, or refuses.
pub(super) fn open(unit: &mut Unit, new: &NewVerification) -> Result<Once<Opened>> {
    let row = &new.verification;
    let now = row.created_at;
    unit.memory.see(now);
    if let Some(answer) = replay::before(unit, new.idempotency, now)? {
        return Ok(answer);
    }
    let refused = |exceeded| Ok(Once::Done(Opened::Refused(Refusal(exceeded))));
    let joined = unit.memory.joinable(row);
    let room = match joined {
        Some(id) => rested(unit, row.application, id, new.resend_after, now)?,
        None => unit.memory.room_for(row),
    };
    if let Err(exceeded) = room {
        return refused(exceeded);
    }
    let ladder = match joined {
        Some(id) => ladder_if_other(unit, row, id)?,
        None => None,
    };
    if let Err(exceeded) = unit.memory.charge(&new.rules, row.authority.is_public(), now) {
        return refused(exceeded);
    }
    let verification = joined.unwrap_or(row.id);
    if joined.is_none() {
        rows::insert_verification(&unit.connection, row)?;
        if row.status == Status::Pending {
            unit.memory.add(row);
        }
    }
    let delivery = rows::Charged {
        application: row.application,
        verification,
        id: new.delivery,
        at: now,
        ladder,
        lease: new.lease,
        recipient: row.recipient,
        network: row.network,
        public: row.authority.is_public(),
    };
    rows::insert_delivery(&unit.connection, &delivery)?;
    let opted_out = lookups::opted_out(&unit.connection, row.application, row.recipient)?;
    let answer = Opened::Opened { verification, delivery: new.delivery, opted_out };
    replay::keep(unit, new.idempotency, &answer, now)?;
    Ok(Once::Done(answer))
}

/// Saves one more delivery, or refuses.
pub(super) fn resend(unit: &mut Unit, new: &NewDelivery) -> Result<Once<Resent>> {
    unit.memory.see(new.now);
    if let Some(answer) = replay::before(unit, new.idempotency, new.now)? {
        return Ok(answer);
    }
    let Some(row) = lookups::verification(&unit.connection, new.application, new.verification)? else {
        return Ok(Once::Done(Resent::NotFound));
    };
    match row.status_at(new.now) {
        Status::Pending => {}
        ended => return Ok(Once::Done(Resent::Ended(ended))),
    }
    let public = new.authority.is_public();
    let charged = rested(unit, new.application, new.verification, new.resend_after, new.now)?
        .and_then(|()| unit.memory.charge(&new.rules, public, new.now));
    if let Err(exceeded) = charged {
        return Ok(Once::Done(Resent::Refused(Refusal(exceeded))));
    }
    let delivery = rows::Charged {
        application: new.application,
        verification: new.verification,
        id: new.delivery,
        at: new.now,
        ladder: new.ladder.as_deref(),
        lease: new.lease,
        recipient: row.recipient,
        network: new.network,
        public,
    };
    rows::insert_delivery(&unit.connection, &delivery)?;
    let answer = Resent::Queued(new.delivery);
    replay::keep(unit, new.idempotency, &answer, new.now)?;
    Ok(Once::Done(answer))
}

/// Whether the latest delivery is long enough ago.
fn rested(
    unit: &Unit,
    application: ApplicationId,
    verification: VerificationId,
    wait: std::time::Duration,
    now: Timestamp,
) -> Result<std::result::Result<(), LimitExceeded>> {
    let latest = lookups::latest_delivery(&unit.connection, application, verification)?;
    Ok(match latest.map(|latest| latest + wait) {
        Some(retry_at) if now < retry_at => Err(LimitExceeded { limit: LimitName::ResendAfter, retry_at }),
        _ => Ok(()),
    })
}

/// The ladder of a joining start, where it asks for another than the verification's own.
fn ladder_if_other<'a>(
    unit: &Unit,
    new: &'a Verification,
    joined: VerificationId,
) -> Result<Option<&'a [Channel]>> {
    let own = lookups::verification(&unit.connection, new.application, joined)?;
    Ok(own.filter(|own| own.ladder != new.ladder).map(|_| new.ladder.as_slice()))
}
