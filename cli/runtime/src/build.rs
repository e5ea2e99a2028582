//! Building what is out of date, on the host: one cargo invocation for each Cargo workspace, from
//! its root, and whatever commands `x-msvc.process.build` names.
//!
//! What comes in: a system, which of its services, and the effects. What leaves: a
//! [`BuildOutcome`] (where each service's binary is), progress as events, or the build's own
//! message. What must not enter: Dockerfiles (that is the other runtime's), starting anything.
//!
//! Layout: `context` says what each service asks for, `metadata` what cargo says of a workspace,
//! `choose` makes the plan of both (pure); `cargo` reads what a build tells; `run` does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use msvc_machine::child::ChildError;
use msvc_machine::ward::Mark;
use msvc_report::exit::Exit;
use msvc_system::id::ServiceName;
use msvc_system::model::System;
use msvc_system::problem::Problems;

mod cargo;
mod choose;
mod context;
mod environment;
mod fingerprint;
mod metadata;
mod run;

pub use environment::without_outer;
pub use run::{build, plan, plan_for_dockerfiles};

/// What is to be built, of which system, on whose behalf.
#[derive(Debug, Clone, Copy)]
pub struct BuildRequest<'a> {
    /// The system.
    pub system: &'a System,
    /// Which of its services.
    pub services: &'a BTreeSet<ServiceName>,
    /// The caller's environment.
    pub caller: &'a BTreeMap<String, String>,
    /// Where the caller stands; a relative `CARGO_TARGET_DIR` means a folder there.
    pub directory: &'a Path,
    /// With what the builds are marked, so that they end with the program that asked for them.
    pub mark: Option<&'a Mark>,
}

/// What will be built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildPlan {
    /// One for each Cargo workspace.
    pub cargo: Vec<CargoBuild>,
    /// Commands that the file names.
    pub commands: Vec<CommandBuild>,
}

/// Binaries of one Cargo workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CargoBuild {
    /// The workspace's root.
    pub root: PathBuf,
    /// Which binaries, and whose they are.
    pub bins: BTreeMap<String, Vec<ServiceName>>,
    /// Whether one of them lies outside the workspace's default members.
    pub whole_workspace: bool,
    /// Whether they are linked statically by arguments, where the workspace does not do so itself:
    /// in an empty image there is no loader.
    pub link_statically: bool,
}

/// A command that builds one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandBuild {
    /// Whose.
    pub service: ServiceName,
    /// Where it runs.
    pub directory: PathBuf,
    /// Program and arguments.
    pub command: Vec<String>,
    /// The folder of the programs that it leaves, where the file says.
    pub programs: Option<PathBuf>,
    /// Whether the image is made of what it leaves.
    pub for_image: bool,
}

impl CargoBuild {
    /// The arguments of cargo. No package is named: a build of some packages would compile
    /// dependencies with other features than a build of all.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["build".to_owned()];
        if self.whole_workspace {
            arguments.push("--workspace".to_owned());
        }
        for bin in self.bins.keys() {
            arguments.extend(["--bin".to_owned(), bin.clone()]);
        }
        if self.link_statically {
            // Without a target the flag would reach procedural macros too, which cannot have it.
            let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
            let flags = r#"["-C", "target-feature=+crt-static"]"#;
            arguments.extend(["--target".to_owned(), target.clone()]);
            arguments.extend([
                "--config".to_owned(),
                format!("target.{target}.rustflags={flags}"),
            ]);
        }
        arguments
    }

    /// Whether the workspace's own settings link statically.
    #[must_use]
    pub fn is_static_itself(&self) -> bool {
        let names = [".cargo/config.toml", ".cargo/config"];
        self.root.ancestors().any(|folder| {
            names.iter().any(|name| {
                let text = std::fs::read_to_string(folder.join(name));
                text.is_ok_and(|text| text.contains("crt-static"))
            })
        })
    }

    /// What is built, for people.
    #[must_use]
    pub fn what(&self) -> String {
        let bins: Vec<&str> = self.bins.keys().map(String::as_str).collect();
        bins.join(", ")
    }
}

impl BuildPlan {
    /// Whether nothing is to be built.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cargo.is_empty() && self.commands.is_empty()
    }

    /// The outcome as far as it is known before anything was built: which binary stands for
    /// which service, not where it is.
    #[must_use]
    pub fn unbuilt(&self) -> BuildOutcome {
        let mut outcome = BuildOutcome::default();
        for (bin, services) in self.cargo.iter().flat_map(|build| &build.bins) {
            for service in services {
                let built = Built {
                    program: Some(bin.clone()),
                    ..Built::default()
                };
                outcome.services.insert(service.clone(), built);
            }
        }
        outcome
    }
}

impl fmt::Display for BuildPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "nothing to build");
        }
        for build in &self.cargo {
            let arguments = build.arguments().join(" ");
            writeln!(f, "in {}: cargo {arguments}", build.root.display())?;
        }
        for build in &self.commands {
            let command = build.command.join(" ");
            writeln!(
                f,
                "in {}: {command}  ({})",
                build.directory.display(),
                build.service
            )?;
        }
        Ok(())
    }
}

/// What was built, by service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildOutcome {
    /// By service.
    pub services: BTreeMap<ServiceName, Built>,
    /// Whether anything had to be compiled.
    pub changed: bool,
}

/// What a service's build left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Built {
    /// The folder that leads the service's PATH.
    pub folder: Option<PathBuf>,
    /// The binary's name, which stands for the image's entrypoint.
    pub program: Option<String>,
    /// Changes when the program does.
    pub fingerprint: Option<String>,
}

/// A build did not end well.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The file asks for what is not there.
    #[error("{0}")]
    Problems(Problems),
    /// There is no cargo on this machine.
    #[error("{root} is built by cargo, which is not on the PATH: install Rust (https://rustup.rs)")]
    NoCargo {
        /// The package that needs it.
        root: PathBuf,
    },
    /// It failed with a message of its own.
    #[error("the build of {what} failed\n{message}")]
    Failed {
        /// What was built.
        what: String,
        /// What it said.
        message: String,
    },
    /// It said that this machine lacks something.
    #[error("{what} cannot be built here\n{message}")]
    Lacking {
        /// What was to be built.
        what: String,
        /// What it said.
        message: String,
    },
    /// It could not be run.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// Cargo's answer cannot be read.
    #[error("what cargo says of {root} cannot be read: {source}")]
    Metadata {
        /// Which folder it was asked about.
        root: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// It ended well and left no binary.
    #[error("the build of {bin} in {root} ended well but left no binary")]
    NoBinary {
        /// The binary.
        bin: String,
        /// The workspace.
        root: PathBuf,
    },
    /// The user wants to end.
    #[error("interrupted")]
    Interrupted,
}

impl BuildError {
    /// How the command ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Problems(_) => Exit::Input,
            Self::Failed { .. } => Exit::Failed,
            Self::NoCargo { .. }
            | Self::Lacking { .. }
            | Self::Child(_)
            | Self::Metadata { .. }
            | Self::NoBinary { .. } => Exit::CouldNot,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests;
