//! The commands that read and write the configuration.

use std::path::Path;

use backstop_domain::ports::random::SeededRandom;

use super::{config, loaded, shown};
use crate::{
    cli::{Exit, check_config, failure, init, screen::Style},
    control::{self, protocol::ControlRequest},
};

#[test]
fn a_checked_configuration_is_summed_up_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let summary = check_config::Summary::of(&loaded(folder.path()));
    insta::assert_snapshot!("check_config", shown(&check_config::answer(&summary, Style::PLAIN)));
    let warned = check_config::Summary { warnings: vec!["look at this".into()], ..summary };
    assert_eq!(check_config::answer(&warned, Style::PLAIN).exit, Exit::Warning);
    assert!(!serde_json::to_string(&warned).unwrap().contains("sk_dev"));
}

#[test]
fn a_value_that_only_the_vendors_file_understands_is_refused_before_the_service_starts() {
    let text = "[[application]]\nname = \"shop\"\n[[provider]]\nname = \"gateway\"\nkind = \"webhook\"\n\
                channels = [\"email\"]\nurl = \"https://gateway.example\"\nsecret = \"hunter2-hunter2\"\n";
    let refusal = check_config::try_providers(&config(Some(text))).unwrap().unwrap_err().to_string();
    assert!(
        refusal.contains("provider \"gateway\"") && refusal.contains("backstop.toml:8  secret"),
        "{refusal}"
    );
    assert!(refusal.contains("fix: whsec_") && !refusal.contains("hunter2"), "{refusal}");
    assert_eq!(check_config::try_providers(&config(None)).unwrap(), Ok(()));
}

#[test]
fn init_writes_what_serve_needs_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = Path::new("backstop.toml");
    let made = init::write(folder.path(), file, &SeededRandom::new(7)).unwrap();
    assert!(made.new_root_key && made.new_application_key);
    insta::assert_snapshot!("init", shown(&init::answer(&made, Style::PLAIN)));
    let config = loaded(folder.path()).config;
    assert!(config.applications[0].secret_key.as_ref().unwrap().expose().starts_with("sk_app_"));

    let before = std::fs::read(folder.path().join("data/root.key")).unwrap();
    let refused = init::write(folder.path(), file, &SeededRandom::new(8)).unwrap_err().to_string();
    assert!(refused.contains("backstop.toml is there already") && refused.contains("fix:"), "{refused}");
    let again = init::write(folder.path(), Path::new("other.toml"), &SeededRandom::new(8)).unwrap();
    assert!(!again.new_root_key && !again.new_application_key);
    assert_eq!(std::fs::read(folder.path().join("data/root.key")).unwrap(), before);
}

#[test]
fn a_provider_that_cannot_be_made_is_refused_with_its_line_by_whatever_opens_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[[application]]\nname = \"shop\"\nsecret_key = \"sk_shop_1f0c9a7e51d2b846\"\n[[provider]]\nname = \"gateway\"\n\
                kind = \"webhook\"\nchannels = [\"email\"]\nurl = \"https://gateway.example\"\nsecret = \"hunter2-hunter2\"\n";
    std::fs::write(folder.path().join("backstop.toml"), text).unwrap();
    let config = loaded(folder.path()).config;
    let told = failure(&control::call(&config, ControlRequest::Providers).unwrap_err());
    insta::assert_snapshot!(told, @r#"
    backstop: provider "gateway" cannot be used
      backstop.toml:9  secret is not a signing secret
      fix: whsec_ and the base64 of 24 to 64 random bytes
    "#);
}
