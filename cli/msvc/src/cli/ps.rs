//! `msvc ps` as it is typed.

use clap::Args;

use super::flags::Files;

/// `msvc ps`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  msvc ps --edges    who calls whom, why, and what passed")]
pub struct Ps {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// Show edges: who calls whom, why, connections and bytes.
    #[arg(long)]
    pub edges: bool,
}
