//! Whether a network whose addresses the engine gives has one for each container on it.
//!
//! What comes in: a lane's networks as the file says them, and who stands on them. What leaves: those
//! that are too small, at the line that says how small. An engine tells that too, when it has made
//! most of the system. What must not enter: networks whose addresses msvc gives.

use std::net::Ipv4Addr;

use msvc_system::model::{Network, Service, Subnet as Asked};
use msvc_system::problem::Problem;
use serde_json::Value;

use super::super::Names;
use super::super::addresses::Subnet;
use super::{driver, keys, own};

/// The longest prefix of a network that leaves it to the engine which of its addresses it keeps: the
/// addresses of longer ones are given in another way by each version.
const LONGEST_WHOLE: u8 = 30;

/// The networks of `services` that have fewer addresses than containers ask for.
pub(in crate::docker::want) fn too_small(names: &Names<'_>, services: &[&Service]) -> Vec<Problem> {
    let networks = own(names, services).into_iter().filter_map(|(key, _)| {
        let network = names.system.networks.get(&key)?;
        let pool = Pool::of(network)?;
        let asking = Asking::of(&key, services, pool.range);
        let room = pool.room.saturating_sub(asking.fixed);
        (asking.any > room).then(|| {
            let containers = |count: usize| match count {
                1 => "one container".to_owned(),
                count => format!("{count} containers"),
            };
            let what = format!(
                "the network `{key}` gives addresses of {} alone: beside its gateway there is room for \
                 {}, and {} ask for one",
                pool.range,
                match room {
                    0 => "no container".to_owned(),
                    room => containers(room),
                },
                containers(asking.any),
            );
            let place = names.system.written.addresses(&key);
            Problem::error(what)
                .at(place.unwrap_or_else(|| network.place.clone()))
                .hint("write a larger `ip_range` or `subnet`, or leave both to msvc")
        })
    });
    networks.collect()
}

/// What an engine gives addresses from.
struct Pool {
    range: Subnet,
    /// How many containers have room in it.
    room: usize,
}

impl Pool {
    fn of(network: &Network) -> Option<Self> {
        let is_plain = driver(Some(network)) == "bridge"
            && network
                .ipam_driver
                .as_deref()
                .is_none_or(|it| it == "default")
            && network
                .options
                .keys()
                .all(|it| !it.contains("gateway_mode"));
        let range_of = |text: &Option<String>| text.as_ref()?.parse::<Subnet>().ok();
        let of_v4 = |asked: &&Asked| {
            range_of(&asked.subnet)
                .or(range_of(&asked.ip_range))
                .is_some()
        };
        let mut asked = network.subnets.iter().filter(of_v4);
        let (asked, None) = (asked.next().filter(|_| is_plain)?, asked.next()) else {
            return None;
        };
        let subnet = range_of(&asked.subnet);
        let whole = || subnet.filter(|it| !it.is_large_enough() && it.prefix() <= LONGEST_WHOLE);
        let range = range_of(&asked.ip_range).or_else(whole)?;
        let mut kept: Vec<Ipv4Addr> = subnet.iter().flat_map(|it| [it.at(0), it.last()]).collect();
        let addresses = asked.gateway.iter().chain(asked.reserved.values());
        kept.extend(addresses.filter_map(|it| it.parse::<Ipv4Addr>().ok()));
        kept.sort_unstable();
        kept.dedup();
        kept.retain(|it| range.contains(*it));
        // A gateway that nobody names is the first to be given an address; some engines give none to
        // a network without a way out.
        let gateway = usize::from(asked.gateway.is_none() && !network.internal);
        let room = range.count().saturating_sub(kept.len() + gateway);
        Some(Self { range, room })
    }
}

/// Who stands on a network.
struct Asking {
    /// So many containers are given any address.
    any: usize,
    /// So many name one of the range.
    fixed: usize,
}

impl Asking {
    fn of(key: &str, services: &[&Service], range: Subnet) -> Self {
        let mut asking = Self { any: 0, fixed: 0 };
        let on = services.iter().filter(|service| {
            !service.other_fields.contains_key("network_mode")
                && keys(service).iter().any(|it| it == key)
        });
        for service in on {
            let networks = service.other_fields.get("networks").map(|it| &it.value);
            let asked = networks.and_then(|it| it.get(key)?.get("ipv4_address"));
            let own = asked.and_then(Value::as_str).and_then(|it| it.parse().ok());
            match own {
                Some(address) => asking.fixed += usize::from(range.contains(address)),
                None => asking.any += usize::try_from(service.replicas).unwrap_or(usize::MAX),
            }
        }
        asking
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::want::tests::{options, system};

    fn told(config: &str, service: &str) -> Option<String> {
        let system = system(&format!(
            "services:\n  web: {{image: x, {service}}}\nnetworks:\n  n:\n    ipam: {{config: [{{{config}}}]}}\n"
        ));
        let options = options();
        let services: Vec<&Service> = system.services.values().collect();
        let names = Names::of(&system, &options);
        let told = too_small(&names, &services).into_iter().next()?;
        assert_eq!(told.place.map(|it| it.line), Some(5));
        Some(told.what)
    }

    #[test]
    fn a_range_with_fewer_addresses_than_containers_is_told_at_its_line() {
        let on = "networks: [n]";
        for (config, service, told_as) in [
            (
                "subnet: 10.1.1.0/24, ip_range: 10.1.1.7/32",
                on,
                Some(
                    "10.1.1.7/32 alone: beside its gateway there is room for no container, and one container",
                ),
            ),
            (
                "subnet: 10.1.1.0/24, ip_range: 10.1.1.7/32, gateway: 10.1.1.1",
                on,
                None,
            ),
            (
                "subnet: 10.1.1.0/24, ip_range: 10.1.1.7/32, gateway: 10.1.1.7",
                on,
                Some("no container"),
            ),
            (
                "subnet: 10.1.1.0/24, ip_range: 10.1.1.0/31, gateway: 10.1.1.1",
                on,
                Some("no container"),
            ),
            ("subnet: 10.1.1.0/24, ip_range: 10.1.1.8/31", on, None),
            (
                "subnet: 10.1.1.0/24, ip_range: 10.1.1.8/31",
                "networks: [n], scale: 3",
                Some("room for one container, and 3 containers"),
            ),
            (
                "subnet: 10.1.1.0/24, ip_range: 10.1.1.7/32",
                "networks: {n: {ipv4_address: 10.1.1.9}}",
                None,
            ),
            ("subnet: 10.1.1.4/30", "networks: [n]", None),
            (
                "subnet: 10.1.1.4/30",
                "networks: [n], scale: 2",
                Some("room for one container"),
            ),
            ("subnet: 10.1.1.4/31", "networks: [n]", None),
            (
                "subnet: 10.1.1.0/24, ip_range: 10.1.1.7/32",
                "networks: []",
                None,
            ),
        ] {
            let found = told(config, service);
            match told_as {
                None => assert_eq!(found, None, "{config} {service}"),
                Some(words) => {
                    assert!(
                        found.as_ref().is_some_and(|it| it.contains(words)),
                        "{found:?}"
                    );
                }
            }
        }
    }
}
