//! Changing what is known of a user.

use backstop_domain::{
    event::{EventKind, EventResult},
    id::UserId,
    ports::store::{File, Lookup, Whom},
    token::session::EndReason,
    user::{SecondFactor, User, UserStatus, address_hash},
};

use super::{
    UserChanges, UserReport,
    addresses::{self, phones},
    locale::locale,
};
use crate::{
    Engine,
    manage::{Denied, ManageError, Manager, Refusal, can_get_in, forget_devices},
    people::{Act, Scene},
    sign_in::end,
};

impl Engine {
    /// Changes a user: all of it or nothing.
    ///
    /// A telephone number that comes to others or goes ends the user's other sessions and the trust in their devices, and so
    /// does a suspension.
    ///
    /// # Errors
    /// Says why nothing was changed.
    pub async fn update_user(
        &self,
        manager: &Manager,
        user: UserId,
        changes: UserChanges,
    ) -> Result<UserReport, ManageError> {
        let confirms = !changes.confirm.is_empty() || changes.add.iter().any(|new| new.confirmed);
        if manager.is_person() && (confirms || changes.role.is_some() || changes.status.is_some()) {
            return Err(Denied::NeedsSecretKey.into());
        }
        let language = changes.locale.clone().flatten().map(|text| locale(&text)).transpose()?;
        let changes = UserChanges { locale: changes.locale.is_some().then_some(language), ..changes };
        let scene = self.manager_scene(manager);
        let claimed = changes.add.iter().filter(|new| new.confirmed).map(|new| &new.to);
        let claimed = claimed.chain(&changes.confirm);
        let claims = claimed.map(|to| Lookup::Address(address_hash(&scene.ring, to))).collect();
        let act = Act { claims, ..Act::on(Whom::User(user)) };
        let by = manager.clone();
        self.change(manager, &scene, act, move |scene, file| update(&by, scene, file, &changes)).await?;
        self.user(manager, user).await
    }
}

fn update(manager: &Manager, scene: &Scene, file: &mut File, changes: &UserChanges) -> Result<(), Refusal> {
    let Some(old) = file.user.clone() else { return Err(Denied::NotFound.into()) };
    if file.owners.iter().any(|(_, owner)| *owner != old.id) {
        return Err(Refusal::AddressTaken);
    }
    let mut next = old.clone();
    let moved = addresses::apply(scene, &mut next, changes)?;
    let words = set(manager, &mut next, changes)?;
    if manager.is_person() && addresses::take_a_way(&moved) && !can_get_in(&next) {
        return Err(Refusal::LastWay);
    }
    addresses::notify(scene, file, &moved);
    next.profile.notices = file.user.as_ref().map_or(0, |user| user.profile.notices);
    file.user = Some(next);
    addresses::settle(manager, scene, file, &moved, &phones(&old));
    for word in words {
        scene.record(file, EventKind::UserUpdated, EventResult::Done, Some(&word));
    }
    if changes.status == Some(UserStatus::Suspended) && old.status != UserStatus::Suspended {
        end(scene, file, |_| true, EndReason::Admin);
        forget_devices(scene, file);
    }
    Ok(())
}

/// Changes the settings. Gives what the audit log is to tell of each.
fn set(manager: &Manager, next: &mut User, changes: &UserChanges) -> Result<Vec<String>, Refusal> {
    let mut words = Vec::new();
    if let Some(wanted) = changes.second_factor.filter(|wanted| *wanted != next.second_factor) {
        if manager.is_person() && next.second_factor == SecondFactor::Required {
            return Err(Denied::NeedsSecretKey.into());
        }
        next.second_factor = wanted;
        if manager.is_person() && !can_get_in(next) {
            return Err(Refusal::NoSecondWay);
        }
        words.push(format!("second_factor {}", wanted.as_str()));
    }
    if let Some(role) = changes.role.as_ref().filter(|role| **role != next.role) {
        next.role = role.clone();
        words.push(format!("role {role}"));
    }
    if let Some(status) = changes.status.filter(|status| *status != next.status) {
        next.status = status;
        words.push(format!("status {}", status.as_str()));
    }
    if let Some(locale) = changes.locale.as_ref().filter(|locale| **locale != next.profile.locale) {
        next.profile.locale = locale.clone();
        words.push("locale".to_owned());
    }
    Ok(words)
}
