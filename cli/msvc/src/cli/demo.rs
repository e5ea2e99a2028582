//! `msvc demo` as it is typed.

use clap::Args;

use super::flags::Files;

/// `msvc demo`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  msvc demo --artifacts out    keep logs, journals and the report in ./out\n\nBoots the system as a project of its own, with its own data and free ports;\na system that is up is never touched. What it plays, verifies and breaks is\nwhat `x-msvc` in the Compose file names. Where there is no Compose file, the\none in ./sample-system is taken."
)]
pub struct Demo {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// Leave the system running at the end and say how to stop it.
    #[arg(long)]
    pub keep: bool,
    /// Seed of every draw; printed when drawn.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}
