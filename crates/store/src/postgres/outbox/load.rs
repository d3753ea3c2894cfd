//! Locking and reading what a batch of acts on deliveries needs, in two exchanges with the server.
//!
//! First the locks: rows of paces, then deliveries, each in the order of their keys. All deliveries of a verification are
//! locked together, so that its messages are counted by one batch at a time. Then, with nobody else able to begin or to
//! settle one any more, the attempts.

use std::collections::{BTreeMap, BTreeSet};

use backstop_domain::{application::ApplicationId, delivery::Lease};
use futures::try_join;

use super::{Needs, OutboxDraft};
use crate::{
    error::Result,
    fields::Fields,
    postgres::{
        buckets::Key,
        ledger::load::{Columns, ask},
        session::Session,
        trace,
    },
};

const PACES: &str = "INSERT INTO buckets AS b (key, latest, charges, live) \
     SELECT key, 0, '', '' FROM unnest($1::bytea[]) w (key) \
     ON CONFLICT (key) DO UPDATE SET live = b.live RETURNING b.key, b.charges";

/// In the order of the arrays.
const DELIVERIES: &str = "SELECT w.a, w.v, d.* FROM unnest($1::bigint[], $2::text[]) w (a, v) CROSS JOIN LATERAL \
     (SELECT id, state, lease_holder, lease_until FROM deliveries WHERE application_id = w.a AND verification_id = w.v \
     ORDER BY id OFFSET 0 FOR UPDATE) d";

const ATTEMPTS: &str = "SELECT w.a, w.v, t.* FROM unnest($1::bigint[], $2::text[]) w (a, v) CROSS JOIN LATERAL \
     (SELECT id, delivery_id, state FROM attempts WHERE application_id = w.a AND verification_id = w.v OFFSET 0) t";

const VERIFICATIONS: &str = "SELECT w.a, w.i, v.* FROM unnest($1::bigint[], $2::text[]) w (a, i) CROSS JOIN LATERAL \
     (SELECT status, expires_at FROM verifications WHERE application_id = w.a AND id = w.i OFFSET 0) v";

/// Begins a transaction and reads and locks what `needs` name.
pub(super) async fn load(session: &mut Session, needs: &[&Needs]) -> Result<OutboxDraft> {
    let now = needs.iter().map(|need| need.now).max().unwrap_or_default();
    let mut draft = OutboxDraft { now, ..OutboxDraft::default() };
    let keys = Columns::of(needs.iter().flat_map(|need| need.verifications.iter().copied()));
    let begun = needs.iter().filter(|need| need.begins);
    let begun = Columns::of(begun.flat_map(|need| need.verifications.iter().copied()));
    let paces: BTreeSet<&Key> = needs.iter().flat_map(|need| &need.paces).collect();
    let paces: Vec<&[u8]> = paces.into_iter().map(Vec::as_slice).collect();

    let (traces, leave) = (session.traces().await?, session.prepare(trace::LEAVE).await?);
    let lock = (session.prepare(PACES).await?, session.prepare(DELIVERIES).await?);
    let read = (session.prepare(ATTEMPTS).await?, session.prepare(VERIFICATIONS).await?);
    let client = session.client();
    let (_, trace, paced, deliveries) = try_join!(
        session.begin(),
        trace::leave(client, &leave, traces, now),
        async { ask(client, &lock.0, !paces.is_empty(), &[&paces]).await },
        keys.ask(client, &lock.1),
    )?;
    let (attempts, verifications) = try_join!(keys.ask(client, &read.0), begun.ask(client, &read.1))?;

    draft.trace = trace;
    for row in &paced {
        let mut fields = Fields::of(row, "buckets", 0);
        let key: Key = fields.take("key")?;
        draft.paces.insert(key, fields.parsed("charges")?);
    }
    for row in &deliveries {
        let mut fields = Fields::of(row, "deliveries", 3);
        let application = ApplicationId(fields.take("application_id")?);
        let key = (application, fields.parsed("verification_id")?, fields.parsed("id")?);
        let state = fields.parsed("state")?;
        let holder = fields.parsed_if_any("lease_holder")?;
        let lease = holder.zip(fields.moment_if_any("lease_until")?);
        draft.deliveries.insert(key, (state, lease.map(|(holder, until)| Lease { holder, until })));
    }
    for row in &attempts {
        let mut fields = Fields::of(row, "attempts", 3);
        let key = (ApplicationId(fields.take("application_id")?), fields.parsed("verification_id")?);
        let id = fields.parsed("id")?;
        let of_verification: &mut BTreeMap<_, _> = draft.attempts.entry(key).or_default();
        of_verification.insert(id, (fields.parsed("delivery_id")?, fields.parsed("state")?));
    }
    for row in &verifications {
        let mut fields = Fields::of(row, "verifications", 2);
        let key = (ApplicationId(fields.take("application_id")?), fields.parsed("id")?);
        draft.verifications.insert(key, (fields.parsed("status")?, fields.moment("expires_at")?));
    }
    Ok(draft)
}
