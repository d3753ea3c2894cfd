//! What vendors of calls share.

pub(crate) mod xml;
