//! What a chain shows, and what it keeps to itself.

use super::*;
use crate::{
    event::{Actor, EventKind},
    keyring::{KeyUse, Kid, generate},
    ports::random::SeededRandom,
};

fn ring(seed: u64) -> Keyring {
    let random = SeededRandom::new(seed);
    Keyring::new(
        KeyUse::ALL.into_iter().zip(1..).map(|(key_use, kid)| (Kid(kid), key_use, generate(&random))),
    )
    .unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn event(number: i64) -> Event {
    Event::new(at(number), EventKind::KeyCreated, Actor::CommandLine).with_object(format!("key_{number}"))
}

/// What follows a record, one after the other.
fn chain(mut head: Head, events: impl IntoIterator<Item = i64>) -> Vec<Record> {
    let (ring, random) = (ring(1), SeededRandom::new(2));
    let mut records = Vec::new();
    for number in events {
        let record = Record::after(head, &NewRecord::of(&event(number), &ring, &random));
        head = record.head();
        records.push(record);
    }
    records
}

fn verify(records: &[Record], checkpoints: &[Checkpoint]) -> Result<Verified, Broken> {
    let mut verifier = Verifier::default();
    for checkpoint in checkpoints {
        verifier.expect(checkpoint, &ring(1))?;
    }
    for record in records {
        verifier.take(record)?;
    }
    verifier.finish()
}

fn broken(seq: u64, fault: Fault) -> Result<Verified, Broken> {
    Err(Broken { seq, fault })
}

#[test]
fn a_whole_chain_verifies_with_its_checkpoints() {
    assert_eq!(verify(&[], &[]), Ok(Verified { head: Head::default(), checkpoints: 0 }));
    let records = chain(Head::default(), 1..=10);
    let signed = |index: usize| Checkpoint::of(records[index].head(), at(99), &ring(1)).unwrap();
    let verified = verify(&records, &[signed(3), signed(9), signed(9)]).unwrap();
    assert_eq!((verified.head, verified.checkpoints), (records[9].head(), 3));
}

#[test]
fn the_hash_is_over_the_hash_before_and_plain_json_so_that_others_can_verify_it() {
    let records = chain(Head::default(), [1, 2]);
    let canonical = format!(r#"{{"at":2,"body":{},"seq":2}}"#, records[1].body);
    let bytes = [records[0].hash.as_slice(), canonical.as_bytes()].concat();
    assert_eq!(records[1].hash, <[u8; 32]>::from(Sha256::digest(bytes)));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&canonical).unwrap().to_string(), canonical);
}

#[test]
fn every_edit_of_every_field_names_the_record() {
    let edits: [fn(&mut Record); 4] = [
        |record| record.at = at(77),
        |record| record.body = record.body.replace("done", "gone"),
        |record| record.prev[31] ^= 1,
        |record| record.hash[0] ^= 1,
    ];
    for (index, edit) in (0..5).flat_map(|index| edits.map(|edit| (index, edit))) {
        let mut records = chain(Head::default(), 1..=5);
        edit(&mut records[index]);
        assert_eq!(verify(&records, &[]), broken(records[index].seq, Fault::Altered));
    }
}

#[test]
fn a_deleted_a_moved_and_a_doubled_record_are_named() {
    let records = chain(Head::default(), 1..=5);
    let without = |index: usize| [&records[..index], &records[index + 1..]].concat();
    assert_eq!(verify(&without(0), &[]), broken(1, Fault::Missing));
    assert_eq!(verify(&without(2), &[]), broken(3, Fault::Missing));
    let mut moved = records.clone();
    (moved[1].seq, moved[2].seq) = (3, 2);
    moved.swap(1, 2);
    assert_eq!(verify(&moved, &[]), broken(2, Fault::Altered));
    let doubled = [&records[..3], &records[2..]].concat();
    assert_eq!(verify(&doubled, &[]), broken(3, Fault::OutOfOrder));
}

#[test]
fn a_forged_middle_with_right_hashes_does_not_fit_its_neighbours() {
    let mut records = chain(Head::default(), 1..=5);
    records[2] = chain(records[1].head(), [33]).remove(0);
    assert_eq!(verify(&records, &[]), broken(4, Fault::Unlinked));
}

#[test]
fn a_cut_end_and_a_rewritten_one_meet_the_checkpoint() {
    let records = chain(Head::default(), 1..=5);
    let checkpoint = Checkpoint::of(records[4].head(), at(99), &ring(1)).unwrap();
    assert_eq!(verify(&records[..3], std::slice::from_ref(&checkpoint)), broken(4, Fault::CutOff));
    assert_eq!(verify(&[], std::slice::from_ref(&checkpoint)), broken(1, Fault::CutOff));
    let rewritten = [records[..2].to_vec(), chain(records[1].head(), [33, 4, 5])].concat();
    assert!(verify(&rewritten, &[]).is_ok(), "nothing else tells");
    assert_eq!(verify(&rewritten, &[checkpoint]), broken(5, Fault::Rewritten));
    let mut verifier = Verifier::default();
    verifier.expect_head(records[4].head());
    assert_eq!(verifier.finish(), broken(1, Fault::CutOff), "the store's own note counts too");
}

#[test]
fn a_checkpoint_that_somebody_else_made_or_changed_is_refused() {
    let records = chain(Head::default(), 1..=2);
    let ours = Checkpoint::of(records[1].head(), at(99), &ring(1)).unwrap();
    let theirs = Checkpoint::of(records[1].head(), at(99), &ring(2)).unwrap();
    let claimed = Signature { key: ours.signature.key.clone(), ..theirs.signature.clone() };
    let forged = [
        theirs,
        Checkpoint { signature: claimed, ..ours.clone() },
        Checkpoint { at: at(100), ..ours.clone() },
        Checkpoint { hash: records[0].hash, ..ours.clone() },
        Checkpoint { seq: 1, ..ours.clone() },
    ];
    for forged in forged {
        assert_eq!(verify(&records, std::slice::from_ref(&forged)), broken(forged.seq, Fault::Unsigned));
    }
    assert_eq!(Checkpoint::from_line(&ours.to_string()), Some(ours.clone()));
    assert_eq!(Checkpoint::from_line(&ours.to_string().replace("seq", "sec")), None);
    assert_eq!(Checkpoint::from_line(""), None);
}

#[test]
fn a_detail_is_not_in_the_chain_opens_beside_its_own_record_alone_and_cannot_be_guessed() {
    let (ring, random) = (ring(1), SeededRandom::new(3));
    let user = UserId::new(at(1), &random);
    let told = |text: &str| Event { subject: Some(user), detail: Some(SecretString::new(text)), ..event(1) };
    let new = NewRecord::of(&told("192.0.2.0/24"), &ring, &random);
    let (record, other) = (
        Record::after(Head::default(), &new),
        Record::after(Head::default(), &NewRecord::of(&told("192.0.2.0/24"), &ring, &random)),
    );
    assert!(!record.body.contains("192.0.2"));
    assert_ne!(record.body, other.body, "equal details have different commitments");
    let detail = new.detail.unwrap();
    let kept = SealedDetail { seq: 1, user: detail.user, sealed: detail.sealed };
    assert_eq!(record.open(&kept, &ring).unwrap().expose(), "192.0.2.0/24");
    assert!(other.open(&kept, &ring).is_err());
    assert!(record.open(&SealedDetail { user: None, ..kept }, &ring).is_err(), "as nobody's");
    let unsalted = data_encoding::HEXLOWER.encode(&Sha256::digest("192.0.2.0/24"));
    assert!(!record.body.contains(&unsalted));
}
