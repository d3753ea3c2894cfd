//! Schemas as rows of a table: a dotted name, a type in words, what it means. Pure.

use serde::Serialize;
use serde_json::{Map, Value};

/// How deep a table goes.
const DEEPEST: usize = 6;

/// A field of a body or an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) required: bool,
    pub(super) about: String,
}

/// An OpenAPI document that references are looked up in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document<'a>(pub(super) &'a Value);

impl<'a> Document<'a> {
    /// Follows `$ref` to the thing itself. A reference to nothing, or round in a circle, stays as it is.
    pub(super) fn resolve(&self, value: &'a Value) -> &'a Value {
        let mut at = value;
        for _ in 0..8 {
            let Some(target) = reference(at).and_then(|pointer| self.0.pointer(pointer)) else { return at };
            at = target;
        }
        at
    }

    /// A schema as one row.
    pub(super) fn field(&self, name: &str, schema: &'a Value) -> Field {
        // A field that may be null says what it means on its other form.
        let forms = schema["oneOf"].as_array().into_iter().flatten();
        let about = std::iter::once(schema)
            .chain(forms)
            .find_map(|form| form["description"].as_str())
            .or_else(|| self.resolve(schema)["description"].as_str())
            .unwrap_or_default();
        Field {
            name: name.to_owned(),
            kind: self.kind(schema, 0),
            required: false,
            about: about.trim().to_owned(),
        }
    }

    /// The fields of a body, those of nested objects by dotted names.
    pub(super) fn fields(&self, schema: &'a Value) -> Vec<Field> {
        let mut fields = Vec::new();
        self.collect(schema, "", &mut Vec::new(), &mut fields);
        fields
    }

    fn collect(&self, schema: &'a Value, prefix: &str, path: &mut Vec<&'a str>, fields: &mut Vec<Field>) {
        let before = path.len();
        if let Some(pointer) = reference(schema) {
            if path.contains(&pointer) {
                return;
            }
            path.push(pointer);
        }
        let resolved = self.resolve(schema);
        if path.len() <= DEEPEST && prefix.matches(['.', '[']).count() <= DEEPEST {
            for part in parts(resolved) {
                self.collect(part, prefix, path, fields);
            }
            if let Some(items) = resolved.get("items") {
                self.collect(items, &format!("{prefix}[]"), path, fields);
            }
            let (needed, others): (Vec<_>, Vec<_>) =
                self.properties(resolved).partition(|(name, _)| requires(resolved, name));
            for (name, property) in needed.into_iter().chain(others) {
                let required = requires(resolved, name);
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                // Variants of one schema repeat what they share.
                if !fields.iter().any(|field| field.name == name) {
                    fields.push(Field { required, ..self.field(&name, property) });
                }
                self.collect(property, &name, path, fields);
            }
        }
        path.truncate(before);
    }

    pub(super) fn properties(&self, schema: &'a Value) -> impl Iterator<Item = (&'a String, &'a Value)> {
        schema["properties"].as_object().into_iter().flat_map(Map::iter)
    }

    /// A type in words.
    fn kind(&self, schema: &'a Value, depth: usize) -> String {
        let resolved = self.resolve(schema);
        if depth > DEEPEST {
            return "any".to_owned();
        }
        if let Some(words) = listed(resolved) {
            return words;
        }
        let variants: Vec<String> = parts(resolved).map(|part| self.kind(part, depth + 1)).collect();
        if !variants.is_empty() {
            return joined(variants, if resolved.get("allOf").is_some() { " and " } else { " or " });
        }
        let names = match &resolved["type"] {
            Value::String(name) => vec![name.as_str()],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ if resolved.get("properties").is_some() => vec!["object"],
            _ => vec!["any"],
        };
        let words = names
            .into_iter()
            .map(|name| match name {
                "array" => format!("array of {}", self.kind(&resolved["items"], depth + 1)),
                "object" => match resolved.get("additionalProperties") {
                    Some(each @ Value::Object(_)) => format!("map of {}", self.kind(each, depth + 1)),
                    _ => "object".to_owned(),
                },
                "string" => match resolved["format"].as_str() {
                    Some("date-time") => "time (RFC 3339)".to_owned(),
                    Some(format) => format!("string, {format}"),
                    None => "string".to_owned(),
                },
                other => other.to_owned(),
            })
            .collect();
        joined(words, " or ") + &bounds(resolved)
    }
}

/// Whether an object has to have a field.
pub(super) fn requires(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|required| required.iter().any(|each| each == name))
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix('#')
}

/// The schemas that a schema is put together from.
fn parts(schema: &Value) -> impl Iterator<Item = &Value> {
    ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten()
}

fn listed(schema: &Value) -> Option<String> {
    if let Some(only) = schema.get("const") {
        return Some(plain(only));
    }
    let words: Vec<String> = schema["enum"].as_array()?.iter().map(plain).collect();
    Some(format!("one of {}", words.join(", ")))
}

/// A value as a reader writes it: a word without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn joined(mut words: Vec<String>, with: &str) -> String {
    words.sort_by_key(|word| word == "null");
    words.dedup();
    words.join(with)
}

fn bounds(schema: &Value) -> String {
    let range = |low: &str, high: &str, unit: &str| match (schema[low].as_u64(), schema[high].as_u64()) {
        (Some(low), Some(high)) if low == high => format!(", {low}{unit}"),
        (Some(low), Some(high)) => format!(", {low} to {high}{unit}"),
        (None, Some(high)) => format!(", at most {high}{unit}"),
        (Some(low), None) if low > 0 => format!(", at least {low}{unit}"),
        _ => String::new(),
    };
    let default = schema.get("default").filter(|value| !value.is_null());
    let default = default.map_or_else(String::new, |value| format!(", usually {}", plain(value)));
    range("minimum", "maximum", "") + &range("minLength", "maxLength", " characters") + &default
}
