//! Bad configurations, one mistake each: the refusal names the key, the place and the fix, and repeats no value.

use super::{GOOD, Setting};

/// A mistake: its name, what to replace in [`GOOD`] by what, and what the three lines must hold.
type Mistake = (&'static str, (&'static str, &'static str), [&'static str; 3]);

/// After the line `[countries]` of the good file, so that line numbers stay what they are.
const SECTION: &str = "\n[countries]";

#[test]
fn every_mistake_is_one_error_that_names_key_place_and_fix() {
    let mistakes: &[Mistake] = &[
        // Words that mean nothing.
        (
            "unknown section",
            (SECTION, "[countreis]"),
            ["unknown key countreis", "backstop.toml:1", "write countries"],
        ),
        (
            "unknown key",
            ("allow =", "alow ="),
            ["unknown key countries.alow", "backstop.toml:3", "write allow"],
        ),
        (
            "unknown key of an application",
            ("secret_key", "secretkey"),
            ["unknown key application.shop.secretkey", ":7", "write secret_key"],
        ),
        (
            "unknown key of a provider",
            ("auth_token", "auth_tokn"),
            ["unknown key provider.twilio-main.auth_tokn", ":14", "write auth_token"],
        ),
        (
            "unknown kind",
            ("\"twilio\"", "\"twillio\""),
            ["provider.twilio-main.kind", "backstop.toml:11", "kind = \"twilio\""],
        ),
        ("unknown channel", ("[\"sms\"]", "[\"pigeon\"]"), ["provider.twilio-main.channels", ":12", "sms"]),
        (
            "unknown profile",
            (SECTION, "profile = \"prod\"\n[countries]"),
            ["profile", ":1", "development, production"],
        ),
        ("unknown surface", (SECTION, "[compat.acme]\n[countries]"), ["compat.acme", ":1", "fleetflow"]),
        ("not TOML", ("[countries]", "[countries"), ["not TOML", "backstop.toml:2", "backstop init"]),
        // Out of range.
        ("codes too short", (SECTION, "[codes]\nlength = 3\n[countries]"), ["codes.length", ":2", "4 to 10"]),
        (
            "codes too long",
            (SECTION, "[codes]\nlength = 11\n[countries]"),
            ["codes.length", ":2", "length = 6"],
        ),
        (
            "a negative length",
            (SECTION, "[codes]\nlength = -6\n[countries]"),
            ["codes.length", ":2", "whole number"],
        ),
        (
            "a code that dies at once",
            (SECTION, "[codes]\nttl = \"29s\"\n[countries]"),
            ["codes.ttl", ":2", "ttl = \"10m\""],
        ),
        (
            "a code that never dies",
            (SECTION, "[codes]\nttl = \"25h\"\n[countries]"),
            ["codes.ttl", "30s to 1day", "ttl = \"10m\""],
        ),
        ("no span", (SECTION, "[codes]\nttl = \"soon\"\n[countries]"), ["codes.ttl", ":2", "\"10m\""]),
        ("a number for a span", (SECTION, "[codes]\nttl = 600\n[countries]"), ["codes.ttl", ":2", "\"10m\""]),
        (
            "no checks",
            (SECTION, "[codes]\nmax_checks = 0\n[countries]"),
            ["codes.max_checks", ":2", "1 to 10"],
        ),
        (
            "guessing allowed",
            (SECTION, "[codes]\nmax_checks = 11\n[countries]"),
            ["codes.max_checks", ":2", "max_checks = 3"],
        ),
        (
            "no alphabet",
            (SECTION, "[codes]\nalphabet = \"emoji\"\n[countries]"),
            ["codes.alphabet", ":2", "digits, alphanumeric"],
        ),
        (
            "messages without end",
            (SECTION, "[limits]\nrecipient_per_day = 0\n[countries]"),
            ["limits.recipient_per_day", ":2", "1 to 20"],
        ),
        (
            "messages past the cap",
            (SECTION, "[limits]\nrecipient_per_day = 21\n[countries]"),
            ["limits.recipient_per_day", ":2", "recipient_per_day = 10"],
        ),
        (
            "checks past the cap",
            (SECTION, "[limits]\nchecks_per_day = 51\n[countries]"),
            ["limits.checks_per_day", ":2", "1 to 50"],
        ),
        (
            "resends at once",
            (SECTION, "[limits]\nresend_after = \"1s\"\n[countries]"),
            ["limits.resend_after", ":2", "15s"],
        ),
        (
            "an impatient hedge",
            (SECTION, "[channels]\nhedge_after = \"1ms\"\n[countries]"),
            ["channels.hedge_after", ":2", "2s"],
        ),
        (
            "an impatient escalation",
            (SECTION, "[channels]\nescalate_after = { sms = \"1s\" }\n[countries]"),
            ["channels.escalate_after.sms", ":2", "30s"],
        ),
        (
            "no ladder",
            (SECTION, "[channels]\norder = []\n[countries]"),
            ["channels.order", ":2", "order = ["],
        ),
        (
            "a rung twice",
            (SECTION, "[channels]\norder = [\"sms\", \"sms\"]\n[countries]"),
            ["channels.order", "twice", "keep one sms"],
        ),
        (
            "no such floor",
            (SECTION, "[purposes.login]\nfloor = \"fax\"\n[countries]"),
            ["purposes.login.floor", ":2", "sms"],
        ),
        (
            "no purpose",
            (SECTION, "[purposes.Log-In]\n[countries]"),
            ["purposes.Log-In", ":1", "a-z, 0-9 and _"],
        ),
        (
            "an impatient provider",
            ("from =", "timeout = \"1ms\"\nfrom ="),
            ["provider.twilio-main.timeout", ":15", "10s"],
        ),
        (
            "a breaker that never opens",
            ("from =", "breaker = { failures = 0 }\nfrom ="),
            ["breaker.failures", ":15", "failures = 5"],
        ),
        (
            "a price without currency",
            ("from =", "price = \"0.0079\"\nfrom ="),
            ["provider.twilio-main.price", ":15", "0.0079 USD"],
        ),
        (
            "a price of no region",
            ("from =", "price = { UK = \"1 USD\" }\nfrom ="),
            ["provider.twilio-main.price", ":15", "numbering region"],
        ),
        (
            "two currencies",
            ("from =", "price = \"1 INR\"\nmonthly_spend_limit = \"5 USD\"\nfrom ="),
            ["monthly_spend_limit", ":16", "vendor bills"],
        ),
        // Addresses.
        (
            "listening nowhere",
            (SECTION, "[server]\nlisten = \"localhost\"\n[countries]"),
            ["server.listen", ":2", "127.0.0.1:8080"],
        ),
        (
            "development for everybody",
            (SECTION, "profile = \"development\"\n[server]\nlisten = \"0.0.0.0:80\"\n[countries]"),
            ["server.listen", ":3", "production"],
        ),
        (
            "no address for links",
            (SECTION, "[server]\npublic_url = \"verify.example\"\n[countries]"),
            ["server.public_url", ":2", "https://"],
        ),
        (
            "no network",
            (SECTION, "[server]\ntrusted_proxies = [\"proxy\"]\n[countries]"),
            ["server.trusted_proxies", ":2", "10.0.0.0/8"],
        ),
        (
            "no store of ours",
            (SECTION, "[store]\nurl = \"mysql://x\"\n[countries]"),
            ["store.url", ":2", "sqlite://"],
        ),
        (
            "half a root key",
            (SECTION, "[store]\nroot_key = \"00ff\"\n[countries]"),
            ["store.root_key", ":2", "openssl rand -hex 32"],
        ),
        // Countries.
        (
            "no such country",
            ("\"IN\", \"US\"", "\"IN\", \"UK\""),
            ["countries.allow", ":3", "two-letter codes"],
        ),
        ("no country", ("[\"IN\", \"US\"]", "[]"), ["countries.allow", ":3", "countries you serve"]),
        (
            "a national form from outside",
            ("allow =", "default_region = \"FR\"\nallow ="),
            ["countries.default_region", ":3", "add it to allow"],
        ),
        (
            "the whole world on a bill",
            ("allow = [\"IN\", \"US\"]", ""),
            ["countries.allow is missing", "backstop.toml:9", "[countries] allow"],
        ),
        // Applications.
        (
            "nobody to serve",
            ("[[application]]\nname = \"shop\"\nsecret_key = \"sk_shop_1f0c9a7e51d2b846\"", ""),
            ["no application", "backstop.toml", "[[application]]"],
        ),
        (
            "one bracket",
            ("[[application]]", "[application]"),
            ["application cannot be read", ":5", "[[application]]"],
        ),
        ("no name", ("name = \"shop\"", ""), ["application has no name", ":5", "name = \"shop\""]),
        (
            "a name for nobody's shell",
            ("\"shop\"", "\"My Shop\""),
            ["application.name", ":6", "name = \"shop\""],
        ),
        (
            "a short secret",
            ("sk_shop_1f0c9a7e51d2b846", "sk_shop"),
            ["application.shop.secret_key", ":7", "openssl rand"],
        ),
        (
            "a placeholder for a secret",
            ("sk_shop_1f0c9a7e51d2b846", "your_secret_key_goes_here"),
            ["application.shop.secret_key", "placeholder", "openssl rand"],
        ),
        (
            "development's key",
            ("sk_shop_1f0c9a7e51d2b846", "sk_dev"),
            ["application.shop.secret_key", ":7", "openssl rand"],
        ),
        (
            "one key for both",
            ("name = \"shop\"", "name = \"shop\"\npublishable_key = \"sk_shop_1f0c9a7e51d2b846\""),
            ["publishable_key", "used twice", "of its own"],
        ),
        (
            "everybody's origin",
            ("name = \"shop\"", "name = \"shop\"\norigins = [\"*\"]"),
            ["application.shop.origins", ":7", "without *"],
        ),
        (
            "a page for an origin",
            ("name = \"shop\"", "name = \"shop\"\norigins = [\"https://a.example/login\"]"),
            ["application.shop.origins", ":7", "without a path"],
        ),
        (
            "half a Twilio account",
            (
                "name = \"shop\"",
                "name = \"shop\"\ntwilio_account_sid = \"AC0123456789abcdef0123456789abcdef\"",
            ),
            ["twilio_auth_token", "missing", "or neither"],
        ),
        (
            "a message without code",
            ("name = \"shop\"", "name = \"shop\"\ntemplates = { sms = \"hello\" }"),
            ["application.shop.templates.sms", ":7", "{code}"],
        ),
        (
            "a message with a slip",
            ("name = \"shop\"", "name = \"shop\"\ntemplates = { sms = \"{code} {brnd}\" }"),
            ["templates.sms", "{brnd}", "{brand}"],
        ),
        (
            "somebody's provider",
            ("name = \"shop\"", "name = \"shop\"\nproviders = [\"msg91\"]"),
            ["application.shop.providers", ":7", "twilio-main"],
        ),
        (
            "short codes of its own",
            ("name = \"shop\"", "name = \"shop\"\ncodes = { length = 2 }"),
            ["application.shop.codes.length", ":7", "4 to 10"],
        ),
        (
            "a surface for nobody",
            (SECTION, "[compat.haven]\napplication = \"other\"\n[countries]"),
            ["compat.haven.application", ":2", "name one of shop"],
        ),
        // Providers.
        (
            "half a provider",
            ("account_sid = \"AC0123456789abcdef0123456789abcdef\"", ""),
            [
                "provider \"twilio-main\" is half configured",
                "account_sid is missing",
                "or remove the provider",
            ],
        ),
        ("no kind", ("kind = \"twilio\"", ""), ["provider.twilio-main.kind", "is missing", "one of"]),
        (
            "a channel it cannot serve",
            ("[\"sms\"]", "[\"email\"]"),
            ["provider.twilio-main.channels", ":12", "channels = [\"sms\"]"],
        ),
        (
            "codes on the console",
            ("\"twilio\"\nchannels = [\"sms\"]", "\"console\"\nchannels = [\"sms\"]"),
            ["provider.twilio-main.kind", "production refuses it", "real provider"],
        ),
        (
            "codes in an inbox",
            ("\"twilio\"\nchannels = [\"sms\"]", "\"dev-inbox\"\nchannels = [\"sms\"]"),
            ["provider.twilio-main.kind", "production refuses it", "development"],
        ),
        (
            "a placeholder for a token",
            ("0f3c9a7e51d2b8461f0c9a7e51d2b846", "your_auth_token"),
            ["provider.twilio-main.auth_token", ":14", "what the vendor gave you"],
        ),
        (
            "a secret twice",
            ("from =", "auth_token_file = \"token\"\nfrom ="),
            ["auth_token", "both set", "keep one"],
        ),
        (
            "a secret that is nowhere",
            ("auth_token = \"0f3c9a7e51d2b8461f0c9a7e51d2b846\"", "auth_token_file = \"nowhere\""),
            ["auth_token_file", "backstop.toml:14", "nowhere"],
        ),
    ];
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
