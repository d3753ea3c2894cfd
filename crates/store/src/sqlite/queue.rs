//! The acts that wait for the writer, by how urgent they are.
//!
//! Whoever types a code waits for the answer, so checks go first; then what is under way already, since a message that
//! was sent is a fact to write down; then new starts. Each kind has a bounded place to wait; when that is full, the
//! caller hears so at once instead of standing behind a disk that does not keep up.

use std::collections::VecDeque;

use backstop_domain::ports::store::StoreError;
use parking_lot::{Condvar, Mutex};

use super::writer::Unit;
use crate::batch::Member;

/// How many acts of one kind may wait.
const MOST: usize = 4096;

/// What goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Somebody has typed a code, or hands a proof over.
    Check,
    /// Attempts, answers, leases, and everything that is rare.
    Work,
    /// A new delivery is asked for.
    Start,
}

type Waiting = VecDeque<Box<dyn Member<Unit>>>;

#[derive(Default)]
struct Lines {
    by_urgency: [Waiting; 3],
    writer_sleeps: bool,
    closed: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Queue {
    lines: Mutex<Lines>,
    arrived: Condvar,
}

impl Queue {
    /// Puts an act at the end of its line.
    pub(super) fn push(&self, urgency: Urgency, member: Box<dyn Member<Unit>>) -> Result<(), StoreError> {
        let mut lines = self.lines.lock();
        let line = &mut lines.by_urgency[urgency as usize];
        if line.len() >= MOST {
            return Err(StoreError::Unavailable(format!("{MOST} writes are waiting")));
        }
        line.push_back(member);
        if lines.writer_sleeps {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Waits for acts and takes up to `most`; none once the queue is closed and empty.
    pub(super) fn take(&self, most: usize) -> Vec<Box<dyn Member<Unit>>> {
        let mut lines = self.lines.lock();
        while lines.by_urgency.iter().all(VecDeque::is_empty) && !lines.closed {
            lines.writer_sleeps = true;
            self.arrived.wait(&mut lines);
            lines.writer_sleeps = false;
        }
        let mut batch = Vec::new();
        for line in &mut lines.by_urgency {
            let count = line.len().min(most - batch.len());
            batch.extend(line.drain(..count));
        }
        batch
    }

    /// Lets the writer end when nothing waits any more.
    pub(super) fn close(&self) {
        self.lines.lock().closed = true;
        self.arrived.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::call;

    fn named(name: u32, ran: &std::sync::Arc<Mutex<Vec<u32>>>) -> Box<dyn Member<Unit>> {
        let ran = ran.clone();
        call(move |_: &mut Unit| {
            ran.lock().push(name);
            Ok(())
        })
        .0
    }

    #[test]
    fn a_check_does_not_wait_behind_starts() {
        let (queue, ran) = (Queue::default(), std::sync::Arc::default());
        for (name, urgency) in [
            (1, Urgency::Start),
            (2, Urgency::Start),
            (3, Urgency::Work),
            (4, Urgency::Check),
            (5, Urgency::Work),
        ] {
            queue.push(urgency, named(name, &ran)).unwrap();
        }
        let connection = super::super::connection::in_memory().unwrap();
        let mut unit = Unit::new(connection, crate::memory::Memory::default());
        for wanted in [3, 2] {
            for mut member in queue.take(3) {
                member.run(&mut unit).unwrap();
            }
            assert!(ran.lock().len() >= wanted);
        }
        assert_eq!(*ran.lock(), [4, 3, 5, 1, 2]);
    }

    #[test]
    fn a_line_of_starts_that_is_full_leaves_room_for_checks() {
        let (queue, ran) = (Queue::default(), std::sync::Arc::default());
        for name in 0..MOST {
            queue.push(Urgency::Start, named(name as u32, &ran)).unwrap();
        }
        let refused = queue.push(Urgency::Start, named(0, &ran));
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
        queue.push(Urgency::Check, named(0, &ran)).unwrap();
    }
}
