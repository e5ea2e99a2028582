//! What a lane's containers hold already: addresses, which stay, and the mesh that runs, which is
//! kept. Read from the engine at every `up`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use msvc_system::id::LaneName;
use msvc_system::problem::Problem;

use super::container::Found;
use super::labels;
use super::mesh_container;
use super::runtime::DockerRuntime;
use super::want::{Carrier, Door, MeshWish, SERVICE, edge_key, replica_key};
use crate::contract::RuntimeError;
use crate::instance::Program;
use crate::plan::Deed;
use crate::provision::Kind;
use crate::up::Prepared;

type Held = BTreeMap<String, BTreeSet<Ipv4Addr>>;

impl DockerRuntime {
    /// What is held in a lane; ranges and image are still to be said.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(super) async fn held(&self, lane: &LaneName) -> Result<MeshWish, RuntimeError> {
        let mut wish = MeshWish::default();
        let (found, carriers) = tokio::try_join!(self.found(), self.found_carriers())?;
        for found in found {
            if found.id.lane == *lane {
                addresses(&found, &mut wish.held);
            }
        }
        for found in carriers {
            if found.lane == *lane && found.is_running {
                carrier(found, &mut wish);
            }
        }
        Ok(wish)
    }

    /// Who was made before others came, and knows their names from the engine alone: what it calls
    /// there goes past the mesh.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(super) async fn uncarried(
        &self,
        prepared: &Prepared,
    ) -> Result<Vec<Problem>, RuntimeError> {
        let started = prepared.plan.steps.iter();
        let started: Vec<_> = started
            .filter_map(|it| match &it.step.deed {
                Deed::Start(spec) => Some(&spec.id),
                _ => None,
            })
            .collect();
        let mut old = BTreeSet::new();
        for found in self.found().await? {
            let Some(knows) = found.labels.get(labels::HOSTS) else {
                continue;
            };
            let mut wanted = prepared.wanted.instances.iter();
            let wanted = wanted.find(|it| it.id.same_replica(&found.id));
            let Some(Program::Container(program)) = wanted.map(|it| &it.program) else {
                continue;
            };
            let is_anew = started.iter().any(|id| id.same_replica(&found.id));
            let known = program.create["Labels"][labels::HOSTS].as_str();
            if !is_anew && known.is_some_and(|known| known != knows) {
                old.insert(found.id.service.to_string());
            }
        }
        if old.is_empty() {
            return Ok(Vec::new());
        }
        let old: Vec<String> = old.into_iter().collect();
        let what = format!(
            "not carried by the mesh: what {} may call at services that came or went since they \
             were started; nothing says that they do",
            old.join(", ")
        );
        let hint = "declare it (`depends_on`, a setting, `x-msvc.calls`), or `msvc down` and `up`";
        Ok(vec![Problem::warning(what).hint(hint)])
    }
}

fn addresses(found: &Found, held: &mut Held) {
    let service = found.id.service.as_str();
    let settings = found.seen.network_settings.as_ref();
    let places = settings.and_then(|it| it.networks.as_ref());
    for place in places.into_iter().flatten().map(|it| it.1) {
        // The engine tells a stopped container's address only as what was asked for.
        let asked = place.ipam_config.as_ref();
        let asked = asked.and_then(|it| it.ipv4_address.as_ref()?.parse::<Ipv4Addr>().ok());
        let key = replica_key(service, found.id.replica);
        held.entry(key).or_default().extend(asked);
    }
    let host = found.seen.host_config.as_ref();
    let hosts = host.and_then(|it| it.extra_hosts.as_ref());
    for line in hosts.into_iter().flatten() {
        if let Some((name, address)) = line.split_once(':')
            && let Ok(address) = address.parse()
        {
            let key = edge_key(service, name);
            held.entry(key).or_default().insert(address);
        }
    }
}

fn carrier(found: mesh_container::Found, wish: &mut MeshWish) {
    let mut openings = found.openings.into_iter().map(|(it, _)| it);
    match found.observed.kind {
        Kind::Mesh => {
            let places = found
                .places
                .values()
                .filter_map(|it| it.parse::<Ipv4Addr>().ok());
            let held = wish.held.entry(SERVICE.to_owned()).or_default();
            held.extend(places);
            wish.carrier = Some(Carrier {
                name: found.observed.name,
                hash: found.observed.hash,
                openings: openings.collect(),
            });
        }
        _ => {
            let number = found.observed.name.rsplit('-').next();
            let number = number.and_then(|it| it.parse().ok()).unwrap_or_default();
            let door = openings.next().map(|opening| Door { number, opening });
            wish.doors.extend(door);
        }
    }
}
