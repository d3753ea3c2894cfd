//! Mistakes in an application, and in the surface that fronts one.

use super::{Mistake, SECTION};

pub(super) const APPLICATIONS: &[Mistake] = &[
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
    ("a name for nobody's shell", ("\"shop\"", "\"My Shop\""), ["application.name", ":6", "name = \"shop\""]),
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
        (SECTION, "[compat.async_otp]\napplication = \"other\"\n[countries]"),
        ["compat.async_otp.application", ":2", "name one of shop"],
    ),
];
