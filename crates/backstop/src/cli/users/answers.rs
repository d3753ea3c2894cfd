//! Users, for people to read.

use backstop_domain::user::UserStatus;

use crate::{
    cli::{
        Answer, Exit,
        screen::{Style, columns},
    },
    control::protocol::{AddressRow, ControlReply, FactorsRow, Level, UserRow},
};

/// One user, or that one is gone.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    match reply {
        ControlReply::User(user) => Some(Answer::new(one(user, style), Exit::Well)),
        ControlReply::Erase(gone) => {
            Some(Answer::new(format!("{} {} erased", style.lamp(Level::Well), gone.id), Exit::Well))
        }
        _ => None,
    }
}

/// Some users, a line each.
pub fn table(users: &[UserRow], with_title: bool, style: Style) -> String {
    let title = ["", "id", "role", "second", "made", "ways", "addresses"];
    let mut rows = if with_title { vec![title.map(|cell| style.muted(cell)).to_vec()] } else { Vec::new() };
    rows.extend(users.iter().map(|user| {
        let addresses: Vec<_> = user.addresses.iter().map(|address| address.to.expose()).collect();
        vec![
            lamp(user, style),
            user.id.to_string(),
            user.role.to_string(),
            user.second_factor.as_str().to_owned(),
            user.created_at.clone(),
            ways(&user.factors, true),
            addresses.join(", "),
        ]
    }));
    columns(&rows, "")
}

fn one(user: &UserRow, style: Style) -> String {
    let row = |name: &str, text: String| vec![style.muted(name), text];
    let mut rows = vec![
        row("application", user.application.clone()),
        row("role", user.role.to_string()),
        row("second way", user.second_factor.as_str().to_owned()),
    ];
    rows.extend(user.locale.iter().map(|locale| row("language", locale.clone())));
    rows.push(row("made", user.created_at.clone()));
    rows.push(row("changed", user.updated_at.clone()));
    let addresses = user.addresses.iter().map(address);
    rows.extend(
        addresses.enumerate().map(|(place, text)| row(if place == 0 { "addresses" } else { "" }, text)),
    );
    rows.push(row("ways", ways(&user.factors, false)));
    format!("{} {}  {}\n{}", lamp(user, style), user.id, user.status.as_str(), columns(&rows, "  "))
}

fn lamp(user: &UserRow, style: Style) -> String {
    match user.status {
        UserStatus::Active => style.lamp(Level::Well),
        UserStatus::Suspended => style.idle(),
    }
}

fn address(row: &AddressRow) -> String {
    let since = row.confirmed_at.as_ref().map_or("not confirmed".to_owned(), |at| format!("confirmed {at}"));
    format!("{}  {}, {since}", row.to.expose(), row.kind)
}

/// What they hold beside codes that are sent; short: without times and numbers.
fn ways(held: &FactorsRow, short: bool) -> String {
    let many = |count: u32, one: &str| match count {
        0 => None,
        1 => Some(if short { one.to_owned() } else { format!("1 {one}") }),
        count => Some(format!("{count} {one}s")),
    };
    let totp = held.totp_since.as_ref().map(|at| match short {
        true => "totp".to_owned(),
        false => format!("authenticator app since {at}"),
    });
    let all = [
        held.password.then(|| "password".to_owned()),
        totp,
        held.backup_codes_left.map(|left| many(left, "backup code").unwrap_or("no backup codes left".into())),
        many(held.devices, "device"),
        many(held.pins, "PIN"),
        many(held.passkeys, "passkey"),
    ];
    let all: Vec<_> = all.into_iter().flatten().collect();
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}
