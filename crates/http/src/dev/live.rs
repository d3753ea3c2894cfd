//! The event stream of the development inbox.
//!
//! Each event names a region of the page and carries its rendered HTML; a region that did not change is not sent. The
//! inbox's own changes wake the stream; what happens to a verification without one (a check, an expiry) is looked for
//! every second. At most five renderings a second, however busy the inbox is. A new connection gets every region at once, so a browser
//! that was away catches up by connecting again. The stream ends when the service stops.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Query, State},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt as _, stream};
use http::{HeaderValue, header};
use serde_json::json;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::{
    DevPages,
    show::{Filter, Regions},
};

/// How often a verification is looked at that no message speaks of.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest time between two renderings.
const PACE: Duration = Duration::from_millis(200);

/// `GET /dev/inbox/events`.
pub(crate) async fn events(State(pages): State<DevPages>, Query(filter): Query<Filter>) -> Response {
    let desk = pages.desk.clone();
    let closing = async move { desk.closing().await };
    let stream = changes(pages, filter).map(Ok::<_, Infallible>).take_until(Box::pin(closing));
    let mut response = Sse::new(stream).keep_alive(KeepAlive::default()).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    crate::page::guard(response.headers_mut());
    response
}

struct Watch {
    pages: DevPages,
    filter: Filter,
    seen: u64,
    sent: Option<Regions>,
    pace: Interval,
}

fn changes(pages: DevPages, filter: Filter) -> impl Stream<Item = Event> {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watch = Watch { pages, filter, seen: 0, sent: None, pace };
    stream::unfold(watch, |mut watch| async move {
        let events = watch.next().await?;
        Some((stream::iter(events), watch))
    })
    .flatten()
}

impl Watch {
    /// Waits until a region changed. `None` if the page cannot be rendered: the browser connects again.
    async fn next(&mut self) -> Option<Vec<Event>> {
        loop {
            if self.sent.is_some() {
                // Either way the regions are rendered and compared.
                let _ = timeout(LOOK, self.pages.inbox.changed(self.seen)).await;
            }
            self.pace.tick().await;
            self.seen = self.pages.inbox.version();
            let now = Regions::of(&self.pages, self.filter.channel())
                .await
                .inspect_err(|error| tracing::error!(error = %error, "inbox not rendered"))
                .ok()?;
            let events = self.differences(&now);
            self.sent = Some(now);
            if !events.is_empty() {
                return Some(events);
            }
        }
    }

    fn differences(&self, now: &Regions) -> Vec<Event> {
        let before = self.sent.as_ref();
        [
            ("summary", &now.summary, before.map(|sent| &sent.summary)),
            ("switches", &now.switches, before.map(|sent| &sent.switches)),
            ("messages", &now.messages, before.map(|sent| &sent.messages)),
        ]
        .into_iter()
        .filter(|(_, html, sent)| *sent != Some(*html))
        .filter_map(|(region, html, _)| {
            let data = json!({ "version": self.seen, "region": region, "html": html });
            Event::default().event("region").id(self.seen.to_string()).json_data(data).ok()
        })
        .collect()
    }
}
