//! Ways in beside a code.

pub mod tries;
