//! Making a passkey: the options for `navigator.credentials.create`, and the verification of what comes back.
//!
//! A passkey is made to be found without a name and to know its person, so both are required here. No attestation is
//! asked for: it would say which model of authenticator a person has, and we would trust none of them more for it.

use backstop_domain::factor::passkey::{CredentialId, NewPasskey, Passkey, UserHandle};
use serde_json::{Value, json};
use webauthn_rp::{
    RegisteredCredential, Registration, RegistrationServerState,
    bin::{Decode as _, Encode as _},
    request::{
        PublicKeyCredentialDescriptor,
        register::{
            CoseAlgorithmIdentifier, CoseAlgorithmIdentifiers, CredProtect,
            PublicKeyCredentialCreationOptions, PublicKeyCredentialUserEntity,
            RegistrationVerificationOptions, USER_HANDLE_MAX_LEN, UserHandle64,
        },
    },
    response::{
        AuthTransports, Backup, CredentialId as LibraryId,
        register::{
            AuthenticatorExtensionOutputStaticState, CredentialProtectionPolicy, StaticState,
            error::RegCeremonyErr,
        },
    },
};

use super::{
    Begun, Descriptor, Once, PasskeyError, Setting, Step,
    response::plain,
    state::{self, Kind, LIBRARYS_LIFE},
};

/// The person who makes a passkey.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer<'a> {
    /// Our id of the person: the token is good for nobody else.
    pub person: &'a str,
    /// The handle that stands in the person's document, or a new one if none does.
    pub handle: &'a UserHandle,
    /// What tells the person's accounts apart in the authenticator's list.
    pub name: &'a str,
    /// What the authenticator's list shows.
    pub display_name: &'a str,
    /// The passkeys that the person holds: an authenticator with one of them makes no other.
    pub held: &'a [Passkey],
}

/// The first half: what the browser needs to make a passkey.
///
/// # Errors
/// [`PasskeyError::Unreadable`] if a passkey of the person or the system's clock cannot be read.
pub fn registration_options(setting: &Setting<'_>, newcomer: &Newcomer<'_>) -> Result<Begun, PasskeyError> {
    let handle = library_handle(newcomer.handle)?;
    let exclude = newcomer.held.iter().map(|held| descriptor(&held.into())).collect::<Result<_, _>>()?;
    let user = PublicKeyCredentialUserEntity::from(&handle);
    let mut options = PublicKeyCredentialCreationOptions::passkey(&setting.relying_party.id, user, exclude);
    options.pub_key_cred_params = CoseAlgorithmIdentifiers::ALL.remove(CoseAlgorithmIdentifier::Es384);
    options.extensions.cred_protect = CredProtect::None;
    options.timeout = LIBRARYS_LIFE;
    let (server, client) = options.start_ceremony().map_err(|_| PasskeyError::Unreadable)?;
    let mut options = serde_json::to_value(&client).map_err(|_| PasskeyError::Unreadable)?;
    // Names are for eyes only; the library would have them in the form of a login name.
    options["user"]["name"] = json!(newcomer.name);
    options["user"]["displayName"] = json!(newcomer.display_name);
    let library = server.encode().map_err(|_| PasskeyError::Unreadable)?;
    state::begun(setting, Kind::Registration, newcomer.person, options, &library)
}

/// The second half: the passkey, if the response verifies, and what must count once. `name` is what the person calls it.
///
/// # Errors
/// [`PasskeyError`]; nothing was proven then.
pub fn verify_registration(
    setting: &Setting<'_>,
    person: &str,
    token: &str,
    response: &Value,
    name: String,
) -> Result<(NewPasskey, Once), PasskeyError> {
    let opened = state::open(setting, Kind::Registration, person, token)?;
    let server = RegistrationServerState::<USER_HANDLE_MAX_LEN>::decode(&opened.library)
        .map_err(|_| PasskeyError::NotOurs)?;
    let once = state::once(setting, &server, opened.until);
    let response = plain(response)?;
    let response = Registration::from_json_relaxed(&response).map_err(|_| PasskeyError::Malformed)?;
    let options = RegistrationVerificationOptions::<String, String> {
        allowed_origins: &setting.relying_party.origins,
        error_on_unsolicited_extensions: false,
        ..RegistrationVerificationOptions::default()
    };
    let registered = server
        .verify(&setting.relying_party.id, &response, &options)
        .map_err(|error| PasskeyError::Refused(step(&error)))?;
    Ok((passkey(setting, &registered, name)?, once))
}

/// What the person's document keeps.
fn passkey(
    setting: &Setting<'_>,
    registered: &RegisteredCredential<'_, USER_HANDLE_MAX_LEN>,
    name: String,
) -> Result<NewPasskey, PasskeyError> {
    let malformed = |_| PasskeyError::Malformed;
    let agreed = registered.static_state();
    let now = registered.dynamic_state();
    // Extensions that nobody asked for are not agreed upon: kept, they would bind later sign-ins.
    let extensions = AuthenticatorExtensionOutputStaticState {
        cred_protect: CredentialProtectionPolicy::None,
        hmac_secret: None,
    };
    let record = StaticState { extensions, ..agreed }.encode().map_err(|never| match never {})?;
    let transports = serde_json::to_value(registered.transports()).map_err(malformed)?;
    let passkey = Passkey {
        id: CredentialId::new(registered.id().as_ref().to_vec()).map_err(|_| PasskeyError::Malformed)?,
        record,
        counter: now.sign_count,
        backup_eligible: !matches!(now.backup, Backup::NotEligible),
        backed_up: matches!(now.backup, Backup::Exists),
        transports: serde_json::from_value(transports).map_err(malformed)?,
        user_verified: now.user_verified,
        name,
        created_at: setting.now,
        last_used_at: None,
    };
    let handle = registered.user_id().encode().map_err(|never| match never {})?;
    Ok(NewPasskey { handle: UserHandle::from_bytes(handle), passkey })
}

pub(super) fn library_handle(handle: &UserHandle) -> Result<UserHandle64, PasskeyError> {
    UserHandle64::decode(*handle.as_bytes()).map_err(|never| match never {})
}

pub(super) fn descriptor(known: &Descriptor) -> Result<PublicKeyCredentialDescriptor<Vec<u8>>, PasskeyError> {
    let id =
        LibraryId::<Vec<u8>>::decode(known.id.as_bytes().to_vec()).map_err(|_| PasskeyError::Unreadable)?;
    let transports = serde_json::to_value(&known.transports).map_err(|_| PasskeyError::Unreadable)?;
    let transports: AuthTransports =
        serde_json::from_value(transports).map_err(|_| PasskeyError::Unreadable)?;
    Ok(PublicKeyCredentialDescriptor { id, transports })
}

fn step(error: &RegCeremonyErr) -> Step {
    use RegCeremonyErr as E;
    match error {
        E::CollectedClientData(_) | E::CollectedClientDataRelaxed(_) | E::Timeout => Step::ClientData,
        E::ChallengeMismatch => Step::Challenge,
        E::OriginMismatch => Step::Origin,
        E::CrossOrigin | E::TopOriginMismatch => Step::CrossOrigin,
        E::RpIdHashMismatch => Step::RelyingParty,
        E::UserNotPresent => Step::UserPresence,
        E::UserNotVerified => Step::UserVerification,
        E::PublicKeyAlgorithmMismatch => Step::Algorithm,
        E::AttestationSignature => Step::Signature,
        E::AttestationObject(_) | E::PubKey(_) => Step::AuthenticatorData,
        E::BackupEligible | E::BackupNotEligible | E::BackupDoesNotExist => Step::Backup,
        E::Extension(_) => Step::Extension,
        E::Credential(_) | E::MissingAuthenticatorAttachment | E::AuthenticatorAttachmentMismatch => {
            Step::Credential
        }
    }
}
