//! Holds the code to ARCHITECTURE.md: who may know whom, which folder owns which client, what the
//! pure core may not touch, how a file is kept, what the tree of dependencies may hold.
//!
//! Every rule is a function from sources to complaints, and every rule is shown a text that breaks
//! it: a rule that cannot fail proves nothing.

mod clients;
mod conduct;
mod dependencies;
mod keeping;
mod rings;
mod source;
