//! Under construction: engine.
