//! Locking and reading what a batch of acts on deliveries needs, in two exchanges with the server.
//!
//! First the locks: rows of paces and months, then deliveries, each in the order of their keys. All deliveries of a
//! verification are locked together, so that its messages are counted by one batch at a time. Then, with nobody else able
//! to begin or to settle one any more, the attempts and what is set aside for them. Which verification a receipt is about
//! may be known by the vendor's own id alone: it is looked up first, and again by the statements that lock.

use std::collections::{BTreeMap, BTreeSet};

use backstop_domain::{application::ApplicationId, delivery::Lease, receipt::AttemptReference};
use futures::try_join;
use tokio_postgres::Row;

use super::{Needs, OutboxDraft};
use crate::{
    acts::spending::AttemptKey,
    error::Result,
    fields::Fields,
    postgres::{
        buckets::Key,
        ledger::{
            VerificationKey,
            load::{self, Columns, ask},
        },
        session::Session,
        spending, trace,
    },
    rows,
};

/// In the order of the arrays.
const DELIVERIES: &str = "SELECT w.a, w.v, d.* FROM unnest($1::bigint[], $2::text[]) w (a, v) CROSS JOIN LATERAL \
     (SELECT id, state, lease_holder, lease_until FROM deliveries WHERE application_id = w.a AND verification_id = w.v \
     ORDER BY id OFFSET 0 FOR UPDATE) d";

const NAMED: &str = "SELECT o.* FROM unnest($1::text[], $2::text[]) w (p, h) CROSS JOIN LATERAL \
     (SELECT provider, handle, application_id, verification_id, attempt_id FROM open_attempts \
     WHERE provider = w.p AND handle = w.h OFFSET 0) o";

/// In the order of the keys, of which some are looked up by vendors' ids.
const DELIVERIES_NAMED: &str = "SELECT k.a, k.v, d.* FROM (SELECT a, v COLLATE \"C\" AS v FROM (\
     SELECT a, v FROM unnest($1::bigint[], $2::text[]) w (a, v) \
     UNION SELECT o.application_id, o.verification_id FROM unnest($3::text[], $4::text[]) n (p, h) CROSS JOIN LATERAL \
     (SELECT application_id, verification_id FROM open_attempts WHERE provider = n.p AND handle = n.h OFFSET 0) o\
     ) keys ORDER BY 1, 2) k CROSS JOIN LATERAL \
     (SELECT id, state, lease_holder, lease_until FROM deliveries WHERE application_id = k.a AND verification_id = k.v \
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
    let books: BTreeSet<&Key> = needs.iter().flat_map(|need| &need.books).collect();
    let books: Vec<&[u8]> = books.into_iter().map(Vec::as_slice).collect();
    let settles: BTreeSet<&AttemptKey> = needs.iter().flat_map(|need| &need.settles).collect();

    let names: BTreeSet<&(String, String)> = needs.iter().filter_map(|need| need.handle.as_ref()).collect();
    let (providers, handles): (Vec<&str>, Vec<&str>) =
        names.into_iter().map(|(provider, handle)| (provider.as_str(), handle.as_str())).unzip();

    let settling = needs.iter().filter(|need| need.handle_settles).filter_map(|need| need.handle.as_ref());
    let settling = spending::Settling::of(&settles, settling);

    let (traces, leave) = (session.traces().await?, session.prepare(trace::LEAVE).await?);
    let lock = (session.prepare(spending::LOCK).await?, session.prepare(DELIVERIES).await?);
    let find = (session.prepare(NAMED).await?, session.prepare(DELIVERIES_NAMED).await?);
    let client = session.client();
    let (by_key, by_name) = (handles.is_empty(), !handles.is_empty());
    let (_, trace, named, locked, deliveries, others) = try_join!(
        session.begin(),
        trace::leave(client, &leave, traces, now),
        async { ask(client, &find.0, by_name, &[&providers, &handles]).await },
        spending::lock(client, &lock.0, &books, &settling),
        async { ask(client, &lock.1, by_key && !keys.is_empty(), &[&keys.applications, &keys.ids]).await },
        async { ask(client, &find.1, by_name, &[&keys.applications, &keys.ids, &providers, &handles]).await },
    )?;
    let told = named.iter().map(|row| take_name(row, &mut draft)).collect::<Result<Vec<_>>>()?;
    let of_receipts =
        needs.iter().filter(|need| need.receipt).flat_map(|need| need.verifications.iter().copied());
    let of_receipts = Columns::of(of_receipts.chain(told));
    let others_only = needs.iter().filter(|need| !need.receipt);
    let keys = Columns::of(others_only.flat_map(|need| need.verifications.iter().copied()));
    let settles = spending::names(settles.into_iter().chain(&named_to_settle(&draft)));
    read(session, &keys, &begun, &of_receipts, &settles, &mut draft).await?;

    draft.trace = trace;
    for row in &locked {
        let mut fields = Fields::of(row, "buckets", 0);
        let key: Key = fields.take("key")?;
        if spending::is_month(&key) {
            draft.money.locked(key, fields.parsed("charges")?);
        } else {
            draft.paces.insert(key, fields.parsed("charges")?);
        }
    }
    for row in deliveries.iter().chain(&others) {
        let mut fields = Fields::of(row, "deliveries", 3);
        let application = ApplicationId(fields.take("application_id")?);
        let key = (application, fields.parsed("verification_id")?, fields.parsed("id")?);
        let state = fields.parsed("state")?;
        let holder = fields.parsed_if_any("lease_holder")?;
        let lease = holder.zip(fields.moment_if_any("lease_until")?);
        draft.deliveries.insert(key, (state, lease.map(|(holder, until)| Lease { holder, until })));
    }
    Ok(draft)
}

/// The attempts that vendors name by their own ids. What is set aside for them is read whether or not a receipt settles it.
fn named_to_settle(draft: &OutboxDraft) -> Vec<AttemptKey> {
    let named = draft.told.named.values();
    named.map(|named| (named.application, named.verification, named.attempt)).collect()
}

/// Enters a vendor's name of an attempt into the draft. Says which verification it belongs to.
fn take_name(row: &Row, draft: &mut OutboxDraft) -> Result<VerificationKey> {
    let mut fields = Fields::of(row, "open_attempts", 2);
    let name = (fields.take("provider")?, fields.take("handle")?);
    let reference = AttemptReference {
        application: ApplicationId(fields.take("application_id")?),
        verification: fields.parsed("verification_id")?,
        attempt: fields.parsed("attempt_id")?,
    };
    draft.told.named.insert(name, reference);
    Ok((reference.application, reference.verification))
}

/// Reads what the locks protect: attempts, for `receipts` in full, whether the verifications wait, and what is set aside.
async fn read(
    session: &mut Session,
    keys: &Columns,
    begun: &Columns,
    receipts: &Columns,
    settles: &spending::Names,
    draft: &mut OutboxDraft,
) -> Result<()> {
    let (light, full) = (session.prepare(ATTEMPTS).await?, session.prepare(load::attempts()).await?);
    let (status, money) = (session.prepare(VERIFICATIONS).await?, session.prepare(spending::RESERVED).await?);
    let client = session.client();
    let (attempts, in_full, verifications, told, reserved) = try_join!(
        keys.ask(client, &light),
        receipts.ask(client, &full),
        begun.ask(client, &status),
        receipts.ask(client, &status),
        spending::reserved(client, &money, settles),
    )?;
    for row in &reserved {
        draft.money.found(row)?;
    }
    for row in &attempts {
        let mut fields = Fields::of(row, "attempts", 3);
        let key = (ApplicationId(fields.take("application_id")?), fields.parsed("verification_id")?);
        let id = fields.parsed("id")?;
        let of_verification: &mut BTreeMap<_, _> = draft.attempts.entry(key).or_default();
        of_verification.insert(id, (fields.parsed("delivery_id")?, fields.parsed("state")?));
    }
    for row in &in_full {
        let row = rows::attempt(row)?;
        let key = (row.application, row.verification);
        draft.attempts.entry(key).or_default().insert(row.id, (row.delivery, row.state));
        draft.told.attempts.entry(key).or_default().push(row);
    }
    for row in verifications.iter().chain(&told) {
        let mut fields = Fields::of(row, "verifications", 2);
        let key = (ApplicationId(fields.take("application_id")?), fields.parsed("id")?);
        draft.verifications.insert(key, (fields.parsed("status")?, fields.moment("expires_at")?));
    }
    Ok(())
}
