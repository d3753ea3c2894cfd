//! People of a hooked store: those of the store itself.

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    id::UserId,
    ports::{
        StoreError,
        store::{Once, People, PersonAct, UserFilter, Whom},
    },
    token::session::Session,
    user::User,
};
use serde_json::Value;

use super::{Hooked, Hooks};

#[async_trait]
impl<H: Hooks> People for Hooked<H> {
    async fn person(&self, act: PersonAct) -> Result<Once<Value>, StoreError> {
        self.hooks.before_write()?;
        self.inner.person(act).await
    }
    async fn find(&self, application: ApplicationId, whom: Whom) -> Result<Option<User>, StoreError> {
        self.inner.find(application, whom).await
    }
    async fn sessions(
        &self,
        application: ApplicationId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        self.inner.sessions(application, user, now).await
    }
    async fn users(&self, application: ApplicationId, filter: UserFilter) -> Result<Vec<User>, StoreError> {
        self.inner.users(application, filter).await
    }
    async fn forget_people(&self, now: Timestamp) -> Result<(), StoreError> {
        self.inner.forget_people(now).await
    }
}
