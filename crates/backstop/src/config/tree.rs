//! Settings as a tree in which every value knows where it was read.
//!
//! File and environment become one tree before anything is interpreted, so a refusal can name the line or the variable
//! that is to blame, whichever won. A tree may hold secrets, so it has no `Debug`.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Place};

/// One value and its place.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

/// What TOML can say, as far as settings need it.
#[derive(Clone)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
}

/// Turns byte offsets of one text into places.
struct Source<'a> {
    text: &'a str,
    place: &'a Place,
}

impl Node {
    /// A table with nothing in it.
    pub(crate) fn empty(place: Place) -> Self {
        Self { value: Value::Table(BTreeMap::new()), place }
    }

    /// A text, as environment variables hold.
    pub(crate) fn text(text: impl Into<String>, place: Place) -> Self {
        Self { value: Value::Text(text.into()), place }
    }

    /// Reads a TOML document; `place` is its file, whose lines the values then name.
    pub(crate) fn parse(text: &str, place: &Place) -> Result<Self, ConfigError> {
        let source = Source { text, place };
        let table = DeTable::parse(text).map_err(|error| {
            let at = source.at(error.span().unwrap_or(0..0));
            let finding = error.message().lines().next().unwrap_or_default().to_owned();
            ConfigError::new(
                "the configuration file is not TOML",
                at,
                finding,
                "quote texts, write lists in [brackets]; `backstop init` writes a file to start from",
            )
        })?;
        source.table(table.into_inner(), place.clone())
    }

    /// Reads one TOML value out of a variable; `None` if it is none.
    pub(crate) fn parse_value(text: &str, place: &Place) -> Option<Self> {
        let value = DeValue::parse(text).ok()?;
        Source { text: "", place }.value(value.into_inner(), place.clone()).ok()
    }

    /// The table inside, if it is one.
    pub(crate) fn table(&self) -> Option<&BTreeMap<String, Node>> {
        if let Value::Table(table) = &self.value { Some(table) } else { None }
    }

    /// The table inside; anything else is replaced by an empty one.
    pub(crate) fn table_mut(&mut self) -> &mut BTreeMap<String, Node> {
        if !matches!(self.value, Value::Table(_)) {
            self.value = Value::Table(BTreeMap::new());
        }
        match &mut self.value {
            Value::Table(table) => table,
            _ => unreachable!("it was made a table above"),
        }
    }

    /// What lies at a dotted path.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |node, key| node.table()?.get(key))
    }

    /// The text inside, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }
}

impl Source<'_> {
    fn at(&self, span: Range<usize>) -> Place {
        match self.place {
            Place::File { name, .. } => {
                let before = self.text.get(..span.start).unwrap_or(self.text);
                Place::File { name: Arc::clone(name), line: 1 + before.matches('\n').count() }
            }
            other => other.clone(),
        }
    }

    fn table(&self, table: DeTable<'_>, place: Place) -> Result<Node, ConfigError> {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            // A key's own line; for a table header that is the line of the header.
            let place = self.at(key.span());
            entries.insert(key.into_inner().into_owned(), self.value(value.into_inner(), place)?);
        }
        Ok(Node { value: Value::Table(entries), place })
    }

    fn value(&self, value: DeValue<'_>, place: Place) -> Result<Node, ConfigError> {
        let number = |place: &Place| {
            ConfigError::new(
                "a number is too large",
                place.clone(),
                "the number does not fit",
                "write a smaller one",
            )
        };
        let value = match value {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(digits) => Value::Integer(
                i64::from_str_radix(digits.as_str(), digits.radix()).map_err(|_| number(&place))?,
            ),
            DeValue::Float(digits) => Value::Float(digits.as_str().parse().map_err(|_| number(&place))?),
            DeValue::Boolean(flag) => Value::Boolean(flag),
            DeValue::Datetime(_) => {
                let finding = "no setting is a date";
                return Err(ConfigError::new("a date cannot be used", place, finding, "put it in quotes"));
            }
            DeValue::Array(items) => {
                let items = items.into_iter().map(|item| {
                    let at = self.at(item.span());
                    self.value(item.into_inner(), at)
                });
                Value::List(items.collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => return self.table(table, place),
        };
        Ok(Node { value, place })
    }
}
