//! Making, reading, changing and erasing users.

use backstop_domain::{
    event::{Actor, Event, EventKind},
    id::UserId,
    recipient::Recipient,
    user::{Role, SecondFactor},
};
use backstop_engine::{
    manage::Manager,
    users::{NewAddress, NewUser, UserChanges, UserQuery, UserReport},
};

use super::Person;
use crate::{
    control::protocol::{
        AddressRow, ControlReply, EraseReply, ExportReply, FactorsRow, PersonChanges, Private, UserRow,
        UsersReply,
    },
    wiring::Installation,
};

/// Users in one answer.
const PAGE: u32 = 100;

pub(super) async fn create(
    installation: &Installation,
    manager: Manager,
    addresses: Vec<NewAddress>,
    (role, locale, second_factor): (Option<Role>, Option<String>, Option<SecondFactor>),
) -> anyhow::Result<ControlReply> {
    let new = NewUser {
        addresses,
        locale,
        role: role.unwrap_or_default(),
        second_factor: second_factor.unwrap_or_default(),
        ..NewUser::default()
    };
    let made = installation.engine.create_user(&manager, new, None).await?;
    Ok(ControlReply::User(row(&manager, made, false)))
}

pub(super) async fn list(
    installation: &Installation,
    manager: Manager,
    (role, address, after): (Option<Role>, Option<&Private>, Option<UserId>),
) -> anyhow::Result<ControlReply> {
    let address = address.map(|text| read(&manager, text)).transpose()?;
    let page = installation.engine.users(&manager, UserQuery { address, role, after, limit: PAGE }).await?;
    let users = page.users.into_iter().map(|user| row(&manager, user, false)).collect();
    Ok(ControlReply::Users(UsersReply { users, next: page.next }))
}

pub(super) async fn show(
    installation: &Installation,
    Person { manager, user }: Person,
    reveal: bool,
) -> anyhow::Result<ControlReply> {
    let report = installation.engine.user(&manager, user).await?;
    if reveal {
        // Recorded before anybody reads it: if it cannot be, nobody does.
        let read = Event::new(installation.clock.now(), EventKind::UserExported, Actor::CommandLine);
        let application = Some(manager.caller.application.id);
        let method = Some("addresses".to_owned());
        installation.engine.record(&Event { application, subject: Some(user), method, ..read }).await?;
    }
    Ok(ControlReply::User(row(&manager, report, reveal)))
}

pub(super) async fn update(
    installation: &Installation,
    Person { manager, user }: Person,
    wanted: PersonChanges,
) -> anyhow::Result<ControlReply> {
    let parsed =
        |texts: &[Private]| texts.iter().map(|text| read(&manager, text)).collect::<Result<Vec<_>, _>>();
    let confirmed = wanted.confirmed;
    let changes = UserChanges {
        role: wanted.role,
        status: wanted.status,
        second_factor: wanted.second_factor,
        locale: wanted.locale.map(|locale| (!locale.is_empty()).then_some(locale)),
        add: parsed(&wanted.add)?.into_iter().map(|to| NewAddress { to, confirmed }).collect(),
        confirm: parsed(&wanted.confirm)?,
        remove: parsed(&wanted.remove)?,
    };
    let changed = installation.engine.update_user(&manager, user, changes).await?;
    Ok(ControlReply::User(row(&manager, changed, false)))
}

pub(super) async fn erase(
    installation: &Installation,
    Person { manager, user }: Person,
) -> anyhow::Result<ControlReply> {
    installation.engine.erase_user(&manager, user).await?;
    Ok(ControlReply::Erase(EraseReply { id: user }))
}

pub(super) async fn export(
    installation: &Installation,
    Person { manager, user }: Person,
) -> anyhow::Result<ControlReply> {
    let document = installation.engine.export_user(&manager, user).await?;
    Ok(ControlReply::Export(ExportReply { document: Private::new(document.to_string()) }))
}

/// Addresses of the two kinds, each of its own.
pub(super) fn new_addresses(
    manager: &Manager,
    (phones, emails): (&[Private], &[Private]),
    confirmed: bool,
) -> anyhow::Result<Vec<NewAddress>> {
    let texts = phones.iter().map(|text| (text, true)).chain(emails.iter().map(|text| (text, false)));
    let mut addresses = Vec::new();
    for (text, phone) in texts {
        let to = read(manager, text)?;
        match (phone, matches!(to, Recipient::Phone(_))) {
            (true, false) => anyhow::bail!("phone: this is not a telephone number"),
            (false, true) => anyhow::bail!("email: this is not an e-mail address"),
            _ => addresses.push(NewAddress { to, confirmed }),
        }
    }
    Ok(addresses)
}

fn read(manager: &Manager, text: &Private) -> anyhow::Result<Recipient> {
    Ok(Recipient::parse(text.expose().trim(), manager.caller.application.default_region)?)
}

fn row(manager: &Manager, user: UserReport, reveal: bool) -> UserRow {
    let addresses = user.addresses.into_iter().map(|address| AddressRow {
        to: Private::new(if reveal { address.to } else { address.masked }),
        kind: if address.phone { "phone" } else { "email" }.to_owned(),
        confirmed_at: address.confirmed_at.map(|at| at.to_rfc3339()),
    });
    let held = user.factors;
    UserRow {
        id: user.id,
        application: manager.caller.application.name.clone(),
        status: user.status,
        role: user.role,
        locale: user.locale,
        second_factor: user.second_factor,
        created_at: user.created_at.to_rfc3339(),
        updated_at: user.updated_at.to_rfc3339(),
        addresses: addresses.collect(),
        factors: FactorsRow {
            password: held.password,
            totp_since: held.totp.map(|at| at.to_rfc3339()),
            backup_codes_left: held.backup_codes_left,
            devices: held.devices,
            pins: held.pins,
            passkeys: held.passkeys,
        },
    }
}
