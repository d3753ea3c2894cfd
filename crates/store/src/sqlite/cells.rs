//! SQLite's rows as [`Cells`].

use rusqlite::{Row, types::ValueRef};

use crate::fields::{Cells, Unfit};

impl Cells for Row<'_> {
    fn number(&self, index: usize) -> Result<Option<i64>, Unfit> {
        match self.get_ref(index) {
            Ok(ValueRef::Integer(number)) => Ok(Some(number)),
            Ok(ValueRef::Null) => Ok(None),
            _ => Err(Unfit),
        }
    }

    fn text(&self, index: usize) -> Result<Option<&str>, Unfit> {
        match self.get_ref(index) {
            Ok(ValueRef::Text(text)) => std::str::from_utf8(text).map(Some).map_err(|_| Unfit),
            Ok(ValueRef::Null) => Ok(None),
            _ => Err(Unfit),
        }
    }

    fn bytes(&self, index: usize) -> Result<Option<&[u8]>, Unfit> {
        match self.get_ref(index) {
            Ok(ValueRef::Blob(bytes)) => Ok(Some(bytes)),
            Ok(ValueRef::Null) => Ok(None),
            _ => Err(Unfit),
        }
    }
}
