//! `msvc config` as it is typed.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::flags::Files;

/// `msvc config`.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("what").multiple(false)),
    after_help = "Example:\n  msvc config                       the whole project, in Docker Compose's form\n  msvc config --format json web     one service, and what it needs\n  msvc config --graph mermaid       who calls whom, as a picture"
)]
pub struct Config {
    /// Only these services, and what they need.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// Print the names of the services.
    #[arg(long = "services", group = "what")]
    pub service_names: bool,
    /// Print the names of the images.
    #[arg(long, group = "what")]
    pub images: bool,
    /// Print the names of the volumes.
    #[arg(long, group = "what")]
    pub volumes: bool,
    /// Print the names of the networks.
    #[arg(long, group = "what")]
    pub networks: bool,
    /// Print the names of the profiles.
    #[arg(long = "profiles", group = "what")]
    pub profile_names: bool,
    /// Print the models.
    #[arg(long, group = "what")]
    pub models: bool,
    /// Print the variables that the files name, with their defaults.
    #[arg(long, group = "what")]
    pub variables: bool,
    /// Print what is set for variables.
    #[arg(long, group = "what")]
    pub environment: bool,
    /// Print the hash of each service named (`*`: of all), as Docker Compose has it.
    #[arg(long, value_name = "SERVICE", group = "what")]
    pub hash: Option<String>,
    /// Print who calls whom, and why that is known.
    #[arg(long, group = "what")]
    pub edges: bool,
    /// Print who calls whom as a graph.
    #[arg(long, value_enum, value_name = "LANGUAGE", group = "what")]
    pub graph: Option<Graph>,
    /// Leave variables as they are written.
    #[arg(long)]
    pub no_interpolate: bool,
    /// Leave out what the files do not write.
    #[arg(long)]
    pub no_normalize: bool,
    /// Leave relative paths as they are written.
    #[arg(long)]
    pub no_path_resolution: bool,
    /// Do not read files of `env_file`.
    #[arg(long)]
    pub no_env_resolution: bool,
    /// Let pass what contradicts itself.
    #[arg(long)]
    pub no_consistency: bool,
    /// Leave out `compose.msvc.yaml` (or `.yml`) and every `x-msvc`.
    #[arg(long)]
    pub no_msvc: bool,
    /// Also print networks, volumes, secrets and configs that no service uses.
    #[arg(long)]
    pub all_resources: bool,
    /// Print the JSON Schema of a Compose file with its `x-msvc`, for editors; no file is read.
    #[arg(long, group = "what")]
    pub schema: bool,
    /// Write to FILE.
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Languages of graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Graph {
    /// Graphviz.
    Dot,
    /// Mermaid, which GitHub draws in Markdown.
    Mermaid,
}
