//! The names that a caller knows callees by: lines of its `/etc/hosts`, each with the address of its
//! own edge.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;

use msvc_system::id::{Party, ServiceName};
use msvc_system::model::Service;

use super::MeshPlan;
use crate::docker::want::value::text;

/// How many of those who share a name are looked at: two are enough to leave it to the engine.
const SHARING: usize = 8;

/// A line of a caller's `/etc/hosts`.
pub(in super::super) struct Known {
    /// `name:address`, as the engine takes it.
    pub(in super::super) entry: String,
    /// Whether anybody says that this caller calls whose name it is.
    pub(in super::super) is_declared: bool,
}

/// Those that a name may mean, with the addresses of the edges that there are to them.
pub(super) type Meant<'a> = BTreeMap<&'a ServiceName, Option<Ipv4Addr>>;

impl<'a> MeshPlan<'a> {
    /// Notes by which names services are called.
    pub(super) fn call(&mut self) {
        let mut called: HashMap<&'a str, HashMap<String, Vec<usize>>> = HashMap::new();
        for (number, service) in self.services.iter().enumerate() {
            if self.ports(service).is_none() {
                continue;
            }
            for network in self.wish.subnets.keys() {
                let here = called.entry(network).or_default();
                if self.stands_on(service, network) {
                    for name in self.names_of(service, network) {
                        here.entry(name).or_default().push(number);
                    }
                }
            }
        }
        self.called = called;
    }

    /// The names that a caller knows callees by, each with those it may mean. One edge stands for
    /// a callee on all the networks that the two have in common.
    pub(super) fn claims(&self, caller: &Service) -> BTreeMap<String, Meant<'a>> {
        let mut claims: BTreeMap<String, Meant<'a>> = BTreeMap::new();
        let common: Vec<&str> = self.places(caller).iter().map(|it| &*it.name).collect();
        let mut own = BTreeSet::from([caller.name.to_string()]);
        own.extend(hostname(caller));
        for network in &common {
            own.extend(self.names_of(caller, network));
        }
        for (callee, way) in self.ways(caller) {
            for network in common.iter().filter(|it| self.stands_on(callee, it)) {
                for name in self.names_of(callee, network) {
                    let whole = format!("{name}.{network}");
                    for (name, on) in [(whole, &[*network][..]), (name.clone(), &common)] {
                        let meant = claims.entry(name.clone());
                        let meant = meant.or_insert_with(|| self.others(caller, &name, on));
                        meant.insert(&callee.name, Some(way.address));
                    }
                }
            }
        }
        // What it calls itself is itself.
        claims.retain(|name, _| !own.contains(name));
        // A link means the one it names, whoever else has that name.
        for link in &caller.links {
            let linked = self.services.iter().find(|it| it.name == link.service);
            let way = linked
                .and_then(|linked| Some((&linked.name, Some(self.way(caller, linked)?.address))));
            claims.extend(way.map(|way| (link.alias.clone(), [way].into())));
        }
        claims
    }

    /// The others that a name means on networks of a caller's, whether or not there is an edge.
    fn others(&self, caller: &Service, name: &str, on: &[&str]) -> Meant<'a> {
        let here = on.iter().filter_map(|network| self.called.get(network));
        let named = here.filter_map(|names| names.get(name)).flatten();
        let named = named.filter_map(|number| self.services.get(*number));
        let others = named.filter(|it| it.name != caller.name);
        others.map(|it| (&it.name, None)).take(SHARING).collect()
    }

    /// What stands in a caller's `/etc/hosts`. A name that several services have is left to the
    /// engine.
    pub(in super::super) fn hosts(&self, caller: &Service) -> Vec<Known> {
        let party = Party::Service(caller.name.clone());
        let claims = self.claims(caller).into_iter();
        let sole = claims.filter(|(_, meant)| meant.len() == 1);
        sole.flat_map(|(name, meant)| meant.into_iter().map(move |it| (name.clone(), it)))
            .filter_map(|(name, (callee, address))| {
                Some(Known {
                    entry: format!("{name}:{}", address?),
                    is_declared: self.declared.contains_key(&(&party, callee)),
                })
            })
            .collect()
    }

    /// Every name by which the engine would find a service on a network, but for those of single
    /// replicas: an edge leads to any of them. A fixed name that is another service's means that
    /// one.
    pub(super) fn names_of(&self, service: &Service, network: &str) -> BTreeSet<String> {
        let mut places = self.places(service).iter();
        let place = places.find(|place| place.name == network);
        let aliases = place.and_then(|place| place.settings.aliases.clone());
        let is_one = service.replicas == 1;
        let containers = is_one.then(|| self.names.container(service, 1));
        aliases
            .unwrap_or_default()
            .into_iter()
            .chain(containers)
            .chain(hostname(service))
            .filter(|name| {
                *name == service.name.as_str() || self.names.system.service(name).is_none()
            })
            .collect()
    }
}

fn hostname(service: &Service) -> Option<String> {
    let field = service.other_fields.get("hostname")?;
    text(&field.value)
}
