//! The rows of notices, alike in both databases: their columns, how they are read, and the words in them.

use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    keyring::Sealed,
    notice::{Address, NewNotice, Target},
    ports::store::{DueNotice, Settled},
};

use crate::{
    error::{Result, internal},
    fields::{Cells, Fields},
};

/// How many old ones one call deletes.
pub(crate) const FORGOTTEN_PER_CALL: i64 = 500;

/// The columns of a notice, in the order in which [`due`] reads them.
pub(crate) const COLUMNS: &str =
    "application_id, id, kind, user_id, line, target, address, masked, at, sequence, detail, tries";

/// Reads a row of the columns [`COLUMNS`].
pub(crate) fn due(row: &impl Cells) -> Result<DueNotice> {
    let mut fields = Fields::of(row, "notices", 2);
    let application = ApplicationId(fields.take("application_id")?);
    let id = fields.parsed("id")?;
    let kind = fields.parsed("kind")?;
    let user = fields.parsed_if_any("user_id")?;
    let line: String = fields.take("line")?;
    let word: String = fields.take("target")?;
    let sealed = fields.take_if_any("address")?.map(Sealed::from_bytes);
    let masked = fields.take_if_any("masked")?.unwrap_or_default();
    let target = match (word.as_str(), line.strip_prefix("webhook:")) {
        ("person", None) => Target::Person(Address { sealed, masked }),
        ("operator", None) => Target::Operator(Address { sealed, masked }),
        ("webhook", Some(name)) => Target::Webhook(name.to_owned()),
        _ => return Err(fields.bad("target", "no such target in this line")),
    };
    let at = fields.moment("at")?;
    let sequence: i64 = fields.take("sequence")?;
    let sequence = u64::try_from(sequence).map_err(|problem| fields.bad("sequence", problem))?;
    let detail = fields.json_if_any("detail")?.unwrap_or_default();
    let notice = NewNotice { id, application, kind, user, target, at, detail, sequence };
    Ok(DueNotice { notice, tries: fields.take("tries")? })
}

/// What of a notice needs another form in its row.
pub(crate) struct Row<'n> {
    pub(crate) line: String,
    pub(crate) target: &'static str,
    pub(crate) address: Option<&'n [u8]>,
    pub(crate) masked: Option<&'n str>,
    pub(crate) user: Option<String>,
    pub(crate) sequence: i64,
    pub(crate) detail: String,
}

impl<'n> Row<'n> {
    /// Of a notice.
    pub(crate) fn of(notice: &'n NewNotice) -> Result<Self> {
        let (target, address) = match &notice.target {
            Target::Person(address) => ("person", Some(address)),
            Target::Operator(address) => ("operator", Some(address)),
            Target::Webhook(_) => ("webhook", None),
        };
        let sequence = i64::try_from(notice.sequence).map_err(|error| internal(error.to_string()))?;
        Ok(Self {
            line: notice.target.line().to_string(),
            target,
            address: address.and_then(|address| address.sealed.as_ref()).map(Sealed::as_bytes),
            masked: address.map(|address| address.masked.as_str()),
            user: notice.user.map(|user| user.to_string()),
            sequence,
            detail: serde_json::to_string(&notice.detail).map_err(|error| internal(error.to_string()))?,
        })
    }
}

/// The state after a try, when it is due again, and when it ended.
pub(crate) fn after(settled: Settled, now: Timestamp) -> (&'static str, Option<i64>, Option<i64>) {
    match settled {
        Settled::Sent => ("sent", None, Some(now.as_millis())),
        Settled::Again { due_at } => ("waiting", Some(due_at.as_millis()), None),
        Settled::Failed => ("failed", None, Some(now.as_millis())),
    }
}
