//! Many callers, one transaction.
//!
//! A batch runs its members in the order of their arrival between one `begin` and one `commit`, and each caller hears
//! back only after the commit that made its own change durable. A member that fails does not fail its neighbours: if it
//! had changed nothing, it alone is told; if it had, the batch is undone and every member runs again in a transaction
//! of its own. When the database itself cannot be written, the whole batch is told so at once and nothing is retried.
//! Members are run-again-able for that reason, and must compute everything from what they read. Nothing here knows a
//! database: a [`Ground`] does. SQLite's transactions run on the writer's thread ([`execute`]), PostgreSQL's wait for the
//! network and only share how members are run ([`run`]). A crash before the commit leaves nothing of the batch; one after it loses answers only.

use std::{
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
};

use backstop_domain::ports::store::StoreError;
use futures::channel::oneshot;

use crate::error::{Failure, internal};

/// The most members of one transaction.
pub(crate) const MAX_BATCH: usize = 512;

/// What members run on, inside one transaction.
pub(crate) trait Ground {
    /// A number that grows with every change.
    fn mark(&self) -> u64;
}

/// A connection that runs its transactions on the calling thread, with the memory that belongs to them.
pub(crate) trait Transactions: Ground {
    /// Begins a transaction, with a memory that agrees with the rows.
    fn begin(&mut self) -> Result<(), StoreError>;
    /// Makes it durable.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Undoes it, in the rows and in the memory.
    fn undo(&mut self);
}

/// One caller's act.
pub(crate) trait Member<G>: Send {
    /// Runs it; again, if the first time was undone.
    fn run(&mut self, ground: &mut G) -> Result<(), StoreError>;
    /// Tells the caller, after the commit or the failure.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Call<G, T, F> {
    act: F,
    result: Option<T>,
    caller: oneshot::Sender<Result<T, StoreError>>,
    ground: PhantomData<fn(&mut G)>,
}

/// What a caller waits on.
pub(crate) type Answer<T> = oneshot::Receiver<Result<T, StoreError>>;

/// Makes an act into a member, and the place where its answer arrives.
pub(crate) fn call<G: 'static, T, F>(act: F) -> (Box<dyn Member<G>>, Answer<T>)
where
    T: Send + 'static,
    F: FnMut(&mut G) -> Result<T, Failure> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(Call { act, result: None, caller, ground: PhantomData }), answer)
}

impl<G, T, F> Member<G> for Call<G, T, F>
where
    T: Send,
    F: FnMut(&mut G) -> Result<T, Failure> + Send,
{
    fn run(&mut self, ground: &mut G) -> Result<(), StoreError> {
        self.result = None;
        self.result = Some((self.act)(ground)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { result, caller, .. } = *self;
        let missing = || internal("an act ended without a result");
        // A caller that went away does not want to know: what was done stays done.
        let _ = caller.send(outcome.and_then(|()| result.ok_or_else(missing)));
    }
}

/// Runs `members` in one transaction and answers each.
pub(crate) fn execute<G: Transactions>(ground: &mut G, mut members: Vec<Box<dyn Member<G>>>) {
    match attempt(ground, &mut members) {
        Ok(outcomes) => {
            for (member, outcome) in members.into_iter().zip(outcomes) {
                member.answer(outcome);
            }
        }
        Err(error) => {
            ground.undo();
            let alone = members.len() == 1;
            for member in members {
                if alone || error.passes() {
                    member.answer(Err(error.clone()));
                } else {
                    execute(ground, vec![member]);
                }
            }
        }
    }
}

fn attempt<G: Transactions>(
    ground: &mut G,
    members: &mut [Box<dyn Member<G>>],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    ground.begin()?;
    let outcomes = run(ground, members.iter_mut().map(AsMut::as_mut))?;
    ground.commit()?;
    Ok(outcomes)
}

/// What each member is to hear once all of it is durable.
///
/// # Errors
/// Why none of it can be: a member failed halfway, or the database is out of reach.
pub(crate) fn run<'a, G: Ground + 'a>(
    ground: &mut G,
    members: impl Iterator<Item = &'a mut (dyn Member<G> + 'static)>,
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut outcomes = Vec::with_capacity(members.size_hint().0);
    for member in members {
        let before = ground.mark();
        let ran = catch_unwind(AssertUnwindSafe(|| member.run(ground)))
            .unwrap_or_else(|_| Err(internal("an act panicked; its transaction was undone")));
        match ran {
            Err(error) if error.passes() || ground.mark() != before => {
                return Err(error);
            }
            outcome => outcomes.push(outcome),
        }
    }
    Ok(outcomes)
}

#[cfg(test)]
mod tests;
