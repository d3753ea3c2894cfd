//! People of a store that is down.

use async_trait::async_trait;
use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    id::UserId,
    ports::store::{Once, People, PersonAct, UserFilter, Whom},
    token::session::Session,
    user::User,
};
use serde_json::Value;

use super::{Down, Stored, down};

#[async_trait]
impl People for Down {
    async fn person(&self, _: PersonAct) -> Stored<Once<Value>> {
        down()
    }
    async fn find(&self, _: ApplicationId, _: Whom) -> Stored<Option<User>> {
        down()
    }
    async fn sessions(&self, _: ApplicationId, _: UserId, _: Timestamp) -> Stored<Vec<Session>> {
        down()
    }
    async fn users(&self, _: ApplicationId, _: UserFilter) -> Stored<Vec<User>> {
        down()
    }
    async fn forget_people(&self, _: Timestamp) -> Stored<()> {
        down()
    }
}
