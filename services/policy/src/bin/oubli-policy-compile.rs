//! Compiles one plugin as the child of a host: for tests and tools that have no `oubli` beside them.

use std::process::ExitCode;

fn main() -> ExitCode {
    oubli_policy::compile_child_main()
}
