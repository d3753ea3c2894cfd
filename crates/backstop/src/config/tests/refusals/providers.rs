//! Mistakes in a provider, most of all half of one.

use super::Mistake;

pub(super) const PROVIDERS: &[Mistake] = &[
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
        "a spend limit with nothing to count by",
        ("from =", "monthly_spend_limit = \"100 USD\"\nfrom ="),
        ["provider.twilio-main.price", "monthly_spend_limit counts by it", "0.0079 USD"],
    ),
    (
        "a spend limit in another currency",
        ("from =", "monthly_spend_limit = \"100 USD\"\nprice = \"0.5 INR\"\nfrom ="),
        ["provider.twilio-main.price", ":16", "currency"],
    ),
    (
        "a free tier in two currencies",
        ("from =", "free_per_month = 100\nprice = { US = \"0.01 USD\", IN = \"0.80 INR\" }\nfrom ="),
        ["provider.twilio-main.price", ":16", "several currencies"],
    ),
    (
        "half a registration in India",
        ("dlt = \"at-vendor\"", "dlt = { entity = \"1101\" }"),
        ["provider.twilio-main.dlt", ":16", "at-vendor"],
    ),
    (
        "half a provider",
        ("account_sid = \"AC0123456789abcdef0123456789abcdef\"", ""),
        ["provider \"twilio-main\" is half configured", "account_sid is missing", "or remove the provider"],
    ),
    ("no kind", ("kind = \"twilio\"", ""), ["provider.twilio-main.kind", "is missing", "one of"]),
    (
        "a channel it cannot serve",
        ("[\"sms\"]", "[\"email\"]"),
        ["provider.twilio-main.channels", ":12", "channels = [\"sms\", \"whatsapp\", \"voice\"]"],
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
