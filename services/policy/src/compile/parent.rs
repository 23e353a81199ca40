//! The parent of the child that compiles: starts it, feeds it, bounds its time and reads what it made.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::{Engine, Precompiled};

use super::child::{Order, REFUSED};
use crate::limits::Limits;

/// How often the end of a child is looked for once it has closed its output.
const LOOK: Duration = Duration::from_millis(2);

/// The program whose process compiles: it calls [`super::compile_child_main`] when it is started with
/// these arguments.
#[derive(Clone, Debug)]
pub struct Compiler {
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    /// It took too long.
    #[error("it took too long")]
    Time,
    /// It asked for more memory than it may have, or died in another way.
    #[error("it asked for too much memory")]
    Memory,
    /// The compiler has bounds of its own, or does not take a feature.
    #[error("the compiler refused the component")]
    Refused,
    /// The child could not be started, or did not do as it was told.
    #[error("the compiling process cannot be run")]
    Process(#[source] io::Error),
}

impl Compiler {
    /// A program and the arguments that make it call [`super::compile_child_main`].
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = OsString>) -> Self {
        Self { program: program.into(), arguments: arguments.into_iter().collect() }
    }

    /// This program itself, as it runs, also when its file was replaced since.
    ///
    /// # Errors
    /// When the system does not tell where this program is.
    pub fn this_program(arguments: impl IntoIterator<Item = OsString>) -> io::Result<Self> {
        let running = PathBuf::from("/proc/self/exe");
        let program = if running.exists() { running } else { std::env::current_exe()? };
        Ok(Self::new(program, arguments))
    }

    /// Compiles a component in a child process.
    ///
    /// # Errors
    /// [`CompileError`]; the child is gone then, too.
    pub(crate) fn compile(
        &self,
        component: &[u8],
        limits: &Limits,
        metered: bool,
    ) -> Result<Vec<u8>, CompileError> {
        let order = Order {
            memory: limits.compile_memory,
            // The wall clock comes first; this ends a child whose parent died.
            seconds: limits.compile_time.as_secs() + 5,
            metered,
        };
        let deadline = Instant::now() + limits.compile_time;
        let mut child = self.start().map_err(CompileError::Process)?;
        let (output, status) = thread::scope(|scope| {
            if let Some(input) = child.stdin.take() {
                scope.spawn(move || feed(input, &order, component));
            }
            let (sender, receiver) = mpsc::channel();
            if let Some(output) = child.stdout.take() {
                let most = limits.compile_memory;
                scope.spawn(move || sender.send(drain(output, most)));
            }
            let output = receive(&receiver, deadline);
            (output, end(&mut child, deadline))
        });
        let code = judge(output, status.map_err(CompileError::Process)?)?;
        match Engine::detect_precompiled(&code) {
            Some(Precompiled::Component) => Ok(code),
            _ => Err(CompileError::Process(io::Error::other("what it wrote is no code"))),
        }
    }

    /// With nothing of ours but the component: no environment, no open file, no directory.
    fn start(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
    }
}

/// A child that ends before it has read everything says why by its status, not here.
fn feed(mut input: ChildStdin, order: &Order, component: &[u8]) {
    let Ok(line) = serde_json::to_vec(order) else { return };
    let parts: [&[u8]; 3] = [&line, b"\n", component];
    let _ = parts.iter().try_for_each(|part| input.write_all(part));
}

fn drain(output: ChildStdout, most: u64) -> io::Result<Vec<u8>> {
    let mut code = Vec::new();
    output.take(most).read_to_end(&mut code)?;
    Ok(code)
}

/// What the child wrote; none when the deadline came first.
fn receive(
    receiver: &Receiver<io::Result<Vec<u8>>>,
    deadline: Instant,
) -> Option<io::Result<Vec<u8>>> {
    receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

/// Waits for the end of a child, and makes it at the deadline. None: it had to be made.
fn end(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(LOOK);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn judge(
    output: Option<io::Result<Vec<u8>>>,
    status: Option<ExitStatus>,
) -> Result<Vec<u8>, CompileError> {
    let (Some(output), Some(status)) = (output, status) else { return Err(CompileError::Time) };
    match (status.code(), status.signal()) {
        (Some(0), _) => output.map_err(CompileError::Process),
        (Some(code), _) if code == i32::from(REFUSED) => Err(CompileError::Refused),
        // What it cannot allocate aborts it, what needs too much stack ends it.
        (_, Some(_)) => Err(CompileError::Memory),
        (..) => Err(CompileError::Process(io::Error::other("it ended with an unknown status"))),
    }
}
