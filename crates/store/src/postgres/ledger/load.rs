//! Locking and reading what a batch of acts on verifications needs, in at most three exchanges with the server.
//!
//! First the locks: idempotency keys, then bucket rows, both in the order of their keys, so that two batches can wait for
//! each other only in one direction. Rows whose charges are foreseeable are appended to by the statement that locks
//! them. Then, with nobody else able to change them any more, the verifications. Each statement sees what was committed
//! before it began, so what is read after a lock is what the lock protects.

use std::collections::{BTreeMap, BTreeSet};

use backstop_domain::{application::ApplicationId, keyring::LookupHash};
use futures::try_join;
use tokio_postgres::{Client, Row, Statement, types::ToSql};

use super::{
    LedgerDraft,
    needs::{Needs, VerificationKey},
};
use crate::{
    error::Result,
    fields::Fields,
    memory::{Memory, Remembered},
    postgres::{
        buckets::{self, BucketRow, Key},
        opt_outs,
        session::Session,
        trace,
    },
    rows,
};

const KEYS: &str = "INSERT INTO idempotency AS i (key, at) SELECT * FROM unnest($1::bytea[], $2::bigint[]) \
     ON CONFLICT (key) DO UPDATE SET at = i.at RETURNING i.at, i.key, i.body, i.answer";

/// In the order of the arrays. What is appended to an existing row stands behind what was there.
const APPEND: &str = "INSERT INTO buckets AS b (key, latest, charges, live) \
     SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[]) \
     ON CONFLICT (key) DO UPDATE SET latest = greatest(b.latest, excluded.latest), \
     charges = b.charges || excluded.charges, live = b.live || excluded.live RETURNING b.key, b.charges, b.live";

/// The keys are sorted before the first row is locked.
const LOCK: &str = "SELECT b.key, b.charges, b.live FROM (SELECT key FROM (\
     SELECT '\\x01'::bytea || v.recipient AS key FROM unnest($1::bigint[], $2::text[]) w (a, i) CROSS JOIN LATERAL \
     (SELECT recipient FROM verifications WHERE application_id = w.a AND id = w.i OFFSET 0) v \
     UNION SELECT unnest($3::bytea[])) keys ORDER BY key) k CROSS JOIN LATERAL \
     (SELECT key, charges, live FROM buckets WHERE key = k.key OFFSET 0 FOR UPDATE) b";

const LATEST: &str = "SELECT w.a, w.v, d.latest FROM unnest($1::bigint[], $2::text[]) w (a, v) CROSS JOIN LATERAL \
     (SELECT max(created_at) AS latest FROM deliveries WHERE application_id = w.a AND verification_id = w.v OFFSET 0) d \
     WHERE d.latest IS NOT NULL";

const NETWORKS: &str = "SELECT w.a, w.v, d.network, d.created_at FROM unnest($1::bigint[], $2::text[]) w (a, v) CROSS JOIN LATERAL \
     (SELECT network, created_at FROM deliveries WHERE application_id = w.a AND verification_id = w.v \
     AND network IS NOT NULL AND NOT given_back OFFSET 0) d";

/// The statements whose columns are lists of [`rows`].
pub(in crate::postgres) fn verifications() -> &'static str {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!(
            "SELECT v.* FROM unnest($1::bigint[], $2::text[]) w (a, i) CROSS JOIN LATERAL \
             (SELECT {} FROM verifications WHERE application_id = w.a AND id = w.i OFFSET 0) v",
            rows::VERIFICATION
        )
    });
    &SQL
}

/// Oldest first.
pub(in crate::postgres) fn attempts() -> &'static str {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!(
            "SELECT t.* FROM unnest($1::bigint[], $2::text[]) w (a, v) CROSS JOIN LATERAL \
             (SELECT {} FROM attempts WHERE application_id = w.a AND verification_id = w.v ORDER BY number OFFSET 0) t",
            rows::ATTEMPT
        )
    });
    &SQL
}

/// Begins a transaction and reads and locks what `needs` name.
pub(in crate::postgres) async fn load(session: &mut Session, needs: &[&Needs]) -> Result<LedgerDraft> {
    let mut draft = LedgerDraft::default();
    draft.now = needs.iter().map(|need| need.now).max().unwrap_or_default();
    draft.memory = Memory::at(draft.now);
    lock(session, needs, &mut draft).await?;
    read(session, needs, &mut draft).await?;
    Ok(draft)
}

async fn lock(session: &mut Session, needs: &[&Needs], draft: &mut LedgerDraft) -> Result<()> {
    let keys: BTreeSet<LookupHash> = needs.iter().filter_map(|need| need.key).collect();
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.0.as_slice()).collect();
    let at = vec![draft.now.as_millis(); keys.len()];

    let mut expected: BTreeMap<Key, (String, String)> = BTreeMap::new();
    for (key, (charges, live)) in needs.iter().flat_map(|need| &need.expected) {
        let row = expected.entry(key.clone()).or_default();
        row.0.push_str(charges);
        row.1.push_str(live);
    }

    let by_id = Columns::of(needs.iter().filter_map(|need| need.verification));
    let recipients: BTreeSet<Key> =
        needs.iter().filter_map(|need| need.live_of).map(|(_, hash)| buckets::recipient(hash)).collect();
    let recipients: Vec<&[u8]> = recipients.iter().map(Vec::as_slice).collect();
    let locks = !(by_id.is_empty() && recipients.is_empty());

    let starters: BTreeSet<(ApplicationId, LookupHash)> =
        needs.iter().filter_map(|need| need.opt_outs).collect();
    let (applications, hashes): (Vec<i64>, Vec<&[u8]>) =
        starters.iter().map(|(application, hash)| (application.0, hash.0.as_slice())).unzip();

    let (traces, leave) = (session.traces().await?, session.prepare(trace::LEAVE).await?);
    let statements = (
        session.prepare(KEYS).await?,
        session.prepare(LOCK).await?,
        session.prepare(opt_outs::OPT_OUTS).await?,
    );
    let append = session.prepare(APPEND).await?;
    let client = session.client();
    let (_, trace, keyed, locked, appended, opted_out) = try_join!(
        session.begin(),
        trace::leave(client, &leave, traces, draft.now),
        async { ask(client, &statements.0, !keys.is_empty(), &[&keys, &at]).await },
        async { ask(client, &statements.1, locks, &[&by_id.applications, &by_id.ids, &recipients]).await },
        append_to(client, &append, &expected, draft.now.as_millis()),
        async { ask(client, &statements.2, !starters.is_empty(), &[&applications, &hashes]).await },
    )?;
    draft.trace = trace;
    for row in &keyed {
        let mut fields = Fields::of(row, "idempotency", 1);
        let (at, key) = (fields.moment("at")?, fields.hash("key")?);
        match fields.hash_if_any("body")?.zip(fields.take_if_any("answer")?) {
            Some((body, answer)) => draft.memory.remember(key, Remembered { body, answer, at }),
            None => draft.unanswered.push(key),
        }
    }
    for row in &opted_out {
        opt_outs::take(row, &mut draft.opt_outs)?;
    }
    for row in locked.iter().chain(&appended) {
        take_bucket(row, &mut expected, draft)?;
    }
    Ok(())
}

/// Enters a locked bucket row into the draft.
fn take_bucket(
    row: &Row,
    expected: &mut BTreeMap<Key, (String, String)>,
    draft: &mut LedgerDraft,
) -> Result<()> {
    let mut fields = Fields::of(row, "buckets", 0);
    let key: Key = fields.take("key")?;
    let appended = expected.remove(&key).unwrap_or_default();
    let row = BucketRow::locked(fields.take("charges")?, fields.take("live")?, appended);
    row.remember(&key, &mut draft.memory)?;
    draft.buckets.insert(key, row);
    Ok(())
}

async fn append_to(
    client: &Client,
    append: &Statement,
    expected: &BTreeMap<Key, (String, String)>,
    now: i64,
) -> Result<Vec<Row>> {
    let keys: Vec<&[u8]> = expected.keys().map(Vec::as_slice).collect();
    let (charges, live): (Vec<&str>, Vec<&str>) =
        expected.values().map(|(charges, live)| (charges.as_str(), live.as_str())).unzip();
    let latest = vec![now; keys.len()];
    ask(client, append, !keys.is_empty(), &[&keys, &latest, &charges, &live]).await
}

async fn read(session: &mut Session, needs: &[&Needs], draft: &mut LedgerDraft) -> Result<()> {
    let mut wanted: BTreeSet<VerificationKey> = needs.iter().filter_map(|need| need.verification).collect();
    let mut latest = BTreeSet::new();
    let mut networks = BTreeSet::new();
    for need in needs {
        let mut of_need: Vec<VerificationKey> = need.verification.into_iter().collect();
        if let Some((application, recipient)) = need.live_of {
            let live = draft.memory.live(application, recipient, need.now);
            of_need.extend(live.map(|live| (application, live.id)));
        }
        if let Some((application, recipient, join)) = need.joins {
            let live = draft.memory.live(application, recipient, need.now);
            let joinable = live.filter(|live| live.join == Some(join));
            of_need.extend(joinable.map(|live| (application, live.id)));
        }
        if need.latest {
            latest.extend(of_need.iter().copied());
        }
        if need.networks {
            networks.extend(of_need.iter().copied());
        }
        wanted.extend(of_need);
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let tried = needs.iter().filter(|need| need.attempts).filter_map(|need| need.verification);
    let (wanted, latest, networks, tried) = (
        Columns::of(wanted.into_iter()),
        Columns::of(latest.into_iter()),
        Columns::of(networks.into_iter()),
        Columns::of(tried),
    );
    let statements = (
        session.prepare(verifications()).await?,
        session.prepare(LATEST).await?,
        session.prepare(NETWORKS).await?,
        session.prepare(attempts()).await?,
    );
    let client = session.client();
    let (found, latest, networks, tried) = try_join!(
        wanted.ask(client, &statements.0),
        latest.ask(client, &statements.1),
        networks.ask(client, &statements.2),
        tried.ask(client, &statements.3),
    )?;
    for row in &found {
        let row = rows::verification(row)?;
        draft.rows.insert((row.application, row.id), row);
    }
    for row in &latest {
        let mut fields = Fields::of(row, "deliveries", 2);
        let key = (ApplicationId(fields.take("application_id")?), fields.parsed("verification_id")?);
        draft.latest.insert(key, fields.moment("created_at")?);
    }
    for row in &networks {
        let mut fields = Fields::of(row, "deliveries", 2);
        let key = (ApplicationId(fields.take("application_id")?), fields.parsed("verification_id")?);
        let charge = (fields.hash("network")?, fields.moment("created_at")?);
        draft.networks.entry(key).or_default().push(charge);
    }
    for row in &tried {
        let attempt = rows::attempt(row)?;
        draft.attempts.entry((attempt.application, attempt.verification)).or_default().push(attempt);
    }
    complete(session, draft).await
}

/// Makes the bucket rows that pending verifications ought to have and do not; nothing but a hand in the tables takes
/// them away.
async fn complete(session: &mut Session, draft: &mut LedgerDraft) -> Result<()> {
    let missing = draft.rows.values().map(|row| buckets::recipient(row.recipient));
    let missing: BTreeMap<Key, (String, String)> =
        missing.filter(|key| !draft.buckets.contains_key(key)).map(|key| (key, Default::default())).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let append = session.prepare(APPEND).await?;
    let made = append_to(session.client(), &append, &missing, draft.now.as_millis()).await?;
    for row in &made {
        take_bucket(row, &mut BTreeMap::new(), draft)?;
    }
    Ok(())
}

/// Verifications' keys, as two arrays.
pub(in crate::postgres) struct Columns {
    pub(in crate::postgres) applications: Vec<i64>,
    pub(in crate::postgres) ids: Vec<String>,
}

impl Columns {
    /// Each key once, in order.
    pub(in crate::postgres) fn of(keys: impl Iterator<Item = VerificationKey>) -> Self {
        let keys: BTreeSet<VerificationKey> = keys.collect();
        let (applications, ids) =
            keys.into_iter().map(|(application, id)| (application.0, id.to_string())).unzip();
        Self { applications, ids }
    }

    pub(in crate::postgres) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// What a statement over these keys finds; it is not sent for none.
    pub(in crate::postgres) async fn ask(&self, client: &Client, statement: &Statement) -> Result<Vec<Row>> {
        ask(client, statement, !self.is_empty(), &[&self.applications, &self.ids]).await
    }
}

/// What a statement finds, if there is anything to look for.
pub(in crate::postgres) async fn ask(
    client: &Client,
    statement: &Statement,
    wanted: bool,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>> {
    if wanted { Ok(client.query(statement, parameters).await?) } else { Ok(Vec::new()) }
}
