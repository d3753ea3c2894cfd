//! Looking whether everything works: store, keys, clock, every provider, and if asked a real code.

mod setup;

use backstop_domain::{
    channel::Channel,
    ports::{
        Tasks,
        provider::{Balance, Checkup},
    },
    purpose::Purpose,
    recipient::Recipient,
};
use backstop_engine::verify::{Selection, StartRequest};
use futures::future::{self, Either};

use super::{
    acts::{self, amount, silent},
    protocol::{DoctorLine, DoctorReply, Level, Private},
};
use crate::{
    config::ProviderSettings,
    wiring::{Health, Installation},
};

/// Looks at one thing after another. Never fails: what does not work is a line.
pub(super) async fn examine(
    installation: &Installation,
    send_to_phone: Option<Private>,
    send_to_email: Option<Private>,
) -> DoctorReply {
    let mut lines = vec![config(installation), store(installation).await, keyring(installation).await];
    let looks = installation.config.providers.iter().map(|settings| provider(installation, settings));
    lines.extend(future::join_all(looks).await);
    lines.extend(setup::examine(installation));
    lines.extend(emergency(installation).await);
    for (channel, to) in [(Channel::Sms, send_to_phone), (Channel::Email, send_to_email)] {
        if let Some(to) = to {
            lines.push(send(installation, channel, &to).await);
        }
    }
    DoctorReply { lines }
}

fn line(subject: &str, level: Level, finding: impl Into<String>, fix: Option<String>) -> DoctorLine {
    DoctorLine { subject: subject.to_owned(), level, finding: finding.into(), fix }
}

fn config(installation: &Installation) -> DoctorLine {
    let config = &installation.config;
    let served = |channel: &&Channel| {
        config.providers.iter().any(|provider| provider.enabled && provider.config.channels.contains(channel))
    };
    let unserved: Vec<_> = config.channels.order.iter().filter(|c| !served(c)).map(|c| c.as_str()).collect();
    let finding = format!("{} providers, {} applications", config.providers.len(), config.applications.len());
    if unserved.is_empty() {
        line("config", Level::Well, finding, None)
    } else {
        let channels = unserved.join(", ");
        let fix = format!("add a provider, or take {channels} out of channels.order");
        line("config", Level::Warning, format!("{finding}; no provider serves {channels}"), Some(fix))
    }
}

async fn store(installation: &Installation) -> DoctorLine {
    let Health { level, finding, fix } = installation.backing.health().await;
    line("store", level, finding, fix)
}

async fn keyring(installation: &Installation) -> DoctorLine {
    match installation.store.ring().await {
        Ok(ring) => {
            let age = |at| installation.clock.now().since(at).as_secs() / 86_400;
            let newest = ring.iter().map(|key| key.created_at).max().map_or(0, age);
            line("keyring", Level::Well, format!("{} keys, newest {newest} d", ring.len()), None)
        }
        Err(error) => {
            line("keyring", Level::Broken, error.to_string(), Some("see the line about the store".into()))
        }
    }
}

/// A line if emergency access owes something, or that cannot be read. What is most urgent is said.
async fn emergency(installation: &Installation) -> Option<DoctorLine> {
    match installation.engine.emergency_status().await {
        Ok(status) => {
            let overdue = status.to_review.iter().find(|(_, overdue)| *overdue);
            let (finding, fix) = if let Some(at) = status.key_used_at {
                let fix = "write a new key where the old one is, and start the service again";
                (format!("the master key was used at {}, and was not replaced", at.to_rfc3339()), fix)
            } else if let Some((used, _)) = overdue {
                let finding = format!("what {} was used for was not reviewed within 72 hours", used.session);
                (finding, "see `backstop emergency review --help`")
            } else if status.is_drill_due {
                let finding = "the way in was not tried for 90 days".to_owned();
                (finding, "see the drill in docs/operating/emergency.md")
            } else {
                return None;
            };
            Some(line("emergency", Level::Warning, finding, Some(fix.to_owned())))
        }
        Err(error) => {
            let fix = Some("see the line about the store".to_owned());
            Some(line("emergency", Level::Broken, error.to_string(), fix))
        }
    }
}

async fn provider(installation: &Installation, settings: &ProviderSettings) -> DoctorLine {
    let name = settings.config.name.as_str();
    if !settings.enabled {
        return line(name, Level::Warning, "switched off in the configuration", None);
    }
    let Some(provider) = installation.engine.routes().provider(name) else {
        return line(name, Level::Broken, "not there", None);
    };
    let alarm = installation.tasks.sleep(settings.config.timeout);
    let Either::Left((checkup, _)) = future::select(provider.check_up(), alarm).await else {
        let silent = silent(settings);
        return line(name, Level::Broken, silent.finding, silent.fix);
    };
    let Checkup { well, finding, fix } = checkup;
    if !well {
        return line(name, Level::Broken, finding, fix);
    }
    let health = installation.engine.routes().health(installation.clock.now());
    if health.iter().any(|health| health.name == name && health.is_off) {
        let fix = format!("backstop providers enable {name}");
        return line(name, Level::Warning, format!("{finding}; switched off by an operator"), Some(fix));
    }
    match settings.money.credit_floor {
        Some(floor) => credit(settings, &finding, floor, provider.balance().await),
        None => line(name, Level::Well, finding, fix),
    }
}

/// Whether a floor is kept, beside what was seen.
fn credit(
    settings: &ProviderSettings,
    seen: &str,
    floor: i64,
    balance: Result<Option<Balance>, String>,
) -> DoctorLine {
    let name = settings.config.name.as_str();
    let warn =
        |what: &str, fix: &str| line(name, Level::Warning, format!("{seen}; {what}"), Some(fix.to_owned()));
    match balance {
        Ok(Some(balance)) if balance.micros <= floor => {
            let what = format!("{} left, at or below credit_floor", amount(&balance));
            warn(&what, "top the account up: others go first until then")
        }
        Ok(Some(balance)) => line(name, Level::Well, format!("{seen}; {} left", amount(&balance)), None),
        Ok(None) => warn("it does not say what is left", "take credit_floor out: nothing watches it here"),
        Err(error) => warn(&format!("what is left cannot be read: {error}"), "see the vendor's console"),
    }
}

async fn send(installation: &Installation, channel: Channel, to: &Private) -> DoctorLine {
    let subject = format!("send by {channel}");
    let sent = async {
        let caller =
            acts::caller(installation, installation.config.applications.first().map(|a| a.name.as_str()))?;
        let to = Recipient::parse(to.expose(), caller.application.default_region)?;
        let mut request = StartRequest::new(to, Purpose::login());
        request.selection = Selection::Only(channel);
        request.wait = true;
        anyhow::Ok(installation.engine.start(&caller, request, None).await?)
    };
    match sent.await {
        Ok(started) => match started.used {
            Some((_, provider)) => line(&subject, Level::Well, format!("{provider} took it"), None),
            None => line(
                &subject,
                Level::Broken,
                "no provider took it in 8 s",
                Some("see the lines above".into()),
            ),
        },
        Err(error) => line(&subject, Level::Broken, format!("{error:#}"), None),
    }
}
