//! Stub.
use serde::{Deserialize, Serialize};

/// Stub.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tries {}
