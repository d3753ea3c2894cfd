//! What a provider may cost in a calendar month (UTC), and what it did cost.
//!
//! [`SpendBook`] is the book of one provider's month: a price is reserved before a message leaves and settled when the
//! vendor has said what it took. What is settled and reserved never exceeds the cap by a reservation; a price that turns
//! out higher counts at once and may exceed it, and then nothing more is reserved. The store keeps a book as text in a
//! row and lets one act at a time change it, so the guarantee holds over all nodes; a reservation is kept as text with its
//! attempt, so that it can be settled after a crash.

mod bill;
mod month;

use std::{fmt, str::FromStr};

pub use self::{
    bill::{Bill, Instead, Line, Sent, Tariff, bill},
    month::{InvalidMonth, Month},
};
use crate::{clock::Timestamp, price::Price};

/// What a provider's account allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// The most that a month may cost; `None`: no end.
    pub cap: Option<Price>,
    /// So many messages of a month cost nothing.
    pub free_per_month: u64,
}

/// Why nothing was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReserved {
    /// The message would exceed the cap.
    #[error("the month's spend cap is reached")]
    CapReached {
        /// The start of the next month.
        until: Timestamp,
    },
    /// Price, cap and what is in the book are not all in one currency, and none is ever converted.
    #[error("price, spend cap and what was spent are in different currencies")]
    OtherCurrency,
}

/// What was set aside for one message. Prints as `2026-11 7900`, millionths of the book's currency, or `2026-11 free`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    month: Month,
    /// `None`: the message was one of the free ones.
    micros: Option<u64>,
}

/// A reservation, and whether operators should hear that 80 % of the cap are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserved {
    /// To be settled or given back.
    pub reservation: Reservation,
    /// Once a month.
    pub alert: bool,
}

/// The text is not a book or not a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a record of a month's spending")]
pub struct InvalidSpend;

/// One provider's month: `2026-11 7.90 USD|50000|1003|1000|told`, that is month, settled, then reserved millionths, messages, how
/// many of them were free, and whether the alert was told. An empty text is an empty book.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpendBook(Option<Page>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Page {
    month: Month,
    settled: Price,
    reserved: u64,
    messages: u64,
    free: u64,
    told: bool,
}

impl Page {
    const fn new(month: Month, currency: Price) -> Self {
        Self { month, settled: currency.with_micros(0), reserved: 0, messages: 0, free: 0, told: false }
    }

    const fn sum(&self) -> u64 {
        self.settled.micros().saturating_add(self.reserved)
    }

    /// Whether four fifths of the cap are reached and nobody was told yet.
    fn alert(&mut self, cap: Option<Price>) -> bool {
        let reached = cap.is_some_and(|cap| {
            cap.micros() > 0 && u128::from(self.sum()) * 5 >= u128::from(cap.micros()) * 4
        });
        let alert = reached && !self.told;
        self.told |= alert;
        alert
    }
}

impl SpendBook {
    /// The month that it is about; `None`: nothing was ever reserved.
    pub fn month(&self) -> Option<Month> {
        self.0.map(|page| page.month)
    }

    /// What is settled and what is reserved.
    pub fn spent(&self) -> Option<(Price, Price)> {
        self.0.map(|page| (page.settled, page.settled.with_micros(page.reserved)))
    }

    /// Messages, and how many of them were free.
    pub fn messages(&self) -> (u64, u64) {
        self.0.map_or((0, 0), |page| (page.messages, page.free))
    }

    /// Whether the next message is free.
    pub fn is_free(&self, terms: Terms, now: Timestamp) -> bool {
        let free = self.0.filter(|page| page.month >= Month::of(now)).map_or(0, |page| page.free);
        free < terms.free_per_month
    }

    /// Sets a price aside. A new month begins a new page; a clock that went back stays on the page that is open.
    ///
    /// # Errors
    /// If the cap does not allow it or the currencies differ; the book is then as it was.
    pub fn reserve(&mut self, price: Price, terms: Terms, now: Timestamp) -> Result<Reserved, NotReserved> {
        let month = Month::of(now);
        let mut page = match self.0 {
            Some(page) if page.month >= month => page,
            _ => Page::new(month, price),
        };
        if !page.settled.same_currency(price) || terms.cap.is_some_and(|cap| !cap.same_currency(price)) {
            return Err(NotReserved::OtherCurrency);
        }
        let free = page.free < terms.free_per_month;
        let micros = if free { 0 } else { price.micros() };
        if let Some(cap) = terms.cap
            && page.sum().saturating_add(micros) > cap.micros()
        {
            return Err(NotReserved::CapReached { until: page.month.end() });
        }
        page.reserved = page.reserved.saturating_add(micros);
        page.messages = page.messages.saturating_add(1);
        page.free += u64::from(free);
        let alert = page.alert(terms.cap);
        let reservation = Reservation { month: page.month, micros: (!free).then_some(micros) };
        self.0 = Some(page);
        Ok(Reserved { reservation, alert })
    }

    /// The message left; `actual`: what the vendor says that it took, higher or lower. One in another currency is not
    /// believed: what was reserved counts. Settle or give back each reservation once. Says whether operators should
    /// hear that 80 % of the cap are reached. A reservation of another month changes nothing: that month is closed.
    pub fn settle(&mut self, reservation: Reservation, actual: Option<Price>, terms: Terms) -> bool {
        let Some(page) = self.0.as_mut().filter(|page| page.month == reservation.month) else { return false };
        let reserved = reservation.micros.unwrap_or(0);
        page.reserved = page.reserved.saturating_sub(reserved);
        let actual = actual.filter(|actual| actual.same_currency(page.settled));
        let micros = actual.map_or(reserved, Price::micros);
        page.settled = page.settled.with_micros(page.settled.micros().saturating_add(micros));
        page.alert(terms.cap)
    }

    /// The message did not leave, or the vendor refused it.
    pub fn give_back(&mut self, reservation: Reservation) {
        let Some(page) = self.0.as_mut().filter(|page| page.month == reservation.month) else { return };
        page.reserved = page.reserved.saturating_sub(reservation.micros.unwrap_or(0));
        page.messages = page.messages.saturating_sub(1);
        page.free = page.free.saturating_sub(u64::from(reservation.micros.is_none()));
    }

    /// What was settled as `from`, or was not counted yet, has cost `to`: a vendor's later word. One in another currency is
    /// not believed.
    pub fn reprice(&mut self, from: Option<Price>, to: Price) {
        let Some(page) = self.0.as_mut().filter(|page| page.settled.same_currency(to)) else { return };
        let from = from.filter(|from| from.same_currency(to)).map_or(0, Price::micros);
        let others = page.settled.micros().saturating_sub(from);
        page.settled = to.with_micros(others.saturating_add(to.micros()));
    }
}

impl fmt::Display for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.micros {
            Some(micros) => write!(f, "{} {micros}", self.month),
            None => write!(f, "{} free", self.month),
        }
    }
}

impl FromStr for Reservation {
    type Err = InvalidSpend;
    fn from_str(text: &str) -> Result<Self, InvalidSpend> {
        let (month, micros) = text.split_once(' ').ok_or(InvalidSpend)?;
        let month = month.parse().map_err(|_| InvalidSpend)?;
        let micros = if micros == "free" { None } else { Some(number(micros)?) };
        Ok(Self { month, micros })
    }
}

impl fmt::Display for SpendBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Page { month, settled, reserved, messages, free, told }) = self.0 else { return Ok(()) };
        let told = if told { "told" } else { "" };
        write!(f, "{month} {settled}|{reserved}|{messages}|{free}|{told}")
    }
}

impl FromStr for SpendBook {
    type Err = InvalidSpend;
    fn from_str(text: &str) -> Result<Self, InvalidSpend> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let (month, rest) = text.split_once(' ').ok_or(InvalidSpend)?;
        let [settled, reserved, messages, free, told] =
            <[&str; 5]>::try_from(rest.split('|').collect::<Vec<_>>()).map_err(|_| InvalidSpend)?;
        let page = Page {
            month: month.parse().map_err(|_| InvalidSpend)?,
            settled: settled.parse().map_err(|_| InvalidSpend)?,
            reserved: number(reserved)?,
            messages: number(messages)?,
            free: number(free)?,
            told: match told {
                "told" => true,
                "" => false,
                _ => return Err(InvalidSpend),
            },
        };
        if page.free > page.messages { Err(InvalidSpend) } else { Ok(Self(Some(page))) }
    }
}

fn number(text: &str) -> Result<u64, InvalidSpend> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| InvalidSpend)
    } else {
        Err(InvalidSpend)
    }
}

#[cfg(test)]
mod tests;
