//! The child that compiles: it bounds itself, reads an order and a component from its standard input,
//! and writes code to its standard output. It has nothing else: no argument, environment or file.

use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::runtime;

/// The exit status that says that the compiler refused the component.
pub(super) const REFUSED: u8 = 10;
/// The exit status that says that the order was not followed.
const FAILED: u8 = 11;

/// What the parent writes before the component: one line of JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    /// Bytes that the child may have.
    pub(super) memory: u64,
    /// Seconds of computing that it may take.
    pub(super) seconds: u64,
    /// Whether the code counts its fuel.
    pub(super) metered: bool,
}

/// What the child process runs: the program that [`super::Compiler`] names calls this and ends with
/// what it gives.
#[must_use]
pub fn compile_child_main() -> ExitCode {
    match follow_order() {
        Ok(Some(code)) => write(&code).map_or(ExitCode::from(FAILED), |()| ExitCode::SUCCESS),
        Ok(None) => ExitCode::from(REFUSED),
        Err(_) => ExitCode::from(FAILED),
    }
}

/// None when the compiler refuses the component.
fn follow_order() -> io::Result<Option<Vec<u8>>> {
    let mut input = io::stdin().lock();
    let mut line = String::new();
    input.by_ref().take(1024).read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    bound_itself(&order)?;
    let mut component = Vec::new();
    input.read_to_end(&mut component)?;
    let engine = runtime::compiling_engine(order.metered).map_err(io::Error::other)?;
    Ok(engine.precompile_component(&component).ok())
}

/// Data, not address space, is what counts: allocators reserve more of the latter than they use.
fn bound_itself(order: &Order) -> io::Result<()> {
    let exactly = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(Resource::Core, exactly(0))?;
    setrlimit(Resource::Data, exactly(order.memory))?;
    setrlimit(Resource::Cpu, exactly(order.seconds))?;
    Ok(())
}

fn write(code: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(code)?;
    output.flush()
}
