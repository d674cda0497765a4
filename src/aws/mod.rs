//! AWS as everybody here asks it: one way to a configuration, one reading of what went wrong. What an
//! operation is for is not known here, but for the look at a service that several kinds of check begin
//! with; the platforms in `deploy` and the kinds name their own clients.

pub(crate) mod access;
pub(crate) mod configuration;
pub(crate) mod fault;
pub(crate) mod service;
