//! Words that mean nothing where they stand.

use super::{Mistake, SECTION};

pub(super) const WORDS: &[Mistake] = &[
    (
        "unknown section",
        (SECTION, "[countreis]"),
        ["unknown key countreis", "backstop.toml:1", "write countries"],
    ),
    ("unknown key", ("allow =", "alow ="), ["unknown key countries.alow", "backstop.toml:3", "write allow"]),
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
    ("unknown surface", (SECTION, "[compat.acme]\n[countries]"), ["compat.acme", ":1", "smartfin"]),
    ("not TOML", ("[countries]", "[countries"), ["not TOML", "backstop.toml:2", "backstop init"]),
];
