//! Addresses of the host at which ports are published, and which it has to have: told before anything
//! is made, where this host is the engine's.
//!
//! What must not enter: ports, and who has one (`published`).

use std::net::{IpAddr, SocketAddr, UdpSocket};

use bollard::query_parameters::ListNetworksOptionsBuilder;
use msvc_system::model::Service;
use msvc_system::problem::Problem;

use super::engine::{Engine, EngineError};

/// The first address at which one of `services` publishes and which this machine does not have.
///
/// # Errors
/// When the engine does not answer.
pub(super) async fn lacking<'a>(
    engine: &Engine,
    services: impl Iterator<Item = &'a Service>,
) -> Result<Option<Problem>, EngineError> {
    let mut lacking = services.filter_map(lacked);
    match lacking.next() {
        Some(problem) if engine.is_local().await? && is_beside(engine).await? => Ok(Some(problem)),
        _ => Ok(None),
    }
}

fn lacked(service: &Service) -> Option<Problem> {
    let mut ports = service.ports.iter();
    ports.find_map(|port| {
        let ip: IpAddr = port.host_ip.as_deref()?.parse().ok()?;
        if has(ip) {
            return None;
        }
        let what = format!(
            "{}: a port is published at {ip}, which is no address of this machine",
            service.name
        );
        let problem = Problem::error(what).at(port.place.clone());
        Some(problem.hint("`ip address` shows those that it has; without one it is all of them"))
    })
}

/// Whether this machine has an address, where this process stands.
fn has(ip: IpAddr) -> bool {
    // What is of one link alone needs to be told which.
    let is_of_a_link = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    is_of_a_link || !is_refused(ip)
}

/// Whether the kernel says that nobody here has an address.
fn is_refused(ip: IpAddr) -> bool {
    let bound = UdpSocket::bind(SocketAddr::new(ip, 0));
    bound.is_err_and(|why| why.kind() == std::io::ErrorKind::AddrNotAvailable)
}

/// Whether this process stands where the engine does, as the addresses of the engine's own bridges
/// tell: in a container that has the engine's socket the machine's own are not seen.
async fn is_beside(engine: &Engine) -> Result<bool, EngineError> {
    let options = ListNetworksOptionsBuilder::default().build();
    let found = engine.docker.list_networks(Some(options));
    let found = engine.ask("listing networks", found).await?;
    let bridges = found
        .into_iter()
        .filter(|it| it.driver.as_deref() == Some("bridge"));
    let configs = bridges.filter_map(|it| it.ipam?.config).flatten();
    let mut gateways = configs.filter_map(|it| it.gateway?.parse::<IpAddr>().ok());
    Ok(gateways.any(|ip| UdpSocket::bind(SocketAddr::new(ip, 0)).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::want::tests::system;

    #[test]
    fn an_address_that_nobody_here_has_is_told_at_its_port() {
        let told = |ports: &str| {
            let text = format!("services:\n  web: {{image: x, ports: [{ports}]}}\n");
            lacked(system(&text).service("web").unwrap()).map(|it| it.to_string())
        };
        for ports in [
            "80",
            "'80:80'",
            "'127.0.0.1:80:80'",
            "'0.0.0.0:80:80'",
            "'[fe80::1]:80:80'",
        ] {
            assert_eq!(told(ports), None, "{ports}");
        }
        let said = told("'8080:80', '203.0.113.7:80:80'").unwrap();
        assert!(said.contains("compose.yaml:2:"), "{said}");
        let what = "web: a port is published at 203.0.113.7, which is no address of this machine";
        assert!(said.contains(what), "{said}");
    }
}
