//! What commands print, and how they end.

use std::{io, path::Path, sync::Arc, time::Duration};

use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    id::{ApiKeyId, VerificationId},
    keyring::KeyUse,
    ports::random::SeededRandom,
    verification::Status,
};
use clap::{CommandFactory, Parser};
use parking_lot::Mutex;

use super::{
    Answer, Arguments, Command, Exit, backup, check_config, doctor, init, keys, migrate, providers, refused,
    restore,
    screen::{Screen, Style},
    send,
    serve::{Banner, banner},
    verify,
};
use crate::{
    config::{Config, Source, load},
    control::protocol::{
        BackupReply, ControlReply, ControlRequest, DoctorLine, DoctorReply, KeyReply, KeyRow, KeysReply,
        Level, MigrateReply, Private, ProviderRow, ProvidersReply, Refusal, RestoreReply, RevokeReply,
        RotateReply, RotatedKey, SendReply, VerifyReply,
    },
};

const AT: Timestamp = Timestamp::from_millis(1_795_144_324_000);

fn verification() -> VerificationId {
    VerificationId::new(AT, &SeededRandom::new(1))
}

fn key() -> ApiKeyId {
    ApiKeyId::new(AT, &SeededRandom::new(2))
}

fn config(text: Option<&str>) -> Config {
    let folder = tempfile::tempdir().unwrap();
    if let Some(text) = text {
        std::fs::write(folder.path().join("backstop.toml"), text).unwrap();
    }
    let source = Source {
        file: None,
        working_directory: folder.path().to_owned(),
        environment: std::collections::BTreeMap::new(),
        read_secrets: true,
    };
    load(&source).unwrap().config
}

/// Text, hint and exit code under each other.
fn shown(answer: &Answer) -> String {
    let hint = answer.hint.as_ref().map_or(String::new(), |hint| format!("\n~ {hint}"));
    format!("{}{hint}\n= {}", answer.text, answer.exit.code())
}

/// What a screen was told, stdout and stderr.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

#[test]
fn every_command_explains_itself() {
    let mut command = Arguments::command().term_width(100);
    command.build();
    let mut pages = vec![command.render_long_help().to_string()];
    let mut queue: Vec<clap::Command> = command.get_subcommands().cloned().collect();
    while !queue.is_empty() {
        let mut next = queue.remove(0).term_width(100);
        if next.get_name() == "help" {
            continue;
        }
        let page = next.render_long_help().to_string();
        assert!(page.contains("Examples:"), "{} shows no example", next.get_name());
        pages.push(page);
        let inner: Vec<_> = next.get_subcommands().cloned().collect();
        queue.splice(0..0, inner);
    }
    insta::assert_snapshot!("help", pages.join(&format!("\n{}\n", "=".repeat(100))));
}

#[test]
fn arguments_become_requests() {
    let request = |words: &[&str]| match Arguments::try_parse_from(words).unwrap().command.unwrap() {
        Command::Send(send) => send.request(),
        Command::Verify(verify) => verify.request(),
        Command::Keys(keys) => keys.request(),
        Command::Backup(backup) => backup.request().unwrap(),
        other => panic!("{other:?}"),
    };
    let send = request(&[
        "backstop",
        "send",
        "+919876543210",
        "--channel",
        "whatsapp",
        "--purpose",
        "login",
        "--wait",
        "--json",
    ]);
    let ControlRequest::Send { to, channel, purpose, wait, application } = send else { panic!("{send:?}") };
    assert_eq!(
        (to.expose(), channel, wait, application),
        ("+919876543210", Some(Channel::Whatsapp), true, None)
    );
    assert_eq!(purpose.unwrap().as_str(), "login");
    let id = verification().to_string();
    let ControlRequest::Verify { code, .. } = request(&["backstop", "verify", &id, "482913"]) else {
        panic!()
    };
    assert_eq!(code.expose(), "482913");
    assert_eq!(request(&["backstop", "keys", "rotate"]), ControlRequest::RotateKeyring);
    let ControlRequest::Backup { to } = request(&["backstop", "backup", "here.db"]) else { panic!() };
    assert!(to.is_absolute(), "the service has another working directory");
}

#[test]
fn what_is_not_understood_ends_with_2() {
    for words in [
        &["backstop", "sned"][..],
        &["backstop", "send"],
        &["backstop", "send", "+919876543210", "--channel", "pigeon"],
        &["backstop", "verify", "not-an-id", "482913"],
        &["backstop", "keys", "create"],
        &["backstop", "keys"],
    ] {
        let error = Arguments::try_parse_from(words).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{words:?}");
    }
}

#[test]
fn sending_tells_the_way_and_how_to_check() {
    let mut sent = SendReply {
        id: verification(),
        status: Status::Pending,
        channel_used: Some(Channel::Sms),
        provider: Some("twilio-main".into()),
        to: "+91••••••••10".into(),
        expires_at: "2026-11-20T03:22:04Z".into(),
    };
    insta::assert_snapshot!(
        "send_accepted",
        shown(&send::answer(&ControlReply::Send(sent.clone()), Style::PLAIN).unwrap())
    );
    (sent.channel_used, sent.provider) = (None, None);
    let queued = shown(&send::answer(&ControlReply::Send(sent), Style::PLAIN).unwrap());
    assert!(queued.contains("◐ queued") && queued.ends_with("= 0"), "{queued}");
}

#[test]
fn a_wrong_code_is_a_negative_answer_and_not_a_failure() {
    let checked = |valid, status, checks_left| {
        shown(
            &verify::answer(&ControlReply::Verify(VerifyReply { valid, status, checks_left }), Style::PLAIN)
                .unwrap(),
        )
    };
    assert_eq!(checked(true, Status::Approved, 0), "● valid, approved\n= 0");
    assert_eq!(checked(false, Status::Pending, 2), "▲ not valid, 2 tries left\n= 1");
    assert_eq!(checked(false, Status::Pending, 1), "▲ not valid, last try\n= 1");
    assert_eq!(
        checked(false, Status::MaxChecksReached, 0),
        "▲ not valid, the verification is max_checks_reached\n= 1"
    );
}

#[test]
fn the_doctor_ends_as_bad_as_the_worst_line() {
    let line = |subject: &str, level, finding: &str, fix: Option<&str>| DoctorLine {
        subject: subject.into(),
        level,
        finding: finding.into(),
        fix: fix.map(str::to_owned),
    };
    let mut lines = vec![
        line("store", Level::Well, "schema 1, write 0.6 ms", None),
        line("twilio-main", Level::Well, "credentials are good", None),
    ];
    let exit = |lines: &[DoctorLine]| {
        doctor::answer(&ControlReply::Doctor(DoctorReply { lines: lines.to_vec() }), Style::PLAIN).unwrap()
    };
    assert_eq!(exit(&lines).exit, Exit::Well);
    lines.push(line("clock", Level::Warning, "1.2 s off", Some("run a time service")));
    assert_eq!(exit(&lines).exit, Exit::Warning);
    lines.push(line(
        "aws-sns",
        Level::Broken,
        "no answer in 10.0 s",
        Some("check the network, or switch it off"),
    ));
    insta::assert_snapshot!("doctor", shown(&exit(&lines)));
}

#[test]
fn providers_say_the_effect_before_the_mechanism() {
    let row = |name: &str, breaker: &str, failures, enabled| ProviderRow {
        name: name.into(),
        kind: "twilio".into(),
        channels: vec![Channel::Sms],
        breaker: breaker.into(),
        consecutive_failures: failures,
        last_success: Some("2026-11-20T03:12:04Z".into()),
        last_error: (failures > 0).then(|| "unavailable".into()),
        enabled,
    };
    let answer = |rows: Vec<ProviderRow>| {
        providers::answer(&ControlReply::Providers(ProvidersReply { providers: rows }), Style::PLAIN).unwrap()
    };
    assert_eq!(answer(vec![row("one", "closed", 0, true), row("two", "open", 9, false)]).exit, Exit::Well);
    assert_eq!(answer(Vec::new()).exit, Exit::Warning);
    let all = answer(vec![
        row("one", "closed", 1, true),
        row("two", "open", 5, true),
        row("three", "half_open", 0, true),
        row("four", "closed", 0, false),
    ]);
    insta::assert_snapshot!("providers", shown(&all));
}

#[test]
fn the_kinds_are_listed_with_what_each_needs() {
    let text = providers::kinds(Style::PLAIN).text;
    for words in ["twilio", "costs money", "auth_token or auth_token_file", "needed", "development only"] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    let json = serde_json::to_string(&providers::KindsReply::of_registry()).unwrap();
    assert!(json.starts_with(r#"{"kinds":[{"kind":"#), "{json}");
}

#[test]
fn a_new_key_is_the_only_thing_on_stdout() {
    let reply = ControlReply::CreateKey(KeyReply {
        id: key(),
        application: "shop".into(),
        publishable: false,
        key: Private::new("sk_shop_3f9c"),
    });
    insta::assert_snapshot!("keys_create", shown(&keys::answer(&reply, Style::PLAIN).unwrap()));
    let (out, err) = (Paper::default(), Paper::default());
    let mut screen = Screen::new(Box::new(out.clone()), Box::new(err.clone()), Style::PLAIN, false);
    screen.answer(&keys::answer(&reply, Style::PLAIN).unwrap(), &reply).unwrap();
    assert_eq!(out.text(), "sk_shop_3f9c\n");
    assert!(err.text().contains("keep it now"));
}

#[test]
fn keys_are_listed_ended_and_rotated() {
    let row = |publishable, revoked: Option<&str>| KeyRow {
        id: key(),
        application: "shop".into(),
        publishable,
        hint: "sk_sh…9c".into(),
        created_at: "2026-11-20T03:12:04Z".into(),
        revoked_at: revoked.map(str::to_owned),
    };
    let replies = [
        ControlReply::ListKeys(KeysReply {
            keys: vec![row(false, None), row(true, Some("2026-11-20T04:00:00Z"))],
        }),
        ControlReply::ListKeys(KeysReply { keys: Vec::new() }),
        ControlReply::RevokeKey(RevokeReply { id: key(), revoked: true }),
        ControlReply::RevokeKey(RevokeReply { id: key(), revoked: false }),
        ControlReply::RotateKeyring(RotateReply {
            keys: vec![
                RotatedKey { kid: 4, key_use: KeyUse::Code },
                RotatedKey { kid: 5, key_use: KeyUse::Seal },
            ],
        }),
    ];
    let all: Vec<_> =
        replies.iter().map(|reply| shown(&keys::answer(reply, Style::PLAIN).unwrap())).collect();
    insta::assert_snapshot!("keys", all.join("\n\n"));
}

#[test]
fn the_store_commands_say_what_they_did() {
    let migrated = |before| MigrateReply { store: "sqlite://data/backstop.db".into(), before, schema: 3 };
    let backup_reply =
        ControlReply::Backup(BackupReply { file: "/var/backups/b.db".into(), bytes: 1_430_000 });
    let all = [
        migrate::answer(&migrated(None), Style::PLAIN),
        migrate::answer(&migrated(Some(3)), Style::PLAIN),
        migrate::answer(&migrated(Some(1)), Style::PLAIN),
        backup::answer(&backup_reply, Style::PLAIN).unwrap(),
        restore::answer(
            &RestoreReply { store: "sqlite://data/backstop.db".into(), bytes: 999 },
            Style::PLAIN,
        ),
    ];
    insta::assert_snapshot!("store", all.iter().map(shown).collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn a_refusal_says_what_to_do_and_ends_with_2() {
    let refusal =
        Refusal { problem: "no application is called shop".into(), fix: Some("name one of dev".into()) };
    assert_eq!(
        shown(&refused(&refusal)),
        "\n~ backstop: no application is called shop\n  fix: name one of dev\n= 2"
    );
    let (out, err) = (Paper::default(), Paper::default());
    let mut screen = Screen::new(Box::new(out.clone()), Box::new(err.clone()), Style::PLAIN, true);
    let exit = screen.answer(&refused(&refusal), &ControlReply::Refused(refusal.clone())).unwrap();
    assert_eq!(exit.code(), 2);
    assert_eq!(
        out.text(),
        "{\"reply\":\"refused\",\"problem\":\"no application is called shop\",\"fix\":\"name one of dev\"}\n"
    );
}

#[test]
fn an_answer_to_another_question_is_not_taken_for_ours() {
    let other = ControlReply::Verify(VerifyReply { valid: true, status: Status::Approved, checks_left: 0 });
    assert!(send::answer(&other, Style::PLAIN).is_none() && keys::answer(&other, Style::PLAIN).is_none());
}

#[test]
fn a_checked_configuration_is_summed_up_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source {
        file: None,
        working_directory: folder.path().to_owned(),
        environment: std::collections::BTreeMap::new(),
        read_secrets: true,
    };
    let summary = check_config::Summary::of(&load(&source).unwrap());
    insta::assert_snapshot!("check_config", shown(&check_config::answer(&summary, Style::PLAIN)));
    let warned = check_config::Summary { warnings: vec!["look at this".into()], ..summary };
    assert_eq!(check_config::answer(&warned, Style::PLAIN).exit, Exit::Warning);
    assert!(!serde_json::to_string(&warned).unwrap().contains("sk_dev"));
}

#[test]
fn a_value_that_only_the_vendors_file_understands_is_refused_before_the_service_starts() {
    let text = "[[application]]\nname = \"shop\"\n[[provider]]\nname = \"gateway\"\nkind = \"webhook\"\n\
                channels = [\"email\"]\nurl = \"https://gateway.example\"\nsecret = \"hunter2-hunter2\"\n";
    let refusal = check_config::try_providers(&config(Some(text))).unwrap().unwrap_err().to_string();
    assert!(refusal.contains("provider \"gateway\"") && refusal.contains("backstop.toml:8  secret"), "{refusal}");
    assert!(refusal.contains("fix: whsec_") && !refusal.contains("hunter2"), "{refusal}");
    assert_eq!(check_config::try_providers(&config(None)).unwrap(), Ok(()));
}

#[test]
fn init_writes_what_serve_needs_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = Path::new("backstop.toml");
    let made = init::write(folder.path(), file, &SeededRandom::new(7)).unwrap();
    assert!(made.new_root_key && made.new_application_key);
    insta::assert_snapshot!("init", shown(&init::answer(&made, Style::PLAIN)));
    let source = Source {
        file: None,
        working_directory: folder.path().to_owned(),
        environment: std::collections::BTreeMap::new(),
        read_secrets: true,
    };
    let config = load(&source).unwrap().config;
    assert!(config.applications[0].secret_key.as_ref().unwrap().expose().starts_with("sk_app_"));

    let before = std::fs::read(folder.path().join("data/root.key")).unwrap();
    let refused = init::write(folder.path(), file, &SeededRandom::new(8)).unwrap_err().to_string();
    assert!(refused.contains("backstop.toml is there already") && refused.contains("fix:"), "{refused}");
    let again = init::write(folder.path(), Path::new("other.toml"), &SeededRandom::new(8)).unwrap();
    assert!(!again.new_root_key && !again.new_application_key);
    assert_eq!(std::fs::read(folder.path().join("data/root.key")).unwrap(), before);
}

fn first_screen(config: &Config, file: Option<&Path>) -> String {
    let told = Banner {
        version: "0.1.0",
        config,
        file,
        address: "127.0.0.1:8080".parse().unwrap(),
        new_store: true,
        root_key: Some(Path::new("data/root.key")),
        ready_in: Duration::from_millis(80),
    };
    banner(&told, Style::PLAIN)
}

#[test]
fn the_first_screen_of_a_newcomer_holds_one_command_that_works_as_printed() {
    let screen = first_screen(&config(None), None);
    insta::assert_snapshot!("first_screen_development", screen);
    assert!(screen.lines().all(|line| line.starts_with("    curl") || line.chars().count() <= 110));
}

#[test]
fn the_first_screen_of_production_is_six_lines_without_a_key() {
    let text = "[countries]\nallow = [\"IN\"]\n[[application]]\nname = \"shop\"\nsecret_key = \"sk_shop_1f0c9a7e51d2b846\"\n\
                [[provider]]\nname = \"mail\"\nkind = \"smtp\"\nhost = \"h.example\"\nfrom = \"a@example.com\"\n\
                [[provider]]\nname = \"spare\"\nkind = \"smtp\"\nenabled = false\nhost = \"h.example\"\nfrom = \"a@example.com\"\n";
    let screen = first_screen(&config(Some(text)), Some(Path::new("backstop.toml")));
    insta::assert_snapshot!("first_screen_production", screen);
    assert_eq!(screen.lines().count(), 6);
}

#[test]
fn a_key_of_somebodys_own_is_never_printed() {
    let text = "profile = \"development\"\n[[application]]\nname = \"shop\"\nsecret_key = \"sk_own\"\n";
    let screen = first_screen(&config(Some(text)), None);
    assert!(screen.contains("-u shop:YOUR_KEY") && !screen.contains("sk_own"), "{screen}");
}
