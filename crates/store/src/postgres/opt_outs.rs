//! What people do not want to hear from: providers of an application, and channels for all.

use std::collections::BTreeMap;

use backstop_domain::{
    application::ApplicationId, channel::Channel, clock::Timestamp, keyring::LookupHash,
    ports::store::OptOuts, receipt::InboundWord,
};
use tokio_postgres::Row;

use super::session::Session;
use crate::{error::Result, fields::Fields};

/// By application and recipient.
pub(super) type OptOutsOf = BTreeMap<(ApplicationId, LookupHash), OptOuts>;

/// Read with one statement, beside whatever else a start reads.
pub(super) const OPT_OUTS: &str = "SELECT w.a, w.r, o.provider, o.channel \
     FROM unnest($1::bigint[], $2::bytea[]) w (a, r) CROSS JOIN LATERAL \
     (SELECT provider, NULL::text AS channel FROM opt_outs WHERE application_id = w.a AND recipient = w.r \
     UNION ALL SELECT NULL, channel FROM stops WHERE recipient = w.r OFFSET 0) o ORDER BY o.provider, o.channel";

const STOP: &str = "INSERT INTO stops (recipient, channel, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const START: &str = "DELETE FROM stops WHERE recipient = $1 AND channel = $2";

/// Enters a row of [`OPT_OUTS`].
pub(super) fn take(row: &Row, into: &mut OptOutsOf) -> Result<()> {
    let mut fields = Fields::of(row, "opt_outs", 1);
    let of = (ApplicationId(fields.take("application_id")?), fields.hash("recipient")?);
    let opt_outs = into.entry(of).or_default();
    opt_outs.providers.extend(fields.take_if_any::<String>("provider")?);
    opt_outs.channels.extend(fields.parsed_if_any::<Channel>("channel")?);
    Ok(())
}

/// What recipients opted out of.
pub(super) async fn read(
    session: &mut Session,
    recipients: &[(ApplicationId, LookupHash)],
) -> Result<OptOutsOf> {
    let statement = session.prepare(OPT_OUTS).await?;
    let (applications, hashes): (Vec<i64>, Vec<&[u8]>) =
        recipients.iter().map(|(application, hash)| (application.0, hash.0.as_slice())).unzip();
    let found = session.client().query(&statement, &[&applications, &hashes]).await?;
    let mut opt_outs = OptOutsOf::new();
    for row in &found {
        take(row, &mut opt_outs)?;
    }
    Ok(opt_outs)
}

/// Keeps that a person told us to stop, or to go on, over a channel.
pub(super) async fn heed(
    session: &mut Session,
    recipient: LookupHash,
    channel: Channel,
    word: InboundWord,
    now: Timestamp,
) -> Result<()> {
    let recipient = recipient.0.as_slice();
    match word {
        InboundWord::Stop => {
            let stop = session.prepare(STOP).await?;
            session.client().execute(&stop, &[&recipient, &channel.as_str(), &now.as_millis()]).await?;
        }
        InboundWord::Start => {
            let start = session.prepare(START).await?;
            session.client().execute(&start, &[&recipient, &channel.as_str()]).await?;
        }
    }
    Ok(())
}
