//! A provider that is being built: its settings held against the keys of its kind.

use std::{sync::Arc, time::Duration};

use backstop_domain::{channel::Channel, ports::Provider};
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{BuildError, Form, KeyInfo, KindInfo, ProviderConfig, Shared, kinds};
use crate::{
    adapter::{Adapter, HttpProvider},
    address,
};

/// The longest time-out that makes sense for a code.
const TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// A provider's configuration, checked for everything that is alike in all kinds.
pub(crate) struct Draft<'a> {
    pub(crate) config: &'a ProviderConfig,
    pub(crate) shared: &'a Shared,
    info: &'static KindInfo,
}

impl<'a> Draft<'a> {
    /// Checks kind, channels, time-out and the names of the keys.
    pub(super) fn new(config: &'a ProviderConfig, shared: &'a Shared) -> Result<Self, BuildError> {
        let Some(info) = kinds().iter().find(|info| info.kind == config.kind) else {
            return Err(no_such_kind(config));
        };
        let draft = Self { config, shared, info };
        draft.check_channels()?;
        if config.timeout.is_zero() || config.timeout > TIMEOUT_MAX {
            return Err(draft.wrong("timeout", "is not between 1 ms and 60 s", "10s is the usual value"));
        }
        draft.check_keys()?;
        Ok(draft)
    }

    pub(super) fn build(&self) -> Result<Arc<dyn Provider>, BuildError> {
        (self.info.build)(self)
    }

    /// Joins a vendor over HTTP to the shared client.
    pub(crate) fn over_http<A: Adapter>(&self, adapter: A) -> HttpProvider<A> {
        let Shared { client, clock, .. } = self.shared;
        HttpProvider::new(
            self.config.name.clone(),
            adapter,
            client.clone(),
            Arc::clone(clock),
            self.config.timeout,
        )
    }

    /// The vendor's address: `base_url` where it is set, else the usual one.
    pub(crate) fn base_url(
        &self,
        set: Option<&str>,
        usual: &str,
        plain_http: bool,
    ) -> Result<Url, BuildError> {
        address::parse(set.unwrap_or(usual), plain_http).map_err(|problem| {
            self.wrong("base_url", problem, "use https, or plain_http = true in a trusted network")
        })
    }

    /// Reads the kind's own settings.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, BuildError> {
        let mut settings = Map::new();
        for (name, value) in &self.config.settings {
            let form = self.key(name).map_or(Form::Text, |key| key.form);
            settings.insert(name.clone(), in_form(value, form));
        }
        // The message of the reader may repeat a value; the path does not.
        serde_path_to_error::deserialize(Value::Object(settings)).map_err(|error| {
            let path = error.path().to_string();
            let name = path.split(['.', '[']).next().unwrap_or_default();
            match self.key(name) {
                Some(key) => self.wrong(&path, "has a value of the wrong form", key.what),
                None => self.wrong_as_a_whole("its settings cannot be read", self.info.summary),
            }
        })
    }

    /// An error about one key. `problem` goes on from the key's name.
    pub(crate) fn wrong(&self, key: &str, problem: &str, fix: &str) -> BuildError {
        BuildError {
            provider: self.config.name.clone(),
            key: Some(key.to_owned()),
            problem: problem.to_owned(),
            fix: fix.to_owned(),
        }
    }

    /// An error about no single key.
    pub(crate) fn wrong_as_a_whole(&self, problem: &str, fix: &str) -> BuildError {
        BuildError { key: None, ..self.wrong("", problem, fix) }
    }

    fn key(&self, name: &str) -> Option<&'static KeyInfo> {
        self.info.keys.iter().find(|key| key.name == name)
    }

    fn check_channels(&self) -> Result<(), BuildError> {
        let able: Vec<&str> = self.info.channels.iter().map(|channel: &Channel| channel.as_str()).collect();
        let able = format!("{} can carry: {}", self.info.kind, able.join(", "));
        if self.config.channels.is_empty() {
            return Err(self.wrong("channels", "names no channel", &able));
        }
        match self.config.channels.iter().find(|channel| !self.info.channels.contains(channel)) {
            Some(channel) => Err(self.wrong("channels", &format!("names {channel}"), &able)),
            None => Ok(()),
        }
    }

    fn check_keys(&self) -> Result<(), BuildError> {
        if let Some(unknown) = self.config.settings.keys().find(|name| self.key(name).is_none()) {
            let known: Vec<_> = self.info.keys.iter().map(|key| key.name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let fix = format!("the keys of {} are: {known}", self.info.kind);
            return Err(self.wrong(unknown, "is not a key of this kind", &fix));
        }
        let is_there = |key: &KeyInfo| {
            self.config.settings.get(key.name).is_some_and(|value| value.as_str() != Some(""))
        };
        match self.info.keys.iter().find(|key| key.required && !is_there(key)) {
            Some(key) => Err(self.wrong(key.name, "is missing", key.what)),
            None => Ok(()),
        }
    }
}

/// A value in the form that its key has. Variables of the environment are texts, and a secret may look like a number.
fn in_form(value: &Value, form: Form) -> Value {
    match (form, value) {
        (Form::Text, Value::Number(number)) => Value::String(number.to_string()),
        (Form::Text, Value::Bool(flag)) => Value::String(flag.to_string()),
        (Form::Number, Value::String(text)) => {
            text.trim().parse::<u64>().map_or_else(|_| value.clone(), Value::from)
        }
        (Form::Flag, Value::String(text)) => {
            text.trim().parse::<bool>().map_or_else(|_| value.clone(), Value::from)
        }
        _ => value.clone(),
    }
}

fn no_such_kind(config: &ProviderConfig) -> BuildError {
    let known: Vec<_> = kinds().iter().map(|info| info.kind).collect();
    BuildError {
        provider: config.name.clone(),
        key: Some("kind".to_owned()),
        problem: "names no kind of provider".to_owned(),
        fix: format!("the kinds are: {}", known.join(", ")),
    }
}
