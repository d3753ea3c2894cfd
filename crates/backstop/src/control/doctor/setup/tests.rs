use super::*;
use crate::config::{Source, load};

/// The only provider of a configuration.
fn provider(entry: &str) -> ProviderSettings {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[countries]\nallow = [\"IN\"]\n[[application]]\nname = \"shop\"\nsecret_key = \"sk_shop_1f0c9a7e51d2b846\"\n\
         [[provider]]\nname = \"one\"\n{entry}"
    );
    std::fs::write(folder.path().join("backstop.toml"), text).unwrap();
    let source = Source {
        file: None,
        working_directory: folder.path().to_owned(),
        environment: std::collections::BTreeMap::new(),
        read_secrets: true,
    };
    load(&source).unwrap().config.providers.remove(0)
}

const FINE: Facts = Facts {
    sends_to_india: false,
    is_reached: true,
    hears: true,
    speaks: true,
    machine: Machine { is_at_aws: false, has_keys: false },
    oldest: None,
};

const TWILIO: &str = "kind = \"twilio\"\nchannels = [\"sms\", \"voice\"]\nfrom = \"+14155550100\"\n\
                      account_sid = \"AC00000000000000000000000000000009\"\nauth_token = \"0123456789abcdef0123456789abcdef\"\n";

fn said(settings: &ProviderSettings, facts: &Facts) -> Vec<String> {
    judge(settings, facts).into_iter().map(|line| format!("{:?} {}", line.level, line.finding)).collect()
}

#[test]
fn nothing_is_said_of_what_is_as_it_should_be() {
    assert_eq!(said(&provider(TWILIO), &FINE), [""; 0]);
    let registered = provider(&format!("{TWILIO}dlt = \"at-vendor\"\n"));
    assert_eq!(said(&registered, &Facts { sends_to_india: true, ..FINE }), [""; 0]);
    let young = Some(Duration::from_secs(89 * 86_400));
    assert_eq!(said(&provider(TWILIO), &Facts { oldest: young, ..FINE }), [""; 0]);
}

#[test]
fn what_is_missing_is_said_and_a_call_that_cannot_be_made_is_worst() {
    let facts = Facts { sends_to_india: true, is_reached: false, ..FINE };
    assert_eq!(
        said(&provider(TWILIO), &facts),
        [
            "Warning has no DLT ids: texts to India pass it over",
            "Broken cannot call: the vendor has nowhere to ask what to say",
            "Warning its receipts go nowhere: what was not delivered is not noticed",
        ]
    );
}

#[test]
fn access_keys_are_a_warning_only_where_a_role_can_be_had() {
    let keys = "kind = \"aws-sns\"\nregion = \"ap-south-1\"\naccess_key_id = \"AKIA0F3C9A7E51D2B846\"\n\
                secret_access_key = \"k3y/of0a9test8that7nobody6else5has4a1b2c\"\n";
    let role = "kind = \"aws-sns\"\nregion = \"ap-south-1\"\n";
    let machine = |is_at_aws, has_keys| Facts { machine: Machine { is_at_aws, has_keys }, ..FINE };
    let warned = ["Warning uses access keys, though this machine can have a role"];
    assert_eq!(said(&provider(keys), &machine(true, false)), warned);
    assert_eq!(said(&provider(role), &machine(true, true)), warned, "they come from the environment");
    assert_eq!(said(&provider(keys), &machine(false, false)), [""; 0], "elsewhere keys are the only way");
    assert_eq!(said(&provider(role), &machine(true, false)), [""; 0]);
    assert_eq!(said(&provider(TWILIO), &machine(true, true)), [""; 0]);
}

#[test]
fn the_oldest_file_counts_and_one_that_is_gone_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let [old, young, gone] = ["old", "young", "gone"].map(|name| folder.path().join(name));
    let written = |file: &Path, seconds| {
        std::fs::write(file, "x").unwrap();
        let at = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
        fs::File::options().write(true).open(file).unwrap().set_modified(at).unwrap();
    };
    written(&old, 1_000_000);
    written(&young, 2_000_000);
    let now = Timestamp::from_millis(3_000_000_000);
    assert_eq!(oldest(&[young.clone(), gone.clone(), old], now), Some(Duration::from_secs(2_000_000)));
    assert_eq!(oldest(&[young, gone.clone()], now), Some(Duration::from_secs(1_000_000)));
    assert_eq!(oldest(&[gone], now), None);
    let aged = Facts { oldest: Some(Duration::from_secs(91 * 86_400)), ..FINE };
    assert_eq!(said(&provider(TWILIO), &aged), ["Warning a credential's file was last written 91 d ago"]);
}
