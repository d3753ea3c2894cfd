//! The shape of a file: which sections there are, and the named entries of `[[application]]`, `[[provider]]` and `[[webhook]]`.

use super::{
    environment::variable_name,
    error::{ConfigError, Place},
    read,
    tree::{Node, Value},
};

/// The sections that a file can have.
const SECTIONS: [&str; 17] = [
    "profile",
    "server",
    "store",
    "codes",
    "limits",
    "countries",
    "channels",
    "purposes",
    "routing",
    "audit",
    "application",
    "provider",
    "notices",
    "webhook",
    "compat",
    "emergency",
    "sign_in",
];

/// An entry of such an array.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) node: Node,
    /// The application that alone may use it.
    pub(crate) owner: Option<String>,
}

/// Takes an array of named entries out of the tree.
pub(crate) fn take(root: &mut Node, array: &str) -> Result<Vec<Entry>, ConfigError> {
    let Some(node) = root.table_mut().remove(array) else { return Ok(Vec::new()) };
    let shape = |place: &Place| {
        ConfigError::new(
            format!("{array} cannot be read"),
            place.clone(),
            format!("{array} must be a list of tables"),
            format!("write [[{array}]], with two brackets, above each"),
        )
    };
    let Value::List(items) = node.value else { return Err(shape(&node.place)) };
    let mut entries: Vec<Entry> = Vec::new();
    for node in items {
        let Some(table) = node.table() else { return Err(shape(&node.place)) };
        let named = table.get("name");
        let name = named.and_then(Node::as_text).unwrap_or_default().to_owned();
        let place = named.unwrap_or(&node).place.clone();
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 40 || !name.chars().all(letters) {
            let finding = "name must be 1 to 40 characters from a-z, 0-9, - and _";
            let example = if array == "provider" { "twilio-main" } else { "shop" };
            let problem = if name.is_empty() {
                format!("{array} has no name")
            } else {
                format!("{array}.name cannot be used")
            };
            return Err(ConfigError::new(problem, place, finding, format!("name = \"{example}\"")));
        }
        let key = variable_name(&name);
        if entries.iter().any(|other| variable_name(&other.name) == key) {
            let finding = "another has the same name, or one that differs only in - and _";
            return Err(ConfigError::new(
                format!("{array} \"{name}\" is there twice"),
                place,
                finding,
                "give one of them another name",
            ));
        }
        entries.push(Entry { name, node, owner: None });
    }
    Ok(entries)
}

/// Refuses sections that do not exist.
pub(crate) fn known_sections(root: &Node) -> Result<(), ConfigError> {
    for (name, node) in root.table().into_iter().flatten() {
        if !SECTIONS.contains(&name.as_str()) {
            let fix = match read::nearest(name, &SECTIONS) {
                Some(near) => format!("write {near}, or remove {name}"),
                None => format!("remove it; there are {}", SECTIONS.join(", ")),
            };
            return Err(ConfigError::new(
                format!("unknown key {name}"),
                node.place.clone(),
                format!("{name} is not a setting"),
                fix,
            ));
        }
        if name != "profile" && node.table().is_none() {
            return Err(ConfigError::new(
                format!("{name} cannot be read"),
                node.place.clone(),
                format!("{name} must be a table"),
                format!("write [{name}] on a line of its own, and its keys below"),
            ));
        }
    }
    Ok(())
}
