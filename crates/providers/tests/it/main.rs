//! Everything that providers promise, from outside.
