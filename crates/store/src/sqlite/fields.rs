//! Reading a row column by column, so that a damaged one is named: table, column and key, never the value.

use std::{fmt, str::FromStr};

use backstop_domain::{clock::Timestamp, keyring::LookupHash};
use rusqlite::{Row, types::FromSql, types::ValueRef};

use crate::error::{Failure, Result, bad_row};

/// A row that is read from its first column to its last, in the order of the SELECT.
pub(super) struct Fields<'r, 's> {
    row: &'r Row<'s>,
    table: &'static str,
    key_columns: usize,
    next: usize,
}

impl<'r, 's> Fields<'r, 's> {
    /// Starts at the first column. The first `key_columns` of them name the row.
    pub(super) fn of(row: &'r Row<'s>, table: &'static str, key_columns: usize) -> Self {
        Self { row, table, key_columns, next: 0 }
    }

    /// Starts behind the columns that name the row.
    pub(super) fn after_key(row: &'r Row<'s>, table: &'static str, key_columns: usize) -> Self {
        Self { next: key_columns, ..Self::of(row, table, key_columns) }
    }

    /// The next column.
    pub(super) fn take<T: FromSql>(&mut self, column: &'static str) -> Result<T> {
        let index = self.next;
        self.next += 1;
        self.row.get(index).map_err(|error| match error {
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..) => self.bad(column, "not a value of this column's type"),
            other => other.into(),
        })
    }

    /// The next column, parsed from its text.
    pub(super) fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, column: &'static str) -> Result<T> {
        let text: String = self.take(column)?;
        text.parse().map_err(|problem: T::Err| self.bad(column, problem))
    }

    /// The next column, parsed from its text if there is one.
    pub(super) fn parsed_if_any<T: FromStr<Err: fmt::Display>>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>> {
        let text: Option<String> = self.take(column)?;
        text.map(|text| text.parse().map_err(|problem: T::Err| self.bad(column, problem))).transpose()
    }

    /// The next column, read from its JSON if there is some.
    pub(super) fn json_if_any<T: serde::de::DeserializeOwned>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>> {
        let text: Option<String> = self.take(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|_| self.bad(column, "not the expected JSON")))
            .transpose()
    }

    /// The next column, a moment.
    pub(super) fn moment(&mut self, column: &'static str) -> Result<Timestamp> {
        self.take(column).map(Timestamp::from_millis)
    }

    /// The next column, a moment if there is one.
    pub(super) fn moment_if_any(&mut self, column: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.take::<Option<i64>>(column)?.map(Timestamp::from_millis))
    }

    /// The next column, a keyed hash.
    pub(super) fn hash(&mut self, column: &'static str) -> Result<LookupHash> {
        self.take(column).map(LookupHash)
    }

    /// The next column, a keyed hash if there is one.
    pub(super) fn hash_if_any(&mut self, column: &'static str) -> Result<Option<LookupHash>> {
        Ok(self.take::<Option<[u8; 16]>>(column)?.map(LookupHash))
    }

    /// Says what is wrong with a column of this row.
    pub(super) fn bad(&self, column: &'static str, problem: impl fmt::Display) -> Failure {
        let parts: Vec<String> = (0..self.key_columns)
            .map(|index| match self.row.get_ref(index) {
                Ok(ValueRef::Integer(number)) => number.to_string(),
                Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
                _ => "?".to_owned(),
            })
            .collect();
        bad_row(self.table, column, parts.join("/"), problem)
    }
}
