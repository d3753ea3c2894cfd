//! Addresses that come and go: a plan on a copy of the person, then what it means for whoever is signed in.

use std::collections::BTreeSet;

use backstop_domain::{
    event::{Event, EventKind},
    keyring::LookupHash,
    notice::{Detail, NoticeKind},
    ports::store::File,
    recipient::Recipient,
    secret::SecretString,
    user::{Address, MAX_ADDRESSES, User, address_hash},
};

use super::UserChanges;
use crate::{
    manage::{Manager, Refusal, end_others, forget_devices},
    people::Scene,
};

/// What happened to one address.
pub(super) struct Change {
    to: Recipient,
    word: &'static str,
    /// Whether a way in came or went.
    is_factor: bool,
}

/// Changes the addresses of `next`.
pub(super) fn apply(scene: &Scene, next: &mut User, wanted: &UserChanges) -> Result<Vec<Change>, Refusal> {
    let hash = |to: &Recipient| address_hash(&scene.ring, to);
    let mut changes = Vec::new();
    for to in &wanted.remove {
        let held = &mut next.profile.addresses;
        let place = held.iter().position(|address| address.hash == hash(to)).ok_or(Refusal::NotHeld)?;
        let is_factor = held.remove(place).confirmed_at.is_some();
        changes.push(Change { to: to.clone(), word: "removed", is_factor });
    }
    for new in &wanted.add {
        if next.address(hash(&new.to)).is_none() {
            let (owner, random) = ((next.application, next.id), scene.random.as_ref());
            let when = (scene.now, new.confirmed);
            next.profile.addresses.push(Address::seal(&scene.ring, owner, &new.to, when, random));
            changes.push(Change { to: new.to.clone(), word: "added", is_factor: new.confirmed });
        } else if new.confirmed {
            changes.extend(confirm(scene, next, &new.to)?);
        }
    }
    for to in &wanted.confirm {
        changes.extend(confirm(scene, next, to)?);
    }
    if next.profile.addresses.len() > MAX_ADDRESSES {
        return Err(Refusal::TooManyAddresses);
    }
    Ok(changes)
}

fn confirm(scene: &Scene, next: &mut User, to: &Recipient) -> Result<Option<Change>, Refusal> {
    let hash = address_hash(&scene.ring, to);
    let found = next.profile.addresses.iter_mut().find(|address| address.hash == hash);
    let address = found.ok_or(Refusal::NotHeld)?;
    if address.confirmed_at.is_some() {
        return Ok(None);
    }
    address.confirmed_at = Some(scene.now);
    Ok(Some(Change { to: to.clone(), word: "confirmed", is_factor: true }))
}

/// Owes the notices, while the file still holds the addresses from before: those are the ones that must hear of it.
pub(super) fn notify(scene: &Scene, file: &mut File, changes: &[Change]) {
    for change in changes.iter().filter(|change| change.is_factor) {
        scene.notify(file, NoticeKind::AddressChanged, Detail::default().with_address(&change.to));
    }
}

/// Has the audit log tell of the changes, and ends what the old addresses let in. `before` are the telephone numbers from before.
pub(super) fn settle(
    manager: &Manager,
    scene: &Scene,
    file: &mut File,
    changes: &[Change],
    before: &BTreeSet<LookupHash>,
) {
    for change in changes {
        let event = Event::new(scene.now, EventKind::AddressChanged, scene.actor.clone());
        let detail = Some(SecretString::new(change.to.masked()));
        scene.record_with(file, Event { method: Some(change.word.to_owned()), detail, ..event });
    }
    let after = file.user.as_ref().map(phones).unwrap_or_default();
    let another_phone = !before.is_empty() && *before != after;
    if another_phone {
        forget_devices(scene, file);
    }
    if another_phone || take_a_way(changes) {
        end_others(manager, scene, file);
    }
}

/// Whether a way in goes.
pub(super) fn take_a_way(changes: &[Change]) -> bool {
    changes.iter().any(|change| change.is_factor && change.word == "removed")
}

/// The telephone numbers that the user was shown to hold.
pub(super) fn phones(user: &User) -> BTreeSet<LookupHash> {
    user.confirmed().filter(|address| address.phone).map(|address| address.hash).collect()
}
