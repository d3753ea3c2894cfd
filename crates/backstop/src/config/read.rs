//! Reading a part of the tree into a struct, with refusals that name the key, its place and the fix.
//!
//! [`Section`] is a part of the tree and its name. Its structs are plain serde ones with `deny_unknown_fields`; the
//! deserializer takes the texts of environment variables for numbers, switches and lists where those are wanted.

use std::{fmt, ops::RangeInclusive};

use serde::de::{self, DeserializeOwned, Unexpected};

use super::{
    error::{ConfigError, Place},
    tree::Node,
};

mod deserializer;

/// A part of the tree under a name: `codes`, or `provider.twilio-main`.
#[derive(Clone)]
pub(crate) struct Section<'a> {
    pub(crate) name: String,
    pub(crate) node: &'a Node,
}

impl<'a> Section<'a> {
    pub(crate) fn new(name: impl Into<String>, node: &'a Node) -> Self {
        Self { name: name.into(), node }
    }

    /// Reads the whole section.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        T::deserialize(self.node.clone()).map_err(|wrong| wrong.explain(self))
    }

    /// The section under `key`; if there is none, `None`.
    pub(crate) fn child(&self, key: &str) -> Option<Self> {
        let node = self.node.table()?.get(key)?;
        Some(Self::new(format!("{}.{key}", self.name), node))
    }

    /// Where `key` was set, or else where the section begins.
    pub(crate) fn place(&self, key: &str) -> Place {
        self.node.at(key).unwrap_or(self.node).place.clone()
    }

    /// A refusal about `key`.
    pub(crate) fn wrong(&self, key: &str, finding: impl fmt::Display, fix: impl Into<String>) -> ConfigError {
        let problem = format!("{}.{key} cannot be used", self.name);
        ConfigError::new(problem, self.place(key), format!("{key} {finding}"), fix)
    }

    /// Refuses a value outside `range`; `unit` follows the numbers in the refusal.
    pub(crate) fn within<T: PartialOrd + fmt::Display>(
        &self,
        key: &str,
        value: &T,
        range: &RangeInclusive<T>,
        fix: &str,
    ) -> Result<(), ConfigError> {
        if range.contains(value) {
            return Ok(());
        }
        let finding = format!("must be {} to {}", range.start(), range.end());
        Err(self.wrong(key, finding, fix))
    }
}

/// A refusal on its way up to the section, gathering the path of the key.
#[derive(Debug)]
pub(crate) struct Wrong {
    path: Vec<String>,
    place: Option<Place>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Unknown { expected: Vec<&'static str> },
    Missing { key: &'static str },
    Type { expected: String },
    Choice { expected: Vec<&'static str> },
    Custom(String),
}

impl Wrong {
    fn new(kind: Kind) -> Self {
        Self { path: Vec::new(), place: None, kind }
    }

    fn at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    fn under(mut self, key: &str, place: &Place) -> Self {
        self.path.insert(0, key.to_owned());
        self.at(place)
    }

    fn explain(self, section: &Section<'_>) -> ConfigError {
        let dotted = self.path.join(".");
        let full =
            if dotted.is_empty() { section.name.clone() } else { format!("{}.{dotted}", section.name) };
        let last = self.path.last().cloned().unwrap_or_else(|| section.name.clone());
        let place = self.place.unwrap_or_else(|| section.node.place.clone());
        match self.kind {
            Kind::Unknown { expected } => {
                let fix = match nearest(&last, &expected) {
                    Some(near) => format!("write {near}, or remove {last}"),
                    None => format!("remove it; the keys here are {}", expected.join(", ")),
                };
                ConfigError::new(
                    format!("unknown key {full}"),
                    place,
                    format!("{last} is not a setting"),
                    fix,
                )
            }
            Kind::Missing { key } => ConfigError::new(
                format!("{full} is incomplete"),
                place,
                format!("{key} is missing"),
                format!("set {key}; config.sample.toml shows it"),
            ),
            Kind::Type { expected } => {
                let wanted = in_words(&expected);
                ConfigError::new(
                    format!("{full} cannot be read"),
                    place,
                    format!("{last} must be {wanted}"),
                    format!("write {last} as {wanted}"),
                )
            }
            Kind::Choice { expected } => ConfigError::new(
                format!("{full} cannot be read"),
                place,
                format!("{last} must be one of {}", expected.join(", ")),
                format!("write one of {}", expected.join(", ")),
            ),
            Kind::Custom(wanted) => ConfigError::new(
                format!("{full} cannot be read"),
                place,
                format!("{last}: {wanted}"),
                format!("correct {last}: {wanted}"),
            ),
        }
    }
}

/// What serde calls the wanted types, for people.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" | "u32" | "u64" | "usize" | "i64" => "a whole number",
        "a boolean" => "true or false",
        "a string" => "a text in quotes",
        "a sequence" => "a list such as [\"a\", \"b\"]",
        "a map" => "a table such as { a = \"b\" }",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

/// The candidate that a slip of the finger most likely meant.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let distances = candidates.iter().map(|candidate| (distance(word, candidate), *candidate));
    distances.min().filter(|(distance, _)| *distance <= 3 && *distance < word.len()).map(|(_, near)| near)
}

/// Levenshtein's: how many letters to change, add or drop.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Kind::Custom(message.to_string()))
    }
    fn invalid_type(_: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(Kind::Type { expected: expected.to_string() })
    }
    fn invalid_value(_: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(Kind::Type { expected: expected.to_string() })
    }
    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Kind::Choice { expected: expected.to_vec() })
    }
    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Kind::Unknown { expected: expected.to_vec() })
    }
    fn missing_field(key: &'static str) -> Self {
        Self::new(Kind::Missing { key })
    }
}
