//! Matchers over what a probe saw. Three-valued: holds, does not hold, cannot be told. Pure.
