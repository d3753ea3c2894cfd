//! What would be tried for a recipient and why, and what was tried for a verification.

use backstop_domain::{
    application::Application, attempt::Attempt, channel::Channel, id::VerificationId, purpose::Purpose,
    recipient::Recipient,
};

use super::{codes::find, providers::millis};
use crate::{
    control::{
        protocol::{AttemptRow, ControlReply, Private, Recorded, RecordedReply, RouteReply, RungRow},
        refused,
    },
    wiring::Installation,
};

/// Sends nothing, and keeps nothing of the recipient.
pub(super) fn explain(
    installation: &Installation,
    application: Option<&str>,
    to: &Private,
    purpose: Option<Purpose>,
    channel: Option<Channel>,
) -> anyhow::Result<ControlReply> {
    let application = find(installation, application)?;
    let to = Recipient::parse(to.expose(), application.default_region)?;
    let purpose = purpose.unwrap_or_else(Purpose::login);
    let ladder = channel.map_or_else(|| application.ladder.clone(), |only| vec![only]);
    let floor = application.floor(&purpose);
    let mut explained = installation.engine.explain(&application, &to, &purpose, &ladder);
    let rung = |channel: &Channel| {
        let place = explained.iter().position(|explanation| explanation.channel == *channel);
        let decision = place.map(|place| explained.swap_remove(place).decision);
        let refused = match &decision {
            None => Some("cannot reach this recipient".to_owned()),
            _ if *channel < floor => Some(format!("weaker than {floor}, the floor of {purpose}")),
            Some(decision) if decision.candidates.is_empty() => Some("no provider serves it".to_owned()),
            Some(decision) if decision.order().next().is_none() => {
                Some("none of its providers may be tried".to_owned())
            }
            Some(_) => None,
        };
        RungRow { channel: *channel, refused, decision }
    };
    let rungs: Vec<RungRow> = ladder.iter().map(rung).collect();
    let is_refused = not_allowed(&application, &to).or_else(|| {
        rungs
            .iter()
            .all(|rung| rung.refused.is_some())
            .then(|| "no channel can carry a code there".to_owned())
    });
    Ok(ControlReply::Route(RouteReply {
        to: to.masked(),
        region: to.region().map(|region| region.to_string()),
        application: application.name.clone(),
        purpose: purpose.to_string(),
        refused: is_refused,
        ladder: rungs,
    }))
}

fn not_allowed(application: &Application, to: &Recipient) -> Option<String> {
    let Recipient::Phone(number) = to else { return None };
    let allowed = application.countries.as_ref()?;
    let is_allowed = number.region().is_some_and(|region| allowed.contains(&region));
    (!is_allowed).then(|| "codes are not sent to this country: it is not in countries.allow".to_owned())
}

/// Reads what was decided for a verification of any application.
pub(super) async fn recorded(
    installation: &Installation,
    id: VerificationId,
) -> anyhow::Result<ControlReply> {
    for application in installation.engine.applications() {
        if let Some(view) = installation.store.get(application.id, id).await? {
            let row = view.verification;
            return Ok(ControlReply::Recorded(RecordedReply {
                id,
                to: row.masked.clone(),
                status: row.status_at(installation.clock.now()),
                attempts: view.attempts.iter().map(attempt).collect(),
            }));
        }
    }
    let fix = "an id looks like ver_ and 36 letters, as a start answers it; what is older than store.retention is forgotten";
    Ok(refused("there is no such verification", Some(fix)))
}

fn attempt(attempt: &Attempt) -> AttemptRow {
    let decision = |text: &String| match serde_json::from_str(text) {
        Ok(decision) => Recorded::Decision(decision),
        Err(_) => Recorded::Unreadable(text.clone()),
    };
    AttemptRow {
        channel: attempt.channel,
        provider: attempt.provider.clone(),
        state: attempt.state,
        outcome: attempt.outcome.clone(),
        price: attempt.price.clone(),
        started_at: attempt.started_at.to_rfc3339(),
        answered_millis: attempt.finished_at.map(|at| millis(at.since(attempt.started_at))),
        decision: attempt.decision.as_ref().map(decision),
    }
}
