//! The tree as serde reads it: texts of environment variables are taken for numbers, switches, lists and tables where
//! those are wanted, because a variable can hold nothing else.

use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};

use super::Wrong;
use crate::config::{
    error::Place,
    tree::{Node, Value},
};

/// The text of a variable, where everything is text.
fn variable(node: &Node) -> Option<&str> {
    match (&node.value, &node.place) {
        (Value::Text(text), Place::Variable(_)) => Some(text.trim()),
        _ => None,
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            match variable(&self).map(str::parse::<$type>) {
                Some(Ok(number)) => visitor.$visit(number),
                Some(Err(_)) => Err(de::Error::invalid_type(Unexpected::Other("text"), &visitor)),
                None => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Node {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value {
            Value::Text(text) => visitor.visit_string(text),
            Value::Integer(number) => match u64::try_from(number) {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_i64(number),
            },
            Value::Float(number) => visitor.visit_f64(number),
            Value::Boolean(flag) => visitor.visit_bool(flag),
            Value::List(items) => visitor.visit_seq(Items(items.into_iter())),
            Value::Table(table) => visitor.visit_map(Entries { entries: table.into_iter(), value: None }),
        }
    }

    numbers! {
        deserialize_bool visit_bool bool;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_i64 visit_i64 i64;
        deserialize_f64 visit_f64 f64;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.value {
            Value::Text(text) => visitor.visit_enum(IntoDeserializer::<Wrong>::into_deserializer(text)),
            _ => Err(de::Error::invalid_type(Unexpected::Other("value"), &"a string")),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let Some(text) = variable(&self) else { return self.deserialize_any(visitor) };
        let items = match Node::parse_value(text, &self.place) {
            Some(Node { value: Value::List(items), .. }) => items,
            _ => {
                let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
                words.map(|word| Node::text(word, self.place.clone())).collect()
            }
        };
        visitor.visit_seq(Items(items.into_iter()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match variable(&self).and_then(|text| Node::parse_value(text, &self.place)) {
            Some(table @ Node { value: Value::Table(_), .. }) => table.deserialize_any(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_map(visitor)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier
        ignored_any
    }
}

struct Items(std::vec::IntoIter<Node>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Wrong;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let Some(item) = self.0.next() else { return Ok(None) };
        let place = item.place.clone();
        seed.deserialize(item).map(Some).map_err(|wrong| wrong.at(&place))
    }
}

struct Entries {
    entries: std::collections::btree_map::IntoIter<String, Node>,
    value: Option<(String, Node)>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Wrong;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some((key, node)) = self.entries.next() else { return Ok(None) };
        let name = IntoDeserializer::<Wrong>::into_deserializer(key.clone());
        let read = seed.deserialize(name).map_err(|wrong| wrong.under(&key, &node.place))?;
        self.value = Some((key, node));
        Ok(Some(read))
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Wrong> {
        let (key, node) =
            self.value.take().ok_or_else(|| <Wrong as de::Error>::custom("a value without a key"))?;
        let place = node.place.clone();
        seed.deserialize(node).map_err(|wrong| wrong.under(&key, &place))
    }
}
