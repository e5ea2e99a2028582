//! The hidden commands, which only msvc itself types.

use clap::Args;

/// Arguments of the hidden commands.
#[derive(Debug, Args)]
pub struct Internal {
    /// Understood by the runtime.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<std::ffi::OsString>,
}
