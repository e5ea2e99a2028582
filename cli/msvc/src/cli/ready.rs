//! `msvc ready` as it is typed.

use std::path::PathBuf;

use clap::Args;
use msvc_ready::checklist::Rule;

/// `msvc ready`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  msvc ready                            this repository\n  msvc ready ../shop --fail-on never     look, and let no build fail\n\nEnds with 1 when a check is not ready, else with 5 when one cannot be told,\nelse with 0."
)]
pub struct Ready {
    /// The repository, or a folder in it.
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// What makes the command fail: not-ready, inconclusive or never, for all checks or for one.
    #[arg(long, value_name = "WHAT[:CHECK]")]
    pub fail_on: Vec<Rule>,
}
