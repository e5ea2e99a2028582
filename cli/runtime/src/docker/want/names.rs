//! The names of everything in the engine, as Compose gives them.

use msvc_system::id::LaneName;
use msvc_system::model::{Service, System};

use crate::docker::labels;
use crate::lane::LaneOptions;

/// The one who gives names in a lane.
#[derive(Debug, Clone)]
pub(crate) struct Names<'a> {
    pub(crate) system: &'a System,
    pub(crate) options: &'a LaneOptions,
    /// The project as Compose knows it.
    pub(crate) project: String,
    /// Whether this is the system itself; a copy must not take names that the file fixes.
    is_itself: bool,
}

impl<'a> Names<'a> {
    pub(crate) fn of(system: &'a System, options: &'a LaneOptions) -> Self {
        Self {
            system,
            options,
            project: labels::compose_project(&options.project, &options.lane),
            is_itself: options.project == system.name && options.lane == LaneName::main(),
        }
    }

    /// A service's `container_name`, with which it is called too.
    pub(crate) fn fixed<'s>(&self, service: &'s Service) -> Option<&'s str> {
        let field = service.other_fields.get("container_name")?;
        field.value.as_str().filter(|name| !name.is_empty())
    }

    /// The name of a replica's container.
    pub(crate) fn container(&self, service: &Service, replica: u32) -> String {
        match self.fixed(service) {
            Some(name) if self.is_itself => name.to_owned(),
            _ => format!("{}-{}-{replica}", self.project, service.name),
        }
    }

    /// The name of a network, and whether it is somebody else's.
    pub(crate) fn network(&self, key: &str) -> (String, bool) {
        let network = self.system.networks.get(key);
        let is_external = network.is_some_and(|network| network.external);
        let named = network.and_then(|network| network.name.clone());
        (self.named(key, named, is_external), is_external)
    }

    /// The name of a volume, and whether it is somebody else's.
    pub(crate) fn volume(&self, key: &str) -> (String, bool) {
        let volume = self.system.volumes.get(key);
        let is_external = volume.is_some_and(|volume| volume.external);
        let named = volume.and_then(|volume| volume.name.clone());
        (self.named(key, named, is_external), is_external)
    }

    fn named(&self, key: &str, named: Option<String>, is_external: bool) -> String {
        match named {
            Some(name) if is_external || self.is_itself => name,
            _ if is_external => key.to_owned(),
            _ => format!("{}_{key}", self.project),
        }
    }
}
