//! `msvc down` as it is typed.

use clap::Args;

use super::flags::Files;

/// `msvc down`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  msvc down --volumes   stop it and forget its data")]
pub struct Down {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// Also remove its volumes: the data is gone.
    #[arg(long)]
    pub volumes: bool,
}
