//! Notices: nothing personal in full, the right people told, the waits of the schedule.

use std::{collections::BTreeSet, time::Duration};

use super::{
    schedule::next_try,
    text::{Surroundings, mail},
    *,
};
use crate::{
    keyring::{KeyUse, Kid, generate},
    ports::random::SeededRandom,
};

const AT: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const SHOP: ApplicationId = ApplicationId(1);
const FLEET: ApplicationId = ApplicationId(2);

fn ring() -> Keyring {
    let random = SeededRandom::new(1);
    let keys = KeyUse::ALL.into_iter().zip(1..);
    Keyring::new(keys.map(|(key_use, kid)| (Kid(kid), key_use, generate(&random)))).unwrap()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn endpoint(name: &str, application: Option<ApplicationId>) -> Endpoint {
    Endpoint { name: name.into(), application, kinds: None }
}

fn audience() -> Audience {
    Audience {
        person: true,
        operators: vec![address("ops@acme.example"), address("night@acme.example")],
        endpoints: vec![
            endpoint("shop", Some(SHOP)),
            endpoint("fleet", Some(FLEET)),
            endpoint("pager", None),
            Endpoint { kinds: Some(BTreeSet::from([NoticeKind::NewDevice])), ..endpoint("few", Some(SHOP)) },
        ],
    }
}

fn detail() -> Detail {
    Detail::default()
        .with_factor("totp")
        .with_device("Pixel\r\nhttp://evil.example/x?y=1 <b>8</b>")
        .with_network("203.0.113.77".parse().unwrap())
        .with_address(&Recipient::parse("+919876543210", None).unwrap())
        .with_codes_left(3)
}

fn told(audience: &Audience, kind: NoticeKind) -> Vec<NewNotice> {
    let (random, emails) =
        (SeededRandom::new(2), [address("asha@example.com"), address("asha@work.example")]);
    let happening = Happening {
        application: SHOP,
        kind,
        user: Some(UserId::new(AT, &random)),
        emails: &emails,
        detail: &detail(),
        at: AT,
        sequence: 7,
    };
    audience.notices(&happening, &ring(), &random)
}

fn names(notices: &[NewNotice]) -> Vec<String> {
    let name = |notice: &NewNotice| match &notice.target {
        Target::Person(address) => format!("person {}", address.masked),
        Target::Operator(address) => format!("operator {}", address.masked),
        Target::Webhook(name) => name.clone(),
    };
    notices.iter().map(name).collect()
}

#[test]
fn a_person_hears_at_every_address_and_operators_of_emergencies_alone() {
    let all = audience();
    let both = ["person a•••@e•••.com", "person a•••@w•••.example"];
    assert_eq!(names(&told(&all, NoticeKind::FactorAdded)), [both[0], both[1], "shop"]);
    assert_eq!(names(&told(&all, NoticeKind::NewDevice)), [both[0], both[1], "shop", "few"]);
    let operators = ["operator o•••@a•••.example", "operator n•••@a•••.example"];
    for kind in [NoticeKind::EmergencyTried, NoticeKind::EmergencyUsed] {
        assert_eq!(names(&told(&all, kind)), [both[0], both[1], operators[0], operators[1], "shop", "pager"]);
    }
    let quiet = Audience { person: false, ..all };
    assert_eq!(names(&told(&quiet, NoticeKind::FactorAdded)), ["shop"]);
    assert!(told(&Audience::default(), NoticeKind::EmergencyUsed).is_empty());
}

#[test]
fn an_address_opens_for_its_own_notice_alone() {
    let (ring, notices) = (ring(), told(&audience(), NoticeKind::PasswordChanged));
    assert_eq!(notices[0].address(&ring).unwrap().unwrap().expose(), "asha@example.com");
    assert_eq!(notices[2].address(&ring), Ok(None), "a webhook has none");
    let moved = NewNotice { target: notices[0].target.clone(), ..notices[1].clone() };
    assert_eq!(moved.address(&ring), Err(KeyringError::DoesNotOpen));
    assert_eq!(
        NewNotice { application: FLEET, ..notices[0].clone() }.address(&ring),
        Err(KeyringError::DoesNotOpen)
    );
    let ended = Address { sealed: None, masked: String::new() };
    assert_eq!(NewNotice { target: Target::Person(ended), ..notices[0].clone() }.address(&ring), Ok(None));
    let printed = format!("{notices:?}");
    assert!(!printed.contains("asha") && !printed.contains("ops@"), "{printed}");
}

#[test]
fn an_event_holds_ids_and_masked_texts_and_a_sequence() {
    let notice = &told(&audience(), NoticeKind::FactorAdded)[2];
    let user = notice.user.unwrap();
    let body = String::from_utf8(event::body(notice, "shop")).unwrap();
    assert_eq!(
        body,
        format!(
            r#"{{"type":"user.factor_added","timestamp":"2026-01-01T00:00:00.000Z","data":{{"application":"shop","user_id":"{user}","factor":"totp","device":"Pixel http evil example x y 1 b 8 b","network":"203.0.113.0/24","address":"+91••••••••10","codes_left":3,"sequence":7}}}}"#
        )
    );
    let nobody = NewNotice { user: None, detail: Detail::default(), ..notice.clone() };
    let body = String::from_utf8(event::body(&nobody, "shop")).unwrap();
    assert!(body.ends_with(r#""data":{"application":"shop","sequence":7}}"#), "{body}");
}

#[test]
fn no_mail_holds_a_link_a_code_or_an_address_in_full() {
    for kind in NoticeKind::ALL {
        let mails = told(&audience(), kind).into_iter().filter(|told| told.target.line() == Line::Mail);
        for notice in mails {
            for support_phone in [Some("+91-80-5550-0100"), None] {
                let mail = mail(&notice, Surroundings { brand: "Acme", support_phone });
                let whole = format!("{}\n{}", mail.subject, mail.text);
                for needle in [
                    "http:",
                    "https",
                    "://",
                    "www.",
                    "evil.example",
                    "asha@",
                    "9876543210",
                    "203.0.113.77",
                    "{",
                    "}",
                ] {
                    assert!(!whole.contains(needle), "{needle} in {whole}");
                }
                assert!(mail.subject.starts_with("Acme: ") && !mail.subject.contains('\n'), "{whole}");
                assert!(mail.text.contains("When: 2026-01-01 00:00 UTC\n"), "{whole}");
                assert!(mail.text.contains("Network: 203.0.113.0/24\n"), "{whole}");
                let person = matches!(notice.target, Target::Person(_));
                assert_eq!(
                    mail.text.contains("+91-80-5550-0100"),
                    person && support_phone.is_some(),
                    "{whole}"
                );
                let digits: Vec<&str> =
                    mail.text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 5).collect();
                assert!(digits.is_empty() || matches!(notice.target, Target::Operator(_)), "{digits:?}");
            }
        }
    }
}

#[test]
fn every_kind_survives_its_own_word() {
    for kind in NoticeKind::ALL {
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
    assert_eq!("user.deleted".parse::<NoticeKind>(), Err(UnknownKind));
}

fn waits(target: &Target, random: &SeededRandom) -> Vec<u64> {
    let wait = |tries| next_try(target, tries, None, AT, random).map(|due| due.since(AT).as_secs());
    (1..).map_while(wait).collect()
}

#[test]
fn a_mail_is_tried_five_times_and_a_webhook_ten_times_with_jitter() {
    let random = SeededRandom::new(3);
    let person = Target::Person(Address { sealed: None, masked: String::new() });
    assert_eq!(waits(&person, &random), [60, 300, 1800, 7200]);
    let hook = Target::Webhook("shop".into());
    let usual = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
    let mut seen = BTreeSet::new();
    for _ in 0..200 {
        let waits = waits(&hook, &random);
        assert_eq!(waits.len(), usual.len());
        for (wait, usual) in waits.iter().zip(usual) {
            assert!((usual * 9 / 10..=usual * 11 / 10).contains(wait), "{wait} for {usual}");
        }
        seen.insert(waits[8]);
    }
    assert!(seen.len() > 100, "what failed together must not come back together");
}

#[test]
fn a_receivers_wish_makes_the_wait_longer_up_to_a_day_and_never_shorter() {
    let (random, hook) = (SeededRandom::new(4), Target::Webhook("shop".into()));
    let wait = |tries, wish| {
        next_try(&hook, tries, Some(Duration::from_secs(wish)), AT, &random)
            .map(|due| due.since(AT).as_secs())
    };
    assert_eq!(wait(1, 3600), Some(3600));
    assert!(wait(2, 1).unwrap() >= 270);
    assert_eq!(wait(1, 1_000_000), Some(86_400));
    assert_eq!(wait(10, 3600), None, "the tenth is the last, whatever is wished");
}
