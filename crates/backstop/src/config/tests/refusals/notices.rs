//! Who is told, and where: what cannot be used is refused, and what is right is read, secrets from files too.

use super::{super::Setting, GOOD};
use crate::{cli::check_config::try_providers, config::Loaded};

const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OLD: &str = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

/// A webhook of the shop with these lines.
fn with(lines: &str) -> Setting {
    Setting::file(&format!("{GOOD}\n[[webhook]]\nname = \"shop-events\"\n{lines}\n"))
        .with("new", NEW)
        .with("old", OLD)
}

fn good(lines: &str) -> String {
    format!("application = \"shop\"\nurl = \"https://shop.example/hooks/t0ken\"\nsecret = \"{NEW}\"\n{lines}")
}

/// What making it says, if anything.
fn made(loaded: &Loaded) -> Option<String> {
    try_providers(&loaded.config).unwrap().err().map(|error| error.to_string())
}

#[test]
fn a_webhook_is_read_with_one_secret_or_two_from_the_file_or_beside_it() {
    for secrets in [
        format!("secret = \"{NEW}\""),
        format!("secret = [\"{OLD}\", \"{NEW}\"]"),
        "secret_file = \"new\"".into(),
        "secret_file = [\"old\", \"new\"]".into(),
    ] {
        let lines = format!("application = \"shop\"\nurl = \"https://shop.example/hooks/t0ken\"\n{secrets}");
        let loaded = with(&lines).loaded();
        assert_eq!(made(&loaded), None, "{secrets}");
        let debug = format!("{:?}", loaded.config);
        assert!(!debug.contains("t0ken") && !debug.contains("whsec_"), "{debug}");
        let count = if secrets.contains('[') { "secrets: 2" } else { "secrets: 1" };
        assert!(debug.contains(count), "{debug}");
    }
    let by_variable =
        with("application = \"shop\"\nurl = \"https://shop.example\"\nsecret_file = \"missing\"")
            .variable("BACKSTOP_WEBHOOK__SHOP_EVENTS__SECRET", NEW);
    assert_eq!(made(&by_variable.loaded()), None);
}

#[test]
fn a_webhook_that_cannot_be_used_is_refused_by_key_and_fix() {
    for (lines, wanted) in [
        (format!("application = \"shop\"\nsecret = \"{NEW}\""), ["webhook.shop-events.url", "missing"]),
        (
            "application = \"shop\"\nurl = \"https://a.example\"".into(),
            ["webhook.shop-events.secret", "missing"],
        ),
        (good("secret_file = \"new\""), ["webhook.shop-events.secret", "both set"]),
        (good("").replace("\"shop\"", "\"fleet\""), ["webhook.shop-events.application", "names no"]),
        (good("events = [\"user.deleted\"]"), ["webhook.shop-events.events", "user.factor_added"]),
        (good("events = []"), ["webhook.shop-events.events", "empty"]),
        (good("color = \"red\""), ["unknown key webhook.shop-events.color", "not a setting"]),
    ] {
        let refusal = with(&lines).refusal();
        assert!(wanted.iter().all(|wanted| refusal.contains(wanted)), "{lines}:\n{refusal}");
        assert!(!refusal.contains("AAECAwQF"), "{refusal}");
    }
}

#[test]
fn production_posts_over_https_alone_and_only_with_a_secret_of_the_scheme() {
    let http = good("").replace("https:", "http:");
    let refusal = made(&with(&http).loaded()).unwrap();
    assert!(refusal.contains("webhook.shop-events.url") && refusal.contains("plain http"), "{refusal}");
    assert!(!refusal.contains("t0ken"), "{refusal}");
    let short = good("").replace(NEW, "whsec_c2hvcnQ=");
    let refusal = made(&with(&short).loaded()).unwrap();
    assert!(refusal.contains("webhook.shop-events.secret") && refusal.contains("openssl rand"), "{refusal}");
    let development = Setting::file(&format!(
        "profile = \"development\"\n[[application]]\nname = \"shop\"\n[[webhook]]\nname = \"shop-events\"\n{http}"
    ));
    assert_eq!(made(&development.loaded()), None);
}

#[test]
fn operators_are_addresses_and_their_webhook_is_nobody_elses() {
    let of = |section: &str, webhook: &str| {
        Setting::file(&format!("{section}\n{GOOD}\n[[webhook]]\nname = \"pager\"\n{webhook}"))
    };
    let own = format!("url = \"https://pager.example\"\nsecret = \"{NEW}\"");
    for (section, webhook, wanted) in [
        ("[notices]\noperators = [\"+14155550123\"]", own.as_str(), "notices.operators"),
        ("[notices]\noperator_webhook = \"nobody\"", &own, "names no [[webhook]]"),
        ("[notices]\noperator_webhook = \"pager\"", &good(""), "names an application's webhook"),
        ("[server]\nsupport_phone = \"call https://evil.example\"", &own, "server.support_phone"),
    ] {
        let refusal = of(section, webhook).refusal();
        assert!(refusal.contains(wanted), "{refusal}");
    }
    let idle = of("", &own).loaded();
    assert!(idle.warnings[0].contains("webhook.pager is told nothing"), "{:?}", idle.warnings);
    let heard =
        of("[notices]\noperators = [\"ops@acme.example\"]\noperator_webhook = \"pager\"", &own).loaded();
    assert_eq!((heard.warnings.len(), made(&heard)), (0, None));
    assert!(heard.config.notices.person, "unless told otherwise");
}
