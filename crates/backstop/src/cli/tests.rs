//! What commands print, and how they end.

use std::{io, path::Path, sync::Arc};

use backstop_domain::{
    clock::Timestamp,
    id::{ApiKeyId, VerificationId},
    ports::random::SeededRandom,
};
use parking_lot::Mutex;

use super::Answer;
use crate::config::{Config, Loaded, Source, load};

mod answers;
mod arguments;
mod configuration;
mod first_screen;
mod operations;
mod people;

const AT: Timestamp = Timestamp::from_millis(1_795_144_324_000);

fn verification() -> VerificationId {
    VerificationId::new(AT, &SeededRandom::new(1))
}

fn key() -> ApiKeyId {
    ApiKeyId::new(AT, &SeededRandom::new(2))
}

/// What a folder's files come to, without any environment.
fn loaded(folder: &Path) -> Loaded {
    let source = Source {
        file: None,
        working_directory: folder.to_owned(),
        environment: std::collections::BTreeMap::new(),
        read_secrets: true,
    };
    load(&source).unwrap()
}

/// A configuration of this text, or of none.
fn config(text: Option<&str>) -> Config {
    let folder = tempfile::tempdir().unwrap();
    if let Some(text) = text {
        std::fs::write(folder.path().join("backstop.toml"), text).unwrap();
    }
    loaded(folder.path()).config
}

/// Text, hint and exit code under each other.
fn shown(answer: &Answer) -> String {
    let hint = answer.hint.as_ref().map_or(String::new(), |hint| format!("\n~ {hint}"));
    format!("{}{hint}\n= {}", answer.text, answer.exit.code())
}

/// What a screen was told, stdout and stderr.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}
