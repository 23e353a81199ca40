//! `oubli`: see `oubli help`.

use std::process::ExitCode;

/// Requests allocate much and shortly, on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let loaded = match oubli_server::command_line(std::env::args_os()) {
        Ok(loaded) => loaded,
        Err(error) => error.exit(),
    };
    match oubli_server::run(loaded).await {
        Ok(code) => code,
        Err(error) => {
            // The one place where a command's failure is told, with its causes.
            #[expect(clippy::print_stderr, reason = "a command line speaks on stderr")]
            {
                eprintln!("oubli: {}", causes(&error));
            }
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes. Many of our errors name their cause themselves: it is told once.
fn causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told {
        told if told.is_empty() => cause,
        told if told.ends_with(&cause) => told,
        told => format!("{told}: {cause}"),
    })
}
