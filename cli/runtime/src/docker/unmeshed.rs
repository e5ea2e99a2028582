//! Lanes whose containers call over a mesh that does not run: somebody stopped, paused or removed it
//! with the engine's own commands, and their calls lead nowhere.
//!
//! What comes in: containers, meshes and networks as the engine shows them. What leaves: a sentence for
//! each such lane; `up` makes another mesh. What must not enter: asking the engine.

use std::collections::BTreeSet;

use msvc_system::id::LaneName;

use super::container::Found;
use super::{mesh_container, network};
use crate::observed::Phase;
use crate::provision::Kind;

/// Why the calls of lanes lead nowhere, one sentence each.
pub(super) fn lanes(
    all: &[Found],
    carriers: &[mesh_container::Found],
    networks: &[network::Found],
) -> Vec<String> {
    let carried = |name: &String| {
        let mut networks = networks.iter();
        networks.any(|it| it.is_carried && it.observed.name == *name)
    };
    let calls_over_one = |it: &&Found| {
        let settings = it.seen.network_settings.as_ref();
        let mut on = settings
            .and_then(|it| it.networks.as_ref())
            .into_iter()
            .flatten();
        // Whoever is paused will call on.
        let phase = it.phase();
        let is_there = phase.runs() || phase == Phase::HeldDown;
        is_there && on.any(|(name, _)| carried(name))
    };
    let lanes: BTreeSet<&LaneName> = all
        .iter()
        .filter(calls_over_one)
        .map(|it| &it.id.lane)
        .collect();
    let meshes = |lane: &LaneName| {
        let meshes = carriers.iter().filter(|it| it.observed.kind == Kind::Mesh);
        meshes.filter(|it| it.lane == *lane).collect::<Vec<_>>()
    };
    let without = lanes
        .into_iter()
        .filter(|lane| !meshes(lane).iter().any(|it| it.is_running));
    let told = without.map(|lane| match meshes(lane).first() {
        Some(mesh) => {
            let name = &mesh.observed.name;
            let (became, what_to_do) = match mesh.is_paused {
                true => ("is paused", format!(" (`docker unpause {name}` ends that)")),
                false => ("does not run", String::new()),
            };
            format!("the mesh ({name}) {became}: all calls over it lead nowhere{what_to_do}")
        }
        None => {
            let of = match *lane == LaneName::main() {
                true => String::new(),
                false => format!(" of {lane}"),
            };
            format!("the mesh{of} is gone: all calls over it lead nowhere")
        }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use bollard::models::{
        ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, EndpointSettings,
        NetworkSettings,
    };
    use msvc_system::id::InstanceId;

    use super::*;
    use crate::provision::ObservedProvision;

    fn found(network: &str, status: ContainerStateStatusEnum) -> Found {
        let place = (network.to_owned(), EndpointSettings::default());
        Found {
            id: InstanceId {
                project: "shop".parse().unwrap(),
                lane: LaneName::main(),
                service: "web".parse().unwrap(),
                replica: 1,
                incarnation: 1,
            },
            container: "8f3c".to_owned(),
            labels: HashMap::new(),
            seen: ContainerInspectResponse {
                network_settings: Some(NetworkSettings {
                    networks: Some(HashMap::from([place])),
                    ..NetworkSettings::default()
                }),
                state: Some(ContainerState {
                    status: Some(status),
                    ..ContainerState::default()
                }),
                ..ContainerInspectResponse::default()
            },
        }
    }

    fn provision(kind: Kind, name: &str) -> ObservedProvision {
        ObservedProvision {
            kind,
            name: name.to_owned(),
            hash: String::new(),
            lane: None,
        }
    }

    fn mesh(is_running: bool, is_paused: bool) -> mesh_container::Found {
        mesh_container::Found {
            container: "9a1b".to_owned(),
            lane: LaneName::main(),
            observed: provision(Kind::Mesh, "shop-mesh"),
            is_running,
            is_paused,
            openings: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    #[test]
    fn who_stands_on_a_carried_network_without_a_mesh_that_runs_is_told() {
        use ContainerStateStatusEnum::{EXITED, PAUSED, RUNNING};
        let networks =
            [("front", true), ("plain", false)].map(|(name, is_carried)| network::Found {
                observed: provision(Kind::Network, name),
                labels: HashMap::new(),
                subnets: Vec::new(),
                is_carried,
            });
        for (on, status, mesh, told) in [
            ("front", RUNNING, Some(mesh(true, false)), None),
            (
                "front",
                RUNNING,
                Some(mesh(false, false)),
                Some("(shop-mesh) does not run"),
            ),
            (
                "front",
                PAUSED,
                Some(mesh(false, true)),
                Some("`docker unpause shop-mesh`"),
            ),
            ("front", RUNNING, None, Some("the mesh is gone")),
            ("front", EXITED, None, None),
            ("plain", RUNNING, None, None),
        ] {
            let meshes: Vec<_> = mesh.into_iter().collect();
            let said = lanes(&[found(on, status)], &meshes, &networks);
            assert_eq!(
                said.len(),
                usize::from(told.is_some()),
                "{on} {status:?}: {said:?}"
            );
            let said = said.concat();
            assert!(told.is_none_or(|it| said.contains(it)), "{said}");
        }
    }
}
