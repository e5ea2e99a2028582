//! The edges that the mesh is given.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use msvc_mesh::spec::{Admission, Backend, EdgeSpec, HostPort, Transport};
use msvc_system::id::{EdgeId, Party, ServiceName};
use msvc_system::model::Service;

use super::MeshPlan;

impl MeshPlan<'_> {
    /// The edges of the services that run.
    pub(in super::super) fn edges(&self, chosen: &BTreeSet<ServiceName>) -> Vec<EdgeSpec> {
        let mut edges = Vec::new();
        for caller in self.services.iter().filter(|it| chosen.contains(&it.name)) {
            for callee in &self.services {
                let Some((network, address)) = self.way(caller, callee) else {
                    continue;
                };
                let ports = self.ports(callee);
                for port in ports.all() {
                    let party = Party::Service(caller.name.clone());
                    let listen = SocketAddr::from((address, port));
                    let transport = match (ports.tcp.contains(&port), ports.udp.contains(&port)) {
                        (true, true) => Transport::TcpAndUdp,
                        (false, true) => Transport::Udp,
                        _ => Transport::Tcp,
                    };
                    let edge = self.edge(party, callee, port, listen, &network);
                    edges.push(EdgeSpec { transport, ..edge });
                }
            }
        }
        let mut led = BTreeSet::new();
        for (at, opening) in self.openings(chosen) {
            if !led.insert(at) {
                continue;
            }
            let callee = self.names.system.services.get(&opening.service);
            if let Some(callee) = callee
                && let Some(network) = self.network_of(callee)
            {
                let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, at));
                let (party, port) = (opening.opened.caller, opening.opened.port);
                edges.push(self.edge(party, callee, port, listen, &network));
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
        let declared = self.names.system.edges.iter().find(|edge| {
            edge.caller == caller
                    && edge.callee == callee.name
                    // Of an edge whose port nothing tells, the image may.
                    && edge.port.is_none_or(|known| known == port)
        });
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
