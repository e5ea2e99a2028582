//! Networks without room for an address for every pair.

use super::{mesh, want};
use crate::instance::Program;

/// A file of `last` services that each depend on the next one, and of that one.
fn chain(last: usize) -> String {
    let service = |n: usize| {
        let next = n + 1;
        format!("  s{n}: {{image: x, expose: [80], depends_on: [s{next}]}}\n")
    };
    let services: String = (0..last).map(service).collect();
    format!("services:\n{services}  s{last}: {{image: x, expose: [80]}}\n")
}

#[test]
fn where_a_network_has_no_room_for_all_pairs_the_declared_have_it_and_the_rest_is_told() {
    let text = chain(20);
    // 48 addresses: 21 containers, the mesh, the gateway and the network's own leave 24 for edges.
    let mesh = mesh("shop_default", "10.9.0.0/26");
    let wanted = want(&text, Some(&mesh)).unwrap();
    let is_declared = |edge: &&msvc_mesh::spec::EdgeSpec| !edge.reasons.is_empty();
    assert_eq!(wanted.edges.iter().filter(is_declared).count(), 20);
    assert_eq!(wanted.edges.len(), 24);
    for instance in &wanted.instances {
        let Program::Container(program) = &instance.program else {
            panic!("a container");
        };
        let place = &program.create["NetworkingConfig"]["EndpointsConfig"]["shop_default"];
        assert!(place["IPAMConfig"]["IPv4Address"].is_string(), "{place}");
    }
    let told: Vec<String> = wanted.warnings.iter().map(|it| it.what.clone()).collect();
    let expected = "some of the calls on network shop_default that no file names: it has no room for an \
                    address for every pair of its 21 services";
    assert!(told.iter().any(|it| it.contains(expected)), "{told:?}");
}

#[test]
fn declared_calls_that_find_no_room_are_told_and_containers_keep_their_addresses() {
    let text = chain(40);
    let wanted = want(&text, Some(&mesh("shop_default", "10.9.0.0/26"))).unwrap();
    assert_eq!(wanted.edges.len(), 4);
    let told: Vec<String> = wanted.warnings.iter().map(|it| it.what.clone()).collect();
    let expected = "36 of the calls on network shop_default that the files name";
    assert!(told.iter().any(|it| it.contains(expected)), "{told:?}");
}
