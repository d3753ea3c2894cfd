//! Who is connected, and who of them is being answered.
//!
//! There is a fixed number of seats. When all are taken, the next caller gets the seat of whoever has held one longest
//! without being answered; only if everybody is being answered is the caller turned away.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// All seats.
#[derive(Debug)]
pub(super) struct Seats {
    taken: Arc<Mutex<BTreeMap<u64, Arc<Place>>>>,
    next: AtomicU64,
    most: usize,
}

#[derive(Debug, Default)]
struct Place {
    answering: AtomicUsize,
    begun: AtomicU64,
    given_away: CancellationToken,
}

impl Seats {
    pub(super) fn new(most: usize) -> Self {
        Self { taken: Arc::default(), next: AtomicU64::new(0), most: most.max(1) }
    }

    /// A seat for the next caller, if there is one.
    pub(super) fn take(&self) -> Option<Arc<Seat>> {
        let mut taken = self.taken.lock();
        if taken.len() >= self.most {
            let idle = |place: &Place| place.answering.load(Ordering::Acquire) == 0;
            let number = taken.iter().find(|(_, place)| idle(place)).map(|(number, _)| *number)?;
            if let Some(place) = taken.remove(&number) {
                place.given_away.cancel();
            }
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let place = Arc::<Place>::default();
        taken.insert(number, place.clone());
        Some(Arc::new(Seat { number, place, quiet_at: AtomicU64::new(u64::MAX), taken: self.taken.clone() }))
    }
}

/// One connection's seat; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    place: Arc<Place>,
    quiet_at: AtomicU64,
    taken: Arc<Mutex<BTreeMap<u64, Arc<Place>>>>,
}

impl Seat {
    /// Marks that a request is being answered, until the turn is dropped.
    pub(super) fn begin(&self) -> Turn {
        self.place.answering.fetch_add(1, Ordering::AcqRel);
        self.place.begun.fetch_add(1, Ordering::AcqRel);
        Turn(self.place.clone())
    }

    /// Ends when somebody else got the seat.
    pub(super) async fn given_away(&self) {
        self.place.given_away.cancelled().await;
    }

    /// Whether nothing was asked since this was asked before, and nothing is being answered.
    pub(super) fn was_quiet(&self) -> bool {
        let begun = self.place.begun.load(Ordering::Acquire);
        let before = self.quiet_at.swap(begun, Ordering::AcqRel);
        self.place.answering.load(Ordering::Acquire) == 0 && (before == begun || begun == 0)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.taken.lock().remove(&self.number);
    }
}

/// A request being answered.
#[derive(Debug)]
pub(super) struct Turn(Arc<Place>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A body that keeps its turn until it is sent whole: an event stream is not an idle connection.
#[derive(Debug)]
pub(super) struct Held {
    body: Body,
    _turn: Turn,
}

impl Held {
    pub(super) fn new(body: Body, turn: Turn) -> Self {
        Self { body, _turn: turn }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_idle_gives_way_and_nobody_who_is_being_answered() {
        let seats = Seats::new(2);
        let (first, second) = (seats.take().unwrap(), seats.take().unwrap());
        let turn = first.begin();
        let third = seats.take().unwrap();
        assert!(second.place.given_away.is_cancelled());
        assert!(!first.place.given_away.is_cancelled());
        let _other = third.begin();
        assert!(seats.take().is_none());
        drop(turn);
        assert!(seats.take().is_some());
        assert!(first.place.given_away.is_cancelled());
    }

    #[test]
    fn a_seat_is_free_again_when_its_connection_ends() {
        let seats = Seats::new(1);
        for _ in 0..10 {
            let seat = seats.take().unwrap();
            drop(seat);
        }
        assert!(seats.taken.lock().is_empty());
    }
}
