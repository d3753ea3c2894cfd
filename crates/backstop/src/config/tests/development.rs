//! No configuration at all.

use super::{GOOD, Setting};
use crate::config::{Profile, compat::Surface};

#[test]
fn without_configuration_it_is_development_with_pretend_providers_and_one_known_application() {
    let loaded = Setting::new().loaded();
    let config = &loaded.config;
    assert_eq!(config.profile, Profile::Development);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.store.database.to_string(), "sqlite://data/backstop.db");
    assert!(config.countries.allow.is_none(), "every country");
    let providers: Vec<String> = config
        .providers
        .iter()
        .map(|provider| {
            let channels =
                provider.config.channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>();
            assert_eq!(provider.config.kind, "dev-inbox");
            format!("{}: {}", provider.config.name, channels.join(" "))
        })
        .collect();
    assert_eq!(
        providers,
        ["sms-one: sms", "sms-two: sms", "mail: email", "chat: whatsapp telegram", "phone: voice"]
    );
    let [dev] = config.applications.as_slice() else { panic!("one application") };
    assert_eq!(dev.name, "dev");
    assert!(dev.secret_key.as_ref().unwrap().matches("sk_dev"));
    assert_eq!(dev.publishable_key.as_deref(), Some("pk_dev"));
    assert_eq!(config.compat.applications.keys().copied().collect::<Vec<_>>(), Surface::ALL);
    assert!(config.compat.applications.values().all(|application| application == "dev"));
}

#[test]
fn a_vendor_found_in_the_environment_of_a_newcomer_is_named_and_not_used() {
    let setting = Setting::new()
        .with(".env", "SMTP_HOST=smtp.example.com\n")
        .variable("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef")
        .variable("TWILIO_AUTH_TOKEN", "0f3c9a7e51d2b8461f0c9a7e51d2b846");
    let loaded = setting.loaded();
    assert!(loaded.config.providers.iter().all(|provider| provider.config.kind == "dev-inbox"));
    let [warning] = loaded.warnings.as_slice() else { panic!("one warning: {:?}", loaded.warnings) };
    for word in ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "SMTP_HOST", "BACKSTOP_PROFILE=production"] {
        assert!(warning.contains(word), "{word} is not in {warning}");
    }
}

#[test]
fn a_config_file_makes_production_unless_it_says_otherwise() {
    assert_eq!(Setting::file(GOOD).loaded().config.profile, Profile::Production);
    let said = Setting::file(&format!("profile = \"development\"\n{GOOD}")).loaded().config;
    assert_eq!((said.profile, said.applications[0].name.as_str()), (Profile::Development, "shop"));
    assert!(
        said.compat.applications.is_empty(),
        "the surfaces of dev do not serve somebody else's application"
    );
}

#[test]
fn development_by_file_keeps_what_the_file_does_not_replace() {
    let config = Setting::file("profile = \"development\"\n[codes]\nlength = 4\n").loaded().config;
    assert_eq!((config.codes.form.length, config.providers.len()), (4, 5));
    assert_eq!(config.applications[0].name, "dev");
}

#[test]
fn development_can_be_adjusted_by_variables() {
    let config = Setting::new()
        .variable("BACKSTOP_SERVER__LISTEN", "127.0.0.1:0")
        .variable("BACKSTOP_LIMITS__RESEND_AFTER", "0s")
        .variable("BACKSTOP_LIMITS__RECIPIENT_PER_HOUR", "0")
        .variable("BACKSTOP_PROVIDER__SMS_TWO__ENABLED", "false")
        .variable("BACKSTOP_APPLICATION__DEV__BRAND", "Acme")
        .loaded()
        .config;
    assert!(config.limits.resend_after.is_zero() && config.limits.recipient_per_hour == 0);
    assert_eq!(config.providers.iter().filter(|provider| provider.enabled).count(), 4);
    assert_eq!(config.applications[0].brand, "Acme");
}

#[test]
fn production_by_variable_alone_asks_for_an_application() {
    let refusal = Setting::new().variable("BACKSTOP_PROFILE", "production").refusal();
    assert!(
        refusal.contains("no application is configured") && refusal.contains("[[application]]"),
        "{refusal}"
    );
}
