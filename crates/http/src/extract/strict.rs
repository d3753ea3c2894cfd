//! Strict JSON: no name twice in an object at any depth, sixteen levels at the most, no number out of range, no field
//! that is not known, no value turned into another type.
//!
//! Two passes over at most 32 KiB: the first looks at the form alone, the second reads the types. What is refused is
//! told without a single value of it, since a value may be a code or a telephone number.

use std::{collections::HashSet, fmt, marker::PhantomData};

use serde::{
    Deserialize,
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor,
        value::MapAccessDeserializer,
    },
};
use serde_path_to_error::Segment;

use crate::error::{Code, Problem};

const DEEPEST: usize = 16;

/// Reads a body.
pub(super) fn parse<T: DeserializeOwned>(raw: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(raw).map_err(|_| invalid("the body is not UTF-8".to_owned()))?;
    let mut form = serde_json::Deserializer::from_str(text);
    Form { depth: 0 }
        .deserialize(&mut form)
        .and_then(|()| form.end())
        .map_err(|error| invalid(error.to_string()))?;
    let mut typed = serde_json::Deserializer::from_str(text);
    let read: Result<Object<T>, _> = serde_path_to_error::deserialize(&mut typed);
    read.map(|object| object.0).map_err(|error| Problem::new(Code::InvalidRequest, say(&error)))
}

/// An object, where the derived readers would also take an array of the fields in order.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnObject(PhantomData))
    }
}

struct AnObject<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnObject<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
    }
}

fn invalid(detail: String) -> Problem {
    Problem::new(Code::InvalidJson, detail)
}

/// Says which field was wrong and what belongs there. Keeps those parts of the parser's words that come from our own
/// types; what lies before the last "expected" may repeat the input and is left out.
fn say(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let words = error.inner().to_string();
    let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(before, _)| before);
    let expected = words.rsplit_once(", expected ").map(|(_, expected)| expected);
    if words.starts_with("missing field `") {
        return words.replacen("missing field", "the body lacks the field", 1);
    }
    if words.starts_with("unknown field `") {
        return match expected {
            Some(known) => format!("the body holds a field that is not known; it takes {known}"),
            None => "the body takes no fields".to_owned(),
        };
    }
    // Only the outermost name is surely one of ours: further in, names can be the caller's.
    let mut path = error.path().iter();
    let field = path.next().and_then(|segment| match segment {
        Segment::Map { key } => Some(key.as_str()),
        Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown => None,
    });
    let inside = path.next().is_some();
    match (field, expected) {
        (Some(field), Some(expected)) if inside => format!("a value in `{field}` must be {expected}"),
        (Some(field), Some(expected)) => format!("`{field}` must be {expected}"),
        (Some(field), None) => format!("`{field}` cannot be read"),
        (None, Some(expected)) => format!("the body must be {expected}"),
        (None, None) => "the body cannot be read".to_owned(),
    }
}

/// Looks at the form of a value.
#[derive(Clone, Copy)]
struct Form {
    depth: usize,
}

impl Form {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == DEEPEST {
            return Err(E::custom(format_args!("more than {DEEPEST} levels of arrays and objects")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Form {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Form {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    /// An integer past 64 bits arrives here, rounded: what a reader would get is not what was written.
    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        if number.abs() < 9_007_199_254_740_992.0 {
            Ok(())
        } else {
            Err(E::custom("a number is out of range"))
        }
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        while items.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        let mut names = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("an object holds the same name twice"));
            }
            fields.next_value_seed(inside)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
