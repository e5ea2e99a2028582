//! The resolved system: what the Compose files say, after merge and interpolation, as typed
//! values. Every part a user may have got wrong keeps its [`Place`].
//!
//! Built by the loader's last step, from a tree with positions; nothing here is deserialised
//! from YAML directly.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::id::{ProjectName, ServiceName};
use crate::problem::Place;
use crate::written::Written;

mod edge;
mod extension;
mod hash;
mod mount;

pub use edge::{Edge, EdgeReason};
pub use extension::{
    BuildCommand, Call, ContractExtension, InputValue, JourneyReference, ProcessBuild,
    ProcessExtension, Secret, ServiceExtension, SystemExtension,
};
pub use mount::{FileSource, GivenFile, Mount, MountSource, Volume};

/// A loaded system.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct System {
    /// Compose's project name: `-p`, `COMPOSE_PROJECT_NAME`, top-level `name`, else the folder's.
    pub name: ProjectName,
    /// The files it was read from, first one first.
    pub files: Vec<PathBuf>,
    /// The project directory (absolute): where relative paths of the files start.
    pub root: PathBuf,
    /// Services in file order.
    pub services: IndexMap<ServiceName, Service>,
    /// Services that the files have and that rest, because none of their profiles was asked for;
    /// with those. No part of what is compared or kept.
    #[serde(skip)]
    pub resting: IndexMap<ServiceName, Vec<String>>,
    /// Named volumes.
    pub volumes: IndexMap<String, Volume>,
    /// Declared networks; `default` stands here only when the file says something of it.
    pub networks: IndexMap<String, Network>,
    /// Every declared or inferred edge, with the reasons for it.
    pub edges: Vec<Edge>,
    /// Top-level `x-msvc`.
    pub x_msvc: SystemExtension,
    /// Where the files say what. No part of what is compared or kept.
    #[serde(skip)]
    pub written: Written,
}

impl System {
    /// A system of nothing, for what needs none.
    #[must_use]
    pub fn nothing(name: ProjectName, root: PathBuf) -> Self {
        Self {
            name,
            root,
            files: Vec::new(),
            services: IndexMap::new(),
            resting: IndexMap::new(),
            volumes: IndexMap::new(),
            networks: IndexMap::new(),
            edges: Vec::new(),
            x_msvc: SystemExtension::default(),
            written: Written::default(),
        }
    }

    /// Whether a port of a service is spoken to by HTTPS, as `app_protocol` says.
    #[must_use]
    pub fn is_https(&self, service: &str, port: u16) -> bool {
        let mut ports = self.service(service).into_iter().flat_map(|it| &it.ports);
        ports.any(|it| it.target == port && it.is_https)
    }

    /// What to do about a service that is named and rests.
    #[must_use]
    pub fn resting_hint(&self, name: &str) -> Option<String> {
        let profiles = self.resting.get(name)?;
        let asked = profiles.join("` or `--profile ");
        Some(format!(
            "its profile is not asked for: add `--profile {asked}`"
        ))
    }

    /// The service of that name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.get(name)
    }
}

/// A value together with where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where the user wrote it.
    pub place: Place,
}

/// One service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// Where its block begins.
    pub place: Place,
    /// `image`, when given.
    pub image: Option<Placed<String>>,
    /// `build`, when given.
    pub build: Option<Build>,
    /// `entrypoint` as a list, when given.
    pub entrypoint: Option<Vec<String>>,
    /// `command` as a list (a string is split as a shell splits words), when given.
    pub command: Option<Vec<String>>,
    /// `environment` over `env_file`, resolved. A variable without a value that the caller's
    /// environment does not have either is left out.
    pub environment: IndexMap<String, Placed<String>>,
    /// Names in `environment` without a value that anybody gives: whatever the image says of them
    /// does not hold.
    pub unset: Vec<String>,
    /// Where `entrypoint` stands, else `command`, else its block.
    pub command_place: Place,
    /// `working_dir`, when given.
    pub working_dir: Option<Placed<String>>,
    /// Ports opened to the host.
    pub ports: Vec<PublishedPort>,
    /// Ports the service listens on: `expose`, targets of `ports`, ports named by `x-msvc`
    /// (`process.port`, `calls`) and by addresses in other services' settings.
    pub listens: Vec<u16>,
    /// Those of `listens` that only others name. An address does not say what is spoken there.
    pub told: Vec<u16>,
    /// UDP ports the service listens on: `expose`, targets of `ports`.
    pub datagrams: Vec<u16>,
    /// `depends_on` and `links`.
    pub depends_on: Vec<Dependency>,
    /// `healthcheck`, when given and not disabled.
    pub healthcheck: Option<Healthcheck>,
    /// Names by which it alone calls others (`links: [SERVICE:ALIAS]`).
    pub links: Vec<Link>,
    /// Mounts.
    pub mounts: Vec<Mount>,
    /// Secrets and configs, which it finds as files.
    pub files: Vec<GivenFile>,
    /// `post_start`: run in it once it has started, one after the other.
    pub post_start: Vec<Hook>,
    /// `pre_stop`: run in it before it is asked to end.
    pub pre_stop: Vec<Hook>,
    /// `restart`.
    pub restart: RestartPolicy,
    /// `stop_grace_period`, Compose's default 10 s.
    pub stop_grace_period: Duration,
    /// `stop_signal`; absent, the image's own, else `SIGTERM`.
    pub stop_signal: Option<Placed<String>>,
    /// `deploy.replicas` or `scale`, default 1.
    pub replicas: u32,
    /// `profiles`.
    pub profiles: Vec<String>,
    /// `labels` over `label_file`.
    pub labels: IndexMap<String, String>,
    /// Whether all of them are from `label_file`.
    pub labels_of_files: bool,
    /// Fields that were read and understood but that a runtime may not be able to honour, by
    /// name (for example `networks`, `cap_add`). A runtime that cannot honour one reports it.
    pub other_fields: IndexMap<String, Placed<serde_json::Value>>,
    /// The service's `x-msvc`.
    pub x_msvc: ServiceExtension,
}

/// One of `post_start` or `pre_stop`: a command that is run beside a service, in the same place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Program and arguments.
    pub command: Vec<String>,
    /// `environment`, over the service's own.
    pub environment: IndexMap<String, String>,
    /// `user`, when another one runs it.
    pub user: Option<String>,
    /// `privileged`.
    pub privileged: bool,
    /// `working_dir`, when it runs elsewhere.
    pub working_dir: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// `build`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Build {
    /// Build context, absolute.
    pub context: PathBuf,
    /// Dockerfile, as given (relative to the context) or `Dockerfile`.
    pub dockerfile: PathBuf,
    /// Where `build` stands.
    pub place: Place,
    /// `args`.
    pub args: IndexMap<String, String>,
    /// `target`.
    pub target: Option<String>,
}

/// A port opened to the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// Host address to listen on; `None` means Compose's default (all interfaces), which the
    /// process runtime narrows to loopback.
    pub host_ip: Option<String>,
    /// Host port; `None` means any free one.
    pub published: Option<u16>,
    /// The last of a range of host ports that begins with `published`: the first that is free is
    /// meant.
    pub published_to: Option<u16>,
    /// The service's own port.
    pub target: u16,
    /// `tcp` or `udp`.
    pub protocol: Protocol,
    /// `app_protocol: https`: spoken to over TLS.
    pub is_https: bool,
    /// Where it stands.
    pub place: Place,
}

impl PublishedPort {
    /// The host ports of which one is meant; none where any free one is.
    #[must_use]
    pub fn asked(&self) -> Option<RangeInclusive<u16>> {
        let first = self.published?;
        Some(first..=self.published_to.unwrap_or(first))
    }
}

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// One entry of `depends_on` (or `links`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The service depended upon.
    pub service: ServiceName,
    /// What must be so before the dependent starts.
    pub condition: Condition,
    /// `required: false` makes a missing or failed dependency a warning.
    pub required: bool,
    /// `restart: true`: restart with it.
    pub restart: bool,
    /// Where it stands.
    pub place: Place,
}

/// A name of a service that one caller has for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Whom it means.
    pub service: ServiceName,
    /// The name.
    pub alias: String,
    /// Where it stands.
    pub place: Place,
}

/// `depends_on.condition`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Its process was started.
    ServiceStarted,
    /// Its healthcheck has passed.
    ServiceHealthy,
    /// It ended with status 0.
    ServiceCompletedSuccessfully,
}

/// `healthcheck`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healthcheck {
    /// What to run.
    pub test: HealthTest,
    /// Time between probes; Docker's default 30 s.
    pub interval: Duration,
    /// Time a probe may take; default 30 s.
    pub timeout: Duration,
    /// Failures in a row that make it unhealthy; default 3.
    pub retries: u32,
    /// Failures within this time from the start do not count; default 0.
    pub start_period: Duration,
    /// Where it stands.
    pub place: Place,
}

/// `healthcheck.test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthTest {
    /// `["CMD", …]`: run directly.
    Command(Vec<String>),
    /// `["CMD-SHELL", …]` or a plain string: run by the shell.
    Shell(String),
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// `name`, when given.
    pub name: Option<String>,
    /// `external: true`.
    pub external: bool,
    /// `driver`, when given.
    pub driver: Option<String>,
    /// `internal`: no way out of it.
    pub internal: bool,
    /// `attachable`.
    pub attachable: bool,
    /// `enable_ipv4`, when given.
    pub enable_ipv4: Option<bool>,
    /// `enable_ipv6`.
    pub enable_ipv6: bool,
    /// `driver_opts`.
    pub options: IndexMap<String, String>,
    /// `labels`.
    pub labels: IndexMap<String, String>,
    /// `ipam.driver`, when given.
    pub ipam_driver: Option<String>,
    /// `ipam.options`.
    pub ipam_options: IndexMap<String, String>,
    /// `ipam.config`.
    pub subnets: Vec<Subnet>,
    /// Where it stands.
    pub place: Place,
}

/// One entry of a network's `ipam.config`, as the file says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// `subnet`, for example `172.28.0.0/16`.
    pub subnet: Option<String>,
    /// `gateway`.
    pub gateway: Option<String>,
    /// `ip_range`.
    pub ip_range: Option<String>,
    /// `aux_addresses`: kept off, by a name for each.
    pub reserved: IndexMap<String, String>,
}

/// `restart`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// Never (the default).
    No,
    /// Always.
    Always,
    /// After a non-zero exit, at most so many times when a number is given.
    OnFailure(Option<u32>),
    /// Always, unless stopped by the user.
    UnlessStopped,
}
