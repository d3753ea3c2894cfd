//! Reading a row column by column, so that a damaged one is named: table, column and key, never the value.
//!
//! The same for both databases: a driver's row offers its [`Cells`], and a [`Value`] is read from one of them.

use std::{fmt, str::FromStr};

use backstop_domain::{clock::Timestamp, keyring::LookupHash};

use crate::error::{Failure, Result, bad_row};

/// A cell does not hold what the column is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unfit;

/// What a driver's row offers. `None` is NULL.
pub(crate) trait Cells {
    /// A whole number; a truth is 0 or 1.
    fn number(&self, index: usize) -> std::result::Result<Option<i64>, Unfit>;
    /// Text.
    fn text(&self, index: usize) -> std::result::Result<Option<&str>, Unfit>;
    /// Bytes.
    fn bytes(&self, index: usize) -> std::result::Result<Option<&[u8]>, Unfit>;
}

/// What can be read from a cell.
pub(crate) trait Value: Sized {
    /// Reads it; `None` is NULL.
    fn read(cells: &impl Cells, index: usize) -> std::result::Result<Option<Self>, Unfit>;
}

impl Value for i64 {
    fn read(cells: &impl Cells, index: usize) -> std::result::Result<Option<Self>, Unfit> {
        cells.number(index)
    }
}
impl Value for u32 {
    fn read(cells: &impl Cells, index: usize) -> std::result::Result<Option<Self>, Unfit> {
        cells.number(index)?.map(Self::try_from).transpose().map_err(|_| Unfit)
    }
}
impl Value for u64 {
    fn read(cells: &impl Cells, index: usize) -> std::result::Result<Option<Self>, Unfit> {
        cells.number(index)?.map(Self::try_from).transpose().map_err(|_| Unfit)
    }
}
impl Value for u8 {
    fn read(cells: &impl Cells, index: usize) -> std::result::Result<Option<Self>, Unfit> {
        cells.number(index)?.map(Self::try_from).transpose().map_err(|_| Unfit)
    }
}
impl Value for bool {
    fn read(cells: &impl Cells, index: usize) -> std::result::Result<Option<Self>, Unfit> {
        Ok(cells.number(index)?.map(|number| number != 0))
    }
}
impl Value for String {
    fn read(cells: &impl Cells, index: usize) -> std::result::Result<Option<Self>, Unfit> {
        Ok(cells.text(index)?.map(str::to_owned))
    }
}
impl Value for Vec<u8> {
    fn read(cells: &impl Cells, index: usize) -> std::result::Result<Option<Self>, Unfit> {
        Ok(cells.bytes(index)?.map(<[u8]>::to_vec))
    }
}
impl<const N: usize> Value for [u8; N] {
    fn read(cells: &impl Cells, index: usize) -> std::result::Result<Option<Self>, Unfit> {
        cells.bytes(index)?.map(Self::try_from).transpose().map_err(|_| Unfit)
    }
}

/// A row that is read from its first column to its last, in the order of the SELECT.
pub(crate) struct Fields<'r, C> {
    cells: &'r C,
    table: &'static str,
    key_columns: usize,
    next: usize,
}

impl<'r, C: Cells> Fields<'r, C> {
    /// Starts at the first column. The first `key_columns` of them name the row.
    pub(crate) fn of(cells: &'r C, table: &'static str, key_columns: usize) -> Self {
        Self { cells, table, key_columns, next: 0 }
    }

    /// Starts behind the columns that name the row.
    pub(crate) fn after_key(cells: &'r C, table: &'static str, key_columns: usize) -> Self {
        Self { next: key_columns, ..Self::of(cells, table, key_columns) }
    }

    /// The next column, if it is not NULL.
    pub(crate) fn take_if_any<T: Value>(&mut self, column: &'static str) -> Result<Option<T>> {
        let index = self.next;
        self.next += 1;
        T::read(self.cells, index).map_err(|_| self.bad(column, "not a value of this column's type"))
    }

    /// The next column.
    pub(crate) fn take<T: Value>(&mut self, column: &'static str) -> Result<T> {
        self.take_if_any(column)?.ok_or_else(|| self.bad(column, "not a value of this column's type"))
    }

    fn text_if_any(&mut self, column: &'static str) -> Result<Option<&'r str>> {
        let index = self.next;
        self.next += 1;
        self.cells.text(index).map_err(|_| self.bad(column, "not a value of this column's type"))
    }

    /// The next column, parsed from its text.
    pub(crate) fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, column: &'static str) -> Result<T> {
        self.parsed_if_any(column)?.ok_or_else(|| self.bad(column, "not a value of this column's type"))
    }

    /// The next column, parsed from its text if there is one.
    pub(crate) fn parsed_if_any<T: FromStr<Err: fmt::Display>>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>> {
        let text = self.text_if_any(column)?;
        text.map(|text| text.parse().map_err(|problem: T::Err| self.bad(column, problem))).transpose()
    }

    /// The next column, read from its JSON if there is some.
    pub(crate) fn json_if_any<T: serde::de::DeserializeOwned>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>> {
        let text = self.text_if_any(column)?;
        text.map(|text| serde_json::from_str(text).map_err(|_| self.bad(column, "not the expected JSON")))
            .transpose()
    }

    /// The next column, a moment.
    pub(crate) fn moment(&mut self, column: &'static str) -> Result<Timestamp> {
        self.take(column).map(Timestamp::from_millis)
    }

    /// The next column, a moment if there is one.
    pub(crate) fn moment_if_any(&mut self, column: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.take_if_any(column)?.map(Timestamp::from_millis))
    }

    /// The next column, a keyed hash.
    pub(crate) fn hash(&mut self, column: &'static str) -> Result<LookupHash> {
        self.take(column).map(LookupHash)
    }

    /// The next column, a keyed hash if there is one.
    pub(crate) fn hash_if_any(&mut self, column: &'static str) -> Result<Option<LookupHash>> {
        Ok(self.take_if_any(column)?.map(LookupHash))
    }

    /// Says what is wrong with a column of this row.
    pub(crate) fn bad(&self, column: &'static str, problem: impl fmt::Display) -> Failure {
        let part = |index| match (self.cells.number(index), self.cells.text(index)) {
            (Ok(Some(number)), _) => number.to_string(),
            (_, Ok(Some(text))) => text.to_owned(),
            _ => "?".to_owned(),
        };
        let parts: Vec<String> = (0..self.key_columns).map(part).collect();
        bad_row(self.table, column, parts.join("/"), problem)
    }
}
