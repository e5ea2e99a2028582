//! Building what is out of date, on the host.
use std::collections::BTreeMap;
use std::path::PathBuf;

use msvc_system::id::ServiceName;
/// What was built, by service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildOutcome {
    /// By service.
    pub services: BTreeMap<ServiceName, Built>,
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
