//! The shell of msvc: the command line, the terminal, the exit codes, and the wiring of the rooms.

mod cli;
mod exit;
mod failure;
mod interrupt;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    msvc_machine::name_service::use_builtin_name_services();
    msvc_machine::http_client::choose_tls_provider();
    ExitCode::SUCCESS
}
