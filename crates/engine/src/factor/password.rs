//! Setting and removing a password.

use backstop_domain::{
    event::{EventKind, EventResult},
    factor::{
        Factor,
        password::{Password, PasswordHash},
    },
    id::UserId,
    notice::{Detail, NoticeKind},
    ports::store::{File, Whom},
    recipient::Recipient,
    secret::SecretString,
    user::User,
};

use super::{bound, not_the_last, removed, replaced};
use crate::{
    Engine,
    manage::{Denied, ManageError, Manager, Refusal},
    people::{Act, Scene},
};

impl Engine {
    /// Sets a password. The first one is a way in more; another one in its place ends all other sessions and the trust in the
    /// person's devices.
    ///
    /// # Errors
    /// Says why the old one, if there is one, is still good.
    pub async fn set_password(
        &self,
        manager: &Manager,
        user: UserId,
        password: &SecretString,
    ) -> Result<(), ManageError> {
        let scene = self.manager_scene(manager);
        let found = self.may_begin(manager, &scene, user).await?;
        let chosen = choose(&scene, &found, password)?;
        let random = self.random.clone();
        let hash = self.compute(move || PasswordHash::hash(&chosen, random.as_ref())).await?;
        let act = Act { factor: Some(Factor::Password), ..Act::on(Whom::User(user)) };
        let by = manager.clone();
        self.change(manager, &scene, act, move |scene, file| set(&by, scene, file, &hash)).await
    }

    /// Takes the password away.
    ///
    /// # Errors
    /// Says why it is still good.
    pub async fn remove_password(&self, manager: &Manager, user: UserId) -> Result<(), ManageError> {
        let scene = self.manager_scene(manager);
        let by = manager.clone();
        self.change(manager, &scene, Act::on(Whom::User(user)), move |scene, file| {
            let holder = file.user.as_mut().ok_or(Denied::NotFound)?;
            holder.profile.ways.password.take().ok_or(Refusal::NotHeld)?;
            not_the_last(&by, file)?;
            removed(&by, scene, file, Factor::Password, EventKind::PasswordRemoved);
            Ok(())
        })
        .await
    }
}

fn set(manager: &Manager, scene: &Scene, file: &mut File, hash: &PasswordHash) -> Result<(), Refusal> {
    let holder = file.user.as_mut().ok_or(Denied::NotFound)?;
    if holder.profile.ways.password.replace(hash.clone()).is_none() {
        bound(scene, file, Factor::Password, EventKind::PasswordSet);
        return Ok(());
    }
    file.tries.reset();
    scene.record(file, EventKind::PasswordChanged, EventResult::Done, None);
    scene.notify(file, NoticeKind::PasswordChanged, Detail::default());
    replaced(manager, scene, file);
    Ok(())
}

/// Reads a password that this person chose anew.
pub(crate) fn choose(scene: &Scene, user: &User, password: &SecretString) -> Result<Password, ManageError> {
    let addresses = &user.profile.addresses;
    let opened: Vec<Recipient> =
        addresses.iter().filter_map(|address| user.open(&scene.ring, address).ok()).collect();
    let mut about: Vec<&str> = opened.iter().map(Recipient::expose).collect();
    about.extend([scene.application.name.as_str(), scene.application.brand.as_str()]);
    Password::choose(password.expose(), &about).map_err(|error| ManageError::of("password", error))
}
