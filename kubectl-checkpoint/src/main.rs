//! The `kubectl-checkpoint` program; everything it does is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubectl_checkpoint::run(std::env::args_os())
}
