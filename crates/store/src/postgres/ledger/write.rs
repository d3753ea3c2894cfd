//! Writing what a batch of acts on verifications has changed, and the COMMIT, in one exchange with the server.
//!
//! A change of a row that was read is conditional on what it was: only the sweeper can have come between, and then the
//! statement fails, the batch is undone and its members run again one by one. Where an approval returns charges of
//! networks, their rows are locked first: after all recipients' rows, in the order of their keys.

use backstop_domain::{
    clock::Timestamp,
    keyring::{LookupHash, Sealed},
    verification::Status,
};
use futures::try_join;
use tokio_postgres::{Client, Statement, types::ToSql};

use super::{LedgerDraft, load::Columns};
use crate::{
    error::{Result, internal},
    fields::Fields,
    postgres::{
        buckets::BucketRow,
        outbox::write::{INSERT_ATTEMPTS, insert_attempts},
        session::Session,
    },
    words,
};

const VERIFICATIONS: &str = "INSERT INTO verifications (application_id, id, authority, created_at, expires_at, status, \
     purpose, ladder, recipient, masked, personal, kid, salt, code_length, code_alphabet, custom_code, join_hash, \
     network, locale, max_checks, checks_used, vendor_check, subject) \
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], \
     $6::text[], $7::text[], $8::text[], $9::bytea[], $10::text[], $11::bytea[], $12::bigint[], $13::bytea[], \
     $14::int[], $15::text[], $16::bytea[], $17::bytea[], $18::bytea[], $19::text[], $20::int[], $21::int[], $22::text[], \
     $23::text[])";

const DELIVERIES: &str = "INSERT INTO deliveries (application_id, verification_id, id, created_at, ladder, state, \
     lease_holder, lease_until, recipient, network, public) \
     SELECT a, v, i, c, l, 'queued', h, u, r, n, p FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], \
     $5::text[], $6::text[], $7::bigint[], $8::bytea[], $9::bytea[], $10::bool[]) w (a, v, i, c, l, h, u, r, n, p)";

/// Divides by nothing unless every row was what it had to be.
const CHANGES: &str = "WITH changed AS (UPDATE verifications v SET status = w.status, checks_used = w.used, \
     approved_at = w.approved, redeemed_at = w.redeemed, checking = w.checking, \
     custom_code = CASE w.status WHEN 'pending' THEN v.custom_code END \
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::text[], $8::int[], \
     $9::bool[], $10::bytea[]) w (a, i, status, used, approved, redeemed, was, was_used, was_redeemed, checking) \
     WHERE v.application_id = w.a AND v.id = w.i AND v.status = w.was AND v.checks_used = w.was_used \
     AND (v.redeemed_at IS NOT NULL) = w.was_redeemed RETURNING 1) \
     SELECT 1 / (count(*) = cardinality($1))::int FROM changed";

const CHECKS: &str = "INSERT INTO checks (application_id, verification_id, number, at, recipient, public, charged, \
     verdict) SELECT * FROM unnest($1::bigint[], $2::text[], $3::int[], $4::bigint[], $5::bytea[], $6::bool[], \
     $7::bool[], $8::text[])";

/// Divides by nothing unless every check was there.
const RIGHT: &str = "WITH changed AS (UPDATE checks c SET verdict = 'right' \
     FROM unnest($1::bigint[], $2::text[], $3::int[]) w (a, v, n) \
     WHERE c.application_id = w.a AND c.verification_id = w.v AND c.number = w.n RETURNING 1) \
     SELECT 1 / (count(*) = cardinality($1))::int FROM changed";

/// The rows are there: they were made to lock the keys.
const ANSWERS: &str = "INSERT INTO idempotency (key, at, body, answer) \
     SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::text[]) \
     ON CONFLICT (key) DO UPDATE SET at = excluded.at, body = excluded.body, answer = excluded.answer";

/// The rows that locked keys whose acts were refused.
const UNANSWERED: &str = "DELETE FROM idempotency WHERE key = ANY($1) AND answer IS NULL";

/// Sets whole rows, which are locked already or new.
pub(crate) const BUCKETS: &str = "INSERT INTO buckets AS b (key, latest, charges, live) \
     SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[]) ON CONFLICT (key) DO UPDATE \
     SET latest = greatest(b.latest, excluded.latest), charges = excluded.charges, live = excluded.live";

const GIVEN_BACK: &str = "UPDATE deliveries d SET given_back = TRUE FROM unnest($1::bigint[], $2::text[]) w (a, v) \
     WHERE d.application_id = w.a AND d.verification_id = w.v AND d.network IS NOT NULL";

/// In the order of the array.
const LOCK_NETWORKS: &str = "SELECT b.key, b.charges, b.live FROM unnest($1::bytea[]) w (key) CROSS JOIN LATERAL \
     (SELECT key, charges, live FROM buckets WHERE key = w.key OFFSET 0 FOR UPDATE) b";

/// Writes it, and commits.
pub(in crate::postgres) async fn commit(mut draft: LedgerDraft, session: &mut Session) -> Result<()> {
    return_charges(&mut draft, session).await?;
    let statements = [
        session.prepare(VERIFICATIONS).await?,
        session.prepare(DELIVERIES).await?,
        session.prepare(CHANGES).await?,
        session.prepare(CHECKS).await?,
        session.prepare(ANSWERS).await?,
        session.prepare(BUCKETS).await?,
        session.prepare(GIVEN_BACK).await?,
    ];
    let attempts = session.prepare(INSERT_ATTEMPTS).await?;
    let unanswered = session.prepare(UNANSWERED).await?;
    let right = session.prepare(RIGHT).await?;
    let numbers: Vec<u32> = vec![1; draft.new.attempts.len()];
    let client = session.client();
    let [verifications, deliveries, changes, checks, answers, buckets, given_back] = &statements;
    try_join!(
        insert_verifications(&draft, client, verifications),
        insert_deliveries(&draft, client, deliveries),
        insert_attempts(client, &attempts, &draft.new.attempts, &numbers),
        write_changes(&draft, client, changes),
        insert_checks(&draft, client, checks),
        find_right(&draft, client, &right),
        write_answers(&draft, client, answers),
        forget_unanswered(&draft, client, &unanswered),
        write_buckets(&draft, client, buckets),
        mark_given_back(&draft, client, given_back),
        session.commit(),
    )?;
    Ok(())
}

/// Takes the charges that approvals return out of their networks' rows.
async fn return_charges(draft: &mut LedgerDraft, session: &mut Session) -> Result<()> {
    if draft.new.returned.is_empty() {
        return Ok(());
    }
    let lock = session.prepare(LOCK_NETWORKS).await?;
    let keys: Vec<&[u8]> = draft.new.returned.keys().map(Vec::as_slice).collect();
    let found = session.client().query(&lock, &[&keys]).await?;
    for row in &found {
        let mut fields = Fields::of(row, "buckets", 0);
        let key: Vec<u8> = fields.take("key")?;
        let (charges, live) = (fields.take("charges")?, fields.take("live")?);
        let row = draft.buckets.entry(key.clone());
        let row = row.or_insert_with(|| BucketRow::locked(charges, live, Default::default()));
        for at in draft.new.returned.remove(&key).unwrap_or_default() {
            row.give_back(at);
        }
    }
    Ok(())
}

async fn insert_verifications(draft: &LedgerDraft, client: &Client, insert: &Statement) -> Result<()> {
    let rows: Vec<_> = draft.new.verifications.iter().filter_map(|key| draft.rows.get(key)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let small = |number: u32| i32::try_from(number).map_err(|_| internal("a count that is too large"));
    let (most, used) = (
        rows.iter().map(|row| small(row.max_checks)).collect::<std::result::Result<Vec<_>, _>>()?,
        rows.iter().map(|row| small(row.checks_used)).collect::<std::result::Result<Vec<_>, _>>()?,
    );
    write(
        client,
        insert,
        rows.len(),
        &[
            &column(&rows, |row| row.application.0),
            &column(&rows, |row| row.id.to_string()),
            &column(&rows, |row| words::authority(row.authority)),
            &column(&rows, |row| row.created_at.as_millis()),
            &column(&rows, |row| row.expires_at.as_millis()),
            &column(&rows, |row| row.status.as_str()),
            &column(&rows, |row| row.purpose.as_str()),
            &column(&rows, |row| words::ladder(&row.ladder)),
            &column(&rows, |row| row.recipient.0.as_slice()),
            &column(&rows, |row| row.masked.as_str()),
            &column(&rows, |row| row.personal.as_bytes()),
            &column(&rows, |row| i64::from(row.kid.0)),
            &column(&rows, |row| row.salt.as_slice()),
            &column(&rows, |row| i32::from(row.form.length)),
            &column(&rows, |row| words::alphabet(row.form.alphabet)),
            &column(&rows, |row| row.custom_code.as_ref().map(Sealed::as_bytes)),
            &column(&rows, |row| row.join.as_ref().map(|hash| hash.0.as_slice())),
            &column(&rows, |row| row.network.as_ref().map(|hash| hash.0.as_slice())),
            &column(&rows, |row| row.locale.as_deref()),
            &most,
            &used,
            &column(&rows, |row| row.vendor_check.as_deref()),
            &column(&rows, |row| row.subject.map(|subject| subject.to_string())),
        ],
    )
    .await
}

async fn insert_deliveries(draft: &LedgerDraft, client: &Client, insert: &Statement) -> Result<()> {
    let rows = draft.new.deliveries.as_slice();
    write(
        client,
        insert,
        rows.len(),
        &[
            &column(rows, |row| row.application.0),
            &column(rows, |row| row.verification.to_string()),
            &column(rows, |row| row.id.to_string()),
            &column(rows, |row| row.at.as_millis()),
            &column(rows, |row| row.ladder.as_deref().map(words::ladder)),
            &column(rows, |row| row.lease.holder.to_string()),
            &column(rows, |row| row.lease.until.as_millis()),
            &column(rows, |row| row.recipient.0.as_slice()),
            &column(rows, |row| row.network.as_ref().map(|hash| hash.0.as_slice())),
            &column(rows, |row| row.public),
        ],
    )
    .await
}

async fn write_changes(draft: &LedgerDraft, client: &Client, update: &Statement) -> Result<()> {
    let changed = &draft.new.changed;
    let rows: Vec<_> =
        changed.iter().filter_map(|(key, was)| draft.rows.get(key).map(|row| (row, was))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let small = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    client
        .query(
            update,
            &[
                &column(&rows, |(row, _)| row.application.0),
                &column(&rows, |(row, _)| row.id.to_string()),
                &column(&rows, |(row, _)| row.status.as_str()),
                &column(&rows, |(row, _)| small(row.checks_used)),
                &column(&rows, |(row, _)| row.approved_at.map(Timestamp::as_millis)),
                &column(&rows, |(row, _)| row.redeemed_at.map(Timestamp::as_millis)),
                &column(&rows, |(_, was)| Status::as_str(was.status)),
                &column(&rows, |(_, was)| small(was.checks_used)),
                &column(&rows, |(_, was)| was.redeemed),
                &column(&rows, |(row, _)| row.checking.map(|checking| checking.to_bytes())),
            ],
        )
        .await?;
    Ok(())
}

async fn insert_checks(draft: &LedgerDraft, client: &Client, insert: &Statement) -> Result<()> {
    let rows = draft.new.checks.as_slice();
    write(
        client,
        insert,
        rows.len(),
        &[
            &column(rows, |(key, ..)| key.0.0),
            &column(rows, |(key, ..)| key.1.to_string()),
            &column(rows, |(_, number, ..)| i32::try_from(*number).unwrap_or(i32::MAX)),
            &column(rows, |(.., check)| check.at.as_millis()),
            &column(rows, |(_, _, recipient, _)| recipient.0.as_slice()),
            &column(rows, |(.., check)| check.public),
            &column(rows, |(.., check)| check.charged),
            &column(rows, |(.., check)| words::verdict(check.verdict)),
        ],
    )
    .await
}

async fn find_right(draft: &LedgerDraft, client: &Client, update: &Statement) -> Result<()> {
    let rows = draft.new.right.as_slice();
    if rows.is_empty() {
        return Ok(());
    }
    let columns: [&(dyn ToSql + Sync); 3] = [
        &column(rows, |(key, _)| key.0.0),
        &column(rows, |(key, _)| key.1.to_string()),
        &column(rows, |(_, number)| i32::try_from(*number).unwrap_or(i32::MAX)),
    ];
    client.query(update, &columns).await?;
    Ok(())
}

async fn write_answers(draft: &LedgerDraft, client: &Client, update: &Statement) -> Result<()> {
    let rows = &draft.new.answers;
    let keys: Vec<&[u8]> = rows.keys().map(|key| key.0.as_slice()).collect();
    let at: Vec<i64> = rows.values().map(|kept| kept.at.as_millis()).collect();
    let bodies: Vec<&[u8]> = rows.values().map(|kept| kept.body.0.as_slice()).collect();
    let answers: Vec<&str> = rows.values().map(|kept| kept.answer.as_str()).collect();
    write(client, update, rows.len(), &[&keys, &at, &bodies, &answers]).await
}

async fn forget_unanswered(draft: &LedgerDraft, client: &Client, delete: &Statement) -> Result<()> {
    let answered = |key: &&LookupHash| draft.new.answers.contains_key(*key);
    let keys: Vec<&[u8]> =
        draft.unanswered.iter().filter(|key| !answered(key)).map(|key| key.0.as_slice()).collect();
    write(client, delete, keys.len(), &[&keys]).await
}

async fn write_buckets(draft: &LedgerDraft, client: &Client, upsert: &Statement) -> Result<()> {
    let changed = draft.buckets.iter().filter_map(|(key, row)| Some((key, row.to_write(key, draft.now)?)));
    let (mut keys, mut latest, mut charges, mut live) = (vec![], vec![], vec![], vec![]);
    for (key, (of_charges, of_live, at)) in changed {
        keys.push(key.as_slice());
        latest.push(at.as_millis());
        charges.push(of_charges);
        live.push(of_live);
    }
    write(client, upsert, keys.len(), &[&keys, &latest, &charges, &live]).await
}

async fn mark_given_back(draft: &LedgerDraft, client: &Client, update: &Statement) -> Result<()> {
    let keys = Columns::of(draft.new.given_back.iter().copied());
    write(client, update, keys.ids.len(), &[&keys.applications, &keys.ids]).await
}

/// One value of each row.
pub(in crate::postgres) fn column<'r, R, T>(rows: &'r [R], of: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// Writes `count` rows, unless there are none.
pub(in crate::postgres) async fn write(
    client: &Client,
    statement: &Statement,
    count: usize,
    columns: &[&(dyn ToSql + Sync)],
) -> Result<()> {
    if count > 0 {
        client.execute(statement, columns).await?;
    }
    Ok(())
}
