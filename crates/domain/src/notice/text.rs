//! What a mail about a security event says: what happened, when, where from, and what to do if it was not you.
//!
//! Logic-free: fixed words, the brand, and the masked lines of the detail below each other. No link and no code, so that nobody
//! learns to follow one; the telephone number is the operator's own. English, for everybody.

use super::{NewNotice, NoticeKind, Target};

/// A mail as it will be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The subject line.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// What surrounds a notice.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The application's name for people.
    pub brand: &'a str,
    /// The number that people call.
    pub support_phone: Option<&'a str>,
}

/// Subject and first sentence for a person, and what to do if it was somebody else.
const fn words(kind: NoticeKind) -> (&'static str, &'static str, &'static str) {
    const REMOVE: &str = "If this was not you, remove it from your account now and change your password.";
    const ACT: &str = "If this was not you, somebody else may be in your account: change your password now.";
    match kind {
        NoticeKind::NewDevice => {
            ("New device", "A new device can now sign in to your account without a code.", REMOVE)
        }
        NoticeKind::BackupCodeUsed => {
            ("Backup code used", "Somebody signed in to your account with one of your backup codes.", ACT)
        }
        NoticeKind::BackupCodesLow => (
            "Few backup codes left",
            "Only a few of your backup codes are left. Make new ones before you need them.",
            "If you did not use the others yourself, make new ones now: the old ones end with that.",
        ),
        NoticeKind::BackupCodesGenerated => (
            "New backup codes",
            "New backup codes were made for your account. The old ones no longer work.",
            ACT,
        ),
        NoticeKind::FactorAdded => {
            ("New way to sign in", "A new way to sign in was added to your account.", REMOVE)
        }
        NoticeKind::FactorRemoved => {
            ("Way to sign in removed", "A way to sign in was removed from your account.", ACT)
        }
        NoticeKind::PasswordChanged => (
            "Password changed",
            "The password of your account was changed.",
            "If this was not you, set a new password now.",
        ),
        NoticeKind::AddressChanged => {
            ("Address changed", "A telephone number or an e-mail address of your account was changed.", ACT)
        }
        NoticeKind::SessionReuse => (
            "You were signed out",
            "A session of your account was used from two places at once, so it was ended. Sign in again.",
            "This can mean that somebody copied it: look through your devices, and change your password.",
        ),
        NoticeKind::DeviceReplayed => (
            "Device no longer trusted",
            "What a trusted device of yours proves itself with was used twice, so the device was removed.",
            "This can mean that somebody copied it: look through your devices, and change your password.",
        ),
        NoticeKind::EmergencyTried => (
            "Emergency access refused",
            "Somebody tried to get into your account by emergency access and was refused.",
            "If this was not you or one of your administrators, tell them now.",
        ),
        NoticeKind::EmergencyUsed => (
            "Emergency access used",
            "Somebody got into your account by emergency access.",
            "If this was not you or one of your administrators, tell them now.",
        ),
        NoticeKind::SignInLocked => (
            "Sign-in locked",
            "After too many wrong tries a way to sign in to your account is locked for a while. The others work.",
            "If this was not you, somebody is trying to get in. They did not.",
        ),
        NoticeKind::AccountRecovered => (
            "Account recovered",
            "Somebody got back into your account after its usual ways to sign in were lost.",
            ACT,
        ),
        NoticeKind::FailuresRising => (
            "Many failed sign-ins",
            "Tries to sign in fail far more often than usual.",
            "Somebody may be guessing at many people's doors.",
        ),
    }
}

/// What an operator can do about it.
const fn operators_remedy(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::FailuresRising => {
            "Somebody may be guessing at many people's doors. Each network is held to thirty failures an hour; `backstop audit tail` \
             shows what they try. If it is an outage of your own, people type codes that came too late."
        }
        _ => "If nobody of yours did this, change the emergency key, and end the sessions that it opened.",
    }
}

/// The mail of a notice, for whom it is for.
pub fn mail(notice: &NewNotice, around: Surroundings<'_>) -> Mail {
    let (title, happened, remedy) = words(notice.kind);
    let (brand, phone) = (around.brand, around.support_phone);
    let mut lines = vec![("When", when(notice))];
    lines.extend(notice.detail.lines());
    if let (Target::Operator(_), Some(user)) = (&notice.target, notice.user) {
        lines.push(("Person", user.to_string()));
    }
    let lines: String = lines.into_iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let (happened, remedy) = match notice.target {
        Target::Operator(_) => (format!("{title} at {brand}."), operators_remedy(notice.kind).to_owned()),
        Target::Person(_) | Target::Webhook(_) => {
            let call = match phone {
                Some(phone) => format!("You reach us at {phone}."),
                None => "Then contact support.".to_owned(),
            };
            (happened.to_owned(), format!("{remedy} {call}"))
        }
    };
    Mail {
        subject: format!("{brand}: {}", lowered(title)),
        text: format!(
            "{happened}\n\n{lines}\n{remedy}\n\n{brand} never asks for a code or a password by e-mail.\n"
        ),
    }
}

/// `2026-11-20 03:12 UTC`.
fn when(notice: &NewNotice) -> String {
    let text = notice.at.to_rfc3339().replace('T', " ");
    format!("{} UTC", text.get(..16).unwrap_or(&text))
}

fn lowered(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
