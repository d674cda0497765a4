//! Tests: config/mod.
