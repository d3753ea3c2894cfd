//! Managing the ways in that a person holds, one file each; and [`passkey`], the one that needs more than a pure rule.
//!
//! Binding a way is told to the person and leaves their sessions. Removing one, or putting another in its place, is told too; it ends
//! every session but the one that it was done from, and no device is trusted any more: whoever got in with the old way is out.

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
};

use crate::{
    manage::{Manager, Refusal, can_get_in, end_others, forget_devices, own_session},
    people::Scene,
    sign_in::{Proven, second_factor},
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
fn removed(manager: &Manager, scene: &Scene, file: &mut File, factor: Factor, kind: EventKind) {
    scene.record(file, kind, EventResult::Done, None);
    scene.notify(file, NoticeKind::FactorRemoved, Detail::default().with_factor(factor.as_str()));
    replaced(manager, scene, file);
}

/// A way in is gone, or another one stands in its place: whoever got in with the old one is out.
fn replaced(manager: &Manager, scene: &Scene, file: &mut File) {
    end_others(manager, scene, file);
    forget_devices(scene, file);
}

/// Whether the person may take this from themselves: not if they could not sign in any more.
fn not_the_last(manager: &Manager, file: &File) -> Result<(), Refusal> {
    let is_last = file.user.as_ref().is_some_and(|user| !can_get_in(user));
    if manager.is_person() && is_last { Err(Refusal::LastWay) } else { Ok(()) }
}

/// The person showed a new second way in the session that they speak from.
fn showed(manager: &Manager, scene: &Scene, file: &mut File, factor: Factor) {
    let File { user: Some(user), sessions, .. } = file else { return };
    if let Some(session) = own_session(manager, sessions) {
        second_factor::shown(scene, user, session, &Proven::by(factor));
    }
}
