//! The ports that a service listens on, as far as file, image and settings tell.

use std::collections::{BTreeMap, BTreeSet};

use msvc_system::id::ServiceName;
use msvc_system::model::Service;

use super::said_ports;
use crate::docker::image::ImageFacts;

/// The ports of TCP that the file tells. A port that only others' settings name, and that the image
/// opens for UDP alone, is none.
pub(in crate::docker::want) fn listens(
    service: &Service,
    facts: Option<&ImageFacts>,
) -> BTreeSet<u16> {
    let is_udp = |port: &u16| {
        let opens =
            |of: fn(&ImageFacts) -> &Vec<u16>| facts.is_some_and(|it| of(it).contains(port));
        service.told.contains(port) && opens(|it| &it.datagrams) && !opens(|it| &it.exposed)
    };
    let told = service.listens.iter().copied();
    told.filter(|port| !is_udp(port)).collect()
}

/// The ports that a service listens on, as far as file and image tell.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownPorts {
    pub(super) tcp: BTreeSet<u16>,
    pub(super) udp: BTreeSet<u16>,
}

impl KnownPorts {
    pub(super) fn of(service: &Service, images: &BTreeMap<ServiceName, ImageFacts>) -> Self {
        let facts = images.get(&service.name);
        let mut ports = Self::default();
        ports.tcp.extend(listens(service, facts));
        ports.tcp.extend(facts.iter().flat_map(|it| &it.exposed));
        ports.tcp.extend(said_ports::of(service));
        ports.udp.extend(facts.iter().flat_map(|it| &it.datagrams));
        ports.udp.extend(&service.datagrams);
        ports
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tcp.is_empty() && self.udp.is_empty()
    }

    pub(super) fn all(&self) -> BTreeSet<u16> {
        self.tcp.union(&self.udp).copied().collect()
    }
}
