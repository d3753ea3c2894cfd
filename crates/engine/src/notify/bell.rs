//! Wakes whoever waits for something to be posted. A ring between two looks is not missed: who waits says what it has heard.

use futures::channel::oneshot;
use parking_lot::Mutex;

#[derive(Default)]
struct Rung {
    count: u64,
    waiting: Vec<oneshot::Sender<()>>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Bell(Mutex<Rung>);

impl Bell {
    /// Wakes everybody.
    pub(super) fn ring(&self) {
        let mut rung = self.0.lock();
        rung.count += 1;
        for waiting in rung.waiting.drain(..) {
            // Whoever stopped waiting looks by itself.
            let _ = waiting.send(());
        }
    }

    /// How often it rang.
    pub(super) fn rung(&self) -> u64 {
        self.0.lock().count
    }

    /// Ends once it has rung more often than that.
    pub(super) fn rung_after(&self, heard: u64) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut rung = self.0.lock();
        rung.waiting.retain(|waiting| !waiting.is_canceled());
        if rung.count == heard {
            rung.waiting.push(sender);
        }
        receiver
    }
}
