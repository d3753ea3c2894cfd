//! Everything that is kept about a person, as one JSON document: for them to read, so without what a factor is made of.

use backstop_domain::{
    event::{EventKind, EventResult},
    id::{UserId, VerificationId},
    keyring::Keyring,
    ports::{
        StoreError,
        store::{VerificationFilter, VerificationView, Whom},
    },
    recipient::Recipient,
    token::session::Session,
    user::{User, address_hash},
};
use serde_json::{Value, json};

use super::{UserReport, report::many};
use crate::{
    Engine, VerificationReport,
    manage::{ManageError, Manager},
    people::{Act, Scene},
};

/// Verifications that are read at once.
const PAGE: u32 = 100;

impl Engine {
    /// Everything that is kept about a user. The audit log tells that it was handed out.
    ///
    /// # Errors
    /// Says why nothing is handed out.
    pub async fn export_user(&self, manager: &Manager, user: UserId) -> Result<Value, ManageError> {
        let scene = self.manager_scene(manager);
        self.change(manager, &scene, Act::on(Whom::User(user)), |scene, file| {
            scene.record(file, EventKind::UserExported, EventResult::Done, None);
            Ok(())
        })
        .await?;
        let found = self.seen(manager, user).await?;
        let report = UserReport::of(&found, &scene.ring, scene.now)?;
        let sessions = self.noting(self.store.sessions(scene.application.id, user, scene.now).await)?;
        let verifications = self.verifications_of(&scene, &found).await?;
        Ok(json!({
            "user": described(&found, &report),
            "factors": factors(&found, &report),
            "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
            "verifications": verifications.iter().map(verification).collect::<Vec<_>>(),
        }))
    }

    /// The verifications of the user's confirmed addresses, newest first of each address.
    async fn verifications_of(
        &self,
        scene: &Scene,
        user: &User,
    ) -> Result<Vec<VerificationReport>, StoreError> {
        let unopened = |error| StoreError::Internal(format!("an address of user {}: {error}", user.id));
        let mut found = Vec::new();
        for address in user.confirmed() {
            let to = user.open(&scene.ring, address).map_err(unopened)?;
            let mut before: Option<VerificationId> = None;
            loop {
                let filter = VerificationFilter {
                    recipient: Some(scene.ring.lookup("recipient", to.limit_key().as_bytes())),
                    before,
                    limit: PAGE,
                    now: scene.now,
                    ..VerificationFilter::default()
                };
                let views = self.noting(self.store.list(scene.application.id, filter).await)?;
                let own = views.iter().filter(|view| is_to(&scene.ring, view, &to));
                found.extend(own.map(|view| VerificationReport::of(view, &scene.application, scene.now)));
                before = views.last().map(|view| view.verification.id);
                if many(views.len()) < PAGE {
                    break;
                }
            }
        }
        Ok(found)
    }
}

/// Whether it went to this very address: others share its limits, and may be somebody else's.
fn is_to(ring: &Keyring, view: &VerificationView, to: &Recipient) -> bool {
    let personal = view.verification.open_personal(ring);
    personal
        .is_ok_and(|personal| address_hash(ring, &Recipient::restore(personal.to)) == address_hash(ring, to))
}

fn described(user: &User, report: &UserReport) -> Value {
    let addresses = user.profile.addresses.iter().zip(&report.addresses).map(|(kept, address)| {
        json!({
            "to": address.to,
            "kind": if address.phone { "phone" } else { "email" },
            "added_at": kept.added_at.to_rfc3339(),
            "confirmed_at": address.confirmed_at.map(|at| at.to_rfc3339()),
        })
    });
    json!({
        "id": user.id,
        "created_at": user.created_at.to_rfc3339(),
        "updated_at": user.updated_at.to_rfc3339(),
        "status": user.status,
        "role": user.role,
        "locale": report.locale,
        "second_factor": user.second_factor,
        "addresses": addresses.collect::<Vec<_>>(),
    })
}

fn factors(user: &User, report: &UserReport) -> Value {
    let ways = &user.profile.ways;
    let devices = ways.devices.iter().map(|device| {
        json!({
            "id": device.id,
            "name": device.name,
            "external_id": device.external_id,
            "created_at": device.created_at.to_rfc3339(),
            "trusted_until": device.trusted_until.to_rfc3339(),
            "last_seen_at": device.last_seen_at.to_rfc3339(),
            "network": device.network,
            "has_key": device.public_key.is_some(),
            "pin_set_at": device.pin.as_ref().map(|pin| pin.set_at.to_rfc3339()),
        })
    });
    let passkeys = ways.passkeys.iter().flat_map(|passkeys| passkeys.held()).map(|passkey| {
        json!({
            "id": passkey.id,
            "name": passkey.name,
            "created_at": passkey.created_at.to_rfc3339(),
            "last_used_at": passkey.last_used_at.map(|at| at.to_rfc3339()),
            "backed_up": passkey.backed_up,
        })
    });
    let codes = ways.backup_codes.as_ref();
    json!({
        "password": report.factors.password,
        "totp_since": report.factors.totp.map(|at| at.to_rfc3339()),
        "backup_codes": codes.map(|codes| json!({
            "left": report.factors.backup_codes_left,
            "generated_at": codes.generated_at.to_rfc3339(),
        })),
        "devices": devices.collect::<Vec<_>>(),
        "passkeys": passkeys.collect::<Vec<_>>(),
    })
}

fn session(session: &Session) -> Value {
    json!({
        "id": session.id,
        "kind": session.kind.as_str(),
        "created_at": session.created_at.to_rfc3339(),
        "last_used_at": session.last_used_at.to_rfc3339(),
        "expires_at": session.expires_at.to_rfc3339(),
        "amr": session.amr,
        "acr": session.acr,
        "device": session.device,
        "network": session.network,
        "ended_at": session.ended.map(|ended| ended.at.to_rfc3339()),
        "ended_why": session.ended.map(|ended| ended.why.as_str()),
    })
}

fn verification(report: &VerificationReport) -> Value {
    let attempts = report.attempts.iter().map(|attempt| {
        json!({
            "channel": attempt.channel.as_str(),
            "provider": attempt.provider,
            "started_at": attempt.started_at.to_rfc3339(),
        })
    });
    json!({
        "id": report.id,
        "to": report.to,
        "purpose": report.purpose.as_str(),
        "status": report.status.as_str(),
        "created_at": report.created_at.to_rfc3339(),
        "approved_at": report.approved_at.map(|at| at.to_rfc3339()),
        "attempts": attempts.collect::<Vec<_>>(),
    })
}
