//! The book of one provider's month.

/// Being written beside this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendBook;
