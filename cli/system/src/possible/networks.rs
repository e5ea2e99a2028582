//! Networks whose ranges cannot be, and addresses that nobody can have on theirs.

use std::collections::HashMap;
use std::net::IpAddr;

use super::range::Range;
use super::wrong;
use crate::forms::scalar_text;
use crate::problem::{Place, Problems};
use crate::yaml::{Key, Node, shorten};

/// The drivers that find their ranges by the engine's own book, where none may overlap.
const LOCAL: [&str; 4] = ["", "bridge", "macvlan", "ipvlan"];

/// One network's ranges, and where the first of each stands.
struct Network<'a> {
    key: &'a str,
    /// The name in the engine, where the file gives one.
    name: Option<&'a str>,
    ranges: Vec<(Range, &'a Place)>,
    /// Addresses that its gateways have.
    gateways: Vec<IpAddr>,
    /// Addresses that the file keeps free.
    kept: Vec<IpAddr>,
    /// Whether one of its ranges could not be read, or somebody else gives them.
    unknown: bool,
    local: bool,
    /// Whether it has IPv6: the engine leaves such ranges aside where it is not asked for.
    has_v6: bool,
}

/// Checks the networks that somebody is on, and who has which address.
pub(super) fn check(tree: &Node, services: &[&(Key, Node)], problems: &mut Problems) {
    let mut networks: Vec<Network<'_>> = Vec::new();
    for (key, node) in tree.entries_of("networks") {
        if is_used(services, &key.text) && !is_external(node) {
            networks.push(network(key, node, problems));
        }
    }
    overlaps(&networks, problems);
    let declared: HashMap<&str, &Network<'_>> = networks.iter().map(|it| (it.key, it)).collect();
    let mut taken: HashMap<(&str, IpAddr), &str> = HashMap::new();
    for (service, node) in services.iter().map(|entry| (&entry.0, &entry.1)) {
        for (key, asked) in node.entries_of("networks") {
            link_local(asked, problems);
            for (field, is_v6) in [("ipv4_address", false), ("ipv6_address", true)] {
                let Some(value) = asked.get(field) else {
                    continue;
                };
                let text = scalar_text(value).filter(|text| !text.is_empty());
                let Some(text) = text.filter(|_| !value.is_null()) else {
                    continue;
                };
                let Some(address) = parsed(&text, is_v6) else {
                    let what = format!("`{field}` is `{}`, which is no address", shorten(&text));
                    let like = if is_v6 { "fd00:1::7" } else { "10.1.2.7" };
                    wrong(
                        problems,
                        what,
                        &value.place,
                        format!("write one like {like}"),
                    );
                    continue;
                };
                let is_external = tree
                    .get("networks")
                    .and_then(|all| all.get(&key.text))
                    .is_some_and(is_external);
                if !is_external {
                    on(
                        &key.text,
                        declared.get(key.text.as_str()).copied(),
                        field,
                        address,
                        value,
                        problems,
                    );
                }
                alone(service, node, address, value, problems);
                if let Some(other) = taken.insert((&key.text, address), &service.text) {
                    let what = format!(
                        "the services `{}` and `{}` have the same address on the network `{}`, \
                         {address}",
                        shorten(other),
                        shorten(&service.text),
                        shorten(&key.text)
                    );
                    wrong(problems, what, &value.place, "give one of them another");
                }
            }
        }
    }
}

/// A service without networks is on `default`, unless it has no network of its own.
fn is_used(services: &[&(Key, Node)], network: &str) -> bool {
    services.iter().any(|(_, service)| {
        let on = service.entries_of("networks");
        let mode = service.get("network_mode").and_then(Node::as_str);
        match on {
            [] => network == "default" && mode.is_none_or(str::is_empty),
            on => on.iter().any(|(key, _)| key.text == network),
        }
    })
}

fn is_external(network: &Node) -> bool {
    let external = network.get("external").filter(|it| !it.is_null());
    external.is_some_and(|it| it.as_map().is_some() || it.as_bool().unwrap_or_default())
}

fn network<'a>(key: &'a Key, node: &'a Node, problems: &mut Problems) -> Network<'a> {
    let text = |pointer: &str| node.at(pointer).and_then(Node::as_str).unwrap_or_default();
    let mut found = Network {
        key: &key.text,
        name: node.get("name").and_then(Node::as_str),
        ranges: Vec::new(),
        gateways: Vec::new(),
        kept: Vec::new(),
        unknown: !matches!(text("/ipam/driver"), "" | "default"),
        local: LOCAL.contains(&text("/driver")),
        has_v6: node.get("enable_ipv6").and_then(Node::as_bool) == Some(true),
    };
    let is_bridge = matches!(text("/driver"), "" | "bridge");
    // A bridge has an address of its own, unless it is asked for none.
    let options = node.entries_of("driver_opts");
    let gives_gateway = is_bridge && !options.iter().any(|it| it.0.text.contains("gateway_mode"));
    let configs = node.at("/ipam/config").map(Node::items).unwrap_or_default();
    for config in configs {
        let asked = |field: &str| {
            let value = config.get(field).filter(|it| !it.is_null())?;
            Some((scalar_text(value).filter(|text| !text.is_empty())?, value))
        };
        let subnet = asked("subnet").and_then(|(text, value)| {
            let range = range(&text, "subnet", value, problems);
            found.unknown |= range.is_none();
            found
                .ranges
                .extend(range.map(|range| (range, &value.place)));
            range
        });
        let has_none = asked("subnet").is_none() && !found.unknown;
        if let Some((text, value)) = asked("ip_range")
            && let Some(part) = range(&text, "ip_range", value, problems)
        {
            // An engine of today takes a wider one whose first address, as written, is in it.
            let first = text.split_once('/').and_then(|(it, _)| it.parse().ok());
            let begins = |subnet: Range| first.is_some_and(|it| subnet.contains(it));
            let fits = subnet.is_none_or(|subnet| subnet.holds(part) || begins(subnet));
            inside(
                "ip_range",
                &part.to_string(),
                (fits, has_none),
                subnet,
                value,
                problems,
            );
        }
        let aux = config.get("aux_addresses").map(Node::entries);
        let aux = aux
            .unwrap_or_default()
            .iter()
            .filter_map(|(_, value)| Some(("aux_addresses", scalar_text(value)?, value)));
        let gateway = asked("gateway").map(|(text, value)| ("gateway", text, value));
        let has_gateway = gateway.is_some();
        for (field, text, value) in gateway.into_iter().chain(aux) {
            let Ok(address) = text.parse::<IpAddr>() else {
                let what = format!("`{field}` has `{}`, which is no address", shorten(&text));
                wrong(problems, what, &value.place, "write one of the `subnet`");
                continue;
            };
            let counts = |subnet: &Range| found.has_v6 || !subnet.is_v6();
            let subnet_there = subnet.filter(counts);
            let fits = subnet_there.is_none_or(|subnet| subnet.contains(address));
            inside(
                field,
                &address.to_string(),
                (fits, has_none),
                subnet,
                value,
                problems,
            );
            if field != "gateway" {
                found.kept.push(address);
                continue;
            }
            found.gateways.push(address);
            if let Some(subnet) = subnet.filter(|it| address.is_ipv4() && it.keeps(address)) {
                let what = format!(
                    "{address} is the network itself, or all of it: no gateway can have it"
                );
                let hint = format!("choose another within {subnet}");
                wrong(problems, what, &value.place, hint);
            }
        }
        if !has_gateway && asked("ip_range").is_none() && gives_gateway {
            let first = subnet.filter(|it| found.has_v6 || !it.is_v6());
            found.gateways.extend(first.map(Range::second));
        }
    }
    if is_bridge {
        one_range(&found, problems);
    }
    found
}

/// A bridge has one range of IPv4.
fn one_range(network: &Network<'_>, problems: &mut Problems) {
    let mut of_v4 = network.ranges.iter().filter(|(range, _)| !range.is_v6());
    if let (Some((first, _)), Some((second, place))) = (of_v4.next(), of_v4.next())
        && !first.overlaps(*second)
    {
        let what = format!(
            "the network `{}` has two ranges of IPv4, {first} and {second}, and a bridge has one",
            shorten(network.key)
        );
        wrong(problems, what, place, "keep one of them");
    }
}

fn range(text: &str, field: &str, value: &Node, problems: &mut Problems) -> Option<Range> {
    let range = Range::parse(text);
    if range.is_none() {
        let what = format!(
            "`{field}` is `{}`, which is no range of addresses",
            shorten(text)
        );
        wrong(problems, what, &value.place, "write one like 10.1.2.0/24");
    }
    range
}

/// What is a part of the subnet must lie in it, and there must be one.
fn inside(
    field: &str,
    it: &str,
    (fits, has_none): (bool, bool),
    subnet: Option<Range>,
    value: &Node,
    problems: &mut Problems,
) {
    if has_none {
        let what = format!("`{field}` needs a `subnet` that {it} is in");
        wrong(problems, what, &value.place, "write the `subnet` beside it");
    } else if let (false, Some(subnet)) = (fits, subnet) {
        let what = format!("`{field}` has {it}, which is not in the `subnet` {subnet}");
        wrong(
            problems,
            what,
            &value.place,
            format!("choose it within {subnet}"),
        );
    }
}

/// No two networks have an address in common, nor two ranges of one.
fn overlaps(networks: &[Network<'_>], problems: &mut Problems) {
    /// More ranges are no system of one machine; each pair is looked at.
    const MOST: usize = 1_000;
    let local = networks.iter().filter(|it| it.local && !it.unknown);
    let all: Vec<(&Network<'_>, Range, &Place)> = local
        .flat_map(|network| {
            network
                .ranges
                .iter()
                .filter(|(it, _)| network.has_v6 || !it.is_v6())
                .map(move |(it, at)| (network, *it, *at))
        })
        .take(MOST)
        .collect();
    for (at, (network, range, place)) in all.iter().enumerate() {
        let mut before = all.iter().take(at);
        let same = |other: &Network<'_>| other.name.is_some() && other.name == network.name;
        let met = before.find(|(other, it, _)| {
            it.overlaps(*range) && (other.key == network.key || !same(other))
        });
        if let Some((other, theirs, _)) = met {
            let what = format!(
                "the networks `{}` and `{}` have addresses in common: {theirs} and {range}",
                shorten(other.key),
                shorten(network.key)
            );
            wrong(problems, what, place, "give one of them another `subnet`");
        }
    }
}

fn parsed(text: &str, is_v6: bool) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    // IPv4 may be written as IPv6 has it.
    let address = address.to_canonical();
    (address.is_ipv6() == is_v6).then_some(address)
}

/// An address on a network of the file's own.
fn on(
    key: &str,
    network: Option<&Network<'_>>,
    field: &str,
    address: IpAddr,
    value: &Node,
    problems: &mut Problems,
) {
    if network.is_some_and(|network| network.unknown) {
        return;
    }
    let key = shorten(key);
    let ranges = network.map(|it| it.ranges.as_slice()).unwrap_or_default();
    let mut ranges = ranges.iter().map(|(range, _)| *range);
    let of_family = |range: &Range| range.is_v6() == address.is_ipv6();
    let Some(some) = ranges.clone().find(of_family) else {
        let what = format!(
            "`{field}` asks for {address} on the network `{key}`, whose `subnet` the file does not say"
        );
        let hint =
            format!("write it: `networks: {{{key}: {{ipam: {{config: [{{subnet: …}}]}}}}}}`");
        return wrong(problems, what, &value.place, hint);
    };
    match ranges.find(|range| range.contains(address)) {
        None => {
            let what = format!("{address} is not in the network `{key}`, which has {some}");
            wrong(
                problems,
                what,
                &value.place,
                format!("choose one within {some}"),
            );
        }
        Some(range) if range.keeps(address) => {
            let what = format!(
                "{address} is the network `{key}` itself, or all of it: nobody can have it"
            );
            wrong(
                problems,
                what,
                &value.place,
                format!("choose another within {range}"),
            );
        }
        Some(range) if network.is_some_and(|it| it.gateways.contains(&address)) => {
            let what = format!("{address} is the gateway of the network `{key}`");
            wrong(
                problems,
                what,
                &value.place,
                format!("choose another within {range}"),
            );
        }
        Some(range) if network.is_some_and(|it| it.kept.contains(&address)) => {
            let what = format!("`aux_addresses` of the network `{key}` keep {address} free");
            let hint = format!("choose another within {range}, or take it out there");
            wrong(problems, what, &value.place, hint);
        }
        Some(_) => {}
    }
}

/// Addresses beside the one of the network, which have to be some.
fn link_local(asked: &Node, problems: &mut Problems) {
    let all = asked.get("link_local_ips").map(Node::items);
    for value in all.unwrap_or_default() {
        let text = scalar_text(value).filter(|text| !text.is_empty());
        if let Some(text) = text.filter(|text| text.parse::<IpAddr>().is_err()) {
            let what = format!(
                "`link_local_ips` has `{}`, which is no address",
                shorten(&text)
            );
            wrong(problems, what, &value.place, "write one like 169.254.7.7");
        }
    }
}

/// Replicas cannot share one.
fn alone(service: &Key, node: &Node, address: IpAddr, value: &Node, problems: &mut Problems) {
    let replicas = node.get("scale").or_else(|| node.at("/deploy/replicas"));
    if let Some(number) = replicas.and_then(Node::as_i64).filter(|number| *number > 1) {
        let what = format!(
            "{number} replicas of `{}` cannot all have {address}",
            shorten(&service.text)
        );
        wrong(problems, what, &value.place, "take it out, or let one run");
    }
}
