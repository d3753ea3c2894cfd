//! The environment over the file: `BACKSTOP_SECTION__KEY`, and `.env` for what the real environment does not say.
//!
//! Two underscores part the words of a path. Entries of arrays go by name: `BACKSTOP_PROVIDER__TWILIO_MAIN__AUTH_TOKEN`
//! means the provider `twilio-main`. An empty variable counts as not set, and a variable without two underscores
//! (container platforms make some of their own) is not ours, but for `BACKSTOP_PROFILE`.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    entries::Entry,
    error::{ConfigError, Place},
    tree::Node,
};

/// The one setting outside every section.
pub(crate) const PROFILE: &str = "BACKSTOP_PROFILE";
const PREFIX: &str = "BACKSTOP_";

/// The real environment over `.env`.
pub(crate) fn with_dotenv(real: &BTreeMap<String, String>, dotenv: Option<&str>) -> BTreeMap<String, String> {
    let mut all = dotenv.map(parse_dotenv).unwrap_or_default();
    all.extend(
        real.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.clone(), value.clone())),
    );
    all
}

/// Reads `NAME=value` lines: with or without `export` and quotes; `#` begins a comment. A line that is none of these
/// is skipped, as every reader of such files does.
pub(crate) fn parse_dotenv(text: &str) -> BTreeMap<String, String> {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let pairs = lines.filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(word) {
            return None;
        }
        let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.split(quote).next());
        let plain = || value.split(" #").next().unwrap_or(value).trim_end();
        Some((name.to_owned(), quoted.unwrap_or_else(plain).to_owned()))
    });
    pairs.filter(|(_, value)| !value.is_empty()).collect()
}

/// One of our variables.
pub(crate) struct Setting {
    /// `["codes", "ttl"]`, in lower case.
    path: Vec<String>,
    value: String,
    place: Place,
}

/// Our variables, in the order of their names.
pub(crate) fn settings(environment: &BTreeMap<String, String>) -> Vec<Setting> {
    let ours = environment.iter().filter(|(name, _)| name.contains("__") || *name == PROFILE);
    let settings = ours.filter_map(|(name, value)| {
        let path = name.strip_prefix(PREFIX)?.split("__").map(str::to_ascii_lowercase).collect();
        Some(Setting { path, value: value.clone(), place: Place::Variable(Arc::from(name.as_str())) })
    });
    settings.collect()
}

/// Puts the settings of plain sections over `root`; those of arrays are left to [`overlay_entries`].
pub(crate) fn overlay(root: &mut Node, settings: &[Setting], arrays: &[&str]) {
    for setting in settings.iter().filter(|setting| !arrays.contains(&setting.path[0].as_str())) {
        put(root, &setting.path, setting);
    }
}

/// Puts the settings of the array `array` over its entries. Where `create` holds (there is no file), an entry that is
/// named and does not exist is made.
pub(crate) fn overlay_entries(
    entries: &mut Vec<Entry>,
    array: &str,
    settings: &[Setting],
    create: bool,
) -> Result<(), ConfigError> {
    for setting in settings.iter().filter(|setting| setting.path[0] == array) {
        let [_, name, keys @ ..] = setting.path.as_slice() else { continue };
        let place = || setting.place.clone();
        if keys.is_empty() || name.is_empty() {
            let fix = format!("BACKSTOP_{}__NAME__KEY", array.to_ascii_uppercase());
            return Err(ConfigError::new(
                "a variable names no key",
                place(),
                "the name or the key is missing",
                fix,
            ));
        }
        let found = entries.iter().position(|entry| variable_name(&entry.name) == *name);
        let index = match found {
            Some(index) => index,
            None if create => {
                let name = name.replace('_', "-");
                let mut node = Node::empty(place());
                node.table_mut().insert("name".into(), Node::text(name.clone(), place()));
                entries.push(Entry { name, node, owner: None });
                entries.len() - 1
            }
            None => {
                let known: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
                let fix = match known.as_slice() {
                    [] => format!("add a [[{array}]] of that name to the file, or unset the variable"),
                    known => format!("name one of {}, or unset the variable", known.join(", ")),
                };
                return Err(ConfigError::new(
                    format!("a variable names no {array}"),
                    place(),
                    format!("there is no [[{array}]] of that name"),
                    fix,
                ));
            }
        };
        put(&mut entries[index].node, keys, setting);
    }
    Ok(())
}

/// How a name is spelled inside a variable, in lower case.
pub(crate) fn variable_name(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    name.chars().map(letter).collect()
}

/// Sets one value. A variable replaces both spellings of a secret, `key` and `key_file`, that came from the file.
fn put(node: &mut Node, path: &[String], setting: &Setting) {
    let [folders @ .., key] = path else { return };
    let mut table = node;
    for folder in folders {
        table = table.table_mut().entry(folder.clone()).or_insert_with(|| Node::empty(setting.place.clone()));
    }
    let table = table.table_mut();
    let other = match key.strip_suffix("_file") {
        Some(base) => base.to_owned(),
        None => format!("{key}_file"),
    };
    if table.get(&other).is_some_and(|other| !matches!(other.place, Place::Variable(_))) {
        table.remove(&other);
    }
    table.insert(key.clone(), Node::text(setting.value.clone(), setting.place.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dotenv_file_is_read_as_its_services_wrote_it() {
        let text = "\u{feff}# vendor\nTWILIO_ACCOUNT_SID=AC1\nexport TWILIO_AUTH_TOKEN='to#ken' # secret\n\
                    SMTP_PASSWORD=\"p=a ss\"\nSMTP_PORT = 587 # usual\nEMPTY=\nnot a line\nBAD-NAME=1\n";
        let read = parse_dotenv(text);
        let pairs: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("SMTP_PASSWORD", "p=a ss"),
                ("SMTP_PORT", "587"),
                ("TWILIO_ACCOUNT_SID", "AC1"),
                ("TWILIO_AUTH_TOKEN", "to#ken"),
            ]
        );
    }

    #[test]
    fn the_real_environment_wins_over_dotenv_and_an_empty_variable_says_nothing() {
        let real = [("A", "real"), ("B", "")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let all = with_dotenv(&real, Some("A=file\nB=file"));
        assert_eq!((all["A"].as_str(), all["B"].as_str()), ("real", "file"));
    }

    #[test]
    fn variables_of_container_platforms_are_not_taken_for_settings() {
        let environment = ["BACKSTOP_PORT", "BACKSTOP_SERVICE_HOST", "OTHER__KEY"]
            .map(|name| (name.to_owned(), "x".to_owned()));
        assert!(settings(&environment.into()).is_empty());
    }
}
