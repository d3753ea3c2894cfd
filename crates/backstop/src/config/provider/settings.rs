//! What a provider's kind makes of its own keys: known, complete, secrets read out of their files.
//!
//! The registry says which keys a kind has. Whether the values are good is the kind's own matter, when it is built.

use std::{collections::BTreeMap, path::PathBuf};

use backstop_providers::registry::{self, Form, KindInfo};
use serde_json::{Map, Value as Json};

use super::COMMON_KEYS;
use crate::config::{
    Profile,
    application::Surroundings,
    error::{ConfigError, Place},
    read::{Section, nearest},
    secret_file::{self, is_placeholder},
    tree::{Node, Value},
};

/// What stands for a secret that was not to be read.
const NOT_READ: &str = "(not read)";

/// What the registry knows about a kind.
pub(super) fn kind(
    section: &Section<'_>,
    kind: &str,
    profile: Profile,
) -> Result<&'static KindInfo, ConfigError> {
    let names: Vec<&str> = registry::kinds().iter().map(|info| info.kind).collect();
    if kind.is_empty() {
        return Err(section.wrong("kind", "is missing", format!("kind = one of {}", names.join(", "))));
    }
    let Some(info) = registry::kinds().iter().find(|info| info.kind == kind) else {
        let fix = match nearest(kind, &names) {
            Some(near) => format!("kind = \"{near}\"; `backstop providers kinds` lists all"),
            None => format!("kind = one of {}", names.join(", ")),
        };
        return Err(section.wrong("kind", "is not one that this program knows", fix));
    };
    if info.development_only && profile == Profile::Production {
        let finding = format!("{} shows codes instead of sending them: production refuses it", info.kind);
        return Err(section.wrong("kind", finding, "use a real provider, or profile = \"development\""));
    }
    Ok(info)
}

/// The settings of a kind, secrets read out of their files, checked against what the kind says it needs; and these files.
pub(super) fn settings(
    section: &Section<'_>,
    own: BTreeMap<String, Node>,
    info: &KindInfo,
    around: &Surroundings<'_>,
) -> Result<(Map<String, Json>, Vec<PathBuf>), ConfigError> {
    let (mut settings, mut files) = (Map::new(), Vec::new());
    for (key, node) in own {
        let secret_of = key
            .strip_suffix("_file")
            .and_then(|base| info.keys.iter().find(|known| known.name == base && known.secret));
        let known = info.keys.iter().find(|known| known.name == key);
        match (known, secret_of) {
            (Some(known), _) => {
                if known.secret && settings.contains_key(&key) {
                    return Err(both(section, &key));
                }
                if around.profile == Profile::Production
                    && (known.secret || known.required)
                    && node.as_text().is_some_and(is_placeholder)
                {
                    let fix = format!("set {key} to what the vendor gave you, or remove the provider");
                    return Err(section.wrong(&key, "is a placeholder", fix));
                }
                settings.insert(key.clone(), json(&node, known.form));
            }
            (None, Some(secret)) => {
                let Some(path) = node.as_text() else {
                    return Err(section.wrong(
                        &key,
                        "must be the path of a file",
                        format!("{key} = \"/run/secrets/...\""),
                    ));
                };
                if settings.contains_key(secret.name) {
                    return Err(both(section, secret.name));
                }
                let text = if around.read_secrets {
                    let (full, file) =
                        (format!("{}.{key}", section.name), around.working_directory.join(path));
                    let secret = secret_file::read(&file, &full, &node.place)?;
                    files.push(file);
                    secret.expose().to_owned()
                } else {
                    NOT_READ.to_owned()
                };
                settings.insert(secret.name.to_owned(), Json::String(text));
            }
            (None, None) => return Err(unknown(section, &key, info)),
        }
    }
    let missing = info.keys.iter().find(|known| known.required && !settings.contains_key(known.name));
    if let Some(missing) = missing {
        let key = if missing.secret { format!("{}_file", missing.name) } else { missing.name.to_owned() };
        let example = if missing.secret {
            format!("\"/run/secrets/{}\"", entry_name(section))
        } else {
            format!("... ({})", missing.what)
        };
        return Err(ConfigError::new(
            format!("provider \"{}\" is half configured", entry_name(section)),
            section.node.place.clone(),
            format!("{key} is missing"),
            format!("{key} = {example}, or remove the provider"),
        ));
    }
    Ok((settings, files))
}

fn entry_name<'a>(section: &'a Section<'_>) -> &'a str {
    section.name.strip_prefix("provider.").unwrap_or(&section.name)
}

fn both(section: &Section<'_>, key: &str) -> ConfigError {
    section.wrong(key, format!("and {key}_file are both set"), format!("keep one of {key} and {key}_file"))
}

fn unknown(section: &Section<'_>, key: &str, info: &KindInfo) -> ConfigError {
    let keys: Vec<&str> = COMMON_KEYS.into_iter().chain(info.keys.iter().map(|known| known.name)).collect();
    let fix = match nearest(key, &keys) {
        Some(near) => format!("write {near}, or remove {key}"),
        None => format!("remove it; the keys of {} are {}", info.kind, keys.join(", ")),
    };
    ConfigError::new(
        format!("unknown key {}.{key}", section.name),
        section.place(key),
        format!("{key} is not a setting of the kind {}", info.kind),
        fix,
    )
}

/// The value as a kind reads it. A variable is a text; the kind itself takes texts for numbers and switches.
fn json(node: &Node, form: Form) -> Json {
    if let (Value::Text(text), Place::Variable(_), Form::Table) = (&node.value, &node.place, form)
        && let Some(table) = Node::parse_value(text, &Place::BuiltIn)
    {
        return json(&table, form);
    }
    match &node.value {
        Value::Text(text) => Json::String(text.clone()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Boolean(flag) => Json::Bool(*flag),
        Value::List(items) => Json::Array(items.iter().map(|item| json(item, Form::Text)).collect()),
        Value::Table(table) => {
            Json::Object(table.iter().map(|(key, node)| (key.clone(), json(node, Form::Text))).collect())
        }
    }
}
