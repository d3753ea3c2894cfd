//! The alarm: operators and the application hear it when tries to sign in fail far more often than usual.
//!
//! Every node looks each minute at what the audit log has of the last ten. Whichever is first raises the alarm, in an act that
//! counts once in each hour of the clock for an application, so nobody hears it from each node; and whoever saw the rise looks away for
//! an hour, so nobody is woken each minute. A crash between the look and the act loses nothing: the next look finds the same.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use backstop_domain::{
    application::{Application, ApplicationId},
    clock::Timestamp,
    event::{Actor, EventKind, EventResult},
    factor::failures::{LEAST, USUAL, WINDOW, are_rising, enough},
    notice::{Detail, NoticeKind},
    ports::{
        StoreError,
        store::{Once, Whom},
    },
};
use futures::future;

use crate::{Engine, people::Act};

/// What a look saw.
enum Watched {
    Calm,
    /// Failures rise; whoever was first has raised the alarm.
    Rising,
}

/// How often a node looks.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// The alarm is raised once in each of these.
const AGAIN_AFTER: Duration = Duration::from_secs(3600);

impl Engine {
    pub(crate) async fn watch_failures_forever(self: Arc<Self>) {
        let mut was_silent = false;
        let mut quiet_until: BTreeMap<ApplicationId, Timestamp> = BTreeMap::new();
        while !self.workload.is_stopping() {
            let mut is_silent = false;
            for application in self.applications().filter(|_| self.clock.is_reliable()) {
                let now = self.clock.now();
                if quiet_until.get(&application.id).is_some_and(|until| now < *until) {
                    continue;
                }
                match self.watch(application, now).await {
                    Ok(Watched::Calm) => {}
                    Ok(Watched::Rising) => {
                        quiet_until.insert(application.id, now + AGAIN_AFTER);
                    }
                    Err(error) => {
                        if !was_silent {
                            tracing::warn!(%error, "failed tries to sign in cannot be counted");
                        }
                        is_silent = true;
                    }
                }
            }
            was_silent = is_silent;
            future::select(self.tasks.sleep(LOOK_EVERY), self.workload.stopped()).await;
        }
    }

    async fn watch(&self, application: &Arc<Application>, now: Timestamp) -> Result<Watched, StoreError> {
        let began = now - WINDOW;
        let lately = self.store.failures(application.id, (began, now), u64::MAX).await?.count;
        if lately < LEAST {
            return Ok(Watched::Calm);
        }
        let before = self.store.failures(application.id, (began - USUAL, began), enough(lately)).await?;
        if !are_rising(lately, before, began) {
            return Ok(Watched::Calm);
        }
        let scene = self.scene_in(application, Actor::System);
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
        Ok(Watched::Rising)
    }
}
