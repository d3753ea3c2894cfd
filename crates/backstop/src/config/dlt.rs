//! `dlt`: how a provider's texts are registered with India's operators: `"at-vendor"`, or the three ids.

use backstop_providers::registry::Dlt;
use serde::{Deserialize, Deserializer, de::Error};

/// As it is written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Word(String),
    Ids(Ids),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ids {
    entity: String,
    header: String,
    template: String,
}

const FORM: &str =
    "dlt is \"at-vendor\", or { entity = \"1101...\", header = \"ACMEIN\", template = \"1107...\" }";

/// Reads the key.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Dlt>, D::Error> {
    let is_id = |text: &str| (1..=50).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_header =
        |text: &str| (3..=11).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match Written::deserialize(deserializer) {
        Ok(Written::Word(word)) if word == "at-vendor" => Ok(Some(Dlt::AtVendor)),
        Ok(Written::Ids(Ids { entity, header, template }))
            if is_id(&entity) && is_id(&template) && is_header(&header) =>
        {
            Ok(Some(Dlt::Ids { entity, header, template }))
        }
        _ => Err(D::Error::custom(FORM)),
    }
}
