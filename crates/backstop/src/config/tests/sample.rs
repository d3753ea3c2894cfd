//! `config.sample.toml` is the documentation: it is held against the structs here.

use std::cell::RefCell;

use backstop_providers::registry;
use serde::de::{self, Deserialize, Visitor};

use super::Setting;
use crate::{
    cli::init::{SAMPLE, starter},
    config::{
        Loaded,
        application::ApplicationSection,
        audit::AuditSection,
        channels::{ChannelsSection, EscalateAfter},
        codes::Codes,
        compat::{FleetflowSection, SmartfinSection, Surface, SurfaceSection},
        countries::CountriesSection,
        emergency::EmergencySection,
        limits::LimitsSection,
        load,
        notices::NoticesSection,
        provider::{BreakerSection, COMMON_KEYS, ProviderSection},
        purposes::PurposeSection,
        routing::RoutingSection,
        rules::RuleSection,
        server::ServerSection,
        sign_in::SignInSection,
        store::{Database, StoreSection},
        webhook::WebhookSection,
    },
};

/// Loads a text without the secrets that it names.
fn read(text: &str) -> Loaded {
    let setting = Setting::file(text);
    let mut source = setting.source();
    source.read_secrets = false;
    let mut loaded = load(&source).unwrap_or_else(|error| panic!("{error}\n{text}"));
    // The folder is another one each time.
    loaded.config.store.database = Database::parse("sqlite://backstop.db", "".as_ref()).unwrap();
    loaded.config.store.root_key = crate::config::root_key::RootKeySource::File("root.key".into());
    loaded.file = None;
    loaded
}

#[test]
fn the_sample_passes_check_config() {
    let loaded = read(SAMPLE);
    assert_eq!(loaded.config.applications.len(), 2);
    assert_eq!(loaded.config.providers.len(), SAMPLE.matches("\n[[provider]]").count());
    assert_eq!(loaded.warnings, Vec::<String>::new());
}

#[test]
fn every_value_that_the_sample_marks_as_default_is_the_default() {
    let whole = format!("{:?}", read(SAMPLE).config);
    let lines: Vec<&str> = SAMPLE.lines().collect();
    let marked: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].ends_with("# default")).collect();
    assert!(marked.len() > 20, "the sample marks its defaults");
    for index in marked {
        let without: Vec<&str> =
            lines.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, line)| *line).collect();
        assert_eq!(
            format!("{:?}", read(&without.join("\n")).config),
            whole,
            "not the default: {}",
            lines[index]
        );
    }
}

#[test]
fn every_plain_value_of_the_sample_that_is_the_default_is_marked_as_one() {
    let whole = format!("{:?}", read(SAMPLE).config);
    let lines: Vec<&str> = SAMPLE.lines().collect();
    let sections = lines.iter().position(|line| line.starts_with("[[")).unwrap();
    for (index, line) in lines[..sections].iter().enumerate() {
        let example = line.contains(" = ") && !line.starts_with('#') && !line.ends_with("# default");
        // Without its countries the sample is refused, which is another way of not being the default; the master key's
        // file is not read here.
        let apart = ["allow", "default_region", "master_key_file"];
        if example && !apart.iter().any(|key| line.starts_with(key)) {
            let without: Vec<&str> =
                lines.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, line)| *line).collect();
            assert_ne!(format!("{:?}", read(&without.join("\n")).config), whole, "is the default: {line}");
        }
    }
}

#[test]
fn what_init_writes_can_be_used() {
    let text = starter(SAMPLE);
    let loaded = Setting::file(&text).with("data/app.key", "sk_app_0f3c9a7e51d2b8461f0c9a7e").loaded();
    assert_eq!(loaded.config.applications[0].name, "app");
    assert_eq!(loaded.warnings, ["no provider is configured: no code can be sent"]);
}

#[test]
fn every_key_of_every_section_is_in_the_sample() {
    let sample: toml::Table = SAMPLE.parse().unwrap();
    let at = |path: &str| -> Vec<String> {
        let mut value = vec![toml::Value::Table(sample.clone())];
        for key in path.split('.') {
            value = value
                .into_iter()
                .filter_map(|value| value.get(key).cloned())
                .flat_map(|value| match value {
                    toml::Value::Array(items) => items,
                    other => vec![other],
                })
                .collect();
        }
        let tables = value.iter().filter_map(toml::Value::as_table);
        tables.flat_map(|table| table.keys().cloned()).collect()
    };
    let mut missing = Vec::new();
    let mut check = |path: &str, keys: Vec<&'static str>| {
        assert!(!keys.is_empty(), "{path} is no struct");
        let there = at(path);
        let is_there = |key: &str| {
            let file = format!("{key}_file");
            there
                .iter()
                .any(|other| other == key || *other == file || other.strip_suffix("_file") == Some(key))
        };
        missing.extend(
            keys.into_iter()
                .filter(|key| !is_there(key.strip_suffix("_file").unwrap_or(key)))
                .map(|key| format!("{path}.{key}")),
        );
    };
    check("server", keys_of::<ServerSection>());
    // What is for the other database stands there as a comment.
    let shown =
        |key: &&str| !["", "_file"].iter().any(|file| SAMPLE.contains(&format!("\n# {key}{file} = ")));
    check("store", keys_of::<StoreSection>().into_iter().filter(shown).collect());
    check("codes", keys_of::<Codes>());
    check("limits", keys_of::<LimitsSection>());
    check("countries", keys_of::<CountriesSection>());
    check("channels", keys_of::<ChannelsSection>());
    check("channels.escalate_after", keys_of::<EscalateAfter>());
    check("audit", keys_of::<AuditSection>());
    check("routing", keys_of::<RoutingSection>());
    check("rule", keys_of::<RuleSection>());
    check("sign_in", keys_of::<SignInSection>());
    check("emergency", keys_of::<EmergencySection>());
    check("notices", keys_of::<NoticesSection>());
    check("webhook", keys_of::<WebhookSection>());
    check("purposes.login", keys_of::<PurposeSection>());
    check("application", keys_of::<ApplicationSection>());
    check("provider", keys_of::<ProviderSection>());
    check("provider.breaker", keys_of::<BreakerSection>());
    check("compat.async_otp", keys_of::<SurfaceSection>());
    check("compat.fleetflow", keys_of::<FleetflowSection>());
    check("compat.smartfin", keys_of::<SmartfinSection>());
    check("compat", Surface::ALL.map(Surface::as_str).to_vec());
    assert_eq!(missing, Vec::<String>::new());
    assert_eq!(keys_of::<ProviderSection>(), COMMON_KEYS, "the keys that are told from a kind's own");
}

#[test]
fn every_key_of_every_kind_is_in_the_sample() {
    let mut missing = Vec::new();
    for info in registry::kinds().iter().filter(|info| !info.development_only) {
        let mark = format!("kind = \"{}\"", info.kind);
        let start = SAMPLE.find(&mark).unwrap_or_else(|| panic!("no provider of the kind {}", info.kind));
        let block = SAMPLE[start..].split("\n[").next().unwrap();
        let spelled = |key: &str| {
            block.lines().any(|line| {
                let line = line.trim_start_matches(['#', ' ']);
                line.strip_prefix(key)
                    .is_some_and(|rest| rest.trim_start_matches("_file").trim_start().starts_with('='))
            })
        };
        missing.extend(
            info.keys
                .iter()
                .filter(|key| !spelled(key.name))
                .map(|key| format!("{}.{}", info.kind, key.name)),
        );
    }
    assert_eq!(missing, Vec::<String>::new());
}

thread_local! {
    static FIELDS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// The keys that a struct reads, asked of its own deserializer.
fn keys_of<'de, T: Deserialize<'de>>() -> Vec<&'static str> {
    FIELDS.take();
    let _ = T::deserialize(Probe);
    FIELDS.take()
}

/// Notes which fields a struct asks for, and gives it none.
struct Probe;

impl<'de> de::Deserializer<'de> for Probe {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("a probe holds nothing"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        FIELDS.set(fields.to_vec());
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
