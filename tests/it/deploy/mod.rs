//! Tests: deploy/mod.
