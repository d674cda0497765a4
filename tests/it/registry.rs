//! Tests: registry.
