//! Signing in with a passkey: the options for `navigator.credentials.get`, and the verification of what comes back.
//!
//! By default nobody is named: the authenticator knows its passkeys and names the person, and we tell nothing about
//! anybody. Where the person is known already, the options name that person's passkeys.

use backstop_domain::factor::passkey::{CredentialId, Passkey, UserHandle};
use serde_json::Value;
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication64, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, NonDiscoverableAuthentication64,
    NonDiscoverableAuthenticationServerState, NonDiscoverableCredentialRequestOptions,
    bin::{Decode as _, Encode as _},
    request::{
        Credentials as _, UserVerificationRequirement,
        auth::{
            AllowedCredential, AllowedCredentials, AuthenticationVerificationOptions,
            AuthenticatorAttachmentEnforcement,
        },
        register::{USER_HANDLE_MAX_LEN, UserHandle64},
    },
    response::{
        AuthenticatorAttachment, Backup, CredentialId as LibraryId,
        auth::error::{AuthCeremonyErr, AuthenticatorDataErr},
        register::{CompressedPubKey, DynamicState, StaticState},
    },
};

use super::{
    Begun, Descriptor, Once, PasskeyError, Setting, Step,
    registration::{descriptor, library_handle},
    response::plain,
    state::{self, Kind, LIBRARYS_LIFE},
};

/// Who is to sign in.
#[derive(Debug, Clone, Copy)]
pub enum Whom<'a> {
    /// Whoever holds a passkey.
    Anyone,
    /// One person.
    One {
        /// Our id of the person, or any text in its place for somebody who does not exist: the token is good for nobody else.
        person: &'a str,
        /// The passkeys that may be used: the person's, or decoys. Never empty.
        allow: &'a [Descriptor],
    },
}

/// Whether the authenticator must make sure who the person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserVerification {
    /// It must: where the passkey is the only way in, or both ways at once.
    Required,
    /// It should: where another way was gone before.
    Preferred,
}

/// What a response says about itself before anything is verified: for look-up and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The passkey.
    pub id: CredentialId,
    /// The person, as the authenticator knows them.
    pub handle: Option<UserHandle>,
}

/// What a verified assertion proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// Whether the authenticator made sure who the person is.
    pub user_verified: bool,
    /// The signature counter; `Passkeys::used` judges it under the lock.
    pub counter: u32,
    /// Whether the passkey is copied to other devices.
    pub backed_up: bool,
}

/// The first half: what the browser needs to ask for a passkey.
///
/// # Errors
/// [`PasskeyError::Unreadable`] if a person is named without passkeys, or the system's clock cannot be read.
pub fn sign_in_options(
    setting: &Setting<'_>,
    whom: &Whom<'_>,
    verification: UserVerification,
) -> Result<Begun, PasskeyError> {
    let id = &setting.relying_party.id;
    let verification = match verification {
        UserVerification::Required => UserVerificationRequirement::Required,
        UserVerification::Preferred => UserVerificationRequirement::Preferred,
    };
    match whom {
        Whom::Anyone => {
            let mut options = DiscoverableCredentialRequestOptions::passkey(id);
            (options.0.user_verification, options.0.timeout) = (verification, LIBRARYS_LIFE);
            let (server, client) = options.start_ceremony().map_err(|_| PasskeyError::Unreadable)?;
            let options = serde_json::to_value(&client).map_err(|_| PasskeyError::Unreadable)?;
            let library = server.encode().map_err(|_| PasskeyError::Unreadable)?;
            state::begun(setting, Kind::Anyone, "", options, &library)
        }
        Whom::One { person, allow } => {
            let mut known = AllowedCredentials::with_capacity(allow.len());
            for passkey in *allow {
                known.push(AllowedCredential::from(descriptor(passkey)?));
            }
            let mut options = NonDiscoverableCredentialRequestOptions::second_factor(id, known)
                .map_err(|_| PasskeyError::Unreadable)?;
            (options.options().user_verification, options.options().timeout) = (verification, LIBRARYS_LIFE);
            let (server, client) = options.start_ceremony().map_err(|_| PasskeyError::Unreadable)?;
            let options = serde_json::to_value(&client).map_err(|_| PasskeyError::Unreadable)?;
            let library = server.encode().map_err(|_| PasskeyError::Unreadable)?;
            state::begun(setting, Kind::One, person, options, &library)
        }
    }
}

/// Which passkey a response comes from, and whose: to find the person by. Nothing is proven yet.
///
/// # Errors
/// [`PasskeyError::Malformed`].
pub fn named(response: &Value) -> Result<Named, PasskeyError> {
    let response = plain(response)?;
    let response =
        NonDiscoverableAuthentication64::from_json_relaxed(&response).map_err(|_| PasskeyError::Malformed)?;
    let id = CredentialId::new(response.raw_id().as_ref().to_vec()).map_err(|_| PasskeyError::Malformed)?;
    let handle = response.response().user_handle().map(|handle| handle.encode());
    let handle = handle.transpose().map_err(|never| match never {})?;
    Ok(Named { id, handle: handle.map(UserHandle::from_bytes) })
}

/// The second half: what the response proves about the holder of `stored`, and what must count once. `person` and
/// `handle` are those of the person who holds it.
///
/// # Errors
/// [`PasskeyError`]; nothing was proven then.
pub fn verify_sign_in(
    setting: &Setting<'_>,
    person: &str,
    handle: &UserHandle,
    stored: &Passkey,
    token: &str,
    response: &Value,
) -> Result<(SignedIn, Once), PasskeyError> {
    let opened = state::open(setting, Kind::One, person, token)?;
    let response = plain(response)?;
    let handle = library_handle(handle)?;
    let mut credential = credential(&handle, stored)?;
    let options = AuthenticationVerificationOptions::<String, String> {
        allowed_origins: &setting.relying_party.origins,
        error_on_unsolicited_extensions: false,
        auth_attachment_enforcement: AuthenticatorAttachmentEnforcement::Ignore(false),
        update_uv: true,
        ..AuthenticationVerificationOptions::default()
    };
    let id = &setting.relying_party.id;
    let refused = |error| PasskeyError::Refused(step(&error));
    let once = if opened.kind == Kind::Anyone {
        let server = DiscoverableAuthenticationServerState::decode(&opened.library)
            .map_err(|_| PasskeyError::NotOurs)?;
        let once = state::once(setting, &server, opened.until);
        let response = DiscoverableAuthentication64::from_json_relaxed(&response)
            .map_err(|_| PasskeyError::Malformed)?;
        server.verify(id, &response, &mut credential, &options).map_err(refused)?;
        once
    } else {
        let server = NonDiscoverableAuthenticationServerState::decode(&opened.library)
            .map_err(|_| PasskeyError::NotOurs)?;
        let once = state::once(setting, &server, opened.until);
        let response = NonDiscoverableAuthentication64::from_json_relaxed(&response)
            .map_err(|_| PasskeyError::Malformed)?;
        server.verify(id, &response, &mut credential, &options).map_err(refused)?;
        once
    };
    let proven = credential.dynamic_state();
    let signed_in = SignedIn {
        user_verified: proven.user_verified,
        counter: proven.sign_count,
        backed_up: matches!(proven.backup, Backup::Exists),
    };
    Ok((signed_in, once))
}

type Credential<'a> = AuthenticatedCredential<
    'a,
    'a,
    USER_HANDLE_MAX_LEN,
    CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>,
>;

/// The stored passkey as the library wants it. It starts without a counter and without verification, so that what stands
/// there afterwards is what this assertion says.
fn credential<'a>(handle: &'a UserHandle64, stored: &'a Passkey) -> Result<Credential<'a>, PasskeyError> {
    let unreadable = |_| PasskeyError::Unreadable;
    let id = LibraryId::<&[u8]>::decode(stored.id.as_bytes()).map_err(|_| PasskeyError::Unreadable)?;
    let record = StaticState::decode(&stored.record).map_err(|_| PasskeyError::Unreadable)?;
    let before = DynamicState {
        user_verified: false,
        backup: match (stored.backup_eligible, stored.backed_up) {
            (false, _) => Backup::NotEligible,
            (true, false) => Backup::Eligible,
            (true, true) => Backup::Exists,
        },
        sign_count: 0,
        authenticator_attachment: AuthenticatorAttachment::None,
    };
    AuthenticatedCredential::new(id, handle, record, before).map_err(unreadable)
}

fn step(error: &AuthCeremonyErr) -> Step {
    use AuthCeremonyErr as E;
    match error {
        E::CollectedClientData(_) | E::CollectedClientDataRelaxed(_) | E::Timeout => Step::ClientData,
        E::ChallengeMismatch => Step::Challenge,
        E::OriginMismatch => Step::Origin,
        E::CrossOrigin | E::TopOriginMismatch => Step::CrossOrigin,
        E::RpIdHashMismatch => Step::RelyingParty,
        E::UserNotVerified => Step::UserVerification,
        E::AssertionSignature => Step::Signature,
        E::AuthenticatorData(AuthenticatorDataErr::UserNotPresent) => Step::UserPresence,
        E::AuthenticatorData(_) | E::PubKey(_) => Step::AuthenticatorData,
        E::BackupEligible | E::BackupNotEligible | E::BackupDoesNotExist => Step::Backup,
        E::Extension(_) => Step::Extension,
        E::SignatureCounter
        | E::UserHandleMismatch
        | E::CredentialIdMismatch
        | E::NoMatchingAllowedCredential
        | E::MissingUserHandle
        | E::MissingAuthenticatorAttachment
        | E::AuthenticatorAttachmentMismatch
        | E::Credential(_) => Step::Credential,
    }
}
