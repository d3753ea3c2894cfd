//! Reading users.

use backstop_domain::{id::UserId, ports::store::UserFilter, user::address_hash};

use super::{UserPage, UserQuery, UserReport};
use crate::{
    Engine,
    manage::{Denied, ManageError, Manager},
};

/// The most users of a page.
const MAX_PAGE: u32 = 100;

impl Engine {
    /// Reads a user.
    ///
    /// # Errors
    /// [`Denied::NotFound`] if there is no such user, or it is somebody else.
    pub async fn user(&self, manager: &Manager, user: UserId) -> Result<UserReport, ManageError> {
        let found = self.seen(manager, user).await?;
        Ok(UserReport::of(&found, &self.keyring(), self.clock.now())?)
    }

    /// Reads a page of users, oldest first. The application's to do.
    ///
    /// # Errors
    /// Says why they cannot be read.
    pub async fn users(&self, manager: &Manager, query: UserQuery) -> Result<UserPage, ManageError> {
        if manager.is_person() {
            return Err(Denied::NeedsSecretKey.into());
        }
        let (ring, now) = (self.keyring(), self.clock.now());
        let limit = query.limit.clamp(1, MAX_PAGE);
        let filter = UserFilter {
            address: query.address.map(|address| address_hash(&ring, &address)),
            role: query.role.map(|role| role.as_str().to_owned()),
            after: query.after,
            limit: limit + 1,
        };
        let mut found = self.noting(self.store.users(manager.caller.application.id, filter).await)?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let users =
            found.iter().map(|user| UserReport::of(user, &ring, now)).collect::<Result<Vec<_>, _>>()?;
        let next = users.last().filter(|_| more).map(|last| last.id);
        Ok(UserPage { users, next })
    }
}
