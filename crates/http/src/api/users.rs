//! The people of an application: what they are, their factors and their sessions.
//!
//! The application manages all of its users. A person with their own access token sees and changes themselves, under `me`; what
//! they may not change the engine refuses, and a change needs a fresh sign-in.

pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod sessions;
pub(crate) mod sms_backup;

use std::sync::Arc;

use axum::extract::State;
use http::{HeaderName, StatusCode, header};

use crate::{
    Entrance,
    error::Problem,
    extract::{IdempotencyHeader, Json, Manager, OfUser, OfUserByKey, Query},
    openapi::Refusals,
};
use answer::{UserBody, UserPageBody};
use ask::{ChangesBody, NewUserBody, UsersQuery};

pub(crate) type Answer<T> = Result<axum::Json<T>, Problem>;
type Created<T> = Result<(StatusCode, [(HeaderName, String); 1], axum::Json<T>), Problem>;

/// Make a user.
///
/// A confirmed address leads to one user alone and can sign in; say so only of addresses that you know the person holds.
#[utoipa::path(post, path = "/v1/users", operation_id = "create_user", tag = "users", request_body = NewUserBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer, and no second user")),
    responses((status = 201, description = "The user", body = UserBody), Refusals))]
pub(crate) async fn create(
    State(entrance): State<Arc<Entrance>>,
    Manager(manager): Manager,
    header: IdempotencyHeader,
    Json { body, raw }: Json<NewUserBody>,
) -> Created<UserBody> {
    let key = header.bind(&manager.caller, &raw)?;
    let new = body.into_user(&manager.caller.application)?;
    let made = entrance.doors.engine.create_user(&manager, new, key.as_ref()).await?;
    let place = format!("/v1/users/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], axum::Json(UserBody::new(made))))
}

/// List users, oldest first.
#[utoipa::path(get, path = "/v1/users", operation_id = "list_users", tag = "users", params(UsersQuery),
    responses((status = 200, description = "A page", body = UserPageBody), Refusals))]
pub(crate) async fn list(
    State(entrance): State<Arc<Entrance>>,
    Manager(manager): Manager,
    Query(query): Query<UsersQuery>,
) -> Answer<UserPageBody> {
    let query = query.into_query(&manager.caller.application)?;
    let page = entrance.doors.engine.users(&manager, query).await?;
    Ok(axum::Json(UserPageBody::new(page)))
}

/// Read a user.
#[utoipa::path(get, path = "/v1/users/{id}", operation_id = "read_user", tag = "users",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 200, description = "The user", body = UserBody), Refusals))]
pub(crate) async fn read(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
) -> Answer<UserBody> {
    Ok(axum::Json(UserBody::new(entrance.doors.engine.user(&manager, user).await?)))
}

/// Change a user.
///
/// All of it or nothing; what is not named stays. A suspension, or another confirmed telephone, ends the user's other sessions and
/// the trust in their devices. Role, status and what is confirmed are the application's to say.
#[utoipa::path(patch, path = "/v1/users/{id}", operation_id = "change_user", tag = "users", request_body = ChangesBody,
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 200, description = "The user as it is now", body = UserBody), Refusals))]
pub(crate) async fn change(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
    Json { body, .. }: Json<ChangesBody>,
) -> Answer<UserBody> {
    let changes = body.into_changes(&manager.caller.application)?;
    let changed = entrance.doors.engine.update_user(&manager, user, changes).await?;
    Ok(axum::Json(UserBody::new(changed)))
}

/// Erase a user.
///
/// With addresses, factors and sessions. The audit log keeps that it happened.
#[utoipa::path(delete, path = "/v1/users/{id}", operation_id = "erase_user", tag = "users",
    params(("id" = String, Path, description = "The user")),
    responses((status = 204, description = "There is no such user any more"), Refusals))]
pub(crate) async fn erase(
    State(entrance): State<Arc<Entrance>>,
    OfUserByKey { manager, user }: OfUserByKey,
) -> Result<StatusCode, Problem> {
    entrance.doors.engine.erase_user(&manager, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Export everything that is kept about a user.
///
/// For the person to read: without what a factor is made of.
#[utoipa::path(get, path = "/v1/users/{id}/export", operation_id = "export_user", tag = "users",
    security(("key" = []), ("application_and_key" = []), ("access_token" = [])),
    params(("id" = String, Path, description = "The user, or `me` with their access token")),
    responses((status = 200, description = "One document", body = Object), Refusals))]
pub(crate) async fn export(
    State(entrance): State<Arc<Entrance>>,
    OfUser { manager, user }: OfUser,
) -> Answer<serde_json::Value> {
    Ok(axum::Json(entrance.doors.engine.export_user(&manager, user).await?))
}
