//! The money of attempts: set aside in the act that writes an attempt down, settled or given back with its answer.
//!
//! What is set aside stands in two places that change together: in the book of the provider's month, and in a row of the
//! attempt's own, which goes when it is settled or given back. So it is settled once however often the answer comes, in
//! the month in which it was set aside, also after recovery called the attempt unknown. Books are locked like paces, so
//! settled and set aside never pass the cap over all nodes and batches. A crash between the two acts leaves the money set
//! aside until the month ends: nobody can say whether the message was paid for.

use backstop_domain::{
    application::ApplicationId,
    clock::Timestamp,
    id::{AttemptId, VerificationId},
    ports::store::{AttemptResult, NewAttempt, Settlement},
    price::Price,
    spend::{Month, NotReserved, Reservation, SpendBook, Terms},
};

use crate::error::Result;

/// Names an attempt's row.
pub(crate) type AttemptKey = (ApplicationId, VerificationId, AttemptId);

/// What is set aside for an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reserved {
    /// In whose book.
    pub(crate) provider: String,
    /// In the book of which month.
    pub(crate) month: Month,
    /// What.
    pub(crate) set_aside: Reservation,
}

/// The books of the providers' months, and what is set aside in them.
pub(crate) trait Books {
    /// A provider's month; an empty book if there is none yet.
    fn book(&self, provider: &str, month: Month) -> Result<SpendBook>;
    /// Writes it.
    fn keep_book(&mut self, provider: &str, month: Month, book: SpendBook) -> Result<()>;
    /// What is set aside for an attempt.
    fn reserved(&self, of: AttemptKey) -> Result<Option<Reserved>>;
    /// Writes what was set aside.
    fn add_reserved(&mut self, of: AttemptKey, reserved: Reserved) -> Result<()>;
    /// Nothing is set aside for it any more.
    fn end_reserved(&mut self, of: AttemptKey) -> Result<()>;
}

/// A book in which money was set aside, not written yet.
pub(crate) type SetAside = Option<(SpendBook, Reserved)>;

/// Sets money aside for an attempt that has a price, and writes nothing. `Err` says when the next month begins.
pub(crate) fn set_aside(
    books: &impl Books,
    new: &NewAttempt,
) -> Result<std::result::Result<SetAside, Timestamp>> {
    let Some(asked) = new.reservation else { return Ok(Ok(None)) };
    let (provider, month) = (new.provider.clone(), Month::of(asked.at));
    let mut book = books.book(&provider, month)?;
    let terms = Terms { cap: asked.cap, free_per_month: asked.free_per_month.into() };
    Ok(match book.reserve(asked.price, terms, asked.at) {
        Ok(reserved) => Ok(Some((book, Reserved { provider, month, set_aside: reserved.reservation }))),
        Err(NotReserved::CapReached { until }) => Err(until),
        // Without a cap nothing has to be compared, and one currency is counted: that of the month's first message.
        Err(NotReserved::OtherCurrency) if asked.cap.is_none() => Ok(None),
        // What cannot be compared cannot be kept under a cap.
        Err(NotReserved::OtherCurrency) => Err(month.end()),
    })
}

/// Writes what was set aside for an attempt that leaves.
pub(crate) fn keep(books: &mut impl Books, new: &NewAttempt, set_aside: SetAside) -> Result<()> {
    let Some((book, reserved)) = set_aside else { return Ok(()) };
    books.keep_book(&reserved.provider, reserved.month, book)?;
    books.add_reserved((new.application, new.verification, new.id), reserved)
}

/// A vendor's later word on what an attempt cost: settles what is still set aside for it, or corrects what was settled as
/// `from`. `at` is when the attempt was written down.
pub(crate) fn reprice(
    books: &mut impl Books,
    of: AttemptKey,
    (provider, at): (&str, Timestamp),
    from: Option<Price>,
    to: Price,
) -> Result<()> {
    if let Some(Reserved { provider, month, set_aside }) = books.reserved(of)? {
        let mut book = books.book(&provider, month)?;
        book.settle(set_aside, Some(to), Terms::default());
        books.keep_book(&provider, month, book)?;
        return books.end_reserved(of);
    }
    let month = Month::of(at);
    let mut book = books.book(provider, month)?;
    book.reprice(from, to);
    books.keep_book(provider, month, book)
}

/// Settles what was set aside for an attempt, as its answer says; once. A message that took a free place costs nothing at
/// the listed price.
pub(crate) fn settle(books: &mut impl Books, result: &AttemptResult) -> Result<()> {
    let Some((asked, settlement)) = result.settlement else { return Ok(()) };
    let terms = Terms { cap: asked.cap, free_per_month: asked.free_per_month.into() };
    let of = (result.application, result.verification, result.id);
    let Some(reserved) = books.reserved(of)? else { return Ok(()) };
    let mut book = books.book(&reserved.provider, reserved.month)?;
    match settlement {
        Settlement::Kept => return Ok(()),
        Settlement::GivenBack => book.give_back(reserved.set_aside),
        Settlement::Cost(price) => {
            let other = (price != asked.price).then_some(price);
            book.settle(reserved.set_aside, other, terms);
        }
    }
    books.keep_book(&reserved.provider, reserved.month, book)?;
    books.end_reserved(of)
}

#[cfg(test)]
mod tests;
