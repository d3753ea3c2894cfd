//! Writing what a batch of acts on deliveries has changed, and the COMMIT, in one exchange with the server.

use backstop_domain::{clock::Timestamp, id::AttemptId, ports::store::NewAttempt};
use futures::try_join;
use tokio_postgres::{Client, Statement};

use super::{OutboxDraft, Settled, Words, receipts};
use crate::{
    error::Result,
    postgres::{
        ledger::{VerificationKey, write::BUCKETS},
        session::Session,
        spending::{ADD_RESERVED, END_RESERVED},
    },
};

pub(super) use crate::postgres::ledger::write::{column, write};

/// New attempts, `sending`.
pub(in crate::postgres) const INSERT_ATTEMPTS: &str = "INSERT INTO attempts (application_id, verification_id, id, number, delivery_id, channel, \
     provider, round, state, started_at, decision) \
     SELECT a, v, i, n, d, c, p, r, 'sending', s, w FROM unnest($1::bigint[], $2::text[], $3::text[], $4::int[], \
     $5::text[], $6::text[], $7::text[], $8::int[], $9::bigint[], $10::text[]) q (a, v, i, n, d, c, p, r, s, w)";

const SETTLE: &str = "UPDATE attempts t SET state = w.state, outcome = w.outcome, rejection = w.rejection, \
     vendor_id = coalesce(w.vendor_id, t.vendor_id), vendor_response = coalesce(w.response, t.vendor_response), \
     price = coalesce(t.price, w.price), finished_at = w.at \
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
     $9::text[], $10::bigint[]) w (a, v, i, state, outcome, rejection, vendor_id, response, price, at) \
     WHERE t.application_id = w.a AND t.verification_id = w.v AND t.id = w.i";

const WORDS: &str = "UPDATE attempts t SET vendor_response = coalesce(w.response, t.vendor_response), \
     vendor_id = coalesce(t.vendor_id, w.vendor_id), price = coalesce(t.price, w.price) \
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) \
     w (a, v, i, response, vendor_id, price) \
     WHERE t.application_id = w.a AND t.verification_id = w.v AND t.id = w.i";

/// The newer of two attempts with one name has it.
const HANDLES: &str = "INSERT INTO open_attempts (provider, handle, application_id, verification_id, attempt_id, at) \
     SELECT DISTINCT ON (t.provider, w.h) t.provider, w.h, w.a, w.v, w.i, w.at \
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[]) w (a, v, i, h, at) CROSS JOIN LATERAL \
     (SELECT provider FROM attempts WHERE application_id = w.a AND verification_id = w.v AND id = w.i OFFSET 0) t \
     ORDER BY t.provider, w.h, w.at DESC \
     ON CONFLICT (provider, handle) DO UPDATE SET application_id = excluded.application_id, \
     verification_id = excluded.verification_id, attempt_id = excluded.attempt_id, at = excluded.at";

const OPT_OUTS: &str = "INSERT INTO opt_outs (application_id, recipient, provider, at) \
     SELECT w.a, v.recipient, t.provider, w.at \
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) w (a, v, i, at) CROSS JOIN LATERAL \
     (SELECT provider FROM attempts WHERE application_id = w.a AND verification_id = w.v AND id = w.i OFFSET 0) t \
     CROSS JOIN LATERAL (SELECT recipient FROM verifications WHERE application_id = w.a AND id = w.v OFFSET 0) v \
     ORDER BY w.a, v.recipient, t.provider ON CONFLICT DO NOTHING";

const DELIVERIES: &str = "UPDATE deliveries d SET state = w.state, lease_holder = w.holder, lease_until = w.until \
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) \
     w (a, v, i, state, holder, until) \
     WHERE d.application_id = w.a AND d.verification_id = w.v AND d.id = w.i";

/// Writes it, and commits.
pub(super) async fn commit(draft: OutboxDraft, session: &mut Session) -> Result<()> {
    let statements = [
        session.prepare(INSERT_ATTEMPTS).await?,
        session.prepare(SETTLE).await?,
        session.prepare(WORDS).await?,
        session.prepare(OPT_OUTS).await?,
        session.prepare(DELIVERIES).await?,
        session.prepare(BUCKETS).await?,
        session.prepare(HANDLES).await?,
        session.prepare(receipts::PUT).await?,
        session.prepare(ADD_RESERVED).await?,
        session.prepare(END_RESERVED).await?,
    ];
    let [insert, settle, words, opt_outs, deliveries, books, handles, put, add_reserved, end_reserved] =
        &statements;
    let client = session.client();
    try_join!(
        insert_attempts(client, insert, &draft.new.attempts, &draft.new.numbers),
        write_settled(&draft, client, settle),
        write_words(&draft, client, words),
        receipts::write_put(&draft, client, put),
        write_handles(&draft, client, handles),
        write_opt_outs(&draft, client, opt_outs),
        write_deliveries(&draft, client, deliveries),
        write_books(&draft, client, books),
        draft.money.write_added(client, add_reserved),
        draft.money.write_ended(client, end_reserved),
        session.commit(),
    )?;
    Ok(())
}

/// Writes new attempts down; `numbers` are their places within their verifications.
pub(in crate::postgres) async fn insert_attempts(
    client: &Client,
    insert: &Statement,
    rows: &[NewAttempt],
    numbers: &[u32],
) -> Result<()> {
    let small = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    write(
        client,
        insert,
        rows.len(),
        &[
            &column(rows, |row| row.application.0),
            &column(rows, |row| row.verification.to_string()),
            &column(rows, |row| row.id.to_string()),
            &column(numbers, |number| small(*number)),
            &column(rows, |row| row.delivery.to_string()),
            &column(rows, |row| row.channel.as_str()),
            &column(rows, |row| row.provider.as_str()),
            &column(rows, |row| small(row.round)),
            &column(rows, |row| row.now.as_millis()),
            &column(rows, |row| row.decision.as_deref()),
        ],
    )
    .await
}

/// The three columns that name attempts.
pub(super) fn names<'k>(
    keys: impl Iterator<Item = &'k (VerificationKey, AttemptId)>,
) -> (Vec<i64>, Vec<String>, Vec<String>) {
    let (mut applications, mut verifications, mut ids) = (vec![], vec![], vec![]);
    for ((application, verification), id) in keys {
        applications.push(application.0);
        verifications.push(verification.to_string());
        ids.push(id.to_string());
    }
    (applications, verifications, ids)
}

async fn write_settled(draft: &OutboxDraft, client: &Client, update: &Statement) -> Result<()> {
    let (applications, verifications, ids) = names(draft.new.settled.keys());
    let rows: Vec<&Settled> = draft.new.settled.values().collect();
    write(
        client,
        update,
        rows.len(),
        &[
            &applications,
            &verifications,
            &ids,
            &column(&rows, |row| row.state.as_str()),
            &column(&rows, |row| row.outcome.as_str()),
            &column(&rows, |row| row.rejection.as_deref()),
            &column(&rows, |row| row.vendor_id.as_deref()),
            &column(&rows, |row| row.response.as_deref()),
            &column(&rows, |row| row.price.as_deref()),
            &column(&rows, |row| row.at.as_millis()),
        ],
    )
    .await
}

async fn write_words(draft: &OutboxDraft, client: &Client, update: &Statement) -> Result<()> {
    let (applications, verifications, ids) = names(draft.new.words.keys());
    let rows: Vec<&Words> = draft.new.words.values().collect();
    write(
        client,
        update,
        rows.len(),
        &[
            &applications,
            &verifications,
            &ids,
            &column(&rows, |row| row.response.as_deref()),
            &column(&rows, |row| row.vendor_id.as_deref()),
            &column(&rows, |row| row.price.as_deref()),
        ],
    )
    .await
}

async fn write_handles(draft: &OutboxDraft, client: &Client, insert: &Statement) -> Result<()> {
    let rows = &draft.new.handles;
    let keys: Vec<_> = rows.iter().map(|(verification, id, ..)| (*verification, *id)).collect();
    let (applications, verifications, ids) = names(keys.iter());
    let handles = column(rows, |(_, _, handle, _)| handle.as_str());
    let at = column(rows, |(.., at)| at.as_millis());
    write(client, insert, at.len(), &[&applications, &verifications, &ids, &handles, &at]).await
}

async fn write_opt_outs(draft: &OutboxDraft, client: &Client, insert: &Statement) -> Result<()> {
    let keys: Vec<_> = draft.new.opt_outs.iter().map(|(verification, id, _)| (*verification, *id)).collect();
    let (applications, verifications, ids) = names(keys.iter());
    let at = column(&draft.new.opt_outs, |(.., at)| at.as_millis());
    write(client, insert, at.len(), &[&applications, &verifications, &ids, &at]).await
}

async fn write_deliveries(draft: &OutboxDraft, client: &Client, update: &Statement) -> Result<()> {
    let changed = draft.new.deliveries.iter();
    let rows: Vec<_> = changed.filter_map(|key| draft.deliveries.get(key).map(|row| (key, row))).collect();
    write(
        client,
        update,
        rows.len(),
        &[
            &column(&rows, |(key, _)| key.0.0),
            &column(&rows, |(key, _)| key.1.to_string()),
            &column(&rows, |(key, _)| key.2.to_string()),
            &column(&rows, |(_, (state, _))| state.as_str()),
            &column(&rows, |(_, (_, lease))| lease.map(|lease| lease.holder.to_string())),
            &column(&rows, |(_, (_, lease))| lease.map(|lease| lease.until).map(Timestamp::as_millis)),
        ],
    )
    .await
}

/// Of paces and of months.
async fn write_books(draft: &OutboxDraft, client: &Client, upsert: &Statement) -> Result<()> {
    let paces = draft.new.paces.iter().filter_map(|key| draft.paces.get_key_value(key));
    let paces = paces.map(|(key, book)| (key, book.to_string()));
    let (keys, books): (Vec<&[u8]>, Vec<String>) =
        paces.chain(draft.money.changed()).map(|(key, book)| (key.as_slice(), book)).unzip();
    let latest = vec![draft.now.as_millis(); keys.len()];
    let none = vec![""; keys.len()];
    write(client, upsert, keys.len(), &[&keys, &latest, &books, &none]).await
}
