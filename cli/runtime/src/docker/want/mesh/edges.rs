//! The edges that the mesh is given.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};

use msvc_mesh::spec::{Admission, Backend, EdgeSpec, HostPort, Transport};
use msvc_system::id::{EdgeId, Party, ServiceName};
use msvc_system::model::Service;

use super::MeshPlan;
use super::openings::Led;

impl MeshPlan<'_> {
    /// The edges of the services that run.
    pub(in super::super) fn edges(&self, chosen: &BTreeSet<ServiceName>) -> Vec<EdgeSpec> {
        let mut edges: Vec<EdgeSpec> = Vec::new();
        for caller in self.services.iter().filter(|it| chosen.contains(&it.name)) {
            for (callee, way) in self.ways(caller) {
                let Some(ports) = self.ports(callee) else {
                    continue;
                };
                for port in ports.all() {
                    let party = Party::Service(caller.name.clone());
                    let listen = SocketAddr::from((way.address, port));
                    let transport = match (ports.tcp.contains(&port), ports.udp.contains(&port)) {
                        (true, true) => Transport::TcpAndUdp,
                        (false, true) => Transport::Udp,
                        _ => Transport::Tcp,
                    };
                    let edge = self.edge(party, callee, port, listen, way.network);
                    edges.push(EdgeSpec { transport, ..edge });
                }
            }
        }
        let mut led = BTreeSet::new();
        let mut listeners: BTreeMap<EdgeId, u32> = BTreeMap::new();
        for Led { at, opening, .. } in self.openings(chosen) {
            if !led.insert(at) {
                continue;
            }
            let callee = self.names.system.services.get(&opening.service);
            if let Some(callee) = callee
                && let Some(network) = self.network_of(callee)
            {
                let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, at));
                let (party, port) = (opening.opened.caller, opening.opened.port);
                let mut edge = self.edge(party, callee, port, listen, &network);
                // Each of the host's ports that lead there has a listener of its own.
                let nth: &mut u32 = listeners.entry(edge.id.clone()).or_default();
                *nth += 1;
                edge.caller_replica = Some(*nth).filter(|nth| *nth > 1);
                edges.push(edge);
            }
        }
        edges
    }

    fn edge(
        &self,
        caller: Party,
        callee: &Service,
        port: u16,
        listen: SocketAddr,
        network: &str,
    ) -> EdgeSpec {
        let of_them = self.declared.get(&(&caller, &callee.name));
        let mut of_them = of_them.into_iter().flatten();
        // Of an edge whose port nothing tells, the image may.
        let declared = of_them.find(|edge| edge.port.is_none_or(|known| known == port));
        let mut reasons: Vec<String> = declared
            .iter()
            .flat_map(|edge| &edge.reasons)
            .map(ToString::to_string)
            .collect();
        reasons.dedup();
        match caller {
            Party::Client => reasons = vec!["ports".to_owned()],
            Party::Verifier | Party::External => reasons = vec![caller.shown().to_owned()],
            Party::Service(_) => {}
        }
        let backends = (1..=callee.replicas)
            .filter_map(|replica| {
                let address = self.own(callee, replica, network)?;
                Some(Backend::Named {
                    name: self.names.container(callee, replica),
                    address: SocketAddr::from((address, port)),
                })
            })
            .collect();
        let also_known_as = self.names_of(callee, network).into_iter();
        EdgeSpec {
            id: EdgeId {
                lane: self.names.options.lane.clone(),
                caller,
                callee: callee.name.clone(),
                port,
            },
            caller_replica: None,
            listen,
            backends,
            admission: Admission::Accept,
            also_known_as: also_known_as.map(|host| HostPort { host, port }).collect(),
            reasons,
            transport: Transport::Tcp,
        }
    }
}
