//! People, and whatever counts against them, after the move.

use backstop_domain::{
    factor::tries::Budget,
    keyring::LookupHash,
    ports::store::{File, PersonAct, Whom},
};
use serde_json::{Value, json};

use super::{Before, moved, rows};
use crate::{
    setup::{ASHA, RAVI, at},
    sqlite::contract::people::act,
};

/// A guess, and a proof that counts once, by whoever has the address. Says whether each was taken.
fn guess(whom: Whom, hashes: [LookupHash; 2]) -> PersonAct {
    let rule = |file: &mut File| {
        let first = !std::mem::replace(&mut file.use_up, true) && !file.used_before;
        let tried = file.tries.charge(&Budget::TOTP, at(1)).is_ok();
        json!([first, tried, file.network.charge(&Budget::NETWORK, at(1)).is_ok()])
    };
    PersonAct {
        factor: Some("totp"),
        network: Some(hashes[0]),
        once: Some((hashes[1], at(600))),
        ..act(whom, rule)
    }
}

#[test]
fn people_their_sessions_and_what_counts_against_them_are_the_same_after_the_move() {
    let before = Before::new();
    let user = before.person_with(&[ASHA, "asha@example.com"]);
    let session = before.signed_in(user.id, 1, 600);
    let hashes = [before.hash("network"), before.hash("proof")];
    let whom = before.whoever_has(ASHA);
    assert_eq!(before.person(guess(whom, hashes)), json!([true, true, true]));
    for _ in 0..4 {
        assert_eq!(before.person(guess(whom, hashes)), json!([false, true, true]));
    }
    let (after, report) = moved(before, 5);
    let tables = ["users", "user_lookups", "sessions", "tries", "used_once"];
    assert_eq!(tables.map(|table| rows(&report, table)), [1, 2, 1, 2, 1]);
    for whom in [Whom::User(user.id), whom, after.whoever_has("asha@example.com")] {
        assert_eq!(after.find(whom).as_ref(), Some(&user));
    }
    let (kept, id) = (session.clone(), session.id);
    after.person(act(Whom::Session(id), move |file| {
        assert_eq!(file.sessions, std::slice::from_ref(&kept));
        Value::Null
    }));
    assert_eq!(after.person(guess(whom, hashes)), json!([false, false, true]), "the sixth guess");
    let mut network = 0;
    for number in 0..40 {
        let nobody = Whom::Address(after.hash(&format!("nobody {number}")));
        network += usize::from(after.person(guess(nobody, hashes))[2] == json!(true));
    }
    assert_eq!(network, 24, "thirty in all");
    let owners = act(whom, |file| json!(file.owners.iter().map(|(_, owner)| *owner).collect::<Vec<_>>()));
    let claims = vec![after.lookup(ASHA), after.lookup(RAVI)];
    assert_eq!(after.person(PersonAct { claims, ..owners }), json!([user.id]));
}
