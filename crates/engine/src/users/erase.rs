//! Erasing a user: the person and all that belongs to them goes; the audit log keeps that it happened, by id alone.

use backstop_domain::{
    event::{Event, EventKind},
    id::UserId,
    ports::store::Whom,
};

use crate::{
    Engine,
    manage::{ManageError, Manager},
    people::Act,
};

impl Engine {
    /// Erases a user, with addresses, factors, sessions, tries and what the audit log keeps of them beside its chain.
    ///
    /// # Errors
    /// Says why the user is still there.
    pub async fn erase_user(&self, manager: &Manager, user: UserId) -> Result<(), ManageError> {
        let scene = self.manager_scene(manager);
        self.change(manager, &scene, Act::on(Whom::User(user)), |scene, file| {
            // Without a detail: what is personal about it would outlive the person.
            scene.record_with(file, Event::new(scene.now, EventKind::UserErased, scene.actor.clone()));
            file.user = None;
            Ok(())
        })
        .await
    }
}
