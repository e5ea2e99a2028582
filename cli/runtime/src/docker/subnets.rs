//! The range of each network that is made: what the file says, what it has already, or one that
//! neither the engine's other networks nor the host's routes have.
//!
//! Chosen are ranges of 4096 addresses in 10.192.0.0/11, by a hash of the network's name: the same
//! each time, moved on where something is there. A network on which more is called than finds room in
//! that has a larger one.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use bollard::query_parameters::ListNetworksOptionsBuilder;
use msvc_system::model::{Network, Service, Subnet as IpRanges, System};

use super::engine::{Engine, EngineError};
use super::want::addresses::Subnet;
use super::want::{Names, least, networks};
use crate::contract::RuntimeError;
use crate::lane::LaneOptions;

/// Of how many bits all of them are together, and one of them.
const WHOLE: u8 = 11;
const PREFIX: u8 = 20;

/// How many ranges of so many bits there are to choose from.
fn ranges(prefix: u8) -> u32 {
    1 << (prefix - WHOLE)
}

fn range(number: u32, prefix: u8) -> Option<Subnet> {
    let base = u32::from(Ipv4Addr::new(10, 192, 0, 0));
    let address = base + ((number % ranges(prefix)) << (32 - prefix));
    Subnet::new(Ipv4Addr::from(address), prefix)
}

/// The ranges of a lane's networks whose edges can be carried, by their name in the engine. Those
/// that were `tried` are chosen no more: whoever has them need not be listed yet.
pub(super) async fn of_lane(
    engine: &Engine,
    system: &System,
    options: &LaneOptions,
    tried: &[Subnet],
) -> Result<BTreeMap<String, Subnet>, RuntimeError> {
    let there = there(engine).await?;
    let names = Names::of(system, options);
    let services: Vec<&Service> = system.services.values().collect();
    let least = least(&names);
    let mut taken: Vec<Subnet> = host_routes();
    taken.extend(there.values().flatten().chain(tried));
    let mut all = BTreeMap::new();
    for (key, name) in networks::own(&names, &services) {
        let declared = system.networks.get(&key);
        let driver = declared
            .and_then(|it| it.driver.as_deref())
            .unwrap_or("bridge");
        if driver != "bridge" {
            continue;
        }
        let ranges: Vec<&IpRanges> = declared.into_iter().flat_map(of_ipv4).collect();
        let written: Vec<Subnet> = ranges
            .iter()
            .filter_map(|it| it.subnet.as_ref()?.parse().ok())
            .collect();
        let has_range = ranges.iter().any(|it| it.ip_range.is_some());
        let is_named = !ranges.is_empty();
        let subnet = match (written.first(), there.get(&name).and_then(|it| it.first())) {
            (Some(written), _) => Some(*written),
            (None, _) if is_named => None,
            (None, Some(there)) => Some(*there),
            (None, None) => {
                let needed = least.get(&name).copied().unwrap_or_default();
                Some(free(&name, needed, &taken)?)
            }
        };
        // A range of the file's own may be anywhere in the network: the engine gives from it.
        if let Some(subnet) = subnet.filter(|it| it.is_large_enough() && !has_range) {
            taken.push(subnet);
            all.insert(name, subnet);
        }
    }
    Ok(all)
}

/// The ranges of IPv4 that the file gives a network. Beside those of IPv6 alone the engine chooses
/// one of IPv4, and so may we.
pub(super) fn of_ipv4(network: &Network) -> impl Iterator<Item = &IpRanges> {
    let is_v6 = |it: &&IpRanges| it.subnet.as_deref().is_some_and(networks::is_ipv6);
    network.subnets.iter().filter(move |it| !is_v6(it))
}

fn free(name: &str, needed: usize, taken: &[Subnet]) -> Result<Subnet, RuntimeError> {
    let prefix = Subnet::prefix_for(needed, PREFIX, WHOLE);
    let ranges = ranges(prefix);
    let start = u32::try_from(msvc_machine::draw::bits(0, &[name]) % u64::from(ranges));
    let start = start.unwrap_or_default();
    (0..ranges)
        .filter_map(|step| range(start + step, prefix))
        .find(|range| !taken.iter().any(|it| it.overlaps(*range)))
        .ok_or_else(|| {
            RuntimeError::Refused(format!(
                "no range of 10.192.0.0/11 (of {prefix} bits) is free for network {name}: the engine's networks and \
                 the host's routes have all of it; name one in the file (`ipam.config.subnet`)"
            ))
        })
}

/// The ranges of the engine's networks.
async fn there(engine: &Engine) -> Result<BTreeMap<String, Vec<Subnet>>, EngineError> {
    let options = ListNetworksOptionsBuilder::default().build();
    let found = engine.docker.list_networks(Some(options));
    let found = engine.ask("listing networks", found).await?;
    let subnets = |ipam: bollard::models::Ipam| {
        let configs = ipam.config.unwrap_or_default();
        let subnets = configs
            .iter()
            .filter_map(|it| it.subnet.as_ref()?.parse().ok());
        subnets.collect()
    };
    Ok(found
        .into_iter()
        .filter_map(|network| Some((network.name?, subnets(network.ipam.unwrap_or_default()))))
        .collect())
}

/// The host's IPv4 routes, but for the one to everywhere.
fn host_routes() -> Vec<Subnet> {
    let text = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    text.lines().skip(1).filter_map(route).collect()
}

fn route(line: &str) -> Option<Subnet> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| {
        let hex = u32::from_str_radix(columns.get(at)?, 16).ok()?;
        Some(u32::from_be(hex.to_be().swap_bytes()))
    };
    let (target, mask) = (number(1)?, number(7)?);
    let prefix = u8::try_from(mask.leading_ones()).ok()?;
    (prefix > 0)
        .then(|| Subnet::new(Ipv4Addr::from(target), prefix))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_the_same_each_time_and_moves_off_what_is_taken() {
        let first = free("shop_default", 3_072, &[]).unwrap();
        assert!(first.to_string().ends_with("/20"));
        assert_eq!(free("shop_default", 0, &[]).unwrap(), first);
        let second = free("shop_default", 0, &[first]).unwrap();
        assert!(!second.overlaps(first));
        let all = ["10.0.0.0/8".parse().unwrap()];
        assert!(free("shop_default", 0, &all).is_err());
    }

    #[test]
    fn a_range_is_as_large_as_what_needs_room_in_it() {
        for (needed, length) in [(3_073, "/19"), (40_003, "/16"), (usize::MAX, "/11")] {
            let range = free("shop_default", needed, &[]).unwrap();
            assert!(range.to_string().ends_with(length), "{needed}: {range}");
            let far: Subnet = "10.0.0.0/9".parse().unwrap();
            assert!(!range.overlaps(far), "{range}");
        }
    }

    #[test]
    fn routes_are_read_in_the_hosts_byte_order() {
        let line = "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0";
        assert_eq!(route(line).unwrap().to_string(), "172.17.0.0/16");
        let default = "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0";
        assert_eq!(route(default), None);
    }
}
