//! The alarm: operators and the application hear it when tries to sign in fail far more often than usual.
//!
//! Every node looks each minute at what the audit log has of the last ten. Whichever is first raises the alarm, in an act that
//! counts once an hour for an application, so nobody hears it from each node and nobody is woken each minute. A crash between
//! the look and the act loses nothing: the next look finds the same.

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    application::Application,
    event::{Actor, EventKind, EventResult},
    factor::failures::{LEAST, USUAL, WINDOW, are_rising},
    notice::{Detail, NoticeKind},
    ports::{
        StoreError,
        store::{Once, Whom},
    },
};
use futures::future;

use crate::{
    Engine,
    people::{Act, Scene},
};

/// How often a node looks.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// The alarm is raised once in each of these.
const AGAIN_AFTER: Duration = Duration::from_secs(3600);

impl Engine {
    pub(crate) async fn watch_failures_forever(self: Arc<Self>) {
        let mut was_silent = false;
        while !self.workload.is_stopping() {
            if self.clock.is_reliable() {
                let looked =
                    future::try_join_all(self.applications().map(|application| self.watch(application)));
                let looked = looked.await;
                if let Err(error) = &looked
                    && !was_silent
                {
                    tracing::warn!(%error, "failed tries to sign in cannot be counted");
                }
                was_silent = looked.is_err();
            }
            future::select(self.tasks.sleep(LOOK_EVERY), self.workload.stopped()).await;
        }
    }

    async fn watch(&self, application: &Arc<Application>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let since = now - WINDOW;
        let lately = self.store.failures(application.id, since, now).await?;
        if lately < LEAST {
            return Ok(());
        }
        let before = self.store.failures(application.id, since - USUAL, since).await?;
        if !are_rising(lately, before) {
            return Ok(());
        }
        let scene = Scene {
            application: application.clone(),
            ring: self.keyring(),
            random: self.random.clone(),
            audience: Arc::new(self.audience().clone()),
            now,
            actor: Actor::System,
            address: None,
        };
        let turn = now.as_millis() / i64::try_from(AGAIN_AFTER.as_millis()).unwrap_or(i64::MAX);
        let once = scene.ring.lookup("failures rising", format!("{}|{turn}", application.name).as_bytes());
        // On nobody: what counts once is all that is looked at.
        let act = Act { once: Some((once, now + 2 * AGAIN_AFTER)), ..Act::on(Whom::Address(once)) };
        let raised = self.person(&scene, act, move |scene, file| {
            if file.used_before {
                return false;
            }
            file.use_up = true;
            scene.record(file, EventKind::FailuresRising, EventResult::Done, None);
            scene.notify(file, NoticeKind::FailuresRising, Detail::default().with_failures(lately));
            true
        });
        if let Once::Done(true) = raised.await? {
            tracing::error!(application = %application.name, failures = lately, "tries to sign in fail far more often than usual");
        }
        Ok(())
    }
}
