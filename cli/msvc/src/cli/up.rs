//! `msvc up` as it is typed.

use std::time::Duration;

use clap::Args;
use msvc_system::id::ServiceName;

use super::flags::Files;
use super::values::duration;

/// `msvc up`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  msvc up            stream logs until Ctrl-C stops the system\n  msvc up -d         return once it is up; `msvc down` stops it"
)]
pub struct Up {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// Return once the system is up and leave it running.
    #[arg(short, long)]
    pub detach: bool,
    /// Print what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Give up when the system is not up after this time.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub timeout: Duration,
    /// In containers: boot without the mesh; edges are neither seen nor broken.
    #[arg(long)]
    pub no_mesh: bool,
    /// Only these services and what they depend on.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}
