//! The root key: where it comes from, reading it, and making its file.
//!
//! The key is 32 bytes as hex or base64, in a file that only its owner may read, or given in the configuration. A file
//! is written whole, under a name of its own, and then linked into place: after a crash there is a good key or none,
//! and an existing key is never overwritten, because everything sealed under it would be lost.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use backstop_domain::{keyring::RootKey, ports::Random, secret::SecretString};
use base64::Engine;
use zeroize::Zeroizing;

use super::{
    error::{ConfigError, Place},
    secret_file,
};

/// Where the root key comes from.
#[derive(Debug, Clone)]
pub enum RootKeySource {
    /// A file, which need not exist yet: an empty SQLite store makes it.
    File(PathBuf),
    /// The configuration itself.
    Given(RootKey),
}

impl RootKeySource {
    /// Reads a key out of the configuration; `None` if it is none.
    pub(crate) fn given(text: &SecretString) -> Option<Self> {
        parse(text.expose()).map(Self::Given)
    }
}

/// Reads the key; `Ok(None)` if its file does not exist.
///
/// # Errors
/// If the file cannot be read, others may read it, or it does not hold a key.
pub fn read_root_key(source: &RootKeySource) -> Result<Option<RootKey>, ConfigError> {
    let path = match source {
        RootKeySource::Given(key) => return Ok(Some(key.clone())),
        RootKeySource::File(path) => path,
    };
    if !path.exists() {
        return Ok(None);
    }
    let place = Place::File { name: path.display().to_string().into(), line: 0 };
    let text = secret_file::read(path, "store.root_key_file", &place)?;
    parse(text.expose()).map(Some).ok_or_else(|| {
        ConfigError::new(
            "the root key cannot be used",
            place,
            "the file does not hold 32 bytes as hex or base64",
            "restore the file from where you keep it; without it the store's keyring does not open",
        )
    })
}

/// Makes a new key and writes it to `path`, readable by its owner only, durable when this returns.
///
/// # Errors
/// If the file exists or cannot be written.
pub fn write_root_key(path: &Path, random: &dyn Random) -> io::Result<RootKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill(&mut *bytes);
    let text = Zeroizing::new(format!("{}\n", hex::encode(*bytes)));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let draft = folder.join(name);
    let written = write_owned(&draft, text.as_bytes()).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    written.and(removed)?;
    fs::File::open(folder)?.sync_all()?;
    Ok(RootKey::new(*bytes))
}

fn write_owned(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn parse(text: &str) -> Option<RootKey> {
    let text = text.trim();
    let bytes = Zeroizing::new(match text.len() {
        64 => hex::decode(text).ok()?,
        _ => {
            let engines = [
                &base64::engine::general_purpose::STANDARD,
                &base64::engine::general_purpose::URL_SAFE_NO_PAD,
            ];
            engines.iter().find_map(|engine| engine.decode(text).ok())?
        }
    });
    let key: [u8; 32] = bytes.as_slice().try_into().ok()?;
    Some(RootKey::new(key))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use backstop_domain::ports::random::SeededRandom;

    use super::*;

    #[test]
    fn a_new_root_key_is_readable_by_its_owner_only_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/root.key");
        let made = write_root_key(&path, &SeededRandom::new(1)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = read_root_key(&RootKeySource::File(path.clone())).unwrap().unwrap();
        assert_eq!(read.fingerprint(), made.fingerprint());
        let left: Vec<_> = fs::read_dir(folder.path().join("data")).unwrap().collect();
        assert_eq!(left.len(), 1, "no draft is left behind");
    }

    #[test]
    fn an_existing_root_key_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        write_root_key(&path, &SeededRandom::new(1)).unwrap();
        let before = fs::read(&path).unwrap();
        let refused = write_root_key(&path, &SeededRandom::new(2)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_root_key_may_be_hex_or_base64_and_nothing_shorter() {
        let hex = "11".repeat(32);
        let base64 = base64::engine::general_purpose::STANDARD.encode([0x11; 32]);
        let keys: Vec<String> = [hex.as_str(), &base64, base64.trim_end_matches('=')]
            .iter()
            .map(|text| parse(text).unwrap().fingerprint())
            .collect();
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
        for bad in ["", "11", &hex[2..], "not a key at all"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_missing_key_file_is_not_an_error_but_a_garbled_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        assert!(read_root_key(&RootKeySource::File(path.clone())).unwrap().is_none());
        write_owned(&path, b"half a k").unwrap();
        assert!(read_root_key(&RootKeySource::File(path)).is_err());
    }
}
