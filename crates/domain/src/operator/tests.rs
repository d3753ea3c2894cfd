use super::*;
use crate::{ports::random::SeededRandom, token::tests::ring};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
}

fn operator(name: &str, role: OperatorRole, seed: u64) -> Operator {
    let (ring, random) = (ring(1), SeededRandom::new(seed));
    let id = OperatorId::new(at(0), &random);
    let email = EmailAddress::parse("meera@acme.example").unwrap();
    let (totp, _) = Totp::enrol(&context(id, "totp"), &ring, &random, at(0));
    Operator {
        id,
        name: OperatorName::parse(name).unwrap(),
        email: Operator::seal(id, &email, &ring, &random),
        masked: email.masked(),
        role,
        joined_at: at(5),
        totp,
    }
}

fn invited(role: OperatorRole, is_first: bool) -> Invitation {
    Invitation::make(role, is_first, at(0), &ring(1), &SeededRandom::new(2)).0
}

#[test]
fn the_link_of_a_first_start_is_void_once_there_is_somebody() {
    let first = invited(OperatorRole::Operator, true);
    let meera = operator("Meera", OperatorRole::Owner, 1);
    assert_eq!(first.role, OperatorRole::Owner, "the first one owns the installation");
    assert_eq!(may_join(&[], Some(&first), &meera), Ok(()));
    let ravi = operator("Ravi", OperatorRole::Owner, 2);
    assert_eq!(may_join(std::slice::from_ref(&meera), Some(&first), &ravi), Err(JoinRefusal::Invitation));
}

#[test]
fn an_invitation_is_good_for_a_quarter_of_an_hour_and_for_its_own_role() {
    let invitation = invited(OperatorRole::Operator, false);
    assert!(invitation.is_good(&[], at(899)));
    assert!(!invitation.is_good(&[], at(900)));
    let owner = operator("Ravi", OperatorRole::Owner, 2);
    assert_eq!(may_join(&[], Some(&invitation), &owner), Err(JoinRefusal::Invitation));
    assert_eq!(may_join(&[], None, &owner), Err(JoinRefusal::Invitation));
}

#[test]
fn two_operators_never_go_by_one_name() {
    let invitation = invited(OperatorRole::Operator, false);
    let meera = operator("Meera", OperatorRole::Owner, 1);
    let other = operator(" MEERA ", OperatorRole::Operator, 2);
    assert_eq!(may_join(&[meera], Some(&invitation), &other), Err(JoinRefusal::NameTaken));
}

#[test]
fn the_last_owner_stays() {
    let owner = operator("Meera", OperatorRole::Owner, 1);
    let helper = operator("Ravi", OperatorRole::Operator, 2);
    let second = operator("Asha", OperatorRole::Owner, 3);
    let two = [owner.clone(), helper.clone()];
    assert_eq!(removal(&two, owner.id), Removal::LastOwner);
    assert_eq!(removal(&two, helper.id), Removal::Removed);
    assert_eq!(removal(&two, second.id), Removal::NotFound);
    assert_eq!(removal(&[owner.clone(), second], owner.id), Removal::Removed);
}

#[test]
fn a_token_has_256_bits_and_only_its_keyed_hash_is_kept() {
    let (ring, random) = (ring(1), SeededRandom::new(2));
    let (invitation, token) = Invitation::make(OperatorRole::Owner, false, at(0), &ring, &random);
    assert_eq!(token.expose().len(), 64);
    assert_eq!(token_hash(&ring, token.expose()), invitation.hash);
    assert!(!format!("{invitation:?}").contains(token.expose()));
}

#[test]
fn a_name_is_one_line_that_a_terminal_only_shows() {
    assert_eq!(OperatorName::parse("  Meera K. ").unwrap().as_str(), "Meera K.");
    for bad in ["", "   ", "a\nb", "a\u{1b}[31m", &"x".repeat(61)] {
        assert_eq!(OperatorName::parse(bad), Err(InvalidName), "{bad:?}");
    }
}

#[test]
fn an_address_opens_for_its_own_operator_alone() {
    let meera = operator("Meera", OperatorRole::Owner, 1);
    assert_eq!(meera.open_email(&ring(1)).unwrap().expose(), "meera@acme.example");
    let moved = Operator { id: operator("Ravi", OperatorRole::Owner, 9).id, ..meera };
    assert!(moved.open_email(&ring(1)).is_err());
}
