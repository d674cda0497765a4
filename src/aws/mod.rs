//! AWS as everybody here asks it: one way to a configuration, one reading of what went wrong. What an
//! operation is for is not known here; the platforms in `deploy` and the kinds of check that look at
//! AWS name their own clients.

pub(crate) mod access;
pub(crate) mod configuration;
pub(crate) mod fault;
