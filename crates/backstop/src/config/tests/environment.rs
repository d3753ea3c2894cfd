//! Variables over the file.

use std::time::Duration;

use backstop_domain::channel::Channel;

use super::{GOOD, Setting};
use crate::config::{Profile, compat::Surface, root_key::RootKeySource};

#[test]
fn a_variable_wins_over_the_file() {
    let file = format!("[codes]\nlength = 8\nttl = \"5m\"\n{GOOD}");
    let config = Setting::file(&file)
        .variable("BACKSTOP_CODES__LENGTH", "7")
        .variable("BACKSTOP_CODES__ALPHABET", "alphanumeric")
        .variable("BACKSTOP_SERVER__LISTEN", "127.0.0.1:0")
        .variable("BACKSTOP_CHANNELS__ORDER", "sms, voice,email")
        .variable("BACKSTOP_CHANNELS__HEDGE_AFTER", "3s")
        .variable("BACKSTOP_COUNTRIES__ALLOW", "[\"DE\"]")
        .variable("BACKSTOP_PURPOSES__TRANSACTION__FLOOR", "sms")
        .variable("BACKSTOP_COMPAT__SMARTFIN__APPLICATION", "shop")
        .loaded()
        .config;
    assert_eq!((config.codes.form.length, config.codes.ttl), (7, Duration::from_secs(300)));
    assert_eq!(config.server.listen.port(), 0);
    assert_eq!(config.channels.order, [Channel::Sms, Channel::Voice, Channel::Email]);
    assert_eq!(config.channels.hedge_after, Duration::from_secs(3));
    assert_eq!(config.countries.allow.unwrap()[0].as_str(), "DE");
    assert_eq!(config.floors[&"transaction".parse().unwrap()], Channel::Sms);
    assert_eq!(config.compat.applications[&Surface::Smartfin], "shop");
}

#[test]
fn entries_of_arrays_go_by_name() {
    let config = Setting::file(GOOD)
        .variable("BACKSTOP_PROVIDER__TWILIO_MAIN__AUTH_TOKEN", "1234567890")
        .variable("BACKSTOP_PROVIDER__TWILIO_MAIN__PRICE__US", "0.0079 USD")
        .variable("BACKSTOP_PROVIDER__TWILIO_MAIN__BREAKER__FAILURES", "3")
        .variable("BACKSTOP_PROVIDER__TWILIO_MAIN__PER_MINUTE", "60")
        .variable("BACKSTOP_APPLICATION__SHOP__BRAND", "The Shop")
        .variable("BACKSTOP_APPLICATION__SHOP__CODES__LENGTH", "4")
        .loaded()
        .config;
    let provider = &config.providers[0];
    assert_eq!(provider.config.settings["auth_token"], "1234567890", "a token of digits stays a text");
    assert_eq!(provider.price.by_region.len(), 1);
    assert_eq!((provider.breaker.failures, provider.rate_limits.per_minute), (3, Some(60)));
    assert_eq!(
        (config.applications[0].brand.as_str(), config.applications[0].codes.form.length),
        ("The Shop", 4)
    );
    assert_eq!(config.codes.form.length, 6, "the others keep theirs");
}

#[test]
fn a_secret_file_in_a_variable_replaces_the_secret_in_the_file() {
    let setting = Setting::file(GOOD)
        .with("token", "from-a-file\n")
        .with("root", &"11".repeat(32))
        .variable("BACKSTOP_PROVIDER__TWILIO_MAIN__AUTH_TOKEN_FILE", "token")
        .variable("BACKSTOP_STORE__ROOT_KEY_FILE", "root");
    let config = setting.loaded().config;
    assert_eq!(config.providers[0].config.settings["auth_token"], "from-a-file");
    assert!(
        matches!(config.store.root_key, RootKeySource::File(path) if path == setting.path().join("root"))
    );
}

#[test]
fn a_wrong_variable_is_named_in_the_refusal() {
    for (name, value, wanted) in [
        ("BACKSTOP_CODES__LENGTH", "eleven", "a whole number"),
        ("BACKSTOP_CODES__LENGTH", "11", "4 to 10"),
        ("BACKSTOP_CODES__LENGHT", "6", "write length"),
        ("BACKSTOP_CODS__LENGTH", "6", "write codes"),
        ("BACKSTOP_PROVIDER__TWILIO__FROM", "+14155550100", "name one of twilio-main"),
        ("BACKSTOP_APPLICATION__SHOP", "x", "BACKSTOP_APPLICATION__NAME__KEY"),
        ("BACKSTOP_PROFILE", "prod", "development, production"),
    ] {
        let refusal = Setting::file(GOOD).variable(name, value).refusal();
        assert!(refusal.contains(name) && refusal.contains(wanted), "{name}: {wanted} is not in\n{refusal}");
    }
}

#[test]
fn production_without_a_file_is_configured_by_variables_alone() {
    let config = Setting::new()
        .variable("BACKSTOP_PROFILE", "production")
        .variable("BACKSTOP_APPLICATION__MY_SHOP__SECRET_KEY", "sk_shop_1f0c9a7e51d2b846")
        .variable("BACKSTOP_PROVIDER__MAIL__KIND", "smtp")
        .variable("BACKSTOP_PROVIDER__MAIL__HOST", "smtp.example.com")
        .variable("BACKSTOP_PROVIDER__MAIL__FROM", "Shop <login@example.com>")
        .loaded()
        .config;
    assert_eq!(config.profile, Profile::Production);
    assert_eq!(config.applications[0].name, "my-shop");
    assert_eq!(
        config.providers[0].config.channels,
        [Channel::Email],
        "the only channel that the kind serves"
    );
}

#[test]
fn our_variables_are_read_from_dotenv_too_and_the_real_ones_win() {
    let setting = Setting::file(GOOD)
        .with(".env", "BACKSTOP_CODES__LENGTH=9\nBACKSTOP_CODES__MAX_CHECKS=5\n")
        .variable("BACKSTOP_CODES__LENGTH", "8");
    let codes = setting.loaded().config.codes;
    assert_eq!((codes.form.length, codes.max_checks), (8, 5));
}
