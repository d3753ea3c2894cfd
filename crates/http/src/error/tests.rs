//! Each failure's status, and when to come back.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use backstop_domain::{
    channel::Channel,
    clock::Timestamp,
    factor::password::InvalidPassword,
    limit::{LimitExceeded, LimitName},
    ports::StoreError,
    verification::{NotRedeemable, Status},
};
use backstop_engine::{
    manage::{Denied, ManageError},
    sign_in::{SignInError, SignUpError},
    sms_backup::SmsBackupError,
    verify::{CancelError, ChannelRefused, CheckError, ReadError, RedeemError, ResendError, StartError},
};

use super::{Code, Problem};

#[test]
fn a_code_once_out_keeps_its_status() {
    let all: Vec<String> =
        Code::ALL.map(|code| format!("{} {}", code.status().as_u16(), code.as_str())).to_vec();
    insta::assert_snapshot!(all.join("\n"), @"
    400 invalid_json
    400 invalid_request
    400 invalid_recipient
    400 unknown_channel
    400 invalid_idempotency_key
    401 unauthorized
    401 sign_in_refused
    401 emergency_key_wrong
    403 emergency_not_served
    404 emergency_off
    409 emergency_request_over
    401 mfa_token_invalid
    401 session_ended
    403 needs_secret_key
    403 origin_not_allowed
    403 purpose_not_public
    403 channel_not_public
    403 development_only
    403 callback_refused
    403 step_up_required
    403 sms_backup_off
    404 not_found
    404 not_held
    405 method_not_allowed
    408 request_timeout
    409 already_redeemed
    409 redeem_too_late
    409 not_approved
    409 not_redeemable
    409 other_purpose
    409 address_taken
    409 verification_ended
    409 idempotency_in_progress
    413 body_too_large
    415 unsupported_media_type
    422 country_not_allowed
    422 channel_cannot_reach
    422 below_floor
    422 channel_not_configured
    422 no_channel
    422 same_way
    422 not_right
    422 password_refused
    422 wrong_form
    422 idempotency_key_reused
    429 rate_limited
    429 too_many_tries
    431 too_many_headers
    500 internal
    503 unavailable
    ");
}

fn limited() -> LimitExceeded {
    LimitExceeded { limit: LimitName::RecipientPerHour, retry_at: Timestamp::from_millis(10_001) }
}

#[test]
fn every_refusal_of_the_engine_has_its_code() {
    let bad_row = StoreError::BadRow { table: "t", column: "c", key: "k".into(), problem: "p".into() };
    let unavailable = StoreError::Unavailable("full".into());
    let problems: [(&str, Problem); 42] = [
        ("start: field", StartError::NeedsSecretKey("wait").into()),
        ("start: purpose", StartError::PurposeNotPublic.into()),
        ("start: channel", StartError::Channel(ChannelRefused::NotPublic).into()),
        ("start: country", StartError::CountryNotAllowed.into()),
        ("start: reach", StartError::Channel(ChannelRefused::CannotReach(Channel::Email)).into()),
        ("start: floor", StartError::Channel(ChannelRefused::BelowFloor(Channel::Email)).into()),
        ("start: provider", StartError::Channel(ChannelRefused::NotConfigured(Channel::Voice)).into()),
        ("start: none", StartError::NoChannel.into()),
        ("start: bounds", StartError::OutOfBounds { field: "locale", problem: "must be a tag" }.into()),
        ("start: limit", StartError::Limited(limited()).into()),
        ("start: body", StartError::OtherBody.into()),
        ("start: busy", StartError::InProgress.into()),
        ("start: store", StartError::Store(unavailable).into()),
        ("check: none", CheckError::NotFound.into()),
        ("check: form", CheckError::WrongForm.into()),
        ("check: key", CheckError::NeedsSecretKey.into()),
        ("check: limit", CheckError::Limited(limited()).into()),
        ("resend: ended", ResendError::Ended(Status::Approved).into()),
        ("cancel: ended", CancelError::Ended(Status::Approved).into()),
        ("list: key", ReadError::NeedsSecretKey.into()),
        ("redeem: purpose", RedeemError::OtherPurpose.into()),
        ("redeem: again", RedeemError::NotRedeemable(NotRedeemable::Already).into()),
        ("redeem: late", RedeemError::NotRedeemable(NotRedeemable::TooLate).into()),
        ("redeem: early", RedeemError::NotRedeemable(NotRedeemable::NotApproved).into()),
        ("redeem: a sign-in", RedeemError::NotRedeemable(NotRedeemable::SignsIn).into()),
        ("sign-in: refused", SignInError::Refused.into()),
        ("sign-in: locked", SignInError::Locked { until: Some(Timestamp::from_millis(1)) }.into()),
        ("sign-in: closed", SignInError::Locked { until: None }.into()),
        ("sign-in: token", SignInError::MfaToken.into()),
        ("sign-in: same", SignInError::SameWay.into()),
        ("sign-up: taken", SignUpError::AddressTaken.into()),
        ("sign-up: password", SignUpError::Password(InvalidPassword::TooShort).into()),
        ("manage: nobody", ManageError::Denied(Denied::NotFound).into()),
        ("manage: key", ManageError::Denied(Denied::NeedsSecretKey).into()),
        ("manage: over", ManageError::Denied(Denied::SessionEnded).into()),
        ("manage: stale", ManageError::Denied(Denied::StepUp).into()),
        ("manage: taken", ManageError::AddressTaken.into()),
        ("manage: none", ManageError::NotHeld.into()),
        ("manage: wrong", ManageError::NotRight.into()),
        ("sms backup: off", SmsBackupError::Off.into()),
        ("bad row", bad_row.into()),
        ("mistake", StoreError::Internal("m".into()).into()),
    ];
    let all: Vec<String> = problems
        .iter()
        .map(|(what, problem)| {
            let code = problem.code();
            format!("{what}: {} {}: {}", code.status().as_u16(), code.as_str(), problem.detail)
        })
        .collect();
    insta::assert_snapshot!(all.join("\n"), @"
    start: field: 403 needs_secret_key: `wait` is the application's to say
    start: purpose: 403 purpose_not_public: the application lists the purposes that are public
    start: channel: 403 channel_not_public: the application lists the channels that are public
    start: country: 422 country_not_allowed: codes are not sent to numbers of this region
    start: reach: 422 channel_cannot_reach: email needs another kind of recipient
    start: floor: 422 below_floor: the purpose asks for a stronger channel than email
    start: provider: 422 channel_not_configured: no provider is configured for voice
    start: none: 422 no_channel: none of the channels that are configured reaches the recipient and is strong enough for the purpose
    start: bounds: 400 invalid_request: `locale` must be a tag
    start: limit: 429 rate_limited: the limit recipient_per_hour is used up
    start: body: 422 idempotency_key_reused: take a new key for a new request
    start: busy: 409 idempotency_in_progress: nothing was done by this call; ask again for the first one's answer
    start: store: 503 unavailable: nothing was done; try again
    check: none: 404 not_found: this application has no such verification
    check: form: 422 wrong_form: the code has another length; this counted as no check
    check: key: 403 needs_secret_key: checking by recipient takes a secret key
    check: limit: 429 rate_limited: the limit recipient_per_hour is used up
    resend: ended: 409 verification_ended: its status is approved
    cancel: ended: 409 verification_ended: its status is approved
    list: key: 403 needs_secret_key: listing takes a secret key
    redeem: purpose: 409 other_purpose: nothing was redeemed
    redeem: again: 409 already_redeemed: a proof is handed over once
    redeem: late: 409 redeem_too_late: start a new verification
    redeem: early: 409 not_approved: the right code has not come
    redeem: a sign-in: 409 not_redeemable: a sign-in answers with tokens; there is nothing to redeem
    sign-in: refused: 401 sign_in_refused: wrong, unknown, used up or over: what it was is not told
    sign-in: locked: 429 too_many_tries: nothing was looked at
    sign-in: closed: 429 too_many_tries: this way in opens again only when it is set up anew
    sign-in: token: 401 mfa_token_invalid: begin again with a first way
    sign-in: same: 422 same_way: `ways` named those that would do
    sign-up: taken: 409 address_taken: a confirmed address belongs to one user of the application alone
    sign-up: password: 422 password_refused: `password`: a password has at least 8 characters
    manage: nobody: 404 not_found: this application has no such user
    manage: key: 403 needs_secret_key: this call takes a secret key
    manage: over: 401 session_ended: sign in again
    manage: stale: 403 step_up_required: the sign-in is too long ago or not sure enough: POST /v1/sign-in/step-up says how to renew it
    manage: taken: 409 address_taken: a confirmed address belongs to one user of the application alone
    manage: none: 404 not_held: the user has none such
    manage: wrong: 422 not_right: nothing was changed
    sms backup: off: 403 sms_backup_off: `sign_in.sms_backup` is off
    bad row: 500 internal: this is our mistake; the request id finds it in our log
    mistake: 500 internal: this is our mistake; the request id finds it in our log
    ");
}

async fn written(problem: Problem, now: Timestamp) -> (Response, String) {
    let response = problem.clone().into_response();
    let (parts, body) = problem.write(response, "req_1", now).into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (Response::from_parts(parts, axum::body::Body::empty()), String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn whoever_waits_out_retry_after_is_never_too_early() {
    for (now, seconds) in [(0, "11"), (1, "10"), (9_001, "1"), (9_000, "2"), (10_001, "1"), (20_000, "1")] {
        let (response, _) = written(limited().into(), Timestamp::from_millis(now)).await;
        assert_eq!(response.headers()["retry-after"], seconds, "{now}");
        let passes = Timestamp::from_millis(now) + Duration::from_secs(seconds.parse().unwrap());
        assert!(passes >= limited().retry_at);
    }
}

#[tokio::test]
async fn a_refusal_by_a_limit_names_it() {
    let (response, body) = written(limited().into(), Timestamp::from_millis(1)).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["ratelimit"], "\"recipient_per_hour\";r=0;t=10");
    insta::assert_snapshot!(body, @r#"
    {"type":"/docs#errors-rate_limited","title":"A limit is used up","status":429,"detail":"the limit recipient_per_hour is used up","code":"rate_limited","request_id":"req_1","limit":"recipient_per_hour","retry_after":10}
    "#);
}

#[tokio::test]
async fn a_mistake_of_ours_is_not_explained_to_strangers() {
    let (_, body) =
        written(Problem::internal("table verifications is on fire"), Timestamp::from_millis(0)).await;
    assert!(!body.contains("fire"), "{body}");
}
