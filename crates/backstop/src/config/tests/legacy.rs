//! The variables of the five services.

use std::time::Duration;

use backstop_domain::channel::Channel;
use backstop_providers::registry::{self, Dlt};

use super::{GOOD, Setting};
use crate::config::Loaded;

/// A production file with an application and countries, and no provider.
const BARE: &str = "[countries]\nallow = [\"IN\"]\n[[application]]\nname = \"shop\"\nsecret_key = \"sk_shop_1f0c9a7e51d2b846\"\n";

fn providers(loaded: &Loaded) -> Vec<&str> {
    loaded.config.providers.iter().map(|provider| provider.config.name.as_str()).collect()
}

fn with(text: &str) -> Setting {
    Setting::file(BARE).with(".env", text)
}

#[test]
fn the_health_passports_variables_make_twilio_first_and_sns_second() {
    let setting = with(
        "TWILIO_ENABLED=true\nTWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef\nTWILIO_AUTH_TOKEN=0f3c9a7e51d2b846\n\
         TWILIO_FROM_NUMBER=+14155550100\nAWS_SNS_ENABLED=true\nAWS_SNS_REGION=ap-south-1\nAWS_SNS_SENDER_ID=HAVEN\n\
         SMS_CODE_LENGTH=8\nSMS_CODE_VALIDITY_MINUTES=10\nSMS_MAX_ATTEMPTS=4\nSMS_COOLDOWN_MINUTES=2\nSMS_DAILY_LIMIT=7\n",
    );
    let loaded = setting.loaded();
    assert_eq!(providers(&loaded), ["twilio", "aws-sns"]);
    let [twilio, sns] = loaded.config.providers.as_slice() else { panic!("two") };
    assert_eq!(twilio.config.settings["from"], "+14155550100");
    assert_eq!(
        (&sns.config.settings["region"], &sns.config.settings["sender_id"]),
        (&"ap-south-1".into(), &"HAVEN".into())
    );
    let config = &loaded.config;
    assert_eq!((config.codes.form.length, config.codes.max_checks), (8, 4));
    assert_eq!(config.codes.ttl, Duration::from_secs(600));
    assert_eq!((config.limits.resend_after, config.limits.recipient_per_day), (Duration::from_secs(120), 7));
    assert_eq!(loaded.warnings, Vec::<String>::new());
}

#[test]
fn the_shops_variables_make_sns_and_twilio_and_for_mail_ses_sendgrid_and_smtp() {
    let loaded = with(
        "AWS_ACCESS_KEY_ID=AKIA2E0A8F3B244C9986\nAWS_SECRET_ACCESS_KEY=7CE556A3BC234CC1FF9E8A5C324C0BB70AA21B6D\n\
         AWS_REGION=us-east-1\nTWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef\nTWILIO_AUTH_TOKEN=0f3c9a7e51d2b846\n\
         TWILIO_FROM_NUMBER=+14155550100\nSMTP_HOST=smtp.example.com\nSMTP_PORT=587\nSMTP_USER=login\nSMTP_PASSWORD=p4ss\n\
         SMTP_FROM=login@example.com\nSENDGRID_API_KEY=SG.abc\nSENDGRID_FROM_EMAIL=shop@example.com\n",
    )
    .loaded();
    assert_eq!(providers(&loaded), ["aws-sns", "twilio", "aws-ses", "sendgrid", "smtp"]);
    let [_, _, ses, sendgrid, smtp] = loaded.config.providers.as_slice() else { panic!("five") };
    assert_eq!(
        (&ses.config.settings["region"], &ses.config.settings["from"]),
        (&"us-east-1".into(), &"shop@example.com".into())
    );
    assert_eq!(sendgrid.config.settings["from"], "shop@example.com");
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let mail = &smtp.config.settings;
    assert_eq!((&mail["port"], mail.get("tls")), (&"587".into(), None));
    let encrypted = with("SMTP_HOST=h.example\nSMTP_FROM=a@example.com\nSMTP_PORT=465\n").loaded();
    assert_eq!(encrypted.config.providers[0].config.settings["tls"], "implicit");
}

#[test]
fn the_asynchronous_services_codes_have_four_digits_and_it_is_said() {
    let loaded = with("OTP_EXPIRY_MINUTES=5\nOTP_MAX_ATTEMPTS=3\nRATE_LIMIT_OTP_PER_HOUR=3\n").loaded();
    let config = &loaded.config;
    assert_eq!((config.codes.form.length, config.codes.ttl), (4, Duration::from_secs(300)));
    assert_eq!(config.limits.recipient_per_hour, 3);
    assert!(loaded.warnings.iter().any(|warning| warning.contains("4 digits")), "{:?}", loaded.warnings);
    let longer = with("OTP_EXPIRY_MINUTES=5\nOTP_LENGTH=6\n").loaded();
    assert_eq!(longer.config.codes.form.length, 6);
}

#[test]
fn the_asynchronous_services_gupshup_is_the_media_gateway_with_its_template() {
    let loaded = with("GUPSHUP_USERID=2000000001\nGUPSHUP_PASSWORD=p4ss\nOTP_EXPIRY_MINUTES=5\n").loaded();
    assert_eq!(providers(&loaded), ["gupshup"]);
    let gupshup = &loaded.config.providers[0].config;
    let settings = &gupshup.settings;
    assert_eq!(
        (&settings["userid"], &settings["base_url"], &settings["is_template"]),
        (&"2000000001".into(), &"https://mediaapi.smsgupshup.com/GatewayAPI/rest".into(), &"true".into())
    );
    assert_eq!(gupshup.dlt, Some(Dlt::AtVendor));
    assert!(!loaded.warnings.iter().any(|warning| warning.contains("GUPSHUP")), "{:?}", loaded.warnings);
}

#[test]
fn the_fleets_indian_vendors_come_after_twilio_and_sns() {
    let loaded = with(
        "TEXTLOCAL_API_KEY=t3xtl0cal\nTEXTLOCAL_SENDER=FLEETF\nMSG91_AUTH_KEY=4ut4\nMSG91_FLOW_ID=65f0c9a7e51d2b8461f0c9a7\n\
         AWS_SNS_REGION=ap-south-1\nTWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef\nTWILIO_AUTH_TOKEN=0f3c9a7e51d2b846\n\
         TWILIO_FROM_NUMBER=+14155550100\n",
    )
    .loaded();
    assert_eq!(providers(&loaded), ["twilio", "aws-sns", "msg91", "textlocal"]);
    let [_, _, msg91, textlocal] = loaded.config.providers.as_slice() else { panic!("four") };
    assert_eq!(msg91.config.settings["template_id"], "65f0c9a7e51d2b8461f0c9a7");
    assert_eq!(textlocal.config.settings["sender"], "FLEETF");
    assert_eq!(loaded.warnings, Vec::<String>::new());
}

#[test]
fn the_finance_services_variables_make_twilio_verify_and_no_half_set_twilio() {
    let verify = "TWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef\nTWILIO_AUTH_TOKEN=0f3c9a7e51d2b846\n\
         TWILIO_VERIFY_SERVICE_SID=VA0123456789abcdef0123456789abcdef\n";
    let loaded = with(verify).loaded();
    assert_eq!(providers(&loaded), ["twilio-verify"]);
    let [provider] = loaded.config.providers.as_slice() else { panic!("one") };
    assert_eq!(provider.config.settings["service_sid"], "VA0123456789abcdef0123456789abcdef");
    assert_eq!(provider.config.channels, [Channel::Sms, Channel::Whatsapp, Channel::Email]);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let both = with(&format!("{verify}TWILIO_FROM_NUMBER=+14155550100\n")).loaded();
    assert_eq!(providers(&both), ["twilio", "twilio-verify"]);
    let half = with("TWILIO_VERIFY_SERVICE_SID=VA0123456789abcdef0123456789abcdef\n").loaded();
    assert!(half.config.providers.is_empty() && half.warnings[0].contains("TWILIO_ACCOUNT_SID"));
    let sample =
        with(&verify.replace("VA0123456789abcdef0123456789abcdef", "your_verify_service_sid")).loaded();
    assert!(sample.config.providers.is_empty(), "{:?}", sample.warnings);
    assert!(sample.warnings.iter().any(|warning| warning.contains("TWILIO_VERIFY_SERVICE_SID")));
}

#[test]
fn what_a_services_variables_make_has_every_key_that_its_kind_needs_and_no_other() {
    let loaded = with(
        "TWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef\nTWILIO_AUTH_TOKEN=0f3c9a7e51d2b846\n\
         TWILIO_FROM_NUMBER=+14155550100\nTWILIO_VERIFY_SERVICE_SID=VA0123456789abcdef0123456789abcdef\n\
         AWS_SNS_REGION=ap-south-1\nAWS_SNS_SENDER_ID=HAVEN\n\
         AWS_REGION=ap-south-1\nSENDGRID_API_KEY=SG.abc\nSENDGRID_FROM_EMAIL=shop@example.com\nAWS_ACCESS_KEY_ID=AKIA2E0A8F3B244C9986\nAWS_SECRET_ACCESS_KEY=7CE556A3BC234CC1\nAWS_SESSION_TOKEN=t0k3n\n\
         MSG91_AUTH_KEY=4ut4\nMSG91_TEMPLATE_ID=65f0c9a7e51d2b8461f0c9a7\nTEXTLOCAL_API_KEY=t3xt\nTEXTLOCAL_SENDER=FLEETF\n\
         GUPSHUP_USERID=2000000001\nGUPSHUP_PASSWORD=p4ss\nSMTP_HOST=smtp.example.com\nSMTP_PORT=465\nSMTP_USER=login\n\
         SMTP_PASSWORD=p4ss\nSMTP_FROM=login@example.com\n",
    )
    .loaded();
    let kinds: Vec<_> =
        loaded.config.providers.iter().map(|provider| provider.config.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "twilio",
            "aws-sns",
            "twilio-verify",
            "msg91",
            "textlocal",
            "gupshup",
            "aws-ses",
            "sendgrid",
            "smtp"
        ]
    );
    for provider in &loaded.config.providers {
        let info = registry::kinds().iter().find(|info| info.kind == provider.config.kind).unwrap();
        let known = |name: &str| info.keys.iter().any(|key| key.name == name);
        let settings = &provider.config.settings;
        assert!(settings.keys().all(|name| known(name)), "{}: {settings:?}", info.kind);
        for key in info.keys.iter().filter(|key| key.required) {
            assert!(settings.contains_key(key.name), "{} lacks {}", info.kind, key.name);
        }
    }
}

#[test]
fn aws_credentials_alone_make_no_mail_of_ses() {
    let aws = "AWS_ACCESS_KEY_ID=AKIA2E0A8F3B244C9986\nAWS_SECRET_ACCESS_KEY=7CE556A3BC234CC1\nAWS_REGION=us-east-1\n";
    let loaded = with(aws).loaded();
    assert_eq!(providers(&loaded), ["aws-sns"]);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let loaded = with(&format!("{aws}SMTP_HOST=smtp.example.com\nSMTP_FROM=login@example.com\n")).loaded();
    assert_eq!(providers(&loaded), ["aws-sns", "aws-ses", "smtp"]);
}

#[test]
fn placeholders_switch_their_provider_off_with_a_warning_and_nothing_else() {
    for (variable, value) in [
        ("TWILIO_ACCOUNT_SID", "your_account_sid"),
        ("TWILIO_AUTH_TOKEN", "your_auth_token_here"),
        ("TWILIO_AUTH_TOKEN", "changeme"),
        ("TWILIO_FROM_NUMBER", "+1xxxxxxxxxx"),
        ("TWILIO_ACCOUNT_SID", "ACxxxxxxxxxxxxxxxx"),
    ] {
        let loaded = with(
            "TWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef\nTWILIO_AUTH_TOKEN=0f3c9a7e51d2b846\n\
             TWILIO_FROM_NUMBER=+14155550100\nSMTP_HOST=smtp.example.com\nSMTP_FROM=login@example.com\n",
        )
        .variable(variable, value)
        .loaded();
        assert_eq!(providers(&loaded), ["smtp"], "{variable}={value}");
        let [warning] = loaded.warnings.as_slice() else { panic!("{:?}", loaded.warnings) };
        assert!(warning.contains("twilio is off") && warning.contains(variable), "{warning}");
        assert!(!warning.contains(value), "{warning}");
    }
    for text in [
        "GUPSHUP_USERID=your_userid\nGUPSHUP_PASSWORD=p4ss\n",
        "MSG91_AUTH_KEY=your_msg91_auth_key\nMSG91_TEMPLATE_ID=65f0c9a7e51d2b8461f0c9a7\n",
        "TEXTLOCAL_API_KEY=your_textlocal_api_key\n",
    ] {
        let loaded = with(text).loaded();
        let variable = text.split('=').next().unwrap();
        assert!(loaded.config.providers.is_empty(), "{text}");
        assert!(loaded.warnings[0].contains(variable), "{:?}", loaded.warnings);
    }
    let aws = with("AWS_ACCESS_KEY_ID=AKIA...\nAWS_SECRET_ACCESS_KEY=...\nAWS_REGION=us-east-1\n").loaded();
    assert!(
        aws.config.providers.is_empty() && aws.warnings[0].contains("AWS_ACCESS_KEY_ID"),
        "{:?}",
        aws.warnings
    );
}

#[test]
fn a_half_set_group_is_off_with_a_warning_that_names_what_is_missing() {
    for (text, missing) in [
        (
            "TWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef\nTWILIO_AUTH_TOKEN=0f3c9a7e51d2b846\n",
            "TWILIO_FROM_NUMBER",
        ),
        ("TWILIO_ENABLED=true\n", "TWILIO_ACCOUNT_SID"),
        ("AWS_SNS_SENDER_ID=SHOP\n", "AWS_SNS_REGION"),
        ("AWS_ACCESS_KEY_ID=AKIA2E0A8F3B244C9986\nAWS_REGION=us-east-1\n", "AWS_SECRET_ACCESS_KEY"),
        ("SMTP_HOST=smtp.example.com\n", "SMTP_FROM"),
        ("SENDGRID_API_KEY=SG.abc\n", "SENDGRID_FROM_EMAIL"),
        ("SENDGRID_FROM_EMAIL=shop@example.com\n", "SENDGRID_API_KEY"),
        ("GUPSHUP_USERID=2000000001\n", "GUPSHUP_PASSWORD"),
        ("GUPSHUP_PASSWORD=p4ss\n", "GUPSHUP_USERID"),
        ("MSG91_AUTH_KEY=4ut4\n", "MSG91_TEMPLATE_ID"),
        ("MSG91_FLOW_ID=65f0c9a7e51d2b8461f0c9a7\n", "MSG91_AUTH_KEY"),
        ("TEXTLOCAL_SENDER=FLEETF\n", "TEXTLOCAL_API_KEY"),
        ("SMTP_HOST=smtp.example.com\nSMTP_FROM=a@example.com\nSMTP_USER=login\n", "SMTP_PASSWORD"),
    ] {
        let loaded = with(text).loaded();
        assert!(loaded.config.providers.is_empty(), "{text}");
        assert!(
            loaded.warnings.iter().any(|warning| warning.contains(missing)),
            "{missing}: {:?}",
            loaded.warnings
        );
    }
}

#[test]
fn a_group_that_is_switched_off_says_nothing() {
    let loaded = with(
        "TWILIO_ENABLED=false\nTWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef\nTWILIO_AUTH_TOKEN=your_token\n\
         AWS_SNS_ENABLED=false\nAWS_SNS_REGION=ap-south-1\nSMTP_HOST=smtp.example.com\nSMTP_FROM=a@example.com\n",
    )
    .loaded();
    assert_eq!(providers(&loaded), ["smtp"]);
    assert_eq!(loaded.warnings, Vec::<String>::new());
}

#[test]
fn the_file_wins_over_a_services_variables() {
    let setting = Setting::file(&format!("[codes]\nlength = 8\n{GOOD}")).with(
        ".env",
        "TWILIO_ACCOUNT_SID=ACffffffffffffffffffffffffffffffff\nTWILIO_AUTH_TOKEN=other\nTWILIO_FROM_NUMBER=+14155550111\n\
         AWS_ACCESS_KEY_ID=AKIA2E0A8F3B244C9986\nAWS_SECRET_ACCESS_KEY=x7CE556A3\nAWS_REGION=us-east-1\n\
         SMS_CODE_LENGTH=5\nSMS_MAX_ATTEMPTS=2\n",
    );
    let loaded = setting.loaded();
    assert_eq!(
        providers(&loaded),
        ["twilio-main"],
        "neither a second twilio, nor SNS out of a credential chain"
    );
    assert_eq!((loaded.config.codes.form.length, loaded.config.codes.max_checks), (8, 2));
}

#[test]
fn a_services_value_that_no_setting_can_take_stops_the_boot_and_is_named() {
    for (text, variable) in [
        ("SMS_CODE_LENGTH=3\n", "SMS_CODE_LENGTH"),
        ("OTP_EXPIRY_MINUTES=soon\n", "OTP_EXPIRY_MINUTES"),
        ("SMS_MAX_ATTEMPTS=100\n", "SMS_MAX_ATTEMPTS"),
        ("SMS_DAILY_LIMIT=1000\n", "SMS_DAILY_LIMIT"),
    ] {
        let refusal = with(text).refusal();
        assert!(refusal.contains(variable), "{variable} is not in\n{refusal}");
    }
}

#[test]
fn a_paid_provider_out_of_variables_still_needs_its_countries() {
    let file = BARE.replace("[countries]\nallow = [\"IN\"]\n", "");
    let refusal = Setting::file(&file).variable("AWS_SNS_REGION", "ap-south-1").refusal();
    assert!(refusal.contains("countries.allow") && refusal.contains("AWS_SNS_REGION"), "{refusal}");
}

#[test]
fn an_applications_env_file_is_for_that_application_alone() {
    let file = format!(
        "{GOOD}\n[[application]]\nname = \"fleet\"\nenv_file = \"fleet.env\"\ncodes = {{ max_checks = 2 }}\n"
    );
    let loaded = Setting::file(&file)
        .with(
            "fleet.env",
            "SMTP_HOST=smtp.example.com\nSMTP_FROM=a@example.com\nOTP_EXPIRY_MINUTES=5\nOTP_LENGTH=4\nOTP_MAX_ATTEMPTS=3\n",
        )
        .loaded();
    assert_eq!(providers(&loaded), ["twilio-main", "fleet-smtp"]);
    assert_eq!(loaded.config.providers[1].owner.as_deref(), Some("fleet"));
    let [shop, fleet] = loaded.config.applications.as_slice() else { panic!("two") };
    assert_eq!(shop.providers.as_deref(), Some(["twilio-main".to_owned()].as_slice()));
    assert_eq!(
        fleet.providers.as_deref(),
        Some(["fleet-smtp".to_owned(), "twilio-main".to_owned()].as_slice())
    );
    assert_eq!((shop.codes.form.length, fleet.codes.form.length), (6, 4));
    assert_eq!(fleet.codes.max_checks, 2, "what the file says of the application wins over its env_file");
    let stolen = file.replace("secret_key =", "providers = [\"fleet-smtp\"]\nsecret_key =");
    let refusal =
        Setting::file(&stolen).with("fleet.env", "SMTP_HOST=h.example\nSMTP_FROM=a@example.com\n").refusal();
    assert!(refusal.contains("another application's provider"), "{refusal}");
}
