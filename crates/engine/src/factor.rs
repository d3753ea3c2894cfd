//! Managing the ways in that a person holds, one file each; and [`passkey`], the one that needs more than a pure rule.
//!
//! Binding a way is told to the person and leaves their sessions. Removing one, or changing the password, is told too and ends
//! every session but the one that it was done from: whoever got in with the old way is out.

mod backup_codes;
mod devices;
mod offline;
pub mod passkey;
mod passkeys;
mod password;
mod pin;
mod totp;

use backstop_domain::{
    event::{EventKind, EventResult},
    factor::Factor,
    notice::{Detail, NoticeKind},
    ports::store::File,
    token::Acr,
};

use crate::{
    manage::{Manager, Refusal, can_get_in, end_others, own_session},
    people::Scene,
};

pub use backup_codes::BackupCodesReport;
pub use devices::{DeviceReport, PinReport};
pub use offline::OfflineGrant;
pub use passkeys::{NewPasskeyRequest, PasskeyReport};
pub use totp::TotpEnrolled;

/// A way in was bound: its tries start afresh, and the person hears of it.
fn bound(scene: &Scene, file: &mut File, factor: Factor, kind: EventKind) {
    file.tries.reset();
    scene.record(file, kind, EventResult::Done, None);
    scene.notify(file, NoticeKind::FactorAdded, Detail::default().with_factor(factor.as_str()));
}

/// A way in was removed: the person hears of it, and whoever got in with it is out.
fn removed(
    manager: &Manager,
    scene: &Scene,
    file: &mut File,
    factor: Factor,
    kind: EventKind,
) -> Result<(), Refusal> {
    scene.record(file, kind, EventResult::Done, None);
    scene.notify(file, NoticeKind::FactorRemoved, Detail::default().with_factor(factor.as_str()));
    end_others(manager, scene, file);
    Ok(())
}

/// Whether the person may take this from themselves: not if they could not sign in any more.
fn not_the_last(manager: &Manager, file: &File) -> Result<(), Refusal> {
    let is_last = file.user.as_ref().is_some_and(|user| !can_get_in(user));
    if manager.is_person() && is_last { Err(Refusal::LastWay) } else { Ok(()) }
}

/// The person showed a new second way in a session that other ways began: it is a session of two ways from now on.
fn showed(manager: &Manager, file: &mut File, factor: Factor) {
    let Some(session) = own_session(manager, file) else { return };
    let words = factor.amr();
    if !words.iter().all(|word| session.amr.iter().any(|said| said == word)) {
        session.acr = Acr::Aal2;
        for word in words {
            if !session.amr.iter().any(|said| said == word) {
                session.amr.push((*word).to_owned());
            }
        }
    }
}
