//! What a service is called and whom it reaches.

use super::{
    FOR_A_SWARM, Row, YES, is_tcp, nothing, of_a_service, partly, refused, row, since, told, yes,
};

pub(super) const ROWS: &[Row] = &[
    row("dns", YES, refused("it asks this machine's resolver")),
    row("dns_opt", YES, refused("it asks this machine's resolver")),
    row(
        "dns_search",
        YES,
        refused("it asks this machine's resolver"),
    ),
    row("domainname", YES, told("it sees this machine's")),
    row("expose", YES, YES),
    row(
        "external_links",
        refused("join its network: `networks`, `external: true`"),
        refused("name its address in a setting"),
    ),
    row(
        "extra_hosts",
        YES,
        refused("it reads this machine's /etc/hosts: put the address into the setting"),
    ),
    row(
        "hostname",
        YES,
        told("it sees this machine's, settings may still name it so"),
    ),
    row("links", YES, YES),
    row(
        "mac_address",
        YES,
        refused("its address is that of its edges"),
    ),
    row(
        "network_mode",
        YES,
        partly(
            "`service:SERVICE` is honoured: `localhost` in settings is the other's too, both have one name and its edges; an address in code is not",
            of_a_service,
        ),
    ),
    row("networks.aliases", YES, yes("as names in settings")),
    row("networks.driver_opts", YES, told("edges carry its calls")),
    row(
        "networks.gw_priority",
        since(1, 48, ""),
        told("edges carry its calls"),
    ),
    row(
        "networks.interface_name",
        since(1, 49, ""),
        told("edges carry its calls"),
    ),
    row(
        "networks.ipv4_address",
        YES,
        refused("its address is that of its edges"),
    ),
    row(
        "networks.ipv6_address",
        YES,
        refused("its address is that of its edges"),
    ),
    row(
        "networks.link_local_ips",
        YES,
        refused("its address is that of its edges"),
    ),
    row(
        "networks.mac_address",
        yes("before API 1.44 on the first network alone"),
        refused("its address is that of its edges"),
    ),
    row("networks.priority", YES, told("edges carry its calls")),
    row(
        "ports.app_protocol",
        nothing("the mesh sees for itself; `https` is how msvc calls the port"),
        nothing("the same"),
    ),
    row("ports.host_ip", YES, YES),
    row("ports.mode", FOR_A_SWARM, FOR_A_SWARM),
    row("ports.name", nothing("for people"), nothing("for people")),
    row(
        "ports.protocol",
        YES,
        partly("TCP: host processes' edges carry no UDP yet", is_tcp),
    ),
    row("ports.published", YES, YES),
    row("ports.target", YES, YES),
];
