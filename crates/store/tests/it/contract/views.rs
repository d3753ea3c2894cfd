//! Plain SQL over `otp_verification`, in words that every database understands; and what nobody may read in the rows.

use backstop_domain::{attempt::AttemptState, outcome::VendorResponse, ports::store::Deliveries as _};

use super::World;
use crate::setup::{ASHA, at, wait};

/// One start, refused by one vendor and taken by the next, and approved.
fn approved() -> World {
    let world = World::new();
    let (id, delivery) = world.start(&world.new_start(ASHA, at(0)));
    for (state, outcome) in [(AttemptState::Rejected, "out_of_credit"), (AttemptState::Accepted, "accepted")]
    {
        let attempt = world.begin(id, delivery, "gupshup", at(1));
        let mut said = world.said(&attempt, state, outcome, at(1));
        said.vendor_response = Some(VendorResponse::new(state == AttemptState::Accepted, "words"));
        wait(world.store.finish_attempt(said)).unwrap();
    }
    world.answer(id, &world.wrong(id), at(29));
    world.answer(id, &world.code(id), at(30));
    world
}

#[test]
fn a_query_written_against_an_in_house_table_finds_the_same() {
    let world = approved();
    world.start(&world.new_start_with(ASHA, at(60), |row| row.purpose = "own_word".parse().unwrap()));
    let count =
        |condition: &str| world.number(&format!("SELECT count(*) FROM otp_verification WHERE {condition}"));
    assert_eq!((count("is_verified"), count("NOT is_verified")), (1, 1));
    for condition in [
        "phone = '+91••••••••10' AND CAST(purpose AS text) = '1' AND attempts = 2",
        "created_at = '2027-01-15 08:00:00' AND expires_at = '2027-01-15 08:10:00'",
        "verified_at = '2027-01-15 08:00:30'",
        "vendor_response = '{\"success\":true,\"response\":\"words\",\"outcome\":\"accepted\"}'",
        "purpose = 'own_word' AND verified_at IS NULL AND vendor_response IS NULL AND attempts = 0",
    ] {
        assert_eq!(count(condition), 1, "{condition}");
    }
}
