//! Configuration from the terminal: a first one, and what is wrong with the next.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use super::{ALL, ASHA, bare, err, exit, out, start};
use crate::harness::{AnyChannel, Program};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn init_makes_a_start_that_check_config_and_serve_take() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let made = bare(path, &["init", "--json"]);
    assert_eq!(exit(&made), 0, "{}", err(&made));
    let made: Value = serde_json::from_str(&out(&made)).unwrap();
    assert_eq!((&made["new_root_key"], &made["new_application_key"]), (&json!(true), &json!(true)));
    for name in ["backstop.toml", "data/root.key", "data/app.key"] {
        let mode = fs::metadata(path.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
    let root = fs::read(path.join("data/root.key")).unwrap();
    let again = bare(path, &["init"]);
    assert_eq!(exit(&again), 2);
    assert!(err(&again).contains("is there already") && err(&again).contains("fix:"));
    fs::remove_file(path.join("backstop.toml")).unwrap();
    assert_eq!(exit(&bare(path, &["init"])), 0);
    assert_eq!(fs::read(path.join("data/root.key")).unwrap(), root, "a root key is never overwritten");

    let gateway = AnyChannel::start().await;
    let config = fs::read_to_string(path.join("backstop.toml")).unwrap() + &gateway.provider("gateway", &ALL);
    fs::write(path.join("backstop.toml"), config).unwrap();
    let checked = bare(path, &["check-config"]);
    assert!(exit(&checked) <= 1, "{}", err(&checked));
    let key = fs::read_to_string(path.join("data/app.key")).unwrap();
    let program = Program::in_folder(folder);
    let caller = program.caller(Some(key.trim()));
    let id = start(&caller, ASHA).await;
    let code = gateway.code(&id).await;
    assert_eq!(caller.check(&id, &code).await.expect(200)["valid"], true);
}

#[test]
fn check_config_says_what_is_wrong_where_and_what_to_write() {
    let good = "[[application]]\nname = \"shop\"\nsecret_key = \"sk_shop_0123456789abcdef\"\n\
                [[provider]]\nname = \"hook\"\nkind = \"webhook\"\nchannels = [\"sms\", \"whatsapp\", \"email\"]\n\
                url = \"https://gateway.example.com/codes\"\nsecret = \"whsec_Z2F0ZXdheS1nYXRld2F5LWdhdGV3YXktZ2F0ZXdheQ==\"\n";
    let folder = tempfile::tempdir().unwrap();
    let check = |text: &str, more: &[&str]| {
        let path = folder.path().join("backstop.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        bare(folder.path(), &[&["check-config"], more].concat())
    };
    let output = check(good, &[]);
    assert_eq!(exit(&output), 0, "{}", err(&output));
    assert!(!folder.path().join("data").exists(), "it starts nothing and makes nothing");
    for (text, words) in [
        ("[codes]\nlenght = 6\n", vec!["backstop.toml:2", "lenght"]),
        ("[codes]\nlength = 3\n", vec!["backstop.toml:2", "length"]),
        ("[codes]\nttl = \"10s\"\n", vec!["backstop.toml:2", "ttl"]),
        ("[limits]\nrecipient_per_hour = 0\n", vec!["recipient_per_hour"]),
        ("[limits]\nchecks_per_hour = 51\n", vec!["checks_per_hour"]),
        ("[limits]\nresend_after = \"1s\"\n", vec!["resend_after"]),
        ("[channels]\norder = [\"fax\"]\n", vec!["backstop.toml:2"]),
        ("[countries]\nallow = [\"Atlantis\"]\n", vec!["allow"]),
        ("[compat.smartfin]\napplication = \"nobody\"\n", vec!["application"]),
        ("[compat.unheard_of]\napplication = \"shop\"\n", vec!["unheard_of"]),
        ("[[provider]]\nname = \"inbox\"\nkind = \"dev-inbox\"\nchannels = [\"sms\"]\n", vec!["inbox"]),
        ("[[provider]]\nname = \"out\"\nkind = \"console\"\nchannels = [\"sms\"]\n", vec!["out"]),
        ("[[provider]]\nname = \"t\"\nkind = \"twilio\"\nchannels = [\"sms\"]\n", vec!["\"t\""]),
        (
            "[[provider]]\nname = \"x\"\nkind = \"pigeon\"\nchannels = [\"sms\"]\n",
            vec!["backstop.toml:3", "aws-sns"],
        ),
        ("[[application]]\nname = \"b\"\nsecret_key = \"short\"\n", vec!["secret_key"]),
        ("[[application]]\nname = \"b\"\nsecret_key = \"sk_shop_0123456789abcdef\"\n", vec!["used twice"]),
        ("this is no toml", vec!["backstop.toml"]),
    ] {
        let output = check(&format!("{text}{good}"), &[]);
        assert_eq!((exit(&output), out(&output).as_str()), (2, ""), "{text}: {}", err(&output));
        for word in words.iter().chain(&["backstop:", "fix:"]) {
            assert!(err(&output).contains(word), "{word} is not in: {}", err(&output));
        }
        assert!(!err(&output).contains("sk_shop_0123456789abcdef") && !err(&output).contains("short\n"));
        let json = check(&format!("{text}{good}"), &["--json"]);
        let told: Value = serde_json::from_str(&out(&json)).unwrap();
        assert_eq!((exit(&json), &told["reply"]), (2, &json!("refused")), "{text}");
        assert_eq!(
            exit(&bare(folder.path(), &["serve"])),
            2,
            "what check-config refuses does not start: {text}"
        );
    }
    let key = folder.path().join("key");
    fs::write(&key, "sk_shop_0123456789abcdef\n").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let filed = good.replace("secret_key = \"sk_shop_0123456789abcdef\"", "secret_key_file = \"key\"");
    let open = check(&filed, &[]);
    assert!(exit(&open) == 2 && err(&open).contains("fix:"), "others can read it: {}", err(&open));
    assert_eq!(exit(&check(&filed, &["--no-secrets"])), 0);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(exit(&check(&filed, &[])), 0);
}
