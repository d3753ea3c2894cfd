//! A lane: callers' acts of one kind, many in one transaction, on a connection of the lane's own.
//!
//! Acts wait in a bounded queue; when it is full their callers hear `Unavailable` at once. The lane takes what is there,
//! 512 at the most, locks and reads in a few statements what all of them need (a [`Draft`]), runs them one after another
//! in memory, writes what they changed in a few more and commits; while that goes on the next batch gathers. A caller
//! alone waits for nobody. A member that fails does not fail its neighbours: if it had changed the draft, everything is
//! undone and each runs in a transaction of its own. If the connection is lost before the COMMIT, the batch runs once
//! more on a new one; if it is lost during the COMMIT, the [`trace`](super::trace) of the transaction says what became of
//! it before anybody hears. Lanes wait for each other only at a row that both need, a person's own: checks do not stand
//! behind starts.

use async_trait::async_trait;
use backstop_domain::ports::store::StoreError;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::{
    PostgresSettings,
    session::{Line, Session, within},
    trace::Trace,
};
use crate::{
    batch::{self, Answer, Ground, MAX_BATCH, Member, call},
    error::{Failure, Result, ends_the_session, gave_way, internal},
};

/// How many acts may wait.
const QUEUE: usize = 4096;

/// The rows that a batch needs, read and locked; and what its acts make of them.
#[async_trait]
pub(super) trait Draft: Ground + Send + Sized + 'static {
    /// What one act needs.
    type Needs: Send + Sync + 'static;

    /// Begins a transaction and reads and locks what is needed.
    async fn load(session: &mut Session, needs: &[&Self::Needs]) -> Result<Self>;

    /// What the transaction left, for asking what became of it.
    fn trace(&self) -> &Trace;

    /// Writes what was changed, and commits.
    async fn commit(self, session: &mut Session) -> Result<()>;
}

struct Job<D: Draft> {
    needs: D::Needs,
    member: Box<dyn Member<D>>,
}

/// The queue into a lane.
pub(super) struct Lane<D: Draft> {
    queue: mpsc::Sender<Job<D>>,
}

impl<D: Draft> Lane<D> {
    /// A lane, and the work of it: a future that ends once the lane is dropped and what was queued is done.
    pub(super) fn new(settings: PostgresSettings) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, mut waiting) = mpsc::channel(QUEUE);
        let work = async move {
            let mut line = Line::new(settings);
            let mut jobs = Vec::with_capacity(MAX_BATCH);
            while waiting.recv_many(&mut jobs, MAX_BATCH).await > 0 {
                execute(&mut line, std::mem::take(&mut jobs)).await;
            }
        };
        (Self { queue }, work)
    }

    /// Puts an act into the queue.
    pub(super) fn submit<T, F>(&self, needs: D::Needs, act: F) -> std::result::Result<Answer<T>, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut D) -> Result<T> + Send + 'static,
    {
        let (member, answer) = call(act);
        self.queue.try_send(Job { needs, member }).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Unavailable(format!("{QUEUE} writes are waiting")),
            TrySendError::Closed(_) => StoreError::Unavailable("the store has ended".into()),
        })?;
        Ok(answer)
    }
}

/// Runs jobs in one transaction and answers each.
async fn execute<D: Draft>(line: &mut Line, mut jobs: Vec<Job<D>>) {
    match persist(line, &mut jobs).await {
        Ok(outcomes) => {
            for (job, outcome) in jobs.into_iter().zip(outcomes) {
                job.member.answer(outcome);
            }
        }
        Err(error) => {
            let alone = jobs.len() == 1;
            for job in jobs {
                if alone || error.passes() {
                    job.member.answer(Err(error.clone()));
                } else {
                    Box::pin(execute(line, vec![job])).await;
                }
            }
        }
    }
}

/// What each member is to hear.
type Outcomes = Vec<std::result::Result<(), StoreError>>;

/// Why a transaction came to nothing.
enum Trouble {
    /// The connection was lost, or another transaction went before; surely nothing was done.
    Lost(StoreError),
    /// Anything else, or nobody knows.
    Other(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Other(error)
    }
}

/// Once more, if nothing can have been done and nothing is wrong with what was asked.
async fn persist<D: Draft>(
    line: &mut Line,
    jobs: &mut [Job<D>],
) -> std::result::Result<Outcomes, StoreError> {
    let first = match attempt(line, jobs).await {
        Err(Trouble::Lost(error)) => {
            tracing::warn!(%error, "a batch on PostgreSQL begins again");
            attempt(line, jobs).await
        }
        other => other,
    };
    first.map_err(|(Trouble::Lost(error) | Trouble::Other(error))| error)
}

async fn attempt<D: Draft>(line: &mut Line, jobs: &mut [Job<D>]) -> std::result::Result<Outcomes, Trouble> {
    let session = line.session().await?;
    let needs: Vec<&D::Needs> = jobs.iter().map(|job| &job.needs).collect();
    let mut draft = match within(D::load(session, &needs)).await {
        Ok(draft) => draft,
        Err(failure) => return Err(undo(line, failure).await),
    };
    let outcomes = match batch::run(&mut draft, jobs.iter_mut().map(|job| job.member.as_mut())) {
        Ok(outcomes) => outcomes,
        Err(error) => return Err(undo(line, error.into()).await),
    };
    let trace = draft.trace().clone();
    let Err(failure) = within(draft.commit(session)).await else { return Ok(outcomes) };
    if !ends_the_session(&failure) {
        return Err(undo(line, failure).await);
    }
    line.hang_up();
    let error = StoreError::from(failure);
    tracing::warn!(%error, "a COMMIT was not answered; the server is asked what became of it");
    if line.was_committed(&trace).await? { Ok(outcomes) } else { Err(Trouble::Lost(error)) }
}

/// Ends a transaction that failed before its COMMIT. A connection that does not even take that is given up.
async fn undo(line: &mut Line, failure: Failure) -> Trouble {
    let lost = ends_the_session(&failure) || !line.roll_back().await;
    let again = lost || gave_way(&failure);
    if lost {
        line.hang_up();
    }
    let error = StoreError::from(failure);
    if again { Trouble::Lost(error) } else { Trouble::Other(error) }
}

/// What a caller waits for.
pub(super) async fn receive<T>(answer: Answer<T>) -> std::result::Result<T, StoreError> {
    answer.await.unwrap_or_else(|_| Err(internal("the store ended before it answered")))
}
