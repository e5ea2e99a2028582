//! What `x-msvc` says, of the system and of its services.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{FileSource, Placed};
use crate::id::ServiceName;
use crate::problem::Place;

/// Top-level `x-msvc`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SystemExtension {
    /// Folder of pact files, absolute.
    pub contracts: Option<Placed<PathBuf>>,
    /// Journeys, in order.
    pub journeys: Vec<JourneyReference>,
    /// Experiment files, absolute, in order.
    pub experiments: Vec<Placed<PathBuf>>,
    /// Values for the inputs of journeys, by name.
    pub inputs: IndexMap<String, Placed<InputValue>>,
    /// Secrets that msvc makes or reads, by name.
    pub secrets: IndexMap<String, Secret>,
}

/// A value of `x-msvc.inputs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputValue {
    /// A text, number or boolean.
    Plain(serde_json::Value),
    /// What is in the secret of that name, one of [`SystemExtension::secrets`]. Never shown.
    Secret(String),
}

/// A secret of the top level, as far as it concerns msvc itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// What is in it.
    pub source: FileSource,
    /// `x-msvc.generate`: how many random bytes msvc makes where its file is missing.
    pub generate: Option<Placed<usize>>,
    /// Where it is declared.
    pub place: Place,
}

/// One entry of `x-msvc.journeys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JourneyReference {
    /// An Arazzo document, absolute; each of its workflows that no other one of it calls is a
    /// journey.
    Document(Placed<PathBuf>),
    /// A command whose exit status is the outcome.
    Command {
        /// What the journey is called.
        name: String,
        /// Program and arguments; run in the project directory.
        command: Vec<String>,
        /// Where it stands.
        place: Place,
    },
}

/// A service's `x-msvc`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ServiceExtension {
    /// The team that owns it.
    pub owner: Option<String>,
    /// Its bounded context.
    pub context: Option<String>,
    /// How it runs as a host process.
    pub process: ProcessExtension,
    /// Services it calls; an entry may name the port and the setting that carries the address.
    pub calls: Vec<Call>,
    /// How to prove contracts against it.
    pub contract: Option<ContractExtension>,
    /// Path, inside the service, of the certificate (PEM) that vouches for its HTTPS ports.
    pub ca: Option<Placed<String>>,
}

/// One entry of `x-msvc.calls`: `catalog`, `mailbox:2525`, or `{service, port, key}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The callee.
    pub service: ServiceName,
    /// Its port; all ports it listens on when not given.
    pub port: Option<u16>,
    /// The environment variable whose bare value is the callee's host name.
    pub key: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// `x-msvc.process`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessExtension {
    /// How it is built on the host; inferred when absent.
    pub build: Option<ProcessBuild>,
    /// What to run instead of entrypoint and command.
    pub command: Option<Vec<String>>,
    /// Where that stands.
    pub command_place: Option<Place>,
    /// Where to run it, absolute; default the build context, else the project directory.
    pub working_dir: Option<PathBuf>,
    /// Settings that hold for the process runtime only, over `environment`.
    pub environment: IndexMap<String, Placed<String>>,
    /// Through which environment variable the service learns where to listen, by port.
    pub port: IndexMap<u16, Placed<String>>,
}

/// `x-msvc.process.build`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessBuild {
    /// `cargo`, or `{cargo: BIN}`: a binary of the Cargo package in the build context.
    Cargo {
        /// The binary; default the service's name when the package has it, else its only one.
        bin: Option<String>,
    },
    /// Any command, `[PROGRAM, ARGUMENT…]` or `{command, path, image}`.
    Command(BuildCommand),
    /// `none`: nothing is to be built.
    Nothing,
}

/// A command that builds a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildCommand {
    /// Program and arguments, run in the build context.
    pub command: Vec<String>,
    /// The folder of the programs that it leaves, from the build context; leads the PATH of the
    /// service as a host process.
    pub path: Option<PathBuf>,
    /// Whether it also runs before the Dockerfile is built, which copies what it leaves.
    pub image: bool,
}

/// `x-msvc.contract`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractExtension {
    /// Path of the provider state endpoint, for example `/_pact/states`.
    pub states: Option<Placed<String>>,
    /// Settings that hold only while contracts are verified against it.
    pub environment: IndexMap<String, String>,
    /// The command that runs its consumer tests.
    pub consumer_test: Option<Vec<String>>,
    /// Where it stands.
    pub place: Place,
}
