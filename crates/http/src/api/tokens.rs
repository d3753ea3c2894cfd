//! Going on with a session: refresh, revoke and introspect its tokens, and the keys that verify them.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use backstop_domain::secret::SecretString;
use backstop_engine::sign_in::Introspection;
use http::header;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{sign_in::answer::TokensBody, verifications::ask::ClientBody};
use crate::{
    Entrance,
    error::Problem,
    extract::{IdempotencyHeader, Json, Manager, Object, SignInCaller},
    openapi::Refusals,
};

type Answer<T> = Result<axum::Json<T>, Problem>;

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefreshTokens)]
pub(crate) struct RefreshBody {
    /// The newest one of the session.
    #[schema(value_type = String)]
    refresh_token: SecretString,
    /// The person, as you see them. Takes a secret key.
    #[schema(value_type = Option<ClientBody>)]
    client: Option<Object<ClientBody>>,
}

/// Exchange a refresh token for new tokens.
///
/// Each is good once. One that was exchanged before ends its session, unless it is the same exchange within ten seconds: the
/// first answer may have got lost.
#[utoipa::path(post, path = "/v1/tokens/refresh", operation_id = "refresh_tokens", tag = "tokens", request_body = RefreshBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same key, body and credential within 60 s get the first answer")),
    responses((status = 200, description = "New tokens", body = TokensBody), Refusals))]
pub(crate) async fn refresh(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    header: IdempotencyHeader,
    Json { body, raw }: Json<RefreshBody>,
) -> Answer<TokensBody> {
    let caller = caller.speaking_for(body.client)?;
    let key = header.bind(&caller, &raw)?;
    let engine = &entrance.doors.engine;
    let tokens = engine.refresh(&caller, &body.refresh_token, key.as_ref()).await?;
    Ok(axum::Json(TokensBody::new(tokens, engine.now())))
}

/// A token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Token)]
pub(crate) struct TokenBody {
    /// An access token; for revoking also a refresh token.
    #[schema(value_type = String)]
    token: SecretString,
}

/// Nothing is left of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Revoked)]
pub(crate) struct RevokedBody {
    revoked: bool,
}

/// End the session of a token.
///
/// Of a refresh or an access token. One that is none of ours is no error (RFC 7009). An access token that is out stays
/// verifiable by its signature until it ends; introspection says that it is over.
#[utoipa::path(post, path = "/v1/tokens/revoke", operation_id = "revoke_token", tag = "tokens", request_body = TokenBody,
    responses((status = 200, description = "The session is over", body = RevokedBody), Refusals))]
pub(crate) async fn revoke(
    State(entrance): State<Arc<Entrance>>,
    caller: SignInCaller,
    Json { body, .. }: Json<TokenBody>,
) -> Answer<RevokedBody> {
    let caller = caller.speaking_for(None)?;
    entrance.doors.engine.revoke(&caller, &body.token).await?;
    Ok(axum::Json(RevokedBody { revoked: true }))
}

/// What an access token is good for now.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Introspection)]
pub(crate) enum IntrospectionBody {
    /// It is good.
    Active(Box<ActiveBody>),
    /// It is not, whatever it is.
    Inactive {
        /// `false`.
        active: bool,
    },
}

/// What a good token says. Times are seconds since 1970.
#[derive(Serialize, ToSchema)]
#[schema(as = ActiveToken)]
pub(crate) struct ActiveBody {
    /// `true`.
    active: bool,
    /// `access_token`, or `emergency_token` of emergency access.
    token_type: &'static str,
    /// Who issued it.
    iss: String,
    /// The application.
    aud: String,
    /// The user.
    sub: String,
    /// The session.
    sid: String,
    /// Names this one token.
    jti: String,
    /// When it was made.
    iat: i64,
    /// Until when it holds.
    exp: i64,
    /// When the person last proved themselves.
    auth_time: i64,
    /// The ways that were gone.
    amr: Vec<String>,
    /// How sure that makes it.
    acr: &'static str,
}

/// Say what an access token is good for now.
///
/// Unlike its signature this knows whether the session has ended and whether the user may sign in. Takes a secret key.
#[utoipa::path(post, path = "/v1/tokens/introspect", operation_id = "introspect_token", tag = "tokens", request_body = TokenBody,
    responses((status = 200, description = "What it says, if it is good", body = IntrospectionBody), Refusals))]
pub(crate) async fn introspect(
    State(entrance): State<Arc<Entrance>>,
    Manager(manager): Manager,
    Json { body, .. }: Json<TokenBody>,
) -> Answer<IntrospectionBody> {
    Ok(axum::Json(match entrance.doors.engine.introspect(&manager, &body.token).await? {
        Introspection::Inactive => IntrospectionBody::Inactive { active: false },
        Introspection::Active { claims, emergency } => IntrospectionBody::Active(Box::new(ActiveBody {
            active: true,
            token_type: if emergency { "emergency_token" } else { "access_token" },
            iss: claims.iss,
            aud: claims.aud,
            sub: claims.sub.to_string(),
            sid: claims.sid.to_string(),
            jti: claims.jti,
            iat: claims.iat,
            exp: claims.exp,
            auth_time: claims.auth_time,
            amr: claims.amr,
            acr: claims.acr.as_str(),
        })),
    }))
}

/// The keys that verify our tokens.
///
/// A JSON Web Key Set. A new key stands here before anything is signed with it.
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "jwks", tag = "tokens", security(()),
    responses((status = 200, description = "The keys", body = Object)))]
pub(crate) async fn jwks(State(entrance): State<Arc<Entrance>>) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=300")], axum::Json(entrance.doors.engine.jwks()))
        .into_response()
}
