//! Making a user, one by one or many from another system.

use backstop_domain::{
    clock::Timestamp,
    event::{EventKind, EventResult},
    factor::{
        password::{Password, PasswordHash},
        totp::Totp,
    },
    id::UserId,
    ports::store::{File, Lookup, Once, Whom},
    user::{Address, MAX_ADDRESSES, Profile, User, Ways},
};

use super::{NewAddress, NewUser, UserReport, locale::locale};
use crate::{
    Engine, IdempotencyKey,
    idempotency::Held,
    manage::{Denied, ManageError, Manager, Refusal},
    people::{Act, Scene},
};

impl Engine {
    /// Makes a user. The application's to do.
    ///
    /// # Errors
    /// Says why there is none.
    pub async fn create_user(
        &self,
        manager: &Manager,
        new: NewUser,
        key: Option<&IdempotencyKey>,
    ) -> Result<UserReport, ManageError> {
        let held = self.hold(&manager.caller, key).map_err(|_| ManageError::InProgress)?;
        let id = self.make(manager, new, held.as_ref(), EventKind::UserCreated).await?;
        self.user(manager, id).await
    }

    /// Makes users out of what another system kept, in order, each by itself: one that cannot be made stops none of the others.
    pub async fn import_users(
        &self,
        manager: &Manager,
        users: Vec<NewUser>,
    ) -> Vec<Result<UserId, ManageError>> {
        let mut made = Vec::with_capacity(users.len());
        for new in users {
            made.push(self.make(manager, new, None, EventKind::UserImported).await);
        }
        made
    }

    async fn make(
        &self,
        manager: &Manager,
        new: NewUser,
        held: Option<&Held<'_>>,
        kind: EventKind,
    ) -> Result<UserId, ManageError> {
        if manager.is_person() {
            return Err(Denied::NeedsSecretKey.into());
        }
        let scene = self.manager_scene(manager);
        let password = self.first_password(&scene, &new).await?;
        let user = user(&scene, new, password)?;
        let confirmed = user.confirmed().map(|address| Lookup::Address(address.hash));
        let act =
            Act { claims: confirmed.collect(), idempotency: Held::of(held), ..Act::on(Whom::User(user.id)) };
        let made = self.person(&scene, act, move |scene, file| join(scene, file, &user, kind));
        match made.await? {
            Once::Done(made) | Once::Before(made) => Ok(made?),
            Once::OtherBody => Err(ManageError::OtherBody),
        }
    }

    pub(super) async fn first_password(
        &self,
        scene: &Scene,
        new: &NewUser,
    ) -> Result<Option<PasswordHash>, ManageError> {
        let Some(text) = &new.password else { return Ok(new.password_hash.clone()) };
        if new.password_hash.is_some() {
            return Err(ManageError::of(
                "password_hash",
                "a password and the hash of one exclude each other",
            ));
        }
        let mut about = vec![scene.application.name.as_str(), scene.application.brand.as_str()];
        about.extend(new.addresses.iter().map(|address| address.to.expose()));
        let password =
            Password::choose(text.expose(), &about).map_err(|error| ManageError::of("password", error))?;
        let random = self.random.clone();
        Ok(Some(self.compute(move || PasswordHash::hash(&password, random.as_ref())).await?))
    }
}

fn join(scene: &Scene, file: &mut File, user: &User, kind: EventKind) -> Result<UserId, Refusal> {
    if !file.owners.is_empty() {
        return Err(Refusal::AddressTaken);
    }
    file.user = Some(user.clone());
    scene.record(file, kind, EventResult::Done, None);
    Ok(user.id)
}

/// The user as it will be written.
pub(super) fn user(scene: &Scene, new: NewUser, password: Option<PasswordHash>) -> Result<User, ManageError> {
    let (application, now) = (scene.application.id, scene.now);
    let id = UserId::new(now, scene.random.as_ref());
    let totp = match &new.totp {
        Some(imported) => {
            let context = scene.context(id, "totp");
            let (seed, form) = (imported.seed.expose(), imported.form);
            let totp = Totp::import(&context, &scene.ring, scene.random.as_ref(), now, seed, form);
            Some(totp.map_err(|error| ManageError::of("totp", error))?)
        }
        None => None,
    };
    Ok(User {
        id,
        application,
        created_at: now,
        updated_at: now,
        status: new.status,
        role: new.role,
        second_factor: new.second_factor,
        profile: Profile {
            locale: new.locale.map(|text| locale(&text)).transpose()?,
            addresses: sealed(scene, id, &new.addresses, now)?,
            ways: Ways { password, totp, ..Ways::default() },
            notices: 0,
        },
    })
}

fn sealed(
    scene: &Scene,
    user: UserId,
    new: &[NewAddress],
    now: Timestamp,
) -> Result<Vec<Address>, ManageError> {
    let mut addresses: Vec<Address> = Vec::new();
    for NewAddress { to, confirmed } in new {
        let owner = (scene.application.id, user);
        let address = Address::seal(&scene.ring, owner, to, (now, *confirmed), scene.random.as_ref());
        if addresses.iter().any(|other| other.hash == address.hash) {
            return Err(ManageError::of("addresses", "an address stands there twice"));
        }
        addresses.push(address);
    }
    if addresses.len() > MAX_ADDRESSES {
        return Err(Refusal::TooManyAddresses.into());
    }
    Ok(addresses)
}
