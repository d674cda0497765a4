//! The `smokejumper` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    smokejumper::cli::main()
}
