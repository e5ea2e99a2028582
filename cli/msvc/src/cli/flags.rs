//! Flags that every command takes, and which Compose files are meant.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::project_name;

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Work as if started in DIR: other paths are taken from it.
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Project name, instead of the file's.
    #[arg(short = 'p', long = "project-name", value_name = "NAME", value_parser = project_name, global = true)]
    pub project: Option<String>,
    /// Where else the project is read from.
    #[command(flatten)]
    pub from: From,
    /// Also take the services of this profile (`*` for all).
    #[arg(long = "profile", value_name = "P", global = true)]
    pub profiles: Vec<String>,
    /// How to print results.
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    pub format: Format,
    /// Where the system runs; `auto` takes Docker where an engine answers (also by MSVC_RUNTIME).
    #[arg(long, value_enum, value_name = "RUNTIME", global = true)]
    pub runtime: Option<RuntimeChoice>,
    /// In containers: pack what cargo builds on this host, or build as each Dockerfile says.
    #[arg(long, value_enum, value_name = "SOURCE", default_value_t = BuildSource::Host, global = true)]
    pub build_from: BuildSource,
    /// Keep logs, journal, report and more in DIR.
    #[arg(long, value_name = "DIR", global = true)]
    pub artifacts: Option<PathBuf>,
    /// Write the cases as JUnit's XML to FILE (commands that prove something).
    #[arg(long, value_name = "FILE", global = true)]
    pub junit: Option<PathBuf>,
    /// Take unknown Compose keys for warnings.
    #[arg(long, global = true)]
    pub lenient: bool,
    /// No colour (also by the environment's NO_COLOR).
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Only results and errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: every step, build output.
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// Compose files. Not a global flag, because `logs -f` means something else, as in Compose.
#[derive(Debug, Clone, Default, Args)]
pub struct Files {
    /// Compose file; several are merged in order.
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Where else a project is read from.
#[derive(Debug, Clone, Default, Args)]
pub struct From {
    /// File of settings for variables, instead of `.env`.
    #[arg(long = "env-file", value_name = "FILE", global = true)]
    pub env_files: Vec<PathBuf>,
    /// Where relative paths of the files start, instead of the first one's folder.
    #[arg(long, value_name = "DIR", global = true)]
    pub project_directory: Option<PathBuf>,
}

/// The same for `logs`, whose `-f` follows.
#[derive(Debug, Clone, Default, Args)]
pub struct LongFiles {
    /// Compose file; several are merged in order.
    #[arg(long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Where a system runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RuntimeChoice {
    /// In containers.
    Docker,
    /// As host processes.
    Process,
    /// In containers where an engine answers, else as host processes.
    Auto,
}

/// What the image of a Rust service with a Dockerfile is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BuildSource {
    /// The binary that cargo builds on this host, and nothing else.
    Host,
    /// What its Dockerfile says.
    Dockerfile,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON document on standard output.
    Json,
    /// What `config` prints for people, by the name that Docker Compose has for it.
    #[value(hide = true)]
    Yaml,
}
