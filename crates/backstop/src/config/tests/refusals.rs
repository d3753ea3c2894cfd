//! Bad configurations, one mistake each: the refusal names the key, the place and the fix, and repeats no value.

use super::{GOOD, Setting};
use {applications::APPLICATIONS, providers::PROVIDERS, sections::SECTIONS, words::WORDS};

mod applications;
mod notices;
mod providers;
mod sections;
mod words;

/// A mistake: its name, what to replace in [`GOOD`] by what, and what the three lines must hold.
type Mistake = (&'static str, (&'static str, &'static str), [&'static str; 3]);

/// After the line `[countries]` of the good file, so that line numbers stay what they are.
const SECTION: &str = "\n[countries]";

#[test]
fn every_mistake_is_one_error_that_names_key_place_and_fix() {
    let mistakes = [WORDS, SECTIONS, APPLICATIONS, PROVIDERS].into_iter().flatten();
    for (name, (from, to), [what, place, fix]) in mistakes {
        assert!(GOOD.contains(from), "{name}: the good file does not hold what is to be replaced");
        let refusal = Setting::file(&GOOD.replacen(from, to, 1)).refusal();
        let lines: Vec<&str> = refusal.lines().collect();
        assert_eq!(lines.len(), 3, "{name}: three lines\n{refusal}");
        assert!(lines[0].starts_with("backstop: ") && lines[2].starts_with("  fix: "), "{name}:\n{refusal}");
        for wanted in [what, place, fix] {
            assert!(refusal.contains(wanted), "{name}: `{wanted}` is not in\n{refusal}");
        }
        assert!(!refusal.contains("0f3c9a7e51d2b846"), "{name}: a secret is in\n{refusal}");
    }
}

#[test]
fn the_good_file_is_good() {
    let loaded = Setting::file(GOOD).loaded();
    assert_eq!(loaded.warnings, Vec::<String>::new());
}

#[test]
fn a_refusal_reads_as_the_terminal_shows_it() {
    let file = GOOD.replace("account_sid = \"AC0123456789abcdef0123456789abcdef\"\n", "");
    insta::assert_snapshot!(Setting::file(&file).refusal(), @r#"
    backstop: provider "twilio-main" is half configured
      backstop.toml:9  account_sid is missing
      fix: account_sid = ... (the account, AC and 32 characters), or remove the provider
    "#);
}

#[test]
fn a_value_in_the_wrong_place_is_not_repeated() {
    let file = GOOD.replace("[countries]\n", "[codes]\nlength = \"hunter2-the-password\"\n[countries]\n");
    let refusal = Setting::file(&file).refusal();
    assert!(refusal.contains("codes.length") && !refusal.contains("hunter2"), "{refusal}");
}

#[test]
fn two_applications_may_not_share_a_key() {
    let second = "\n[[application]]\nname = \"other\"\nsecret_key = \"sk_shop_1f0c9a7e51d2b846\"\n";
    let refusal = Setting::file(&format!("{GOOD}{second}")).refusal();
    assert!(refusal.contains("application.other.secret_key") && refusal.contains("used twice"), "{refusal}");
}

#[test]
fn names_that_no_variable_could_tell_apart_are_refused() {
    let second = "\n[[application]]\nname = \"the-shop\"\n[[application]]\nname = \"the_shop\"\n";
    let refusal = Setting::file(&format!("{GOOD}{second}")).refusal();
    assert!(refusal.contains("there twice"), "{refusal}");
}

#[test]
fn a_file_that_was_named_and_is_not_there_is_an_error() {
    let setting = Setting::new();
    let mut source = setting.source();
    source.file = Some("other.toml".into());
    let refusal = super::load(&source).unwrap_err().to_string();
    assert!(refusal.contains("other.toml") && refusal.contains("--config"), "{refusal}");
}

#[test]
fn no_debug_line_of_a_configuration_holds_a_secret() {
    let loaded = Setting::file(GOOD).variable("BACKSTOP_STORE__ROOT_KEY", &"5e".repeat(32)).loaded();
    let debug = format!("{loaded:?}");
    for secret in ["sk_shop_1f0c9a7e51d2b846", "0f3c9a7e51d2b8461f0c9a7e51d2b846", "5e5e5e5e"] {
        assert!(!debug.contains(secret), "{secret}");
    }
}
