//! A command for every call: what the document gives as examples, and where it gives none, something of the right
//! shape. Pure.

use serde_json::{Map, Value, json};

use super::schema::{Document, requires};

const NOWHERE: &str = "http://127.0.0.1:8080";
const DEEPEST: usize = 6;

/// A `curl` that makes the call.
pub(super) fn curl(
    document: &Document<'_>,
    path: &str,
    verb: &str,
    parameters: &[&Value],
    operation: &Value,
    credentials: bool,
) -> String {
    let base =
        document.0["servers"][0]["url"].as_str().filter(|url| url.starts_with("http")).unwrap_or(NOWHERE);
    let mut url = format!("{}{path}", base.trim_end_matches('/'));
    let mut headers = Vec::new();
    for parameter in parameters {
        let Some(name) = parameter["name"].as_str() else { continue };
        let given = parameter.get("example").or_else(|| parameter["schema"]["examples"].get(0));
        let given = given.or_else(|| parameter["schema"].get("example")).map(plain);
        match parameter["in"].as_str() {
            // Braces would mean something to curl.
            Some("path") => {
                url = url.replace(&format!("{{{name}}}"), &given.unwrap_or_else(|| name.to_uppercase()));
            }
            Some("query") if parameter["required"] == true => {
                let mark = if url.contains('?') { '&' } else { '?' };
                let value = given.unwrap_or_else(|| plain(&value(document, &parameter["schema"], 0)));
                url.push_str(&format!("{mark}{name}={}", escaped(&value)));
            }
            Some("header") if parameter["required"] == true => {
                let value = given.unwrap_or_else(|| plain(&value(document, &parameter["schema"], 0)));
                headers.push(format!("-H {}", quoted(&format!("{name}: {value}"))));
            }
            _ => {}
        }
    }
    let mut lines = vec![format!("curl -s {}", quoted(&url))];
    if !matches!(verb, "get" | "post") {
        lines[0] = lines[0].replacen("curl -s", &format!("curl -s -X {}", verb.to_uppercase()), 1);
    }
    if credentials {
        lines.push("-H 'authorization: Bearer sk_dev'".to_owned());
    }
    lines.append(&mut headers);
    match operation.get("requestBody").and_then(|body| self::body(document, document.resolve(body))) {
        Some((kind, body)) => {
            lines.push(format!("-H {}", quoted(&format!("content-type: {kind}"))));
            lines.push(format!("-d {}", quoted(&body)));
        }
        None if verb == "post" => lines[0] = lines[0].replacen("curl -s", "curl -s -X POST", 1),
        None => {}
    }
    lines.join(" \\\n  ")
}

fn body<'a>(document: &Document<'a>, body: &'a Value) -> Option<(&'a str, String)> {
    let (kind, media) = body["content"].as_object()?.iter().next()?;
    let named = || media["examples"].as_object()?.values().next()?.get("value");
    let example = media.get("example").or_else(named);
    let example = example.map_or_else(|| value(document, &media["schema"], 0), Value::clone);
    let text = if kind.contains("form-urlencoded") { form(&example) } else { example.to_string() };
    Some((kind, text))
}

fn form(value: &Value) -> String {
    let pairs = value.as_object().into_iter().flatten();
    pairs.map(|(name, value)| format!("{name}={}", escaped(&plain(value)))).collect::<Vec<_>>().join("&")
}

/// A value for a query or a form.
fn escaped(value: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~@:".contains(&byte);
    value
        .bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value of the right shape: the document's own example, else the required fields alone.
fn value<'a>(document: &Document<'a>, schema: &'a Value, depth: usize) -> Value {
    let given = |schema: &'a Value| {
        let first = schema["examples"].as_array().and_then(|examples| examples.first());
        [schema.get("example"), first, schema.get("const"), schema.get("default"), schema["enum"].get(0)]
            .into_iter()
            .flatten()
            .find(|value| !value.is_null())
            .cloned()
    };
    let resolved = document.resolve(schema);
    if let Some(value) = given(schema).or_else(|| given(resolved)) {
        return value;
    }
    if depth > DEEPEST {
        return Value::Null;
    }
    if let Some(parts) = resolved["allOf"].as_array() {
        let mut merged = Map::new();
        for part in parts {
            if let Value::Object(fields) = value(document, part, depth + 1) {
                merged.extend(fields);
            }
        }
        return Value::Object(merged);
    }
    for word in ["oneOf", "anyOf"] {
        let real =
            resolved[word].as_array().and_then(|parts| parts.iter().find(|part| part["type"] != "null"));
        if let Some(part) = real {
            return value(document, part, depth + 1);
        }
    }
    let kind = match &resolved["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        kind => kind.as_str(),
    };
    match kind {
        Some("string") => json!("..."),
        Some("integer" | "number") => resolved.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("array") => json!([value(document, &resolved["items"], depth + 1)]),
        _ => object(document, resolved, depth),
    }
}

fn object<'a>(document: &Document<'a>, schema: &'a Value, depth: usize) -> Value {
    let fields = document
        .properties(schema)
        .filter(|(name, _)| requires(schema, name))
        .map(|(name, field)| (name.clone(), value(document, field, depth + 1)));
    Value::Object(fields.collect())
}

/// A word for a shell, in single quotes where it needs any.
fn quoted(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_an_example_cannot_end_the_shell_word() {
        assert_eq!(quoted("it's $(rm)"), r"'it'\''s $(rm)'");
        assert_eq!(quoted("http://127.0.0.1:8080/v1"), "http://127.0.0.1:8080/v1");
        assert_eq!(quoted(""), "''");
    }
}
