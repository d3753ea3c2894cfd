//! PostgreSQL's rows as [`Cells`].

use tokio_postgres::{Row, types::Type};

use crate::fields::{Cells, Unfit};

impl Cells for Row {
    fn number(&self, index: usize) -> Result<Option<i64>, Unfit> {
        let column = self.columns().get(index).ok_or(Unfit)?;
        match *column.type_() {
            Type::INT8 => self.try_get(index).map_err(|_| Unfit),
            Type::INT4 => self.try_get::<_, Option<i32>>(index).map(|n| n.map(i64::from)).map_err(|_| Unfit),
            Type::BOOL => self.try_get::<_, Option<bool>>(index).map(|b| b.map(i64::from)).map_err(|_| Unfit),
            _ => Err(Unfit),
        }
    }

    fn text(&self, index: usize) -> Result<Option<&str>, Unfit> {
        self.try_get(index).map_err(|_| Unfit)
    }

    fn bytes(&self, index: usize) -> Result<Option<&[u8]>, Unfit> {
        self.try_get(index).map_err(|_| Unfit)
    }
}
