//! Under construction: rehearsal.
