//! Which pairs of services have an edge with an address of its own on a network. All of them where
//! the network has room for all; else those that the files name, and of the others as many as find
//! room: who is left out finds the callee through the engine, past the mesh.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use msvc_system::id::{Party, ServiceName};
use msvc_system::model::{Service, System};
use msvc_system::problem::Problem;

use super::{MeshPlan, SERVICE, Way, edge_key, replica_key};
use crate::docker::want::addresses::{Addresses, Subnet};
use crate::docker::want::{Names, networks};

/// How many edges there are at most, in all networks of a lane, that no file names: as many as a
/// range of 65,536 addresses has room for, the largest that engines choose by themselves.
const UNDECLARED: usize = 49_152;

/// The network's own address, the gateway's and the mesh's.
const FIXED: usize = 3;

/// A network without room for all pairs of its services.
#[derive(Debug)]
pub(super) struct Full {
    network: String,
    services: usize,
    /// How many pairs that the files name go without.
    declared: usize,
}

/// Those who have addresses on a network.
struct Given {
    keys: BTreeSet<String>,
    /// Callers and callees, by their numbers.
    pairs: Vec<(usize, usize)>,
}

impl Given {
    /// An address for an edge.
    fn add(&mut self, services: &[&Service], pair: (usize, usize)) -> bool {
        let (Some(caller), Some(callee)) = (services.get(pair.0), services.get(pair.1)) else {
            return false;
        };
        let key = edge_key(caller.name.as_str(), callee.name.as_str());
        let is_new = self.keys.insert(key);
        if is_new {
            self.pairs.push(pair);
        }
        is_new
    }
}

impl MeshPlan<'_> {
    /// Gives addresses on every network.
    pub(super) fn give(&mut self) {
        let wish = self.wish;
        let declared = declared(self.names.system);
        let number = |name: &ServiceName| self.number(name.as_str());
        let declared = declared.into_iter();
        let declared: Vec<(usize, usize)> = declared
            .filter_map(|(caller, callee)| Some((number(caller)?, number(callee)?)))
            .collect();
        let mut left = UNDECLARED;
        for (network, subnet) in &wish.subnets {
            let given = self.chosen(network, *subnet, &declared, &mut left);
            let taken = self.taken(network);
            let addresses = Addresses::give(*subnet, &taken, &given.keys, &wish.held);
            for (caller, callee) in given.pairs {
                self.lead(network, &addresses, (caller, callee));
            }
            self.addresses.insert(network.clone(), addresses);
        }
    }

    /// Who has an address on a network; `left` is how many more edges there may be that no file
    /// names.
    fn chosen(
        &mut self,
        network: &str,
        subnet: Subnet,
        declared: &[(usize, usize)],
        left: &mut usize,
    ) -> Given {
        let each = self.services.iter().enumerate();
        let here: Vec<usize> = each
            .filter(|(_, service)| self.stands_on(service, network))
            .map(|(number, _)| number)
            .collect();
        let mut keys = BTreeSet::from([SERVICE.to_owned()]);
        for service in here.iter().filter_map(|it| self.services.get(*it)) {
            let name = service.name.as_str();
            keys.extend((1..=service.replicas.max(1)).map(|n| replica_key(name, n)));
        }
        let mut given = Given {
            pairs: Vec::new(),
            keys,
        };
        let used = self.taken(network).len() + FIXED - 1 + given.keys.len();
        let mut room = subnet.room().saturating_sub(used);
        let all = here.len().saturating_mul(here.len().saturating_sub(1));
        if all <= room && all <= *left {
            *left -= all;
            for caller in &here {
                for callee in here.iter().filter(|it| *it != caller) {
                    given.add(&self.services, (*caller, *callee));
                }
            }
            return given;
        }
        let set: HashSet<usize> = here.iter().copied().collect();
        let of_it = declared
            .iter()
            .filter(|(caller, callee)| set.contains(caller) && set.contains(callee));
        let of_it: Vec<(usize, usize)> = of_it.copied().collect();
        let fits = of_it.len().min(room);
        for pair in of_it.iter().take(fits) {
            given.add(&self.services, *pair);
        }
        room = room.saturating_sub(fits).min(*left);
        *left -= self.fill(&mut given, &here, &set, room);
        self.full.push(Full {
            network: network.to_owned(),
            services: here.len(),
            declared: of_it.len() - fits,
        });
        given
    }

    /// Gives at most `room` pairs that no file names an address: first to those who have one
    /// already. Returns to how many.
    fn fill(&self, given: &mut Given, here: &[usize], set: &HashSet<usize>, room: usize) -> usize {
        let number = |name: &str| self.number(name);
        let held = self.wish.held.keys().filter_map(|key| {
            let (caller, callee) = key.split_once("->")?;
            Some((number(caller)?, number(callee)?))
        });
        let held = held.filter(|(caller, callee)| set.contains(caller) && set.contains(callee));
        let mut callees = here.to_vec();
        callees.retain(|it| {
            let service = self.services.get(*it);
            service.is_some_and(|service| self.ports(service).is_some())
        });
        let others = here
            .iter()
            .flat_map(|caller| callees.iter().map(|callee| (*caller, *callee)));
        let mut filled = 0;
        for pair in held.chain(others) {
            if filled >= room {
                break;
            }
            if pair.0 != pair.1 && given.add(&self.services, pair) {
                filled += 1;
            }
        }
        filled
    }

    /// Lets a caller reach a callee at its edge's address, on the first network that both stand on.
    fn lead(&mut self, network: &str, addresses: &Addresses, (caller, callee): (usize, usize)) {
        let (Some(from), Some(to)) = (self.services.get(caller), self.services.get(callee)) else {
            return;
        };
        let key = edge_key(from.name.as_str(), to.name.as_str());
        let mut places = self.places(from).iter();
        let nth = places.position(|place| place.name == network);
        let found = self.wish.subnets.get_key_value(network);
        if let (Some(nth), Some((network, _))) = (nth, found)
            && let Some(address) = addresses.of(&key)
            && self.ports(to).is_some()
            && let Some(ways) = self.ways.get_mut(caller)
            && ways.get(&callee).is_none_or(|way| nth < way.nth)
        {
            let way = Way {
                network,
                nth,
                address,
            };
            ways.insert(callee, way);
        }
    }

    /// That networks have no room for all that is called there.
    pub(super) fn without_room(&self) -> Vec<Problem> {
        let told = self.full.iter().map(|full| {
            let Full {
                network,
                services,
                declared,
            } = full;
            let problem = |what: String, hint: &str| {
                Problem::warning(format!("not carried by the mesh: {what}")).hint(hint)
            };
            match declared {
                0 => problem(
                    format!(
                        "some of the calls on network {network} that no file names: it has no room for \
                         an address for every pair of its {services} services"
                    ),
                    "declare those that you want to see and to disturb (`depends_on`, a setting, \
                     `x-msvc.calls`): declared ones come first",
                ),
                _ => problem(
                    format!(
                        "{declared} of the calls on network {network} that the files name: it has no \
                         room for their addresses"
                    ),
                    "give it a larger `subnet`, or none: msvc chooses one",
                ),
            }
        });
        told.collect()
    }
}

/// The pairs of callers and callees that the files name, each whose namespace it lives in.
fn declared(system: &System) -> BTreeSet<(&ServiceName, &ServiceName)> {
    let edges = system.edges.iter();
    edges
        .filter_map(|edge| {
            let Party::Service(caller) = &edge.caller else {
                return None;
            };
            let (caller, callee) = (home(system, caller)?, home(system, &edge.callee)?);
            (caller != callee).then_some((caller, callee))
        })
        .collect()
}

fn home<'a>(system: &'a System, name: &ServiceName) -> Option<&'a ServiceName> {
    let mut home = system.services.get(name)?;
    // The loader refuses circles; one that came all the same ends here.
    for _ in 0..system.services.len() {
        match networks::housed_by(home).and_then(|host| system.service(host)) {
            Some(host) => home = host,
            None => break,
        }
    }
    Some(&home.name)
}

/// How many addresses each network of a lane needs at least, by its name in the engine: one for
/// each container, and one for each edge that the files name.
pub(in crate::docker) fn least(names: &Names<'_>) -> BTreeMap<String, usize> {
    let mut least: BTreeMap<String, usize> = BTreeMap::new();
    let mut stands: BTreeMap<&ServiceName, BTreeSet<String>> = BTreeMap::new();
    for service in names.system.services.values() {
        let on = networks::stands(names, service);
        for network in &on {
            let replicas = usize::try_from(service.replicas.max(1)).unwrap_or(usize::MAX);
            let of_it = least.entry(network.clone()).or_insert(FIXED);
            *of_it = of_it.saturating_add(replicas);
        }
        stands.insert(&service.name, on);
    }
    for (caller, callee) in declared(names.system) {
        let (Some(one), Some(other)) = (stands.get(caller), stands.get(callee)) else {
            continue;
        };
        for network in one.intersection(other) {
            *least.entry(network.clone()).or_insert(FIXED) += 1;
        }
    }
    least
}
