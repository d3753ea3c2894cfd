//! Values that a section cannot take: numbers, spans, channels, addresses, countries.

use super::{Mistake, SECTION};

pub(super) const SECTIONS: &[Mistake] = &[
    ("codes too short", (SECTION, "[codes]\nlength = 3\n[countries]"), ["codes.length", ":2", "4 to 10"]),
    ("codes too long", (SECTION, "[codes]\nlength = 11\n[countries]"), ["codes.length", ":2", "length = 6"]),
    (
        "a negative length",
        (SECTION, "[codes]\nlength = -6\n[countries]"),
        ["codes.length", ":2", "whole number"],
    ),
    (
        "a code that dies at once",
        (SECTION, "[codes]\nttl = \"30s\"\n[countries]"),
        ["codes.ttl", ":2", "ttl = \"10m\""],
    ),
    (
        "a code that never dies",
        (SECTION, "[codes]\nttl = \"25h\"\n[countries]"),
        ["codes.ttl", "31s to 1day", "ttl = \"10m\""],
    ),
    ("no span", (SECTION, "[codes]\nttl = \"soon\"\n[countries]"), ["codes.ttl", ":2", "\"10m\""]),
    ("a number for a span", (SECTION, "[codes]\nttl = 600\n[countries]"), ["codes.ttl", ":2", "\"10m\""]),
    ("no checks", (SECTION, "[codes]\nmax_checks = 0\n[countries]"), ["codes.max_checks", ":2", "1 to 10"]),
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
    ("no ladder", (SECTION, "[channels]\norder = []\n[countries]"), ["channels.order", ":2", "order = ["]),
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
    ("no purpose", (SECTION, "[purposes.Log-In]\n[countries]"), ["purposes.Log-In", ":1", "a-z, 0-9 and _"]),
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
        "a server by a word that nobody reads",
        (SECTION, "[store]\nurl = \"postgres://u:0f3c9a7e51d2b846@h/d?requiressl=1\"\n[countries]"),
        ["store.url", "requiressl", "sslmode=verify-full"],
    ),
    (
        "two passwords",
        (SECTION, "[store]\nurl = \"postgres://u:0f3c9a7e51d2b846@h/d\"\npassword = \"x\"\n[countries]"),
        ["store.password", ":3", "out of the URL"],
    ),
    (
        "a password for a file",
        (SECTION, "[store]\npassword_file = \"x\"\n[countries]"),
        ["store.password_file", ":2", "PostgreSQL only"],
    ),
    (
        "a thousand connections",
        (SECTION, "[store]\nurl = \"postgres://u@h/d\"\nconnections = 1000\n[countries]"),
        ["store.connections", "7 to 64", "connections = 8"],
    ),
    (
        "forgotten before the limits forget",
        (SECTION, "[store]\nretention = \"1d\"\n[countries]"),
        ["store.retention", "2days", "retention = \"90d\""],
    ),
    (
        "half a root key",
        (SECTION, "[store]\nroot_key = \"00ff\"\n[countries]"),
        ["store.root_key", ":2", "openssl rand -hex 32"],
    ),
    ("no such country", ("\"IN\", \"US\"", "\"IN\", \"UK\""), ["countries.allow", ":3", "two-letter codes"]),
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
    (
        "a rule for a provider that is not there",
        (SECTION, "[[rule]]\nproviders = [\"msg91\"]\n[countries]"),
        ["rule 1.providers", ":2", "twilio-main"],
    ),
    (
        "a rule for an application that is not there",
        (SECTION, "[[rule]]\napplication = \"fleet\"\nranking = \"cost\"\n[countries]"),
        ["rule 1.application", ":2", "leave it out"],
    ),
    (
        "a rule that says nothing",
        (SECTION, "[[rule]]\ncountry = \"IN\"\n[countries]"),
        ["rule 1.ranking", "says nothing", "ranking = \"cost\""],
    ),
    (
        "a rule by the name of a country",
        (SECTION, "[[rule]]\ncountry = \"India\"\nranking = \"cost\"\n[countries]"),
        ["rule 1.country", ":2", "numbering region"],
    ),
    (
        "no such ranking",
        (SECTION, "[routing]\nranking = \"cheapest\"\n[countries]"),
        ["routing.ranking", ":2", "conversion"],
    ),
    (
        "too impatient for receipts",
        (SECTION, "[channels]\nescalate_after = { sms = \"1s\" }\n[countries]"),
        ["channels.escalate_after.sms", ":2", "30s"],
    ),
    (
        "an emergency key that can be guessed",
        (SECTION, "[emergency]\nmaster_key = \"opensesame\"\n[countries]"),
        ["emergency.master_key", "less than 128 bits", "openssl rand"],
    ),
    (
        "an emergency key out of a sample",
        (SECTION, "[emergency]\nmaster_key = \"your_emergency_master_key_here\"\n[countries]"),
        ["emergency.master_key", "less than 128 bits", "openssl rand"],
    ),
    (
        "three approvals",
        (SECTION, "[emergency]\napprovals = 3\n[countries]"),
        ["emergency.approvals", ":2", "1 to 2"],
    ),
    (
        "an emergency key for nobody",
        (SECTION, "[emergency]\nroles = []\n[countries]"),
        ["emergency.roles", ":2", "roles = [\"admin\"]"],
    ),
    (
        "an emergency network that is none",
        (SECTION, "[emergency]\nnetworks = [\"office\"]\n[countries]"),
        ["emergency.networks", ":2", "10.0.0.0/8"],
    ),
];
