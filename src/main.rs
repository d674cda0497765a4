//! The `smokejumper` program: everything is in the library, but for the allocator.

use std::process::ExitCode;

/// What is read and thrown away, and a hundred thousand small things that come and go, stay in pieces
/// with the system's.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    smokejumper::cli::main()
}
