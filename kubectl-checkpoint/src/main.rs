//! The `kubectl-checkpoint` program; everything it does is in the library beside it.

use std::process::ExitCode;

/// Items are made on one thread and dropped on another, which glibc's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kubectl_checkpoint::run(std::env::args_os())
}
