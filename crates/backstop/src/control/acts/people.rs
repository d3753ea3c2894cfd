//! The people of an application, and what they hold.
//!
//! The command line may do what the application's secret key may; the audit log names it as the actor.

mod factors;
mod import;
mod users;

use backstop_domain::{id::UserId, recipient::Recipient};
use backstop_engine::{
    manage::{Denied, ManageError, Manager},
    users::UserQuery,
};

use super::codes::{caller, find};
use crate::{
    control::protocol::{ControlReply, PeopleRequest, Private},
    wiring::Installation,
};

/// A command's word on one user.
struct Person {
    manager: Manager,
    user: UserId,
}

pub(super) async fn carry_out(
    installation: &Installation,
    application: Option<&str>,
    act: PeopleRequest,
) -> anyhow::Result<ControlReply> {
    let on = async |user: &Private| person(installation, application, user).await;
    match act {
        PeopleRequest::Create { phones, emails, confirmed, role, locale, second_factor } => {
            let manager = manager(installation, application)?;
            let addresses = users::new_addresses(&manager, (&phones, &emails), confirmed)?;
            users::create(installation, manager, addresses, (role, locale, second_factor)).await
        }
        PeopleRequest::List { role, address, after } => {
            let manager = manager(installation, application)?;
            users::list(installation, manager, (role, address.as_ref(), after)).await
        }
        PeopleRequest::Show { user, reveal } => users::show(installation, on(&user).await?, reveal).await,
        PeopleRequest::Update { user, changes } => {
            users::update(installation, on(&user).await?, changes).await
        }
        PeopleRequest::Erase { user } => users::erase(installation, on(&user).await?).await,
        PeopleRequest::Export { user } => users::export(installation, on(&user).await?).await,
        PeopleRequest::Import { rows, dry_run } => {
            import::import(installation, &manager(installation, application)?, rows, dry_run).await
        }
        PeopleRequest::GenerateCodes { user } => factors::generate(installation, on(&user).await?).await,
        PeopleRequest::CountCodes { user } => factors::count(installation, on(&user).await?).await,
        PeopleRequest::RevokeCodes { user } => factors::revoke_codes(installation, on(&user).await?).await,
        PeopleRequest::ListDevices { user } => factors::devices(installation, on(&user).await?).await,
        PeopleRequest::RevokeDevices { user, device } => {
            factors::revoke_devices(installation, on(&user).await?, device).await
        }
        PeopleRequest::ListSessions { user } => factors::sessions(installation, on(&user).await?).await,
        PeopleRequest::RevokeSessions { user, session } => {
            factors::revoke_sessions(installation, on(&user).await?, session).await
        }
    }
}

fn manager(installation: &Installation, application: Option<&str>) -> anyhow::Result<Manager> {
    Ok(Manager::command_line(caller(installation, application)?))
}

/// The user of an id, or of a confirmed address.
async fn person(
    installation: &Installation,
    application: Option<&str>,
    user: &Private,
) -> anyhow::Result<Person> {
    let engine = &installation.engine;
    if let Ok(user) = user.expose().trim().parse::<UserId>() {
        let names: Vec<String> = match application {
            Some(name) => vec![find(installation, Some(name))?.name.clone()],
            None => engine.applications().map(|application| application.name.clone()).collect(),
        };
        for name in &names {
            let manager = manager(installation, Some(name))?;
            match engine.user(&manager, user).await {
                Ok(_) => return Ok(Person { manager, user }),
                Err(ManageError::Denied(Denied::NotFound)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        anyhow::bail!("no such user\n  fix: `backstop users list` shows who there is");
    }
    let manager = manager(installation, application)?;
    let address = Recipient::parse(user.expose(), manager.caller.application.default_region)
        .map_err(|error| anyhow::anyhow!("neither the id of a user nor an address: {error}"))?;
    let query = UserQuery { address: Some(address), limit: 1, ..UserQuery::default() };
    let found = engine.users(&manager, query).await?.users.into_iter().next();
    match found {
        Some(found) => Ok(Person { manager, user: found.id }),
        None => anyhow::bail!(
            "no user has this address, or it is not confirmed\n  fix: name the user by id; `backstop users list` shows them"
        ),
    }
}
