//! What SES says of the account and of our sender.

use backstop_domain::ports::provider::Checkup;
use serde::Deserialize;

use super::answer::Failure;
use crate::exchange::HttpResponse;

/// From which share of the daily quota on a look warns.
const NEARLY_USED: f64 = 0.9;

/// `GetAccount`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    production_access_enabled: bool,
    sending_enabled: bool,
    #[serde(default)]
    enforcement_status: String,
    send_quota: Option<Quota>,
}

#[derive(Deserialize)]
struct Quota {
    #[serde(rename = "Max24HourSend", default)]
    most: f64,
    #[serde(rename = "SentLast24Hours", default)]
    sent: f64,
}

impl Quota {
    /// What is said of it, and what is to be done.
    fn told(&self) -> (String, bool, Option<&'static str>) {
        const MORE: &str = "ask AWS for a higher sending quota";
        if self.most < 0.0 {
            return (format!("{:.0} mails in 24 h, no quota", self.sent), true, None);
        }
        let told = format!("{:.0} of {:.0} mails in 24 h", self.sent, self.most);
        let fix = (self.sent >= self.most * NEARLY_USED).then_some(MORE);
        (told, self.sent < self.most, fix)
    }
}

/// `GetEmailIdentity`: a sender.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Identity {
    #[serde(default)]
    identity_type: String,
    #[serde(default)]
    verified_for_sending_status: bool,
    dkim_attributes: Option<Dkim>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dkim {
    #[serde(default)]
    tokens: Vec<String>,
}

impl Identity {
    /// What became of the wish to have `sender` verified.
    pub(super) fn asked_for(sender: &str, begun: &HttpResponse, now: &HttpResponse) -> Checkup {
        let failure = Failure::read(begun).filter(|_| !begun.is_success());
        let is_there = begun.is_success() || failure.as_ref().is_some_and(Failure::is_already_there);
        if !is_there {
            let finding = failure.map_or_else(|| begun.raw(), |failure| failure.told(begun.status));
            return ill(finding, "check the sender, and that ses:CreateEmailIdentity is allowed");
        }
        let identity = now.json::<Self>().filter(|_| now.is_success());
        let identity = identity.or_else(|| begun.json::<Self>().filter(|_| begun.is_success()));
        match identity {
            Some(identity) if identity.verified_for_sending_status => well("verified already".to_owned()),
            Some(Self { identity_type, dkim_attributes: Some(dkim), .. })
                if identity_type == "DOMAIN" && !dkim.tokens.is_empty() =>
            {
                let records: Vec<String> = dkim
                    .tokens
                    .iter()
                    .map(|token| format!("{token}._domainkey.{sender} CNAME {token}.dkim.amazonses.com"))
                    .collect();
                well(format!("begun; publish in DNS: {}", records.join(", ")))
            }
            _ => well(format!("begun; AWS wrote a mail with a link to {sender}")),
        }
    }
}

/// Reads the answers about the account, the address and its domain.
pub(super) fn read(answers: &[HttpResponse], from: &str) -> Checkup {
    let [account, identities @ ..] = answers else { return ill("not asked".to_owned(), "report this") };
    let (mut said, mut fix) = (Vec::new(), None);
    match account.json::<Account>().filter(|_| account.is_success()) {
        Some(account) => {
            if !account.sending_enabled {
                return ill("sending is paused for the account".to_owned(), "see the SES console");
            }
            if account.enforcement_status == "SHUTDOWN" {
                return ill(
                    "AWS has shut sending down for the account".to_owned(),
                    "see the SES console, reputation",
                );
            }
            if !account.production_access_enabled {
                return ill(
                    "the account is in the SES sandbox: verified recipients alone, 200 mails a day"
                        .to_owned(),
                    "ask AWS for production access",
                );
            }
            said.push("production".to_owned());
            if account.enforcement_status == "PROBATION" {
                said.push("on probation".to_owned());
                fix = Some("see the SES console, reputation");
            }
            if let Some((told, is_left, advice)) = account.send_quota.map(|quota| quota.told()) {
                if !is_left {
                    return ill(told, "ask AWS for a higher sending quota");
                }
                said.push(told);
                fix = fix.or(advice);
            }
        }
        None => match Failure::read(account) {
            // A key that may send and nothing else is as it should be.
            Some(failure) if failure.is_about_permission() => {
                said.push("credentials are good, but may not ask for the account".to_owned());
                fix = Some("to be told, allow ses:GetAccount and ses:GetEmailIdentity");
            }
            Some(failure) => return ill(failure.told(account.status), "check region and credentials"),
            None => return ill(account.raw(), "check base_url: this does not look like SES"),
        },
    }
    let known: Vec<Identity> =
        identities.iter().filter(|answer| answer.is_success()).filter_map(HttpResponse::json).collect();
    let none_is_there = !identities.is_empty()
        && identities
            .iter()
            .all(|answer| Failure::read(answer).is_some_and(|failure| failure.is_not_found()));
    if known.iter().any(|identity| identity.verified_for_sending_status) {
        said.push(format!("sender {from} verified"));
    } else if none_is_there || !known.is_empty() {
        return ill(format!("the sender {from} is not verified"), "backstop providers verify-sender");
    } else {
        said.push("sender not shown".to_owned());
    }
    Checkup { well: true, finding: said.join(", "), fix: fix.map(str::to_owned) }
}

fn well(finding: String) -> Checkup {
    Checkup { well: true, finding, fix: None }
}

fn ill(finding: String, fix: &str) -> Checkup {
    Checkup { well: false, finding, fix: Some(fix.to_owned()) }
}
