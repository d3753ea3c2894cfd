//! What comes back, for people and for scripts: the text, the hint, the exit code.

use backstop_domain::{channel::Channel, keyring::KeyUse, verification::Status};

use super::{Paper, key, shown, verification};
use crate::{
    cli::{
        Exit, backup, doctor, keys, migrate, refused, restore,
        screen::{Screen, Style},
        send, verify,
    },
    control::protocol::{
        BackupReply, ControlReply, DoctorLine, DoctorReply, KeyReply, KeyRow, KeysReply, Level, MigrateReply,
        MoveReply, MovedTable, Private, Refusal, RestoreReply, RevokeReply, RotateReply, RotatedKey,
        SendReply, VerifyReply,
    },
};

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
                RotatedKey { kid: 6, key_use: KeyUse::Sign },
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
            &RestoreReply { store: "sqlite://data/backstop.db".into(), bytes: Some(999), canceled: 2 },
            Style::PLAIN,
        ),
        restore::answer(
            &RestoreReply { store: "postgres://backstop@db:5432/codes".into(), bytes: None, canceled: 0 },
            Style::PLAIN,
        ),
        migrate::moved(
            &MoveReply {
                from: "sqlite://data/backstop.db".into(),
                to: "postgres://backstop@db:5432/codes".into(),
                tables: [("verifications", 12), ("deliveries", 9)]
                    .map(|(name, rows)| MovedTable { name: name.into(), rows })
                    .into(),
            },
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
