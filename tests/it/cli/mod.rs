//! Tests: cli/mod.
