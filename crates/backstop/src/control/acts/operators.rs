//! Operators: who there is, inviting and removing.

use backstop_domain::{
    event::Actor,
    operator::{Operator, OperatorRole, Removal},
};

use super::super::{
    protocol::{ControlReply, InviteReply, OperatorRow, OperatorsReply, Private, RemovedReply},
    refused,
};
use crate::wiring::Installation;

pub(super) async fn list(installation: &Installation) -> anyhow::Result<ControlReply> {
    let row = |operator: Operator| OperatorRow {
        id: operator.id,
        name: operator.name.to_string(),
        role: operator.role,
        email: operator.masked,
        joined_at: operator.joined_at.to_rfc3339(),
    };
    let operators = installation.engine.operators().await?.into_iter().map(row).collect();
    Ok(ControlReply::Operators(OperatorsReply { operators }))
}

pub(super) async fn invite(installation: &Installation, owner: bool) -> anyhow::Result<ControlReply> {
    let role = if owner { OperatorRole::Owner } else { OperatorRole::Operator };
    let invited = installation.engine.invite_operator(role, Actor::CommandLine).await?;
    let server = &installation.config.server;
    let url = server.public_url.clone().unwrap_or_else(|| format!("http://{}", server.listen));
    Ok(ControlReply::InviteOperator(InviteReply {
        link: Private::new(link(&url, invited.token.expose())),
        role: invited.role,
        expires_at: invited.expires_at.to_rfc3339(),
    }))
}

/// Where whoever is invited joins.
pub(crate) fn link(public_url: &str, token: &str) -> String {
    format!("{public_url}/admin/join?token={token}")
}

pub(super) async fn remove(installation: &Installation, who: &str) -> anyhow::Result<ControlReply> {
    let operators = installation.engine.operators().await?;
    let named = |one: &&Operator| one.id.to_string() == who || one.name.is_same(who);
    let Some(found) = operators.iter().find(named) else {
        return Ok(refused("no such operator", Some("see `backstop operators list`")));
    };
    Ok(match installation.engine.remove_operator(found.id, Actor::CommandLine).await? {
        Removal::Removed => ControlReply::RemoveOperator(RemovedReply { id: found.id }),
        Removal::NotFound => refused("no such operator", Some("see `backstop operators list`")),
        Removal::LastOwner => refused(
            "that is the last owner",
            Some("invite another one first: `backstop operators invite --owner`"),
        ),
    })
}
