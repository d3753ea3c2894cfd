//! What operators read about people: addresses masked, codes once, no row of a file repeated.

use backstop_domain::{
    id::{DeviceId, SessionId, UserId},
    ports::random::SeededRandom,
    user::{SecondFactor, UserStatus},
};
use clap::Parser;

use super::{AT, shown};
use crate::{
    cli::{Arguments, Command, codes, devices, screen::Style, sessions, users},
    control::protocol::{
        AddressRow, CodesReply, ControlReply, ControlRequest, CountReply, DeviceRow, DevicesReply,
        EndedReply, EraseReply, FactorsRow, ImportReply, PeopleRequest, Private, RefusedRow, SessionRow,
        SessionsReply, UserRow,
    },
};

const WHEN: &str = "2026-11-20T03:12:04.000Z";

fn user() -> UserId {
    UserId::new(AT, &SeededRandom::new(3))
}

fn asha() -> UserRow {
    let address = |to: &str, kind: &str, confirmed: bool| AddressRow {
        to: Private::new(to),
        kind: kind.into(),
        confirmed_at: confirmed.then(|| WHEN.into()),
    };
    UserRow {
        id: user(),
        application: "shop".into(),
        status: UserStatus::Active,
        role: "driver".parse().unwrap(),
        locale: Some("en-IN".into()),
        second_factor: SecondFactor::Required,
        created_at: WHEN.into(),
        updated_at: WHEN.into(),
        addresses: vec![address("+91••••••••10", "phone", true), address("a•••@e•••.com", "email", false)],
        factors: FactorsRow {
            password: true,
            totp_since: Some(WHEN.into()),
            backup_codes_left: Some(1),
            devices: 2,
            pins: 1,
            passkeys: 0,
        },
    }
}

fn joined(
    replies: &[ControlReply],
    answer: fn(&ControlReply, Style) -> Option<crate::cli::Answer>,
) -> String {
    let all: Vec<_> = replies.iter().map(|reply| shown(&answer(reply, Style::PLAIN).unwrap())).collect();
    all.join("\n\n")
}

#[test]
fn a_user_is_shown_with_what_they_hold() {
    let newcomer = UserRow {
        status: UserStatus::Suspended,
        locale: None,
        addresses: Vec::new(),
        factors: FactorsRow::default(),
        ..asha()
    };
    let replies = [
        ControlReply::User(asha()),
        ControlReply::User(newcomer.clone()),
        ControlReply::Erase(EraseReply { id: user() }),
    ];
    let table = users::answers::table(&[asha(), newcomer], true, Style::PLAIN);
    insta::assert_snapshot!("users", format!("{}\n\n{table}", joined(&replies, users::answer)));
}

#[test]
fn codes_are_shown_once_counted_and_printed_on_a_page() {
    let made = ControlReply::Codes(CodesReply {
        user: user(),
        brand: "Acme".into(),
        generated_at: WHEN.into(),
        codes: (0..10).map(|number| Private::new(format!("abcd-efg{number}"))).collect(),
    });
    assert!(!format!("{made:?}").contains("abcd"), "not in a log");
    let counted = |left: Option<u32>| {
        let generated_at = left.map(|_| WHEN.to_owned());
        ControlReply::CodesLeft(CountReply { user: user(), left, generated_at })
    };
    let ended = |count| ControlReply::Ended(EndedReply { user: user(), what: "backup_codes".into(), count });
    let replies = [made.clone(), counted(Some(4)), counted(Some(3)), counted(None), ended(1), ended(0)];
    let page = shown(&codes::page(&made, Style::PLAIN).unwrap());
    assert!(page.is_ascii(), "any printer prints it");
    insta::assert_snapshot!("codes", format!("{}\n\n{page}", joined(&replies, codes::answer)));
}

#[test]
fn devices_and_sessions_are_listed_and_ended() {
    let device = DeviceRow {
        id: DeviceId::new(AT, &SeededRandom::new(4)),
        name: Private::new("Asha's\nphone"),
        created_at: WHEN.into(),
        trusted_until: "2026-12-20T03:12:04.000Z".into(),
        last_seen_at: WHEN.into(),
        pin: true,
    };
    let listed = |devices| ControlReply::Devices(DevicesReply { user: user(), devices });
    let ended =
        |what: &str, count| ControlReply::Ended(EndedReply { user: user(), what: what.into(), count });
    let first = joined(&[listed(vec![device]), listed(Vec::new()), ended("devices", 2)], devices::answer);
    let session = |live: bool, ended: Option<&str>| SessionRow {
        id: SessionId::new(AT, &SeededRandom::new(5)),
        live,
        kind: "normal".into(),
        created_at: WHEN.into(),
        last_used_at: WHEN.into(),
        expires_at: "2026-12-20T03:12:04.000Z".into(),
        amr: vec!["pwd".into(), "otp".into()],
        acr: "aal2".into(),
        network: live.then(|| Private::new("203.0.113.0/24")),
        ended: ended.map(str::to_owned),
    };
    let both = vec![session(true, None), session(false, Some("signed_out"))];
    let listed = |sessions| ControlReply::Sessions(SessionsReply { user: user(), sessions });
    let replies = [listed(both), listed(Vec::new()), ended("sessions", 1), ended("sessions", 0)];
    let second = joined(&replies, sessions::answer);
    insta::assert_snapshot!("devices_and_sessions", format!("{first}\n\n{second}"));
}

#[test]
fn an_import_ends_as_bad_as_its_worst_row() {
    let refused = |line| RefusedRow { line, problem: "phone: this is not a valid telephone number".into() };
    let done = |dry_run, imported, refused, stopped: Option<&str>| {
        let stopped = stopped.map(str::to_owned);
        ControlReply::Import(ImportReply { dry_run, imported, refused, stopped })
    };
    let replies = [
        done(false, 1, Vec::new(), None),
        done(false, 40, vec![refused(7), refused(12)], None),
        done(true, 40, vec![refused(7)], None),
        done(false, 100, Vec::new(), Some("the store is busy")),
    ];
    insta::assert_snapshot!("import", joined(&replies, users::import::answer));
}

#[test]
fn arguments_about_people_become_requests() {
    let request =
        |words: &[&str]| match Arguments::try_parse_from([&["backstop"], words].concat()).unwrap().command {
            Some(Command::Codes(codes)) => codes.request(),
            Some(Command::Devices(devices)) => devices.request(),
            Some(Command::Sessions(sessions)) => sessions.request(),
            other => panic!("{other:?}"),
        };
    let of = |application: Option<&str>, act| ControlRequest::People {
        application: application.map(str::to_owned),
        act,
    };
    let asha = Private::new("+919876543210");
    let made = of(Some("shop"), PeopleRequest::GenerateCodes { user: asha.clone() });
    assert_eq!(request(&["codes", "generate", "+919876543210", "--app", "shop"]), made);
    assert_eq!(request(&["codes", "generate", "+919876543210", "--application", "shop", "--print"]), made);
    let all = of(None, PeopleRequest::RevokeDevices { user: asha.clone(), device: None });
    assert_eq!(request(&["devices", "revoke", "+919876543210", "--all"]), all);
    let session = SessionId::new(AT, &SeededRandom::new(5));
    let one = of(None, PeopleRequest::RevokeSessions { user: asha, session: Some(session) });
    assert_eq!(request(&["sessions", "revoke", "+919876543210", &session.to_string()]), one);
    let line = serde_json::to_string(&one).unwrap();
    assert_eq!(serde_json::from_str::<ControlRequest>(&line).unwrap(), one, "reads back as it was said");
    assert!(!format!("{one:?}").contains("98765"));
}

#[test]
fn what_is_not_said_whole_about_people_ends_with_2() {
    let device = DeviceId::new(AT, &SeededRandom::new(4)).to_string();
    for words in [
        &["users", "erase", "usr_1"][..],
        &["users", "update", "usr_1"],
        &["users", "update", "usr_1", "--unconfirmed"],
        &["users", "create", "--role", "A driver"],
        &["users", "create", "--second-factor", "sometimes"],
        &["users", "import"],
        &["users", "import", "file.csv", "--format", "xml"],
        &["devices", "revoke", "usr_1"],
        &["devices", "revoke", "usr_1", &device, "--all"],
        &["sessions", "revoke", "usr_1"],
        &["sessions", "revoke", "usr_1", &device],
        &["codes", "generate"],
    ] {
        let error = Arguments::try_parse_from([&["backstop"], words].concat()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{words:?}");
    }
}
