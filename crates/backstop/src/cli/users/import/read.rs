//! Reading a file of users, row by row, however long it is. What a row means is the service's to say.

use std::{fmt, io::Read};

use backstop_engine::users::import::FIELDS;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::control::protocol::{ImportRow, Private, RefusedRow};

/// What stands in a row.
pub(super) enum Found {
    /// A user, perhaps.
    Row(ImportRow),
    /// Nothing that can be read.
    Refused(RefusedRow),
}

/// Reads CSV. Empty lines belong to the row behind them. `take` says whether to go on.
///
/// # Errors
/// Why the file, or the rest of it, cannot be read; repeats nothing of it.
pub(super) fn csv(
    file: impl Read,
    mut take: impl FnMut(Found) -> anyhow::Result<bool>,
) -> Result<(), String> {
    let mut rows = csv::ReaderBuilder::new().from_reader(file);
    let header = rows.headers().map_err(|_| "the header cannot be read".to_owned())?;
    let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    if names.iter().any(|name| !FIELDS.contains(&name.as_str())) {
        return Err(format!("the header holds a name that is none of {}", FIELDS.join(", ")));
    }
    if names.iter().enumerate().any(|(place, name)| names[..place].contains(name)) {
        return Err("the header holds a name twice".into());
    }
    for row in rows.into_records() {
        let found = match row {
            Ok(row) => {
                let line = row.position().map_or(0, csv::Position::line);
                let cells = names.iter().zip(&row).filter(|(_, cell)| !cell.is_empty());
                let cells: Map<_, _> = cells.map(|(name, cell)| (name.clone(), Value::from(cell))).collect();
                Found::Row(ImportRow { line, row: Private::new(Value::Object(cells).to_string()) })
            }
            Err(error) if error.is_io_error() => return Err("the file cannot be read on".into()),
            // What the library says of a row may hold the row.
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let problem = "row: is no UTF-8, or is longer or shorter than the header".into();
                Found::Refused(RefusedRow { line, problem })
            }
        };
        if !take(found).map_err(|error| format!("{error:#}"))? {
            break;
        }
    }
    Ok(())
}

/// Reads a JSON list, of which one row at a time is in memory. `take` says whether to go on.
///
/// # Errors
/// As [`csv`].
pub(super) fn json(file: impl Read, take: impl FnMut(Found) -> anyhow::Result<bool>) -> Result<(), String> {
    let mut why = None;
    let mut reader = serde_json::Deserializer::from_reader(file);
    let read = Rows { take, why: &mut why }.deserialize(&mut reader);
    match (read.and_then(|()| reader.end()), why) {
        (_, Some(Stop::Enough)) | (Ok(()), None) => Ok(()),
        (_, Some(Stop::Failed(error))) => Err(format!("{error:#}")),
        // What the library says may hold what it read; where it was does not.
        (Err(error), None) => {
            Err(format!("it is no JSON list at line {}, column {}", error.line(), error.column()))
        }
    }
}

enum Stop {
    Enough,
    Failed(anyhow::Error),
}

struct Rows<'w, F> {
    take: F,
    why: &'w mut Option<Stop>,
}

impl<'de, F: FnMut(Found) -> anyhow::Result<bool>> DeserializeSeed<'de> for Rows<'_, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Found) -> anyhow::Result<bool>> Visitor<'de> for Rows<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut rows: A) -> Result<(), A::Error> {
        let mut line = 0;
        while let Some(row) = rows.next_element::<Value>()? {
            line += 1;
            let found = Found::Row(ImportRow { line, row: Private::new(row.to_string()) });
            match (self.take)(found) {
                Ok(true) => continue,
                Ok(false) => *self.why = Some(Stop::Enough),
                Err(error) => *self.why = Some(Stop::Failed(error)),
            }
            return Err(serde::de::Error::custom("stopped"));
        }
        Ok(())
    }
}
