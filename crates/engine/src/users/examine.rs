//! Whether a user could be made, without making them: for whoever tries an import first.

use backstop_domain::ports::store::Whom;

use super::{NewUser, create};
use crate::{
    Engine,
    manage::{Denied, ManageError, Manager, Refusal},
};

impl Engine {
    /// Whether [`create_user`](Engine::create_user) or an import would make this user now. Writes nothing.
    ///
    /// # Errors
    /// Says why not.
    pub async fn could_create(&self, manager: &Manager, new: NewUser) -> Result<(), ManageError> {
        if manager.is_person() {
            return Err(Denied::NeedsSecretKey.into());
        }
        let scene = self.manager_scene(manager);
        let password = self.first_password(&scene, &new).await?;
        let user = create::user(&scene, new, password)?;
        for address in user.confirmed() {
            let owner = self.store.find(scene.application.id, Whom::Address(address.hash)).await;
            if self.noting(owner)?.is_some() {
                return Err(Refusal::AddressTaken.into());
            }
        }
        Ok(())
    }
}
