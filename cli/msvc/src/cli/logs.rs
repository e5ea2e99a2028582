//! `msvc logs` as it is typed.

use clap::Args;
use msvc_system::id::ServiceName;

use super::flags::LongFiles;

/// `msvc logs`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  msvc logs -f orders payments")]
pub struct Logs {
    /// Which Compose files.
    #[command(flatten)]
    pub files: LongFiles,
    /// Go on with what comes.
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last N lines of each service.
    #[arg(long, value_name = "N")]
    pub tail: Option<usize>,
    /// Of these services; all when none is named.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}
