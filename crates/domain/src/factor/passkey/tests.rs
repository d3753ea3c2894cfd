use super::*;
use crate::ports::random::SeededRandom;

fn handle(seed: u64) -> UserHandle {
    UserHandle::new(&SeededRandom::new(seed))
}

fn passkey(id: u8) -> Passkey {
    Passkey {
        id: CredentialId::new(vec![id; 32]).unwrap(),
        record: vec![1, 2, 3],
        counter: 7,
        backup_eligible: true,
        backed_up: false,
        transports: vec![Transport::Internal, Transport::SmartCard],
        user_verified: true,
        name: "phone".into(),
        created_at: Timestamp::from_millis(1_000),
        last_used_at: None,
    }
}

fn new(id: u8) -> NewPasskey {
    NewPasskey { handle: handle(1), passkey: passkey(id) }
}

fn holding(ids: &[u8]) -> Option<Passkeys> {
    let mut holds = None;
    for id in ids {
        Passkeys::add(&mut holds, new(*id)).unwrap();
    }
    holds
}

#[test]
fn a_passkey_is_held_once_and_only_under_the_handle_of_its_person() {
    let mut holds = holding(&[1, 2]);
    let before = holds.clone();
    assert_eq!(Passkeys::add(&mut holds, new(2)), Err(CannotAdd::Duplicate));
    let other = NewPasskey { handle: handle(2), ..new(3) };
    assert_eq!(Passkeys::add(&mut holds, other), Err(CannotAdd::OtherHandle));
    assert_eq!(holds, before, "a refusal changes nothing");
}

#[test]
fn a_person_holds_twenty_passkeys_and_not_one_more() {
    let ids: Vec<u8> = (0..20).collect();
    let mut holds = holding(&ids);
    assert_eq!(Passkeys::add(&mut holds, new(20)), Err(CannotAdd::TooMany));
    assert!(holds.as_mut().unwrap().remove(&passkey(3).id).is_some());
    assert_eq!(Passkeys::add(&mut holds, new(20)), Ok(()));
}

#[test]
fn assertions_that_come_out_of_order_are_told_and_lock_nobody_out() {
    let mut holds = holding(&[1]).unwrap();
    let (id, later, now) = (passkey(1).id, Timestamp::from_millis(9_000), Timestamp::from_millis(8_000));
    assert_eq!(holds.used(&id, 9, true, later), Some(Counter::Fine));
    assert_eq!(holds.used(&id, 8, true, now), Some(Counter::DidNotRise));
    assert_eq!(holds.used(&id, 9, true, now), Some(Counter::DidNotRise), "the same again");
    assert_eq!(holds.used(&id, 0, true, now), Some(Counter::DidNotRise), "it stopped counting");
    assert_eq!(holds.used(&id, 10, true, now), Some(Counter::Fine), "the highest is what counts");
    let kept = holds.find(&id).unwrap();
    assert_eq!((kept.counter, kept.backed_up, kept.last_used_at), (10, true, Some(later)));
}

#[test]
fn an_authenticator_that_does_not_count_is_never_suspected() {
    let mut holds = holding(&[1]).unwrap();
    holds.held[0].counter = 0;
    let now = Timestamp::from_millis(8_000);
    assert_eq!(holds.used(&passkey(1).id, 0, false, now), Some(Counter::Fine));
    assert_eq!(holds.used(&passkey(1).id, 0, false, now), Some(Counter::Fine));
}

#[test]
fn a_removed_passkey_signs_nobody_in_and_leaves_the_handle() {
    let mut holds = holding(&[1]).unwrap();
    assert_eq!(holds.remove(&passkey(1).id).map(|gone| gone.id), Some(passkey(1).id));
    assert_eq!(holds.remove(&passkey(1).id), None);
    assert_eq!(holds.used(&passkey(1).id, 99, false, Timestamp::from_millis(1)), None);
    let mut holds = Some(holds);
    assert_eq!(
        Passkeys::add(&mut holds, NewPasskey { handle: handle(2), ..new(1) }),
        Err(CannotAdd::OtherHandle)
    );
    assert_eq!(Passkeys::add(&mut holds, new(1)), Ok(()));
}

#[test]
fn an_id_that_is_too_short_or_too_long_is_none() {
    for length in [0, 15, 1024] {
        assert_eq!(CredentialId::new(vec![1; length]), Err(InvalidCredentialId), "{length}");
    }
    for length in [16, 1023] {
        let id = CredentialId::new(vec![1; length]).unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    for text in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAA+/", "ünicode-ünicode-ünicode"]
    {
        assert_eq!(text.parse::<CredentialId>(), Err(InvalidCredentialId), "{text}");
    }
}

#[test]
fn a_document_keeps_all_of_it_and_refuses_a_damaged_handle() {
    let holds = holding(&[1, 2]).unwrap();
    let text = serde_json::to_string(&holds).unwrap();
    assert_eq!(serde_json::from_str::<Passkeys>(&text).unwrap(), holds);
    assert!(text.contains(r#""transports":["internal","smart-card"]"#), "{text}");
    assert!(serde_json::from_str::<UserHandle>(r#""AAAA""#).is_err());
}

#[test]
fn two_passkeys_are_not_found_as_one() {
    assert_eq!(passkey(1).id.lookup(), passkey(1).id.lookup());
    assert_ne!(passkey(1).id.lookup(), passkey(2).id.lookup());
}
