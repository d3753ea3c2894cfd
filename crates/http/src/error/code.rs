//! The kinds of failure that a caller can tell apart. A code, once out, keeps its meaning.

use http::StatusCode;

/// What went wrong, by a word that programs can rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each title below says what its kind means, in the words that the caller reads"
)]
pub enum Code {
    InvalidJson,
    InvalidRequest,
    InvalidRecipient,
    UnknownChannel,
    InvalidIdempotencyKey,
    Unauthorized,
    SignInRefused,
    EmergencyKeyWrong,
    EmergencyNotServed,
    EmergencyOff,
    EmergencyRequestOver,
    MfaTokenInvalid,
    SessionEnded,
    NeedsSecretKey,
    OriginNotAllowed,
    PurposeNotPublic,
    ChannelNotPublic,
    DevelopmentOnly,
    CallbackRefused,
    StepUpRequired,
    SmsBackupOff,
    NotFound,
    NotHeld,
    MethodNotAllowed,
    RequestTimeout,
    AlreadyRedeemed,
    RedeemTooLate,
    NotApproved,
    NotRedeemable,
    OtherPurpose,
    AddressTaken,
    VerificationEnded,
    IdempotencyInProgress,
    BodyTooLarge,
    UnsupportedMediaType,
    CountryNotAllowed,
    ChannelCannotReach,
    BelowFloor,
    ChannelNotConfigured,
    NoChannel,
    SameWay,
    NotRight,
    PasswordRefused,
    WrongForm,
    IdempotencyKeyReused,
    RateLimited,
    TooManyTries,
    TooManyHeaders,
    Internal,
    Unavailable,
}

impl Code {
    /// Every kind, by its status.
    pub const ALL: [Self; 50] = [
        Self::InvalidJson,
        Self::InvalidRequest,
        Self::InvalidRecipient,
        Self::UnknownChannel,
        Self::InvalidIdempotencyKey,
        Self::Unauthorized,
        Self::SignInRefused,
        Self::EmergencyKeyWrong,
        Self::EmergencyNotServed,
        Self::EmergencyOff,
        Self::EmergencyRequestOver,
        Self::MfaTokenInvalid,
        Self::SessionEnded,
        Self::NeedsSecretKey,
        Self::OriginNotAllowed,
        Self::PurposeNotPublic,
        Self::ChannelNotPublic,
        Self::DevelopmentOnly,
        Self::CallbackRefused,
        Self::StepUpRequired,
        Self::SmsBackupOff,
        Self::NotFound,
        Self::NotHeld,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::AlreadyRedeemed,
        Self::RedeemTooLate,
        Self::NotApproved,
        Self::NotRedeemable,
        Self::OtherPurpose,
        Self::AddressTaken,
        Self::VerificationEnded,
        Self::IdempotencyInProgress,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::CountryNotAllowed,
        Self::ChannelCannotReach,
        Self::BelowFloor,
        Self::ChannelNotConfigured,
        Self::NoChannel,
        Self::SameWay,
        Self::NotRight,
        Self::PasswordRefused,
        Self::WrongForm,
        Self::IdempotencyKeyReused,
        Self::RateLimited,
        Self::TooManyTries,
        Self::TooManyHeaders,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        self.entry().0
    }

    /// The status that it is told with.
    pub const fn status(self) -> StatusCode {
        self.entry().1
    }

    /// What it means, the same for every answer of this kind.
    pub const fn title(self) -> &'static str {
        self.entry().2
    }

    const fn entry(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::InvalidJson => ("invalid_json", S::BAD_REQUEST, "The body is not strict JSON"),
            Self::InvalidRequest => {
                ("invalid_request", S::BAD_REQUEST, "A part of the request cannot be read")
            }
            Self::InvalidRecipient => (
                "invalid_recipient",
                S::BAD_REQUEST,
                "The recipient is neither a telephone number nor an address",
            ),
            Self::UnknownChannel => ("unknown_channel", S::BAD_REQUEST, "There is no such channel"),
            Self::InvalidIdempotencyKey => {
                ("invalid_idempotency_key", S::BAD_REQUEST, "The Idempotency-Key cannot be used")
            }
            Self::Unauthorized => ("unauthorized", S::UNAUTHORIZED, "The call needs a valid key"),
            Self::EmergencyKeyWrong => ("emergency_key_wrong", S::UNAUTHORIZED, "It is not the master key"),
            Self::EmergencyNotServed => (
                "emergency_not_served",
                S::FORBIDDEN,
                "Emergency access is not for this person, or not from there",
            ),
            Self::EmergencyOff => ("emergency_off", S::NOT_FOUND, "Emergency access is off"),
            Self::EmergencyRequestOver => {
                ("emergency_request_over", S::CONFLICT, "The request is used or over: begin again")
            }
            Self::SignInRefused => ("sign_in_refused", S::UNAUTHORIZED, "Nobody is let in with this"),
            Self::MfaTokenInvalid => {
                ("mfa_token_invalid", S::UNAUTHORIZED, "The mfa_token is not valid any more")
            }
            Self::SessionEnded => ("session_ended", S::UNAUTHORIZED, "The session has ended"),
            Self::NeedsSecretKey => ("needs_secret_key", S::FORBIDDEN, "This takes a secret key"),
            Self::OriginNotAllowed => {
                ("origin_not_allowed", S::FORBIDDEN, "Calls are not taken from this origin")
            }
            Self::PurposeNotPublic => {
                ("purpose_not_public", S::FORBIDDEN, "A publishable key cannot start this purpose")
            }
            Self::ChannelNotPublic => {
                ("channel_not_public", S::FORBIDDEN, "A publishable key cannot use this channel")
            }
            Self::DevelopmentOnly => {
                ("development_only", S::FORBIDDEN, "The development profile answers this machine only")
            }
            Self::CallbackRefused => {
                ("callback_refused", S::FORBIDDEN, "The callback is not from the provider's vendor")
            }
            Self::StepUpRequired => {
                ("step_up_required", S::FORBIDDEN, "The person must prove themselves again first")
            }
            Self::SmsBackupOff => ("sms_backup_off", S::FORBIDDEN, "The application has no SMS backup"),
            Self::NotFound => ("not_found", S::NOT_FOUND, "There is no such thing"),
            Self::NotHeld => ("not_held", S::NOT_FOUND, "The user does not hold this"),
            Self::MethodNotAllowed => ("method_not_allowed", S::METHOD_NOT_ALLOWED, "Not with this method"),
            Self::RequestTimeout => ("request_timeout", S::REQUEST_TIMEOUT, "The request took too long"),
            Self::AlreadyRedeemed => {
                ("already_redeemed", S::CONFLICT, "The verification was redeemed before")
            }
            Self::RedeemTooLate => {
                ("redeem_too_late", S::CONFLICT, "The approval is more than ten minutes old")
            }
            Self::NotApproved => ("not_approved", S::CONFLICT, "The verification is not approved"),
            Self::NotRedeemable => ("not_redeemable", S::CONFLICT, "The verification belongs to a sign-in"),
            Self::OtherPurpose => ("other_purpose", S::CONFLICT, "The verification was for another purpose"),
            Self::AddressTaken => ("address_taken", S::CONFLICT, "The address belongs to another user"),
            Self::VerificationEnded => ("verification_ended", S::CONFLICT, "The verification has ended"),
            Self::IdempotencyInProgress => {
                ("idempotency_in_progress", S::CONFLICT, "A call with this Idempotency-Key is in progress")
            }
            Self::BodyTooLarge => ("body_too_large", S::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnsupportedMediaType => (
                "unsupported_media_type",
                S::UNSUPPORTED_MEDIA_TYPE,
                "The body must be plain application/json",
            ),
            Self::CountryNotAllowed => {
                ("country_not_allowed", S::UNPROCESSABLE_ENTITY, "Codes are not sent to this country")
            }
            Self::ChannelCannotReach => {
                ("channel_cannot_reach", S::UNPROCESSABLE_ENTITY, "The channel cannot reach this recipient")
            }
            Self::BelowFloor => {
                ("below_floor", S::UNPROCESSABLE_ENTITY, "The channel is too weak for this purpose")
            }
            Self::ChannelNotConfigured => {
                ("channel_not_configured", S::UNPROCESSABLE_ENTITY, "No provider serves this channel")
            }
            Self::NoChannel => {
                ("no_channel", S::UNPROCESSABLE_ENTITY, "No channel can carry a code to this recipient")
            }
            Self::SameWay => {
                ("same_way", S::UNPROCESSABLE_ENTITY, "This way does not count beside the first")
            }
            Self::NotRight => ("not_right", S::UNPROCESSABLE_ENTITY, "The proof is not right"),
            Self::PasswordRefused => {
                ("password_refused", S::UNPROCESSABLE_ENTITY, "The text cannot become a password")
            }
            Self::WrongForm => {
                ("wrong_form", S::UNPROCESSABLE_ENTITY, "No code of this verification looks like that")
            }
            Self::IdempotencyKeyReused => (
                "idempotency_key_reused",
                S::UNPROCESSABLE_ENTITY,
                "The Idempotency-Key was used for another request",
            ),
            Self::RateLimited => ("rate_limited", S::TOO_MANY_REQUESTS, "A limit is used up"),
            Self::TooManyTries => ("too_many_tries", S::TOO_MANY_REQUESTS, "There were too many tries"),
            Self::TooManyHeaders => (
                "too_many_headers",
                S::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "The request has too many header fields",
            ),
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "Something of ours is broken"),
            Self::Unavailable => {
                ("unavailable", S::SERVICE_UNAVAILABLE, "The service cannot do this just now")
            }
        }
    }
}
