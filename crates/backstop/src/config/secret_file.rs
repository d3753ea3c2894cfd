//! Secrets in files: `auth_token_file = "/run/secrets/twilio"` stands for `auth_token`.
//!
//! A file that others on the machine may read is refused, because then the secret is not one. A file of root's may be
//! readable by its group, as container platforms mount secrets for an unprivileged process.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use backstop_domain::secret::SecretString;
use zeroize::Zeroizing;

use super::error::{ConfigError, Place};

/// No secret is longer.
const LONGEST: u64 = 64 * 1024;

/// Reads the secret in `path`, without the line ends around it. `key` and `place` say where the file was named.
pub(crate) fn read(path: &Path, key: &str, place: &Place) -> Result<SecretString, ConfigError> {
    let shown = path.display();
    let refused = |finding: String, fix: String| {
        ConfigError::new(format!("{key} cannot be read"), place.clone(), finding, fix)
    };
    let unreadable = |error: std::io::Error| {
        refused(
            format!("{shown}: {}", error.kind()),
            format!("put the secret into {shown}, or name another file"),
        )
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > LONGEST {
        let fix = format!("put the secret alone into {shown}");
        return Err(refused(format!("{shown} is not a file that holds one secret"), fix));
    }
    let open_to = metadata.permissions().mode() & if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if open_to != 0 {
        let fix = format!("chmod 600 {shown}; where a platform mounts it, mount it with mode 0400");
        return Err(refused(format!("{shown} can be read or written by others than its owner"), fix));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?);
    let secret = text.trim_matches(['\r', '\n', ' ', '\t']);
    if secret.is_empty() {
        return Err(refused(format!("{shown} is empty"), format!("put the secret into {shown}")));
    }
    Ok(SecretString::new(secret))
}

/// Whether a value is what a sample file holds until somebody fills it in.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let plain = text.trim().to_ascii_lowercase();
    let filler = |rest: &str| !rest.is_empty() && rest.chars().all(|c| matches!(c, '.' | 'x' | '*' | '…'));
    // `AKIA...` and `ACxxxxxxxx`: the vendor's first letters, and then nothing of a real id.
    let cut_short = ["akia", "asia", "ac", "sg.", "sk_", "pk_", "sk-", "mg", "va", "+"];
    plain.starts_with("your_")
        || plain.starts_with("your-")
        || plain.starts_with('<') && plain.ends_with('>')
        || ["changeme", "change_me", "change-me", "placeholder", "secret", "password", "todo", "example"]
            .contains(&plain.as_str())
        || filler(&plain)
        || plain.ends_with("...")
        || plain.ends_with("xxxx")
        || cut_short.iter().any(|first| plain.strip_prefix(first).is_some_and(filler))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(mode: u32, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused_with_the_command_that_helps() {
        for mode in [0o644, 0o604, 0o620, 0o602] {
            let (_folder, path) = file(mode, "s3cret-value");
            let refused = read(&path, "provider.x.auth_token_file", &Place::Environment).unwrap_err();
            assert!(refused.fix.contains("chmod 600"), "{refused}");
            assert!(!refused.to_string().contains("s3cret-value"));
        }
    }

    #[test]
    fn a_secret_comes_without_the_line_end_of_its_file() {
        let (_folder, path) = file(0o600, "s3cret-value\r\n");
        assert_eq!(read(&path, "k", &Place::Environment).unwrap().expose(), "s3cret-value");
    }

    #[test]
    fn an_empty_or_missing_secret_file_is_an_error_that_names_it() {
        let (_folder, path) = file(0o600, "\n");
        assert!(read(&path, "k", &Place::Environment).unwrap_err().finding.contains("is empty"));
        let missing = Path::new("/nonexistent/secret");
        assert!(read(missing, "k", &Place::Environment).unwrap_err().finding.contains("/nonexistent/secret"));
    }

    #[test]
    fn placeholders_are_recognised_and_real_values_are_not() {
        for text in [
            "your_auth_token",
            "YOUR_TOKEN",
            "AKIA...",
            "AKIAxxxxxxxxxxxx",
            "changeme",
            "xxx",
            "ACxxxxxxxx",
            "<token>",
            "sk_...",
            "+1...",
            "+1XXXXXXXXXX",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in [
            "AKIAIOSFODNN7REALKEY",
            "AC0123456789abcdef",
            "sk_live_3f9c",
            "+14155550100",
            "hunter2hunter2",
            "ap-south-1",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
