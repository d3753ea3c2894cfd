//! Registering, listing and removing passkeys.

use backstop_domain::{
    application::Application,
    clock::Timestamp,
    event::EventKind,
    factor::{
        Factor,
        passkey::{CannotAdd, CredentialId, NewPasskey, Passkey, Passkeys, Transport, UserHandle},
        trusted_device::DeviceName,
    },
    id::UserId,
    ports::{
        StoreError,
        store::{File, Lookup, Whom},
    },
};
use serde_json::Value;

use super::{
    bound, not_the_last,
    passkey::{self, Begun, Newcomer, PasskeyError, RelyingParty, Setting},
    removed, showed,
    totp::account,
};
use crate::{
    Engine,
    manage::{Denied, ManageError, Manager, Refusal},
    people::{Act, Scene},
};

/// The second half of a registration.
#[derive(Debug, Clone)]
pub struct NewPasskeyRequest {
    /// The token of the first half.
    pub state: String,
    /// What the browser said.
    pub response: Value,
    /// What the person calls the passkey.
    pub name: String,
}

/// A passkey as its person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyReport {
    /// Names it.
    pub id: CredentialId,
    /// What the person calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last signed the person in.
    pub last_used_at: Option<Timestamp>,
    /// Whether it is copied to other devices of the person.
    pub backed_up: bool,
    /// How a browser can reach it.
    pub transports: Vec<Transport>,
}

impl From<&Passkey> for PasskeyReport {
    fn from(passkey: &Passkey) -> Self {
        Self {
            id: passkey.id.clone(),
            name: passkey.name.clone(),
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
            backed_up: passkey.backed_up,
            transports: passkey.transports.clone(),
        }
    }
}

impl Engine {
    /// An application as authenticators know it. `None`: it has no page that a passkey could be made on.
    pub fn relying_party(&self, application: &Application) -> Option<RelyingParty> {
        RelyingParty::of(self.public_url.as_deref(), &application.origins)
    }

    /// What a browser needs to make a passkey.
    ///
    /// # Errors
    /// Says why none can be made.
    pub async fn passkey_options(&self, manager: &Manager, user: UserId) -> Result<Begun, ManageError> {
        let scene = self.manager_scene(manager);
        let relying_party = self.relying_party(&scene.application).ok_or_else(no_page)?;
        let found = self.may_begin(manager, &scene, user).await?;
        let held = found.profile.ways.passkeys.as_ref();
        let new = UserHandle::new(scene.random.as_ref());
        let (person, name) = (user.to_string(), account(&scene, &found));
        let newcomer = Newcomer {
            person: &person,
            handle: held.map_or(&new, Passkeys::handle),
            name: &name,
            display_name: &name,
            held: held.map(Passkeys::held).unwrap_or_default(),
        };
        let begun = passkey::registration_options(&setting(&scene, &relying_party), &newcomer);
        begun.map_err(|error| StoreError::Internal(format!("a passkey cannot be begun: {error}")).into())
    }

    /// Adds a passkey that a browser made.
    ///
    /// # Errors
    /// [`ManageError::NotRight`] if the response does not verify, or came before.
    pub async fn add_passkey(
        &self,
        manager: &Manager,
        user: UserId,
        request: NewPasskeyRequest,
    ) -> Result<PasskeyReport, ManageError> {
        let scene = self.manager_scene(manager);
        manager.sees(user)?;
        let relying_party = self.relying_party(&scene.application).ok_or_else(no_page)?;
        let name = DeviceName::parse(&request.name)
            .map_err(|_| ManageError::of("name", "is 1 to 64 characters without control characters"))?;
        let (new, once) = passkey::verify_registration(
            &setting(&scene, &relying_party),
            &user.to_string(),
            &request.state,
            &request.response,
            name.as_str().to_owned(),
        )
        .map_err(|error| unverified(user, error))?;
        let act = Act {
            factor: Some(Factor::Passkey),
            claims: vec![Lookup::Passkey(new.passkey.id.lookup())],
            once: Some((once.hash, once.until)),
            ..Act::on(Whom::User(user))
        };
        let (by, report) = (manager.clone(), PasskeyReport::from(&new.passkey));
        self.change(manager, &scene, act, move |scene, file| add(&by, scene, file, &new)).await?;
        Ok(report)
    }

    /// The passkeys of a person, oldest first.
    ///
    /// # Errors
    /// Says why they cannot be read.
    pub async fn passkeys(&self, manager: &Manager, user: UserId) -> Result<Vec<PasskeyReport>, ManageError> {
        let found = self.seen(manager, user).await?;
        Ok(found.profile.ways.passkeys.iter().flat_map(Passkeys::held).map(PasskeyReport::from).collect())
    }

    /// Takes a passkey away.
    ///
    /// # Errors
    /// [`ManageError::NotHeld`] if the person has no such passkey.
    pub async fn remove_passkey(
        &self,
        manager: &Manager,
        user: UserId,
        passkey: CredentialId,
    ) -> Result<(), ManageError> {
        let scene = self.manager_scene(manager);
        let by = manager.clone();
        self.change(manager, &scene, Act::on(Whom::User(user)), move |scene, file| {
            let holder = file.user.as_mut().ok_or(Denied::NotFound)?;
            let gone = holder.profile.ways.passkeys.as_mut().and_then(|held| held.remove(&passkey));
            gone.ok_or(Refusal::NotHeld)?;
            not_the_last(&by, file)?;
            removed(&by, scene, file, Factor::Passkey, EventKind::PasskeyRemoved);
            Ok(())
        })
        .await
    }
}

fn setting<'a>(scene: &'a Scene, relying_party: &'a RelyingParty) -> Setting<'a> {
    Setting {
        application: &scene.application.name,
        relying_party,
        keyring: &scene.ring,
        random: scene.random.as_ref(),
        now: scene.now,
    }
}

fn add(manager: &Manager, scene: &Scene, file: &mut File, new: &NewPasskey) -> Result<(), Refusal> {
    if file.used_before {
        return Err(Refusal::NotRight);
    }
    if !file.owners.is_empty() {
        return Err(Refusal::PasskeyTaken);
    }
    file.use_up = true;
    let holder = file.user.as_mut().ok_or(Denied::NotFound)?;
    Passkeys::add(&mut holder.profile.ways.passkeys, new.clone()).map_err(|refused| match refused {
        CannotAdd::Duplicate => Refusal::PasskeyTaken,
        CannotAdd::TooMany => Refusal::TooManyPasskeys,
        CannotAdd::OtherHandle => Refusal::PasskeyMeanwhile,
    })?;
    if new.passkey.user_verified {
        showed(manager, scene, file, Factor::Passkey);
    }
    bound(scene, file, Factor::Passkey, EventKind::PasskeyAdded);
    Ok(())
}

fn no_page() -> ManageError {
    ManageError::of("passkey", "needs an application with an https origin, or a public_url")
}

fn unverified(user: UserId, error: PasskeyError) -> ManageError {
    tracing::info!(user.id = %user, %error, "a passkey was not registered");
    match error {
        PasskeyError::Expired => ManageError::of("state", "the ceremony took too long; begin again"),
        PasskeyError::Malformed => ManageError::of("response", "is not a public key credential"),
        PasskeyError::NotOurs | PasskeyError::Refused(_) => ManageError::NotRight,
        PasskeyError::Unreadable => {
            StoreError::Internal("what a passkey's ceremony needs cannot be read".into()).into()
        }
    }
}
