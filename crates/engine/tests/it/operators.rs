//! Operators join with a link that is good once, and only with an authenticator app that works.

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    clock::Clock as _,
    code::SubmittedCode,
    event::Actor,
    operator::{OperatorName, OperatorRole, Removal},
    recipient::EmailAddress,
    secret::SecretString,
};
use backstop_engine::{
    Engine,
    operators::{Enrolling, JoinError},
};
use futures::executor::block_on;
use totp_rs::{Algorithm, Secret, TOTP};

use crate::house::House;

fn invite(engine: &Engine, role: OperatorRole) -> SecretString {
    block_on(engine.invite_operator(role, Actor::CommandLine)).unwrap().token
}

fn begin(engine: &Engine, token: &SecretString, name: &str) -> Result<Enrolling, JoinError> {
    let email = EmailAddress::parse("meera@acme.example").unwrap();
    block_on(engine.begin_join(token, OperatorName::parse(name).unwrap(), &email))
}

fn code(house: &House, enrolling: &Enrolling) -> SubmittedCode {
    let seed = Secret::Encoded(enrolling.secret.expose().to_owned()).to_bytes().unwrap();
    let totp = TOTP::new(Algorithm::SHA1, 6, 0, 30, seed, None, "x".into()).unwrap();
    let seconds = u64::try_from(house.clock.now().as_millis() / 1000).unwrap();
    SubmittedCode::parse(&totp.generate(seconds)).unwrap()
}

fn joined(
    house: &House,
    engine: &Arc<Engine>,
    name: &str,
    role: OperatorRole,
) -> backstop_domain::operator::Operator {
    let token = invite(engine, role);
    let enrolling = begin(engine, &token, name).unwrap();
    block_on(engine.join(&token, &enrolling.state, &code(house, &enrolling))).unwrap()
}

#[test]
fn the_first_link_makes_one_owner_and_a_second_use_or_a_second_link_makes_none() {
    let house = House::new(3);
    let engine = house.process("shop");
    let links = [invite(&engine, OperatorRole::Operator), invite(&engine, OperatorRole::Operator)];
    let enrolling = [begin(&engine, &links[0], "Meera").unwrap(), begin(&engine, &links[1], "Ravi").unwrap()];
    let meera = block_on(engine.join(&links[0], &enrolling[0].state, &code(&house, &enrolling[0]))).unwrap();
    assert_eq!(meera.role, OperatorRole::Owner);
    for (link, enrolling) in links.iter().zip(&enrolling) {
        let again = block_on(engine.join(link, &enrolling.state, &code(&house, enrolling)));
        assert!(matches!(again, Err(JoinError::Invitation)), "{again:?}");
    }
    assert_eq!(block_on(engine.operators()).unwrap(), [meera]);
}

#[test]
fn a_link_is_over_after_a_quarter_of_an_hour_and_a_made_up_one_never_was_good() {
    let house = House::new(4);
    let engine = house.process("shop");
    let link = invite(&engine, OperatorRole::Owner);
    assert!(begin(&engine, &link, "Meera").is_ok());
    house.clock.manual.advance(Duration::from_secs(900));
    for token in [link, SecretString::new("0".repeat(64)), SecretString::new("")] {
        assert!(matches!(begin(&engine, &token, "Meera"), Err(JoinError::Invitation)));
    }
}

#[test]
fn nobody_joins_with_a_wrong_code_or_with_what_was_sealed_for_another_link() {
    let house = House::new(5);
    let engine = house.process("shop");
    let (one, other) = (invite(&engine, OperatorRole::Owner), invite(&engine, OperatorRole::Owner));
    let enrolling = begin(&engine, &one, "Meera").unwrap();
    let right = code(&house, &enrolling);
    let wrong = SubmittedCode::parse(if right.expose() == "000000" { "111111" } else { "000000" }).unwrap();
    assert!(matches!(block_on(engine.join(&one, &enrolling.state, &wrong)), Err(JoinError::WrongCode)));
    assert!(matches!(block_on(engine.join(&other, &enrolling.state, &right)), Err(JoinError::StartAgain)));
    let forged = SecretString::new("AAAA");
    assert!(matches!(block_on(engine.join(&one, &forged, &right)), Err(JoinError::StartAgain)));
    assert!(block_on(engine.operators()).unwrap().is_empty());
    block_on(engine.join(&one, &enrolling.state, &right)).unwrap();
}

#[test]
fn the_last_owner_stays_and_others_go() {
    let house = House::new(6);
    let engine = house.process("shop");
    let meera = joined(&house, &engine, "Meera", OperatorRole::Owner);
    let ravi = joined(&house, &engine, "Ravi", OperatorRole::Operator);
    let remove = |id| block_on(engine.remove_operator(id, Actor::CommandLine)).unwrap();
    assert_eq!(ravi.role, OperatorRole::Operator);
    assert_eq!(
        (remove(meera.id), remove(ravi.id), remove(ravi.id)),
        (Removal::LastOwner, Removal::Removed, Removal::NotFound)
    );
    assert!(matches!(
        begin(&engine, &invite(&engine, OperatorRole::Owner), " meera"),
        Err(JoinError::NameTaken)
    ));
}
